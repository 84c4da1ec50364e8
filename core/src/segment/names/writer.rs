//! Writes names, sorted already, and their parts.

use std::io::Write;

use super::block::BlockEncoder;
use super::index::{BlocksEncoder, separator};
use super::words::Words;
use super::{NameRow, rows};
use crate::segment::error::{SegmentError, corrupt};
use crate::segment::layout::Tag;
use crate::segment::writer::{FactsWriter, SegmentSummary};
use crate::text;

/// Writes the names of a segment, in their order, then all that comes after them.
#[derive(Debug)]
pub struct NamesWriter<W> {
    facts: FactsWriter<W>,
    blocks: BlocksEncoder,
    block: BlockEncoder,
    words: Words,
    /// Folded names: the first of the block, the last before it, and the last.
    first: String,
    before: String,
    last: String,
}

/// Sections about names that go to the hot tail.
#[derive(Debug)]
pub(in crate::segment) struct NameTables {
    pub(in crate::segment) names: Vec<u8>,
    pub(in crate::segment) words: Vec<u8>,
}

impl<W: Write> NamesWriter<W> {
    pub(in crate::segment) fn new(facts: FactsWriter<W>) -> Result<Self, SegmentError> {
        let (blocks, block, words) = (BlocksEncoder::new()?, BlockEncoder::default(), Words::default());
        Ok(Self { facts, blocks, block, words, first: String::new(), before: String::new(), last: String::new() })
    }

    /// Adds the next row: by folded name, then name, document, symbol.
    pub fn push(&mut self, row: &NameRow) -> Result<(), SegmentError> {
        let folded = text::folded(&row.name);
        if folded < self.last || folded.len() > super::MAX_NAME {
            return Err(corrupt("names", "are not in their order"));
        }
        if self.block.is_empty() {
            self.before.clone_from(&self.last);
            self.first.clone_from(&folded);
        }
        self.words.add(&row.name, self.blocks.n_blocks());
        self.block.push(row);
        self.last = folded;
        if self.block.is_full() { self.end_block() } else { Ok(()) }
    }

    /// Adds a row as `rows` writes it.
    pub(in crate::segment) fn push_sorted(&mut self, row: &[u8]) -> Result<(), SegmentError> {
        self.push(&rows::read(row)?)
    }

    fn end_block(&mut self) -> Result<(), SegmentError> {
        let key = separator(&self.before, &self.first);
        self.blocks.write(&mut self.facts.segment.sink, key, &self.block.take())
    }

    /// Writes the parts, tables and trailer; gives the writer back.
    pub fn finish(mut self) -> Result<(W, SegmentSummary), SegmentError> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        let sink = &mut self.facts.segment.sink;
        sink.close(Tag::NAMES);
        let words = self.words.write(sink)?;
        sink.close(Tag::WORDS);
        self.facts.end(NameTables { names: self.blocks.finish(), words })
    }
}
