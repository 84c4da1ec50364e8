//! Matches that may go over line ends, as `rg --multiline` finds them: the regex sees the whole text, and `.` still stops
//! at a line end. A match belongs to the line in which it begins.

use std::ops::Range;

use grep_matcher::Matcher as _;
use grep_regex::RegexMatcher;

/// The matches in one text from its start on, none overlapping another.
pub(super) struct Matches<'f, 'c> {
    /// The leftmost match from a place on.
    find: Find<'f>,
    content: &'c [u8],
    /// Where the next match may begin.
    from: usize,
    /// End of the last match: an empty one directly behind it is none.
    last: Option<usize>,
}

type Find<'f> = Box<dyn FnMut(usize) -> Option<Range<usize>> + 'f>;

impl<'f, 'c: 'f> Matches<'f, 'c> {
    pub(super) fn new(matcher: &'f RegexMatcher, content: &'c [u8]) -> Self {
        let find = move |from| matcher.find_at(content, from).ok().flatten().map(|found| found.start()..found.end());
        Self::by(content, Box::new(find))
    }

    /// Those that `find` finds.
    pub(super) fn by(content: &'c [u8], find: Find<'f>) -> Self {
        Self { find, content, from: 0, last: None }
    }
}

impl Iterator for Matches<'_, '_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        loop {
            if self.from > self.content.len() {
                return None;
            }
            let found = (self.find)(self.from)?;
            if found.start == self.content.len() && matches!(self.content.last(), None | Some(b'\n')) {
                // Behind the last line end no line begins.
                return None;
            }
            self.from = found.end + usize::from(found.is_empty());
            let repeated = found.is_empty() && self.last == Some(found.end);
            self.last = Some(found.end);
            if !repeated {
                return Some(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};
    use proptest::prelude::*;

    use super::super::compile::Text;
    use super::super::lines;
    use super::super::tree::TextPattern;

    fn compile(pattern: &str) -> Text {
        let pattern = TextPattern { pattern: pattern.to_owned(), case_insensitive: false, multiline: true };
        Text::compile(&pattern).unwrap()
    }

    /// The blocks of lines that `rg --multiline` prints.
    fn blocks(pattern: &str, content: &[u8]) -> Vec<(usize, usize)> {
        struct Blocks(Vec<(usize, usize)>);

        impl Sink for Blocks {
            type Error = std::io::Error;

            fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> Result<bool, Self::Error> {
                let start = usize::try_from(found.absolute_byte_offset()).unwrap();
                self.0.push((start, start + found.bytes().len()));
                Ok(true)
            }
        }

        let matcher = grep_regex::RegexMatcherBuilder::new().multi_line(true).build(pattern).unwrap();
        let mut searcher = SearcherBuilder::new()
            .multi_line(true)
            .bom_sniffing(false)
            .binary_detection(BinaryDetection::none())
            .build();
        let mut blocks = Blocks(Vec::new());
        searcher.search_slice(&matcher, content, &mut blocks).unwrap();
        joined(blocks.0)
    }

    /// Where no match could go over a line end, ripgrep's searcher reports lines one by one.
    fn joined(blocks: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
        let mut joined: Vec<(usize, usize)> = Vec::new();
        for (start, end) in blocks {
            match joined.last_mut() {
                Some(last) if last.1 >= start => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        joined
    }

    /// The same blocks from what we find: the lines that each match touches, together where they follow each other.
    fn our_blocks(text: &Text, content: &[u8]) -> Vec<(usize, usize)> {
        let mut blocks = Vec::new();
        for line in lines::collect(&text.pattern, content.into(), usize::MAX) {
            let start =
                content[..line.byte_start as usize].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let mut ends = vec![line.byte_end as usize];
            // Further matches of the line: the last of them may be the longest.
            ends.extend(line.ranges.iter().map(|range| start + range.end as usize));
            let at = ends.into_iter().max().unwrap();
            let at = if at > start && content[at - 1] == b'\n' { at - 1 } else { at };
            let end = content[at..].iter().position(|byte| *byte == b'\n').map_or(content.len(), |len| at + len + 1);
            blocks.push((start, end));
        }
        joined(blocks)
    }

    #[test]
    fn a_hit_is_the_line_where_the_match_begins() {
        let found = lines::collect(&compile(r"b\s+c").pattern, b"a\nx b\n\n c d\nb c b c\n"[..].into(), usize::MAX);
        let place = |at: usize| (found[at].line, found[at].column, found[at].byte_start, found[at].byte_end);
        assert_eq!(place(0), (2, 3, 4, 9));
        assert_eq!((found[0].text.as_slice(), &found[0].ranges[0]), (&b"x b"[..], &(2..3)));
        assert_eq!(place(1), (5, 1, 12, 15));
        assert_eq!(found[1].ranges, [0..3, 4..7]);
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn dots_stop_at_line_ends_and_nothing_begins_behind_the_last() {
        let count = |pattern: &str, content: &[u8]| compile(pattern).pattern.finder.count(content);
        assert_eq!(count("a.b", b"a\nb\na-b\n"), 1);
        assert_eq!(count(r"a\nb", b"a\nb\na-b\n"), 1);
        assert_eq!(count("(?s)a.b", b"a\nb\na-b\n"), 2);
        assert_eq!(count(r"\n", b"\n\nx"), 2);
        assert_eq!((count("$", b"a\n"), count("$", b"a"), count("^", b""), count("x*", b"\n\n")), (1, 1, 0, 2));
        assert_eq!((count(r"\Aa", b"a\na"), count(r"a\z", b"a\na"), count(r"a\s*\z", b"a\na\n")), (1, 1, 1));
    }

    fn pattern() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec![
            "a",
            "b",
            r"\n",
            r"\s",
            r"\s+",
            "[^a]",
            "[^a]+?",
            ".",
            ".*",
            r"(?:a|b\nb)",
            "(?s:.)",
            r"\r?\n",
            "b*",
            r"\w+",
        ]);
        prop::collection::vec(leaf, 1..4).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn lines_are_those_of_ripgrep(pattern in pattern(), contents in prop::collection::vec("[ab\n\r ]{0,20}", 6)) {
            let text = compile(&pattern);
            for content in contents {
                // A later match of a line can end in a later one, of which its offsets in the line say nothing.
                let found = lines::collect(&text.pattern, content.as_bytes().into(), usize::MAX);
                prop_assert_eq!(text.pattern.finder.count(content.as_bytes()), found.len() as u64);
                prop_assert_eq!(text.pattern.finder.any(content.as_bytes()), !found.is_empty());
                if found.iter().all(|line| line.ranges.len() == 1) {
                    prop_assert_eq!(our_blocks(&text, content.as_bytes()), blocks(&pattern, content.as_bytes()), "{} {:?}", pattern, content);
                }
            }
        }
    }
}
