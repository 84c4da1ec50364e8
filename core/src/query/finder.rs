//! Finds lines that match one pattern, with the line semantics of ripgrep (`rg -a -E none`): lines end in `\n`, which is
//! no part of them; a `\r` before it is. What is shown of a line is `lines`' business.

use std::ops::Range;

use grep_matcher::{LineMatchKind, Matcher as _};
use grep_regex::RegexMatcher;
use memchr::memmem;

use super::folded::{FoldedLiteral, FoldedText};
use super::patience::Steps;
use super::required::Required;
use super::spanning::Matches;

/// One pattern, ready to be searched for. Cheap to share between threads; a clone for each thread spares them the
/// contention for the regex's working memory.
#[derive(Clone, Debug)]
pub(super) enum Finder {
    /// The bytes of a literal without a line end.
    Literal(memmem::Finder<'static>),
    /// The same, in either case.
    Folded(FoldedLiteral),
    Regex {
        matcher: RegexMatcher,
        /// Whether it may run over many lines at once: never if it asks for the ends of its text (`\A`, `\z`).
        across: bool,
        steps: Steps,
        /// What its lines hold, where they may be found by that.
        required: Required,
    },
    /// A regex whose matches may go over line ends.
    Spanning { matcher: RegexMatcher, steps: Steps },
}

impl Finder {
    pub(super) fn literal(literal: &[u8]) -> Self {
        debug_assert!(!literal.is_empty() && !literal.contains(&b'\n'), "it is within a line");
        Self::Literal(memmem::Finder::new(literal).into_owned())
    }

    pub(super) fn regex(matcher: RegexMatcher, steps: Steps) -> Self {
        let line_based = matcher.line_terminator().is_some_and(|end| end.as_byte() == b'\n');
        let across = line_based || matcher.non_matching_bytes().is_some_and(|bytes| bytes.contains(b'\n'));
        Self::Regex { matcher, across, steps, required: Required::default() }
    }

    /// The same finder, told what all its lines hold.
    pub(super) fn requiring(mut self, literals: Required) -> Self {
        if let Self::Regex { across: true, required, .. } = &mut self {
            *required = literals;
        }
        self
    }

    /// The matching lines of `content`, without their ends.
    pub(super) fn lines<'f, 'c: 'f>(&'f self, content: &'c [u8]) -> Lines<'f, 'c> {
        let folded = match self {
            Self::Folded(literal) => Some(literal.search(content)),
            _ => None,
        };
        let spanning = match self {
            Self::Spanning { matcher, .. } => Some(Matches::new(matcher, content)),
            _ => None,
        };
        Lines { finder: self, content, from: 0, folded, spanning }
    }

    /// Whether any line of `content` matches.
    pub(super) fn any(&self, content: &[u8]) -> bool {
        match self {
            Self::Literal(literal) => literal.find(content).is_some(),
            _ => self.lines(content).next().is_some(),
        }
    }

    /// Number of matching lines; nothing is kept.
    pub(super) fn count(&self, content: &[u8]) -> u64 {
        let Self::Literal(literal) = self else { return self.lines(content).count() as u64 };
        let (mut count, mut rest) = (0, content);
        while let Some(at) = literal.find(rest) {
            count += 1;
            rest = rest.get(line_end(rest, at) + 1..).unwrap_or_default();
        }
        count
    }

    /// The matches in `line` from its start on, none overlapping another, until `each` says no. Those that go over line
    /// ends are not found in a line alone.
    pub(super) fn find_each(&self, line: &[u8], mut each: impl FnMut(Range<usize>) -> bool) {
        match self {
            Self::Literal(literal) => find_all(each, |from| {
                let start = from + literal.find(line.get(from..)?)?;
                Some(start..start + literal.needle().len())
            }),
            Self::Folded(literal) => {
                let mut folded = literal.search(line);
                find_all(each, |from| literal.find(&mut folded, from));
            }
            Self::Regex { matcher, .. } => {
                let found = matcher.find_iter(line, |found| each(found.start()..found.end()));
                debug_assert!(found.is_ok(), "a regex search cannot fail");
            }
            Self::Spanning { matcher, .. } => drop(Matches::new(matcher, line).find(|found| !each(found.clone()))),
        }
    }
}

