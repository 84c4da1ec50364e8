//! Reads blobs, judges them, and prepares the documents that are not held: their text, and what extractors find in it. One
//! thread's work; order is `shelf`'s business.

use std::collections::BTreeMap;

use kotadb_core::segment::{Batch, PreparedDocument, Scratch, SegmentError};
use kotadb_core::store::SkipReason;
use kotadb_core::text::{self, Language};
use tracing::warn;

use crate::build::Workshop;
use crate::contents::Contents;
use crate::error::IndexError;
use crate::extract;
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
    /// What extractors found in them.
    pub code: CodeCounts,
}

/// What extractors found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeCounts {
    /// Definitions.
    pub symbols: u64,
    /// Uses of names.
    pub references: u64,
    /// Documents of whose symbols all or some are missing, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
}

impl CodeCounts {
    /// Adds others.
    pub fn add(&mut self, others: &Self) {
        self.symbols += others.symbols;
        self.references += others.references;
        for (reason, count) in &others.skipped {
            *self.skipped.entry(reason).or_default() += count;
        }
    }
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
            let reading =
                bench.contents.with(item.blob, |content| self.read(item, content, &mut bench.scratch, &mut prepared));
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
        prepared: &mut Prepared,
    ) -> Result<Reading, IndexError> {
        if text::is_binary(content) {
            return Ok(Reading::Left(SkipReason::Binary));
        }
        let path = |at| &self.group.file(at).path;
        let languages: Vec<_> = item.files.iter().map(|&at| Language::detect(path(at), content)).collect();
        let mut new = Vec::new();
        for &language in &languages {
            if self.workshop.held.get(item.blob, language).is_none() && !new.contains(&language) {
                let mut document = PreparedDocument::new(item.blob, language, content, scratch)?;
                self.extract((item, language), content, (&mut document, scratch), &mut prepared.code)?;
                push(&mut prepared.batches, document);
                new.push(language);
            }
        }
        Ok(Reading::Text { languages, new })
    }

    /// Adds what the extractor of the language finds. A text with which it fares badly is searchable all the same.
    fn extract(
        &self,
        (item, language): (&Item, Language),
        content: &[u8],
        (document, scratch): (&mut PreparedDocument, &mut Scratch),
        counts: &mut CodeCounts,
    ) -> Result<(), IndexError> {
        let extractors = self.workshop.held.extractors;
        let Some(version) = (extractors.version)(language) else { return Ok(()) };
        let facts = (extractors.extract)(language, content, extract::USUAL_BUDGET);
        let refused = match document.add_facts(version, facts.as_ref(), content, scratch) {
            Err(SegmentError::Corrupt { what }) => Some(what),
            other => other.map(|()| None)?,
        };
        if let Some(what) = &refused {
            warn!(blob = %item.blob, language = language.name(), "facts of a text are left out: {what}");
        }
        let facts = facts.filter(|_| refused.is_none());
        let reason = match &facts {
            _ if content.len() > extract::MAX_BYTES => Some("too_large"),
            Some(facts) => facts.partial.then_some("partial"),
            None => Some("unreadable"),
        };
        reason.iter().for_each(|reason| *counts.skipped.entry(reason).or_default() += 1);
        counts.symbols += facts.as_ref().map_or(0, |facts| facts.symbols.len() as u64);
        counts.references += facts.as_ref().map_or(0, |facts| facts.references.len() as u64);
        Ok(())
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
