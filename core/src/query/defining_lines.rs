//! Lines in which symbols are defined, shown as lines that match.

use std::ops::Range;

use super::lines::{LineMatch, Shown};
use crate::segment::NameRow;

/// The lines of `found` and those of `rows`, each once and in order, at most `limit`. `found` ascends.
pub(super) fn with_definitions(
    found: Vec<LineMatch>,
    mut rows: Vec<&NameRow>,
    content: &[u8],
    limit: usize,
) -> Vec<LineMatch> {
    rows.sort_by_key(|row| (row.line, row.column));
    let mut lines = Lines { content, next: 0, number: 1 };
    let mut found = found;
    let n_found = found.len();
    for rows in rows.chunk_by(|a, b| a.line == b.line) {
        let Some(line) = lines.at(rows[0].line) else { break };
        let text = &content[line.clone()];
        let number = u64::from(rows[0].line);
        let places = rows.iter().map(|row| place(text, row));
        match found[..n_found].binary_search_by_key(&number, |one| one.line) {
            Ok(same) => join(&mut found[same], line_match(text, places, (number, line.start))),
            Err(_) => found.push(line_match(text, places, (number, line.start))),
        }
    }
    found.sort_by_key(|one| one.line);
    found.truncate(limit);
    found
}

/// Goes through the lines of a text.
struct Lines<'c> {
    content: &'c [u8],
    /// Where the line begins that has this number.
    next: usize,
    number: u32,
}

impl Lines<'_> {
    /// A line without its end, by its number, which ascends from call to call.
    fn at(&mut self, number: u32) -> Option<Range<usize>> {
        while self.number < number {
            self.next += memchr::memchr(b'\n', self.content.get(self.next..)?)? + 1;
            self.number += 1;
        }
        let rest = self.content.get(self.next..)?;
        Some(self.next..self.next + memchr::memchr(b'\n', rest).unwrap_or(rest.len()))
    }
}

/// Where a name stands in its line: all of it, or the word there if it is written in another way.
fn place(line: &[u8], row: &NameRow) -> Range<usize> {
    let start = byte_of(line, row.column);
    let rest = &line[start..];
    let len = if rest.starts_with(row.name.as_bytes()) {
        row.name.len()
    } else {
        let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
        rest.iter().take_while(|byte| belongs(byte)).count()
    };
    start..start + len
}

/// The byte at a 1-based column in code points, of which a byte that is no UTF-8 is one.
fn byte_of(line: &[u8], column: u32) -> usize {
    let (mut at, mut left) = (0, column.saturating_sub(1) as usize);
    for chunk in line.utf8_chunks() {
        let valid = chunk.valid();
        if let Some((byte, _)) = valid.char_indices().nth(left) {
            return at + byte;
        }
        left -= valid.chars().count();
        at += valid.len();
        let invalid = chunk.invalid().len();
        if left < invalid {
            return at + left;
        }
        left -= invalid;
        at += invalid;
    }
    line.len()
}

fn line_match(line: &[u8], places: impl Iterator<Item = Range<usize>>, (number, start): (u64, usize)) -> LineMatch {
    let mut shown = Shown::of(line);
    let mut last = None;
    // Two symbols may share a name's place: a field that is a parameter, too.
    places.filter(|place| last.replace(place.clone()) != Some(place.clone())).for_each(|place| _ = shown.add(place));
    shown.line_match(number, start)
}

/// Adds to a line what is defined in it.
fn join(line: &mut LineMatch, defined: LineMatch) {
    if line.cut || defined.cut {
        return;
    }
    for range in &defined.ranges {
        if line.ranges.iter().all(|other| range.end <= other.start || other.end <= range.start) {
            line.ranges.push(range.clone());
        }
    }
    line.ranges.sort_by_key(|range| range.start);
    if defined.byte_start < line.byte_start && line.ranges.first() == defined.ranges.first() {
        (line.column, line.byte_start, line.byte_end) = (defined.column, defined.byte_start, defined.byte_end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Flags, SymbolKind};

    fn row(name: &str, line: u32, column: u32) -> NameRow {
        let (name, container, signature) = (name.into(), Box::default(), Box::default());
        let (kind, flags) = (SymbolKind::Function, Flags::default());
        NameRow { name, doc: 0, symbol: 0, kind, flags, line, column, ordinal: 0, container, signature }
    }

    fn shown(found: Vec<LineMatch>, rows: &[NameRow], content: &[u8], limit: usize) -> Vec<(u64, u64, String)> {
        let lines = with_definitions(found, rows.iter().collect(), content, limit);
        let text = |line: &LineMatch| {
            let of = |range: &Range<u32>| line.text[range.start as usize..range.end as usize].to_vec();
            let texts: Vec<_> = line.ranges.iter().map(|range| String::from_utf8(of(range)).expect("a name")).collect();
            (line.line, line.byte_start, texts.join(","))
        };
        lines.iter().map(text).collect()
    }

    #[test]
    fn lines_are_those_of_the_names() {
        let content = "fn a() {}\nné, b = 1\r\n\nfn attr: c".as_bytes();
        let rows = [row("c", 4, 10), row("b", 2, 5), row("né", 2, 1), row("attr=", 4, 4), row("x", 9, 1)];
        let expected = [(2, 10, "né,b".to_owned()), (4, 26, "attr,c".to_owned())];
        assert_eq!(shown(Vec::new(), &rows, content, 9), expected);
        assert_eq!(shown(Vec::new(), &rows, content, 1), expected[..1]);
        assert_eq!(byte_of(b"\xff\xffx", 3), 2);
    }

    #[test]
    fn a_line_that_matches_anyway_is_shown_once() {
        let content = b"fn a(b)\nb";
        let found = |range: Range<u32>, line, byte_start| LineMatch {
            line,
            column: 1 + u64::from(range.start),
            byte_start,
            byte_end: byte_start + 1,
            text: content.split(|byte| *byte == b'\n').nth(line as usize - 1).expect("a line").to_vec(),
            cut: false,
            ranges: vec![range],
        };
        let lines = vec![found(5..6, 1, 5), found(0..1, 2, 8)];
        let expected = [(1, 3, "a,b".to_owned()), (2, 8, "b".to_owned())];
        assert_eq!(shown(lines, &[row("a", 1, 4)], content, 9), expected);
    }
}
