//! Merges the names of segments. No text is looked at again.

use std::io::Write;

use super::{NameBlock, NameRow, NamesWriter};
use crate::segment::error::SegmentError;
use crate::segment::merge::MergeInput;
use crate::text;

/// Writes the names of all inputs, with their documents renumbered. Needs memory for a block of each input and for all
/// that have one name.
pub fn merge_names<W: Write>(inputs: &[MergeInput<'_>], out: &mut NamesWriter<W>) -> Result<(), SegmentError> {
    let mut cursors = inputs.iter().map(NameCursor::new).collect::<Result<Vec<_>, _>>()?;
    let mut same = Vec::new();
    while let Some(key) = cursors.iter().filter_map(|cursor| cursor.key.clone()).min() {
        for cursor in cursors.iter_mut().filter(|cursor| cursor.key.as_ref() == Some(&key)) {
            cursor.take(&key, &mut same)?;
        }
        same.sort_unstable_by_key(|row: &NameRow| (row.doc, row.symbol));
        for row in same.drain(..) {
            out.push(&row)?;
        }
    }
    Ok(())
}

/// Folded name, then name.
type NameKey = (String, Box<str>);

/// The names of one input, in their order.
struct NameCursor<'a> {
    input: &'a MergeInput<'a>,
    blocks: std::vec::IntoIter<NameBlock>,
    rows: std::vec::IntoIter<NameRow>,
    /// Of the next row.
    key: Option<NameKey>,
}

impl<'a> NameCursor<'a> {
    fn new(input: &'a MergeInput<'a>) -> Result<Self, SegmentError> {
        let blocks = input.segment.all_names()?.into_iter();
        let mut cursor = Self { input, blocks, rows: Vec::new().into_iter(), key: None };
        cursor.look()?;
        Ok(cursor)
    }

    /// Sees what is next, in this block or the one behind.
    fn look(&mut self) -> Result<(), SegmentError> {
        while self.rows.as_slice().is_empty() {
            let Some(block) = self.blocks.next() else { break };
            let bytes = self.input.file.read(block.range())?;
            self.rows = self.input.segment.decode_names(&block, &bytes)?.into_iter();
        }
        self.key = self.rows.as_slice().first().map(|row| (text::folded(&row.name), row.name.clone()));
        Ok(())
    }

    /// Moves the rows of a name to `same`, those whose documents live on.
    fn take(&mut self, key: &NameKey, same: &mut Vec<NameRow>) -> Result<(), SegmentError> {
        while self.key.as_ref() == Some(key) {
            let moved = self.rows.next().and_then(|mut row| {
                row.doc = (*self.input.moved.get(row.doc as usize)?)?;
                Some(row)
            });
            same.extend(moved);
            self.look()?;
        }
        Ok(())
    }
}
