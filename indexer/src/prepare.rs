//! Reads blobs, judges them, and prepares the documents that are not held. One thread's work; order is `shelf`'s business.

use kotadb_core::segment::{Batch, PreparedDocument, Scratch};
use kotadb_core::store::SkipReason;
use kotadb_core::text::{self, Language};

use crate::build::Workshop;
use crate::contents::Contents;
use crate::error::IndexError;
use crate::facts::Group;
use crate::plan::Item;

/// What all threads share.
#[derive(Clone, Copy, Debug)]
pub struct Preparer<'a> {
    /// What the build needs.
    pub workshop: Workshop<'a>,
    /// Whose files the items are.
    pub group: &'a Group,
}

/// What a thread has for itself.
pub struct Bench<'a> {
    contents: Contents<'a>,
    scratch: Scratch,
}

/// What items in a row came to.
#[derive(Debug, Default)]
pub struct Prepared {
    /// One an item.
    pub readings: Vec<Reading>,
    /// The new documents of all items, in order, sorted.
    pub batches: Vec<Batch>,
}

/// What one blob came to.
#[derive(Debug)]
pub enum Reading {
    /// It is left out.
    Left(SkipReason),
    /// It is text.
    Text {
        /// The language of each file that holds it.
        languages: Vec<Language>,
        /// The languages of its new documents.
        new: Vec<Language>,
    },
}

impl<'a> Preparer<'a> {
    /// Sets up a thread.
    pub fn bench(&self) -> Result<Bench<'a>, IndexError> {
        Ok(Bench { contents: self.workshop.source.open()?, scratch: Scratch::default() })
    }

    /// Reads, judges and prepares.
    pub fn prepare(&self, items: &[Item], bench: &mut Bench<'_>) -> Result<Prepared, IndexError> {
        let mut prepared = Prepared::default();
        for item in items {
            let batches = &mut prepared.batches;
            let reading =
                bench.contents.with(item.blob, |content| self.read(item, content, &mut bench.scratch, batches));
            prepared.readings.push(reading.unwrap_or(Ok(Reading::Left(SkipReason::Unreadable)))?);
        }
        prepared.batches.iter_mut().for_each(Batch::sort);
        Ok(prepared)
    }

    fn read(
        &self,
        item: &Item,
        content: &[u8],
        scratch: &mut Scratch,
        batches: &mut Vec<Batch>,
    ) -> Result<Reading, IndexError> {
        if text::is_binary(content) {
            return Ok(Reading::Left(SkipReason::Binary));
        }
        let path = |at| &self.group.file(at).path;
        let languages: Vec<_> = item.files.iter().map(|&at| Language::detect(path(at), content)).collect();
        let mut new = Vec::new();
        for &language in &languages {
            if self.workshop.held.get(item.blob, language).is_none() && !new.contains(&language) {
                push(batches, PreparedDocument::new(item.blob, language, content, scratch)?);
                new.push(language);
            }
        }
        Ok(Reading::Text { languages, new })
    }
}

/// Adds a document to the last batch, or to a new one if that is full.
fn push(batches: &mut Vec<Batch>, document: PreparedDocument) {
    let left = match batches.last_mut() {
        Some(batch) => batch.push(document).err(),
        None => Some(document),
    };
    if let Some(document) = left {
        let mut batch = Batch::default();
        batch.push(document).expect("an empty batch has room");
        batches.push(batch);
    }
}
