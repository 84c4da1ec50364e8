//! Rows of a segment under construction: in memory and, beyond a budget, in sorted runs elsewhere, merged at the end.

use std::ops::Range;

use super::rows;
use crate::segment::error::{SegmentError, corrupt};
use crate::segment::{DocId, Spill};

/// Bytes of a run that are read at once.
const WINDOW: usize = 1 << 18;
/// What a row takes beside its bytes.
const ROW: usize = size_of::<Range<usize>>();

/// Rows that still grow.
#[derive(Debug)]
pub(in crate::segment) struct NameRuns {
    bytes: Vec<u8>,
    rows: Vec<Range<usize>>,
    /// Bytes that may be in memory before they are spilled.
    budget: usize,
    spill: Box<dyn Spill>,
    runs: Vec<Range<u64>>,
}

impl NameRuns {
    pub(in crate::segment) fn new(spill: Box<dyn Spill>, budget: usize) -> Self {
        Self { bytes: Vec::new(), rows: Vec::new(), budget, spill, runs: Vec::new() }
    }

    /// Adds the rows of a document.
    pub(in crate::segment) fn append(&mut self, doc: DocId, rows: &[u8]) -> Result<(), SegmentError> {
        for row in rows::each(rows) {
            let start = self.bytes.len();
            rows::put_numbered(row, doc, &mut self.bytes);
            self.rows.push(start..self.bytes.len());
        }
        let is_over = self.bytes.len() + self.rows.len() * ROW > self.budget;
        if is_over { self.spill() } else { Ok(()) }
    }

    fn sort(&mut self) {
        let bytes = &self.bytes;
        self.rows.sort_unstable_by(|a, b| bytes[a.clone()].cmp(&bytes[b.clone()]));
    }

    fn spill(&mut self) -> Result<(), SegmentError> {
        self.sort();
        let start = self.runs.last().map_or(0, |run| run.end);
        let (mut end, mut out) = (start, Vec::new());
        for (nth, row) in self.rows.iter().enumerate() {
            out.extend((row.len() as u16).to_le_bytes());
            out.extend(&self.bytes[row.clone()]);
            if out.len() >= WINDOW || nth + 1 == self.rows.len() {
                self.spill.append(&out)?;
                end += out.len() as u64;
                out.clear();
            }
        }
        self.runs.push(start..end);
        self.bytes.clear();
        self.rows.clear();
        Ok(())
    }

    /// Shows all rows, sorted.
    pub(in crate::segment) fn each(
        mut self,
        mut show: impl FnMut(&[u8]) -> Result<(), SegmentError>,
    ) -> Result<(), SegmentError> {
        if self.runs.is_empty() {
            self.sort();
            return self.rows.iter().try_for_each(|row| show(&self.bytes[row.clone()]));
        }
        if !self.rows.is_empty() {
            self.spill()?;
        }
        (self.bytes, self.rows) = <_>::default();
        let mut runs = Vec::with_capacity(self.runs.len());
        for range in self.runs {
            runs.push(Run { left: range, window: Vec::new(), row: 0..0 });
        }
        for run in &mut runs {
            run.advance(&*self.spill)?;
        }
        runs.retain(|run| !run.is_over());
        while let Some(nth) = (0..runs.len()).min_by(|a, b| runs[*a].row().cmp(runs[*b].row())) {
            show(runs[nth].row())?;
            runs[nth].advance(&*self.spill)?;
            if runs[nth].is_over() {
                runs.swap_remove(nth);
            }
        }
        Ok(())
    }
}

/// A run that is read from front to back.
struct Run {
    /// What is not in the window yet.
    left: Range<u64>,
    window: Vec<u8>,
    /// The row at hand, in the window.
    row: Range<usize>,
}

impl Run {
    fn row(&self) -> &[u8] {
        &self.window[self.row.clone()]
    }

    fn is_over(&self) -> bool {
        self.row.is_empty()
    }

    /// Moves on to the next row; it is empty behind the last.
    fn advance(&mut self, spill: &dyn Spill) -> Result<(), SegmentError> {
        self.fill(2, spill)?;
        let at = self.row.end;
        let Some(len) = self.window.get(at..at + 2) else {
            self.row = at..at;
            return Ok(());
        };
        let len = usize::from(u16::from_le_bytes([len[0], len[1]]));
        self.fill(2 + len, spill)?;
        self.row = self.row.end + 2..self.row.end + 2 + len;
        if self.row.end > self.window.len() { Err(corrupt("spilled names", "end too early")) } else { Ok(()) }
    }

    /// Reads on until `needed` bytes are behind the row, as far as there are so many.
    fn fill(&mut self, needed: usize, spill: &dyn Spill) -> Result<(), SegmentError> {
        if self.window.len() - self.row.end >= needed || self.left.is_empty() {
            return Ok(());
        }
        self.window.drain(..self.row.end);
        self.row = 0..0;
        let before = self.window.len();
        let len = WINDOW.min(usize::try_from(self.left.end - self.left.start).unwrap_or(WINDOW));
        self.window.resize(before + len, 0);
        spill.read_at(self.left.start, &mut self.window[before..])?;
        self.left.start += len as u64;
        Ok(())
    }
}
