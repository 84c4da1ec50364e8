//! From the content of a document to its matching lines, with the line semantics of ripgrep (`rg -a -E none`): lines
//! end in `\n`, which is no part of them; a `\r` before it is.

use std::ops::Range;

use grep_matcher::Matcher as _;
use grep_regex::RegexMatcher;
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};

/// Longest text of a line in an answer, in bytes.
const MAX_LINE_TEXT: usize = 4096;

/// One matching line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineMatch {
    /// 1-based.
    pub line: u64,
    /// 1-based, in code points, of the first match.
    pub column: u64,
    /// First match in the file.
    pub byte_start: u64,
    /// End of the first match in the file.
    pub byte_end: u64,
    /// The line without its terminator, cut to 4 KiB round the match.
    pub text: Vec<u8>,
    /// Whether `text` is cut.
    pub cut: bool,
    /// All matches that begin in `text`, as byte offsets in it.
    pub ranges: Vec<Range<u32>>,
}

/// Whether any line of `content` matches.
pub(super) fn any(matcher: &RegexMatcher, content: &[u8]) -> bool {
    struct Any(bool);

    impl Sink for Any {
        type Error = std::io::Error;

        fn matched(&mut self, _: &Searcher, _: &SinkMatch<'_>) -> Result<bool, Self::Error> {
            self.0 = true;
            Ok(false)
        }
    }

    let mut sink = Any(false);
    search(matcher, content, false, &mut sink);
    sink.0
}

/// The matching lines of `content`, at most `limit`.
pub(super) fn collect(matcher: &RegexMatcher, content: &[u8], limit: usize) -> Vec<LineMatch> {
    struct Lines<'a> {
        matcher: &'a RegexMatcher,
        limit: usize,
        lines: Vec<LineMatch>,
    }

    impl Sink for Lines<'_> {
        type Error = std::io::Error;

        fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> Result<bool, Self::Error> {
            let line = found.bytes().strip_suffix(b"\n").unwrap_or(found.bytes());
            let number = found.line_number().unwrap_or(0);
            self.lines.push(line_match(self.matcher, line, number, found.absolute_byte_offset()));
            Ok(self.lines.len() < self.limit)
        }
    }

    let mut sink = Lines { matcher, limit, lines: Vec::new() };
    if limit > 0 {
        search(matcher, content, true, &mut sink);
    }
    sink.lines
}

fn search<S: Sink<Error = std::io::Error>>(matcher: &RegexMatcher, content: &[u8], numbers: bool, sink: &mut S) {
    let mut searcher = SearcherBuilder::new()
        .line_number(numbers)
        .bom_sniffing(false)
        .binary_detection(BinaryDetection::none())
        .build();
    // Neither a slice nor our sinks can fail; the searcher refuses only configurations that are not ours.
    let searched = searcher.search_slice(matcher, content, sink);
    debug_assert!(searched.is_ok(), "searching a slice cannot fail");
}

fn line_match(matcher: &RegexMatcher, line: &[u8], number: u64, offset: u64) -> LineMatch {
    let first = matcher.find(line).ok().flatten().map_or(0..0, |found| found.start()..found.end());
    let window = window(line, &first);
    let (start, end) = (window.start, window.end);
    LineMatch {
        line: number,
        column: 1 + code_points(&line[..first.start]),
        byte_start: offset + first.start as u64,
        byte_end: offset + first.end as u64,
        ranges: ranges(matcher, line, first.start, window),
        text: line[start..end].to_vec(),
        cut: end - start < line.len(),
    }
}

