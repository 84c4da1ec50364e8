//! The documents of an SCIP index, one at a time.

use super::ScipError;
use super::proto::{Value, fields};
use crate::text::LineTable;

/// The role of an occurrence that defines.
const DEFINES: u64 = 1;
/// Position encodings: bytes, and code points. All else, and nothing said, is UTF-16.
const BYTES: u64 = 1;
const CODE_POINTS: u64 = 3;

/// What an index says of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document<'a> {
    /// Path from the root of the project.
    pub path: &'a str,
    /// Where symbols are defined and used.
    pub occurrences: Vec<Occurrence<'a>>,
    /// How columns are counted.
    encoding: u64,
}

/// A symbol in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Occurrence<'a> {
    /// The symbol; `local …` is one of its document alone.
    pub symbol: &'a str,
    /// Whether it is defined here.
    pub defines: bool,
    /// Line, first and last column from 0; of several lines: line, column, line, column.
    range: Vec<u64>,
}

/// Shows every document of an index.
pub fn documents<'a, E: From<ScipError>>(
    index: &'a [u8],
    mut show: impl FnMut(Document<'a>) -> Result<(), E>,
) -> Result<(), E> {
    fields(index, |number, value| match number {
        2 => show(document(value)?),
        _ => Ok(()),
    })
}

fn document(value: Value<'_>) -> Result<Document<'_>, ScipError> {
    let mut found = Document::default();
    fields(value.bytes()?, |number, value| {
        match number {
            1 => found.path = value.text()?,
            2 => found.occurrences.push(occurrence(value)?),
            6 => found.encoding = value.number()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

pub(super) fn occurrence(value: Value<'_>) -> Result<Occurrence<'_>, ScipError> {
    let mut found = Occurrence::default();
    fields(value.bytes()?, |number, value| {
        match number {
            1 => found.range = value.numbers()?,
            2 => found.symbol = value.text()?,
            3 => found.defines = value.number()? & DEFINES != 0,
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

impl Document<'_> {
    /// Where an occurrence begins in the text, in bytes; `None`: it spans lines, or is not in the text.
    pub fn offset(&self, occurrence: &Occurrence<'_>, text: &[u8], lines: &LineTable) -> Option<u32> {
        let [line, start, end] = occurrence.range[..] else { return None };
        let range = lines.range(usize::try_from(line).ok()?.checked_add(1)?)?;
        let wanted = usize::try_from(start).ok().filter(|_| start < end)?;
        let within = match self.encoding {
            BYTES => wanted,
            encoding => {
                let line = std::str::from_utf8(text.get(range.clone())?).ok()?;
                let width = |c: char| if encoding == CODE_POINTS { 1 } else { c.len_utf16() };
                let mut column = 0;
                let before = line.char_indices().find(|(_, c)| {
                    let is_there = column >= wanted;
                    column += width(*c);
                    is_there
                });
                before.map(|(at, _)| at)?
            }
        };
        let offset = range.start + within;
        u32::try_from(offset).ok().filter(|_| offset < range.end)
    }
}
