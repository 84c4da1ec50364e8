//! Where a builder writes: counts, sums and cuts into sections what goes to the caller's writer.

use std::io::Write;

use super::error::SegmentError;
use super::layout::{Section, Tag};

/// A writer that knows where it is in the file.
#[derive(Debug)]
pub(super) struct Sink<W> {
    out: W,
    start: u64,
    end: u64,
    crc: u32,
    sections: Vec<Section>,
}

impl<W: Write> Sink<W> {
    /// Starts a file, in its first section.
    pub(super) fn new(out: W) -> Self {
        Self { out, start: 0, end: 0, crc: 0, sections: Vec::new() }
    }

    /// Bytes written.
    pub(super) fn len(&self) -> u64 {
        self.end
    }

    /// Sections closed.
    pub(super) fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Appends to the open section.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), SegmentError> {
        self.out.write_all(bytes)?;
        self.crc = crc32c::crc32c_append(self.crc, bytes);
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Closes the open section, and opens the next.
    pub(super) fn close(&mut self, tag: Tag) {
        self.sections.push(Section { tag, crc: self.crc, range: self.start..self.end });
        (self.start, self.crc) = (self.end, 0);
    }

    /// Flushes and gives the writer back.
    pub(super) fn into_inner(mut self) -> Result<W, SegmentError> {
        self.out.flush()?;
        Ok(self.out)
    }
}
