//! Reads blocks of names and of their parts, and keeps them.

use bytes::Bytes;

use crate::search::cache::{OpenSegment, Part};
use crate::search::reader::Reader;
use crate::segment::{NameBlock, NameRow, SegmentError, WordBlocks};
use crate::store::StoreError;

impl Reader<'_> {
    /// The names of blocks of one segment.
    pub(in crate::search) async fn names(
        &self,
        open: &OpenSegment,
        blocks: &[NameBlock],
    ) -> Result<Vec<NameRow>, StoreError> {
        let read = self.blocks(open, Part::Names, blocks).await?;
        let decode = |(block, bytes): (&NameBlock, Bytes)| open.segment.decode_names(block, &bytes);
        let rows: Result<Vec<_>, SegmentError> = blocks.iter().zip(read).map(decode).collect();
        Ok(rows.map_err(|error| self.names_error(open, blocks, &error))?.concat())
    }

    /// The parts of names of blocks of one segment that are wanted.
    pub(super) async fn words(
        &self,
        open: &OpenSegment,
        blocks: &[NameBlock],
        is_wanted: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Vec<WordBlocks>, StoreError> {
        let read = self.blocks(open, Part::Words, blocks).await?;
        let decode = |(block, bytes): (&NameBlock, Bytes)| open.segment.decode_words_if(block, &bytes, is_wanted);
        let words: Result<Vec<_>, SegmentError> = blocks.iter().zip(read).map(decode).collect();
        Ok(words.map_err(|error| self.names_error(open, blocks, &error))?.concat())
    }

    pub(in crate::search) async fn blocks(
        &self,
        open: &OpenSegment,
        part: fn(u32) -> Part,
        blocks: &[NameBlock],
    ) -> Result<Vec<Bytes>, StoreError> {
        let mut parts: Vec<Option<Bytes>> =
            blocks.iter().map(|block| self.look_up(open.key, part(block.number))).collect();
        self.count_hits(parts.iter().flatten().count());
        let missing: Vec<usize> = (0..parts.len()).filter(|at| parts[*at].is_none()).collect();
        let ranges: Vec<_> = missing.iter().map(|at| blocks[*at].range()).collect();
        for (at, bytes) in missing.into_iter().zip(self.lists_at(open, &ranges).await?) {
            if open.whole.is_none() && !self.store.is_near() {
                self.cache.keep(self.tenant, open.key, part(blocks[at].number), bytes.clone());
            }
            parts[at] = Some(bytes);
        }
        Ok(parts.into_iter().flatten().collect())
    }

    pub(in crate::search) fn names_error(
        &self,
        open: &OpenSegment,
        blocks: &[NameBlock],
        error: &SegmentError,
    ) -> StoreError {
        let start = blocks.iter().map(|block| block.range().start).min().unwrap_or(0);
        let end = blocks.iter().map(|block| block.range().end).max().unwrap_or(0);
        self.segment_error(open.key, &(start..end), error)
    }
}
