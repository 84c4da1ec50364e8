//! Byte offsets to lines and columns and back. How a line is shown is the caller's business.

use std::ops::Range;

/// A place in a text as people count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// 1-based line.
    pub line: usize,
    /// 1-based column in code points; a byte that is not UTF-8 counts as one.
    pub column: usize,
}

/// Where the lines of one text are. A line ends with `\n` (a `\r` before it belongs to the line) or with the text; a
/// final `\n` opens no further line, so `"a\n"` and `"a"` both have one line and the empty text has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineTable {
    /// Offset of each line's first byte; ascending.
    starts: Vec<usize>,
    len: usize,
    newline_at_end: bool,
}

impl LineTable {
    /// Finds the lines of `text`.
    pub fn new(text: &[u8]) -> Self {
        let after_newlines = text.iter().enumerate().filter(|&(_, &byte)| byte == b'\n').map(|(at, _)| at + 1);
        let mut starts: Vec<usize> = std::iter::once(0).chain(after_newlines).collect();
        starts.pop_if(|start| *start == text.len());
        Self { starts, len: text.len(), newline_at_end: text.last() == Some(&b'\n') }
    }

    /// Number of lines.
    pub fn n_lines(&self) -> usize {
        self.starts.len()
    }

    /// 1-based line that holds the byte at `offset`. The end of the text belongs to its last line, or to the line
    /// that would follow if the text ends with `\n`; so do offsets beyond the end.
    pub fn line(&self, offset: usize) -> usize {
        if offset >= self.len && self.newline_at_end {
            return self.starts.len() + 1;
        }
        self.starts.partition_point(|&start| start <= offset).max(1)
    }

    /// Bytes of a 1-based line without its `\n`; `None`: the text has no such line.
    pub fn range(&self, line: usize) -> Option<Range<usize>> {
        let start = *self.starts.get(line.checked_sub(1)?)?;
        let end = match self.starts.get(line) {
            Some(next) => next - 1,
            None => self.len - usize::from(self.newline_at_end),
        };
        Some(start..end)
    }

    /// Line and column of the byte at `offset` of `text` (the text this table was made of). An offset inside a
    /// character has that character's column; one beyond the end is taken as the end.
    pub fn position(&self, text: &[u8], offset: usize) -> Position {
        let offset = offset.min(text.len());
        let line = self.line(offset);
        let start = self.starts.get(line - 1).copied().unwrap_or(self.len).min(offset);
        Position { line, column: column(&text[start..], offset - start) }
    }

    /// Byte offset of a position of `text` (the text this table was made of). The column behind the last character
    /// of a line is its end; `None`: there is no such place.
    pub fn offset(&self, text: &[u8], position: Position) -> Option<usize> {
        let range = self.range(position.line)?;
        let line = text.get(range.clone())?;
        let nth = position.column.checked_sub(1)?;
        let within = characters(line).map(|(at, _)| at).chain(std::iter::once(line.len())).nth(nth)?;
        Some(range.start + within)
    }
}

/// 1-based column of the character at byte `offset` of a text that starts at a line's start.
fn column(text: &[u8], offset: usize) -> usize {
    1 + characters(text).take_while(|&(at, len)| at + len <= offset).count()
}

/// Offset and length of each character; a byte that is not UTF-8 is one.
fn characters(text: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    let lengths = text
        .utf8_chunks()
        .flat_map(|chunk| chunk.valid().chars().map(char::len_utf8).chain(chunk.invalid().iter().map(|_| 1)));
    lengths.map(move |len| {
        at += len;
        (at - len, len)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(line: usize, column: usize) -> Position {
        Position { line, column }
    }

    #[test]
    fn a_final_newline_opens_no_line() {
        for (text, n, first) in [("", 0, None), ("a", 1, Some(0..1)), ("a\n", 1, Some(0..1)), ("\n", 1, Some(0..0))] {
            let table = LineTable::new(text.as_bytes());
            assert_eq!((table.n_lines(), table.range(1)), (n, first), "{text:?}");
            assert_eq!((table.range(0), table.range(n + 1)), (None, None), "{text:?}");
        }
        assert_eq!(LineTable::new(b"a\r\n\nb").range(2), Some(3..3));
        assert_eq!(LineTable::new(b"a\n").position(b"a\n", 2), at(2, 1));
        assert_eq!(LineTable::new(b"").position(b"", 0), at(1, 1));
    }

    #[test]
    fn columns_count_code_points_and_stray_bytes() {
        let text = "x\né\u{1F600}b".as_bytes();
        let table = LineTable::new(text);
        let columns: Vec<_> = (2..=text.len()).map(|offset| table.position(text, offset)).collect();
        assert_eq!(columns, [at(2, 1), at(2, 1), at(2, 2), at(2, 2), at(2, 2), at(2, 2), at(2, 3), at(2, 4)]);
        let stray = b"\xFF\xE2\x84z";
        assert_eq!(LineTable::new(stray).position(stray, 3), at(1, 4));
    }

    proptest! {
        #[test]
        fn positions_and_offsets_are_inverse(text in prop::collection::vec(prop::sample::select(b"a\n\xC3\xA9\xFF\r".to_vec()), 0..30)) {
            let table = LineTable::new(&text);
            prop_assert_eq!(table.n_lines(), text.split_inclusive(|&byte| byte == b'\n').count());
            for (i, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
                let range = table.range(i + 1).unwrap();
                prop_assert_eq!(&text[range], line.strip_suffix(b"\n").unwrap_or(line));
            }
            for offset in 0..text.len() {
                let position = table.position(&text, offset);
                let start = table.offset(&text, position).unwrap();
                prop_assert!(start <= offset && offset < start + 2);
                prop_assert_eq!(table.position(&text, start), position);
            }
        }
    }
}