/// The matching lines of one text.
pub(super) struct Lines<'f, 'c> {
    finder: &'f Finder,
    content: &'c [u8],
    /// Where the next line begins.
    from: usize,
    folded: Option<FoldedText<'c>>,
    spanning: Option<Matches<'f, 'c>>,
}

impl Iterator for Lines<'_, '_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let Self { content, from, .. } = *self;
        let line = match (self.finder, &mut self.folded) {
            (Finder::Literal(literal), _) => {
                let at = from + literal.find(content.get(from..)?)?;
                Some(line_at(content, from, at))
            }
            (Finder::Folded(literal), Some(folded)) => Some(line_at(content, from, literal.find(folded, from)?.start)),
            (Finder::Spanning { .. }, _) => {
                let found = self.spanning.as_mut()?.find(|found| found.start >= from)?;
                Some(line_at(content, from, found.start))
            }
            (Finder::Folded(_), None) => None,
            (Finder::Regex { matcher, across: true, required, .. }, _) if required.are_several() => {
                line_with(required, matcher, content, from)
            }
            (Finder::Regex { matcher, across: true, .. }, _) => line_across(matcher, content, from),
            (Finder::Regex { matcher, across: false, .. }, _) => {
                all_lines(content, from).find(|line| matcher.is_match(&content[line.clone()]).unwrap_or(false))
            }
        }?;
        self.from = line.end + 1;
        Some(line)
    }
}

/// Matches that are not empty, each from where the last one ends.
fn find_all(mut each: impl FnMut(Range<usize>) -> bool, mut find: impl FnMut(usize) -> Option<Range<usize>>) {
    let mut from = 0;
    while let Some(found) = find(from) {
        from = found.end;
        if !each(found) {
            return;
        }
    }
}

fn line_with(required: &Required, matcher: &RegexMatcher, content: &[u8], from: usize) -> Option<Range<usize>> {
    let mut from = from;
    loop {
        let line = required.line(content, from)?;
        if matcher.is_match(&content[line.clone()]).unwrap_or(false) {
            return Some(line);
        }
        from = line.end + 1;
    }
}

/// As grep-searcher does it: the regex, or literals that it requires, run over all that is left, and only a line with
/// such a literal is looked at by itself.
fn line_across(matcher: &RegexMatcher, content: &[u8], from: usize) -> Option<Range<usize>> {
    let mut from = from;
    while from < content.len() {
        let (at, confirmed) = match matcher.find_candidate_line(&content[from..]).ok().flatten()? {
            LineMatchKind::Confirmed(at) => (from + at, true),
            LineMatchKind::Candidate(at) => (from + at, false),
        };
        let line = line_at(content, from, at);
        if line.start == content.len() {
            // Behind the last line end no line begins.
            return None;
        }
        if confirmed || matcher.is_match(&content[line.clone()]).unwrap_or(false) {
            return Some(line);
        }
        from = line.end + 1;
    }
    None
}

/// The line that holds the byte at `at`, where a line begins at `from` before it.
pub(super) fn line_at(content: &[u8], from: usize, at: usize) -> Range<usize> {
    let start = memchr::memrchr(b'\n', &content[from..at]).map_or(from, |end| from + end + 1);
    start..line_end(content, at)
}

fn line_end(content: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &content[at..]).map_or(content.len(), |len| at + len)
}

