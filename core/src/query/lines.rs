//! What is shown of the lines that a finder finds.

use std::ops::Range;

use super::content::Content;
use super::finder::{self, Finder};
use super::pattern::Pattern;
use super::spanning::Matches;

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
    /// End of the first match in the file; behind the line, where a match may go over line ends.
    pub byte_end: u64,
    /// The line without its terminator, cut to 4 KiB round the match.
    pub text: Vec<u8>,
    /// Whether `text` is cut.
    pub cut: bool,
    /// All matches that begin in `text`, as byte offsets in it.
    pub ranges: Vec<Range<u32>>,
}

/// The matching lines of `content`, at most `limit`.
pub(super) fn collect(pattern: &Pattern, content: Content<'_>, limit: usize) -> Vec<LineMatch> {
    let mut numbers = Numbers { content, number: 1, counted: 0 };
    if let Finder::Spanning { matcher, .. } = &pattern.finder {
        return collect_spanning(Matches::new(matcher, content.text), &mut numbers, limit);
    }
    let found = pattern.lines(content).take(limit).map(|line| {
        let mut shown = Shown::of(&content.text[line.clone()]);
        pattern.finder.find_each(&content.text[line.clone()], |found| shown.add(found));
        shown.line_match(numbers.of(line.start), line.start)
    });
    found.collect()
}

fn collect_spanning(matches: Matches<'_, '_>, numbers: &mut Numbers<'_>, limit: usize) -> Vec<LineMatch> {
    let content = numbers.content.text;
    let mut matches = matches.peekable();
    let mut found = Vec::new();
    let mut from = 0;
    while found.len() < limit
        && let Some(first) = matches.next()
    {
        let line = finder::line_at(content, from, first.start);
        let mut shown = Shown::of(&content[line.clone()]);
        let place = |found: &Range<usize>| found.start - line.start..found.end - line.start;
        shown.add(place(&first));
        while let Some(next) = matches.next_if(|next| next.start <= line.end) {
            shown.add(place(&next));
        }
        found.push(shown.line_match(numbers.of(line.start), line.start));
        from = (line.end + 1).min(content.len());
    }
    found
}

/// Counts lines on the way through a text.
struct Numbers<'c> {
    content: Content<'c>,
    number: u64,
    counted: usize,
}

impl Numbers<'_> {
    /// 1-based number of the line that begins at `start`, which ascends from call to call.
    fn of(&mut self, start: usize) -> u64 {
        let (known, before) = self.content.lines_before(start);
        if known > self.counted {
            (self.counted, self.number) = (known, 1 + before);
        }
        self.number += memchr::memchr_iter(b'\n', &self.content.text[self.counted..start]).count() as u64;
        self.counted = start;
        self.number
    }
}

/// What of a line is shown.
pub(super) struct Shown<'c> {
    line: &'c [u8],
    /// In the line; it may end behind it.
    first: Range<usize>,
    window: Range<usize>,
    /// All matches that begin in the window, as offsets in it, cut at its end.
    ranges: Vec<Range<u32>>,
}

impl<'c> Shown<'c> {
    pub(super) fn of(line: &'c [u8]) -> Self {
        Self { line, first: 0..0, window: window(line, &(0..0)), ranges: Vec::new() }
    }

    /// Adds a match, and says whether later ones can be shown.
    pub(super) fn add(&mut self, found: Range<usize>) -> bool {
        if self.ranges.is_empty() {
            self.window = window(self.line, &found);
            self.first = found.clone();
        }
        let window = &self.window;
        let offset = |byte: usize| u32::try_from(byte.min(window.end) - window.start).unwrap_or(u32::MAX);
        let inside = found.start < window.end || (found.start == window.end && window.end == self.line.len());
        if inside {
            self.ranges.push(offset(found.start)..offset(found.end));
        }
        inside
    }

    pub(super) fn line_match(self, number: u64, start: usize) -> LineMatch {
        LineMatch {
            line: number,
            column: 1 + code_points(&self.line[..self.first.start]),
            byte_start: (start + self.first.start) as u64,
            byte_end: (start + self.first.end) as u64,
            text: self.line[self.window.clone()].to_vec(),
            cut: self.window.len() < self.line.len(),
            ranges: self.ranges,
        }
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
        let pattern = TextPattern { pattern: pattern.to_owned(), case_insensitive: false, multiline: false };
        let text = Text::compile(&pattern).expect("the pattern compiles");
        let found = collect(&text.pattern, content.into(), usize::MAX);
        assert_eq!(text.pattern.finder.any(content), !found.is_empty());
        assert_eq!(text.pattern.finder.count(content), found.len() as u64);
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
