//! Markdown: headings, each a section that holds those of lower levels. By hand: a heading is a line, and a grammar would
//! read all the rest for nothing.
//!
//! Both forms count, `# Heading` and a line over `===` or `---`. What stands in a fence, in a comment or indented by four
//! blanks is none, and neither is the front matter.

use kotadb_core::facts::{Facts, Flags, Span, Symbol, SymbolKind};

use super::collector::Collector;
use super::parse::Job;
use super::text::to_span;

/// The facts of a text in Markdown.
pub fn extract(job: &Job<'_>) -> Facts {
    let mut outline = Outline { text: job.text.0, facts: Collector::default(), open: Vec::new(), paragraph: None };
    let mut block = Block::None;
    let mut at = 0;
    for (number, line) in outline.text.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let (start, end) = (at, at + line.len());
        at = end;
        if number == 0 && line.trim_ascii_end() == b"---" {
            block = Block::FrontMatter;
        } else if block == Block::None {
            block = outline.line(start, end);
        } else if block.ends(line) {
            block = Block::None;
        }
    }
    outline.close(1, at);
    outline.facts.finish(false)
}

/// What a line may be inside of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    None,
    FrontMatter,
    Comment,
    /// A fence of that sign and length.
    Fence(u8, usize),
}

impl Block {
    /// Whether a line is the last of it.
    fn ends(self, line: &[u8]) -> bool {
        let text = line.trim_ascii();
        match self {
            Self::None => true,
            Self::FrontMatter => text == b"---" || text == b"...",
            Self::Comment => memchr::memmem::find(line, b"-->").is_some(),
            Self::Fence(sign, len) => text.len() >= len && text.iter().all(|&byte| byte == sign),
        }
    }
}

struct Outline<'t> {
    text: &'t [u8],
    facts: Collector,
    /// Sections that are not closed yet, with their levels.
    open: Vec<(usize, Symbol)>,
    /// The line before, where it may be a heading by what follows it.
    paragraph: Option<Span>,
}

impl Outline<'_> {
    /// Sees a line outside of blocks; tells which block it opens.
    fn line(&mut self, start: usize, end: usize) -> Block {
        let line = &self.text[start..end];
        let n_blanks = line.iter().take_while(|&&byte| byte == b' ').count();
        let words = line[n_blanks.min(line.len())..].trim_ascii_end();
        let before = self.paragraph.take();
        if n_blanks > 3 || words.is_empty() || words.starts_with(b"\t") {
            return Block::None;
        }
        let from = start + n_blanks;
        if let Some(fence) = fence(words) {
            return fence;
        }
        if words.starts_with(b"<!--") {
            return if Block::Comment.ends(&words[4..]) { Block::None } else { Block::Comment };
        }
        if let Some((level, heading)) = heading(words) {
            self.section(level, to_span(from + heading.start as usize, from + heading.end as usize), start);
        } else if let (Some(level), Some(before)) = (underline(words), before) {
            self.section(level, before, before.start as usize);
        } else if is_paragraph(words) {
            self.paragraph = Some(to_span(from, from + words.len()));
        }
        Block::None
    }

    fn section(&mut self, level: usize, name: Span, start: usize) {
        self.close(level, start);
        let text = &self.text[name.start as usize..name.end as usize];
        let symbol = Symbol {
            name: String::from_utf8_lossy(text).into(),
            name_span: name,
            signature: name,
            flags: Flags::EXPORTED,
            range: to_span(start, start),
            ..Symbol::new(SymbolKind::Section)
        };
        self.open.push((level, symbol));
    }

    /// Sections of this level and deeper end.
    fn close(&mut self, level: usize, end: usize) {
        while let Some((_, mut symbol)) = self.open.pop_if(|(open, _)| *open >= level) {
            symbol.range.end = (end as u32).max(symbol.name_span.end);
            self.facts.symbol(symbol);
        }
    }
}

/// Three or more backquotes or tildes.
fn fence(words: &[u8]) -> Option<Block> {
    let sign = *words.first().filter(|sign| matches!(sign, b'`' | b'~'))?;
    let len = words.iter().take_while(|&&byte| byte == sign).count();
    let is_code_in_line = sign == b'`' && words[len..].contains(&b'`');
    (len >= 3 && !is_code_in_line).then_some(Block::Fence(sign, len))
}

/// Level and words of `## Heading ##`.
fn heading(words: &[u8]) -> Option<(usize, Span)> {
    let level = words.iter().take_while(|&&byte| byte == b'#').count();
    let rest = &words[level..];
    if !(1..=6).contains(&level) || !rest.first().is_some_and(u8::is_ascii_whitespace) {
        return None;
    }
    let start = level + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let open = rest.trim_ascii();
    let n_closing = open.iter().rev().take_while(|&&byte| byte == b'#').count();
    let kept = &open[..open.len() - n_closing];
    let is_closed = n_closing > 0 && (kept.is_empty() || kept.ends_with(b" "));
    let len = if is_closed { kept.trim_ascii_end().len() } else { open.len() };
    (len > 0).then(|| (level, to_span(start, start + len)))
}

/// Whether a line may be a heading if one of signs follows: no item of a list, no quote, no table, no ruler.
fn is_paragraph(words: &[u8]) -> bool {
    let is_item = matches!(words[0], b'>' | b'-' | b'*' | b'+') && words.get(1).is_none_or(u8::is_ascii_whitespace);
    !is_item && words[0] != b'>' && words[0] != b'|' && underline(words).is_none()
}

/// The level that a line of `=` or `-` gives to the line before.
fn underline(words: &[u8]) -> Option<usize> {
    let sign = words[0];
    let is_line = words.iter().all(|&byte| byte == sign);
    match sign {
        b'=' if is_line => Some(1),
        b'-' if is_line => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::extract::testing::{assert_lines, facts, symbols};

    const TEXT: &str = "---
title: x
# not: one
---
# Guide #
Text
## Set `up`
```sh
# no heading
```
~~~
## no
```
~~~
    # code
### Deep ###
#no
<!-- # no
# no
-->
## Last
Other
=====
A
---
- item
---
text

---
####### seven
> quote
===
";

    #[test]
    fn headings_nest_by_level() {
        assert_lines(
            &symbols("markdown", TEXT),
            "
            5 section Guide [exported]
            7 section Guide.Set `up` [exported]
            16 section Guide.Set `up`.Deep [exported]
            21 section Guide.Last [exported]
            22 section Other [exported]
            24 section Other.A [exported]
            ",
        );
    }

    #[test]
    fn a_section_ends_where_the_next_of_its_level_begins() {
        let found = facts("markdown", "# A\na\n## B\nb\n# C");
        let ranges: Vec<_> = found.symbols.iter().map(|symbol| (symbol.range.start, symbol.range.end)).collect();
        assert_eq!(ranges, [(0, 13), (6, 13), (13, 16)]);
        assert!(facts("markdown", "").symbols.is_empty());
    }
}