/// All lines that begin at or after `from`, the start of a line.
fn all_lines(content: &[u8], from: usize) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = from;
    std::iter::from_fn(move || {
        let line = (start < content.len()).then(|| start..line_end(content, start))?;
        start = line.end + 1;
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};
    use proptest::prelude::*;

    use super::super::compile::{self, Text};
    use super::super::tree::TextPattern;
    use super::*;

    /// The twin: ripgrep's own searcher, which knows nothing of our short cuts.
    fn searched(matcher: &RegexMatcher, content: &[u8]) -> Vec<Range<usize>> {
        struct Lines(Vec<Range<usize>>);

        impl Sink for Lines {
            type Error = std::io::Error;

            fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> Result<bool, Self::Error> {
                let line = found.bytes().strip_suffix(b"\n").unwrap_or(found.bytes());
                let start = usize::try_from(found.absolute_byte_offset()).unwrap();
                self.0.push(start..start + line.len());
                Ok(true)
            }
        }

        let mut searcher = SearcherBuilder::new().bom_sniffing(false).binary_detection(BinaryDetection::none()).build();
        let mut lines = Lines(Vec::new());
        searcher.search_slice(matcher, content, &mut lines).unwrap();
        lines.0
    }

    fn check(pattern: &TextPattern, content: &[u8]) {
        let Ok(text) = Text::compile(pattern) else { return };
        let matcher = compile::matcher(pattern).unwrap();
        let expected = searched(&matcher, content);
        let found: Vec<_> = text.pattern.finder.lines(content).collect();
        assert_eq!(found, expected, "{pattern:?} in {content:x?}");
        assert_eq!(text.pattern.finder.count(content), expected.len() as u64);
        assert_eq!(text.pattern.finder.any(content), !expected.is_empty());
        for line in found {
            let line = &content[line];
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            text.pattern.finder.find_each(line, |found| {
                ours.push(found);
                true
            });
            let all = matcher.find_iter(line, |found| {
                theirs.push(found.start()..found.end());
                true
            });
            all.unwrap();
            assert_eq!(ours, theirs, "{pattern:?} in {line:x?}");
        }
    }

    fn pattern() -> impl Strategy<Value = TextPattern> {
        let literal = "[aAkK .\u{212A}é]{1,4}".prop_map(|text| regex_syntax::escape(&text));
        let special = [
            "",
            "^",
            "$",
            "^$",
            r"\r",
            r"\r$",
            r"\b",
            r"\B",
            "a*",
            "k?",
            "[^a]",
            r"\s",
            ".",
            ".*",
            r"\Aa",
            r"k\z",
            "(?-m:^)a",
            r"(?-u:\xFF)",
            r"(?-u:\xC3)",
            "a|k ",
            r"\w+ a",
            "a.*k",
            r"[a-z]+ k\.",
            "(?-u:[^a])",
            "(?i)ka",
            "(?-i)aK",
            r"a\x{212A}",
            r"aka\w* ?kak",
        ];
        let regex = prop::sample::select(special.to_vec()).prop_map(str::to_owned);
        let pattern =
            prop_oneof![3 => literal.clone(), 3 => regex.clone(), 1 => (literal, regex).prop_map(|(a, b)| a + &b)];
        (pattern, any::<bool>()).prop_map(|(pattern, case_insensitive)| TextPattern {
            pattern,
            case_insensitive,
            multiline: false,
        })
    }

    fn content() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            &b"a"[..],
            b"A",
            b"aa",
            b"k",
            b"K",
            b"\xE2\x84\xAA",
            "é".as_bytes(),
            b"\xC3",
            b"\xFF",
            b" ",
            b".",
            b"\r",
            b"\0",
        ]);
        let end = prop::sample::select(vec![&b"\n"[..], b"\r\n", b"\n\n", b"\n"]);
        let line = (prop::collection::vec(piece, 0..8), end)
            .prop_map(|(pieces, end)| [pieces.concat(), end.to_vec()].concat());
        (prop::collection::vec(line, 0..8), any::<bool>()).prop_map(|(lines, ended)| {
            let mut content = lines.concat();
            if !ended {
                content.pop();
            }
            content
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn finds_what_ripgrep_finds(pattern in pattern(), contents in prop::collection::vec(content(), 4)) {
            for content in contents {
                check(&pattern, &content);
            }
        }
    }

    #[test]
    fn literals_are_found_without_a_regex() {
        let finder = |pattern: &str, case_insensitive| {
            Text::compile(&TextPattern { pattern: pattern.to_owned(), case_insensitive, multiline: false })
                .unwrap()
                .pattern
                .finder
        };
        for (pattern, case_insensitive) in [("return", false), (r"f\(a, b\)", false), ("->", true), ("(?:ab)c", false)]
        {
            assert!(matches!(finder(pattern, case_insensitive), Finder::Literal(_)), "{pattern}");
        }
        for pattern in ["return", r"f\(a, b\)", "\u{212A}elvin"] {
            assert!(matches!(finder(pattern, true), Finder::Folded(_)), "{pattern}");
        }
        for (pattern, case_insensitive) in [
            ("a|b", false),
            ("a+", false),
            ("^a", false),
            ("", false),
            ("é", true),
            ("a(?-i)b", true),
            ("a(?i)b", false),
        ] {
            assert!(matches!(finder(pattern, case_insensitive), Finder::Regex { .. }), "{pattern}");
        }
    }
}