/// The part of a line that is shown: all of it, or 4 KiB with the first match in the middle or at the start.
fn window(line: &[u8], first: &Range<usize>) -> Range<usize> {
    if line.len() <= MAX_LINE_TEXT {
        return 0..line.len();
    }
    let context = MAX_LINE_TEXT.saturating_sub(first.len()) / 2;
    let mut start = first.start.saturating_sub(context).min(line.len() - MAX_LINE_TEXT);
    let mut end = start + MAX_LINE_TEXT;
    // Not in the middle of a character, if that is what the bytes are.
    while start < first.start && is_continuation(line[start]) && start + 4 > end - MAX_LINE_TEXT {
        start += 1;
    }
    for _ in 0..3 {
        if end < line.len() && end > first.end.max(start) && is_continuation(line[end]) {
            end -= 1;
        }
    }
    start..end
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// All matches from `at` that begin in the window, as offsets in it, cut at its end.
fn ranges(matcher: &RegexMatcher, line: &[u8], at: usize, window: Range<usize>) -> Vec<Range<u32>> {
    let mut out = Vec::new();
    let offset = |byte: usize| u32::try_from(byte.min(window.end) - window.start).unwrap_or(u32::MAX);
    let found = matcher.find_iter_at(line, at, |found| {
        let inside = found.start() < window.end || (found.start() == window.end && window.end == line.len());
        if inside {
            out.push(offset(found.start())..offset(found.end()));
        }
        inside
    });
    debug_assert!(found.is_ok(), "a regex search cannot fail");
    out
}

/// Code points of `text`; a byte that is part of none counts as one.
fn code_points(text: &[u8]) -> u64 {
    text.utf8_chunks().map(|chunk| (chunk.valid().chars().count() + chunk.invalid().len()) as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::super::compile::Text;
    use super::super::tree::TextPattern;
    use super::*;

    fn lines(pattern: &str, content: &[u8]) -> Vec<LineMatch> {
        let pattern = TextPattern { pattern: pattern.to_owned(), case_insensitive: false };
        let text = Text::compile(&pattern).expect("the pattern compiles");
        let found = collect(&text.matcher, content, usize::MAX);
        assert_eq!(any(&text.matcher, content), !found.is_empty());
        found
    }

    fn numbers(pattern: &str, content: &[u8]) -> Vec<u64> {
        lines(pattern, content).into_iter().map(|line| line.line).collect()
    }

    #[test]
    fn line_ends_follow_ripgrep() {
        assert_eq!(numbers("b$", b"ab\nb\r\nab"), [1, 3]);
        assert_eq!(numbers("b\\r$", b"ab\nb\r\nab"), [2]);
        assert!(numbers("^", b"").is_empty());
        assert_eq!(numbers("^", b"\n\nx\n"), [1, 2, 3]);
        assert_eq!(numbers("^$", b"a\n\nb"), [2]);
        assert_eq!(numbers(r"\Aa", b"a\na\nba"), [1, 2]);
        assert_eq!(numbers(r"a\z", b"a\nab\na\n"), [1, 3]);
        assert_eq!(numbers(r"a\s", b"a\nb a c\n"), [2]);
    }

    #[test]
    fn positions_count_code_points_and_bytes() {
        let found = lines("x", "é€x x\nyx".as_bytes());
        assert_eq!((found[0].line, found[0].column, found[0].byte_start, found[0].byte_end), (1, 3, 5, 6));
        assert_eq!(found[0].ranges, [5..6, 7..8]);
        assert_eq!((found[1].line, found[1].column, found[1].byte_start), (2, 2, 10));
        let invalid = lines("x", b"\xff\xe2\x82x");
        assert_eq!(invalid[0].column, 4);
    }

    #[test]
    fn long_lines_are_cut_round_the_first_match() {
        let mut content = vec![b'.'; 10_000];
        content.extend_from_slice(b"needle");
        content.extend(std::iter::repeat_n(b'.', 10_000));
        content.extend_from_slice(b"needle");
        let found = &lines("needle", &content)[0];
        assert!(found.cut && found.text.len() == MAX_LINE_TEXT);
        assert_eq!((found.byte_start, found.byte_end, found.column), (10_000, 10_006, 10_001));
        assert_eq!(found.ranges.len(), 1);
        let shown = found.ranges[0].start as usize..found.ranges[0].end as usize;
        assert_eq!(&found.text[shown], b"needle");
    }

    #[test]
    fn cuts_do_not_split_characters() {
        for shift in 0..3 {
            let content = format!("{}{}x{}", "a".repeat(shift), "€".repeat(3000), "€".repeat(3000));
            let found = &lines("x", content.as_bytes())[0];
            assert!(found.cut && std::str::from_utf8(&found.text).is_ok(), "shift {shift}");
            assert_eq!(&found.text[found.ranges[0].start as usize..][..1], b"x");
        }
    }

    #[test]
    fn matches_longer_than_the_window_begin_it() {
        let content = format!("{}{}", "b".repeat(5000), "a".repeat(9000));
        let found = &lines("a+", content.as_bytes())[0];
        assert_eq!((found.byte_start, found.byte_end), (5000, 14_000));
        assert_eq!(found.ranges, vec![0..4096]);
    }

    #[test]
    fn empty_matches_have_empty_ranges() {
        let found = &lines("x*", b"ab")[0];
        assert_eq!((found.column, found.ranges.clone()), (1, vec![0..0, 1..1, 2..2]));
    }
}
