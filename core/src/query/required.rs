//! Lines that hold all the literals that a regex requires, in their exact case: only these are shown to the regex.
//!
//! The literals are searched for in turn, each from the line on that the others have come to. So the rarest sets the pace,
//! wherever in the regex it stands, and nobody has to guess which one that is.

use std::ops::Range;

use memchr::memmem;
use regex_syntax::hir::{Hir, HirKind, Repetition};

use super::finder::line_at;

/// Shortest literal that is searched for, in bytes: shorter ones are in most lines.
const MIN_LITERAL: usize = 3;
/// Most literals that are searched for.
const MAX_LITERALS: usize = 4;

/// Literals of which a line with a match holds all.
#[derive(Clone, Debug, Default)]
pub(super) struct Required(Vec<memmem::Finder<'static>>);

impl Required {
    /// Those of a regex whose matches lie within lines.
    pub(super) fn of(hir: &Hir) -> Self {
        let mut walk = Walk::default();
        walk.visit(hir);
        walk.cut();
        let mut literals = walk.literals;
        literals.retain(|literal| literal.len() >= MIN_LITERAL && !literal.contains(&b'\n'));
        literals.sort_by_key(|literal| std::cmp::Reverse(literal.len()));
        literals.dedup();
        literals.truncate(MAX_LITERALS);
        Self(literals.iter().map(|literal| memmem::Finder::new(literal).into_owned()).collect())
    }

    /// Whether looking for them is worth more than what the regex looks for itself, which is one literal.
    pub(super) fn are_several(&self) -> bool {
        self.0.len() > 1
    }

    /// The first line with all of them, from the line on that begins at `from`.
    pub(super) fn line(&self, content: &[u8], from: usize) -> Option<Range<usize>> {
        let mut line = from..from;
        // How many of them, one after the other, are known to be in the line.
        let mut held = 0;
        while held < self.0.len() {
            for literal in &self.0 {
                let at = line.start + literal.find(content.get(line.start..)?)?;
                if at >= line.end {
                    line = line_at(content, line.start, at);
                    held = 0;
                }
                held += 1;
            }
        }
        Some(line)
    }
}

/// A walk through an expression from left to right.
#[derive(Default)]
struct Walk {
    /// The literal that ends where the walk is.
    literal: Vec<u8>,
    literals: Vec<Vec<u8>>,
}

impl Walk {
    fn visit(&mut self, hir: &Hir) {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => self.literal.extend_from_slice(&literal.0),
            HirKind::Capture(capture) => self.visit(&capture.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.visit(part)),
            HirKind::Repetition(Repetition { min: 1.., sub, .. }) => {
                self.visit(sub);
                self.cut();
            }
            _ => self.cut(),
        }
    }

    /// What follows is not known to be next to what was before.
    fn cut(&mut self) {
        self.literals.push(std::mem::take(&mut self.literal));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn required(pattern: &str) -> Required {
        let hir = regex_syntax::ParserBuilder::new().utf8(false).multi_line(true).build().parse(pattern);
        Required::of(&hir.expect("the pattern is a regex"))
    }

    #[test]
    fn what_every_match_holds_is_required() {
        for (pattern, expected) in [
            (r"static\s+int\s+\w+_probe\(", "_probe( static int"),
            (r"^#define\s+\w+_MAX\b", "#define _MAX"),
            (r"(kmalloc)\(.*GFP_\bATOMIC", "GFP_ATOMIC kmalloc("),
            ("(?:abcd)+efg", "abcd efg"),
            ("(?:abcd)*efg|xyz", ""),
            ("[Aa]bcd.*[Ee]fgh", "bcd fgh"),
            ("(?i)abcd.*efgh", ""),
            ("ab.*cd", ""),
        ] {
            let literals = required(pattern).0;
            let literals: Vec<_> = literals.iter().map(|one| String::from_utf8_lossy(one.needle())).collect();
            assert_eq!(literals.join(" "), expected, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn finds_the_lines_with_all_literals(
            content in "[ab\n]{0,80}",
            literals in prop::collection::vec("[ab]{3}", 1..4),
        ) {
            let required = required(&literals.join(".*"));
            let (mut found, mut from) = (Vec::new(), 0);
            while let Some(line) = required.line(content.as_bytes(), from) {
                from = line.end + 1;
                found.push(&content[line]);
            }
            let holds_all = |line: &&str| literals.iter().all(|literal| line.contains(literal.as_str()));
            prop_assert_eq!(found, content.split('\n').filter(holds_all).collect::<Vec<_>>());
        }
    }
}
