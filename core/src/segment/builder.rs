//! Builds one segment from documents in their order, in one pass. The file is `writer`'s business, the growing postings
//! are that of `runs`, facts and names wait in `facts_table` and `names` for the end of the content.

use std::io::Write;

use super::DocId;
use super::batch::Batch;
use super::document::PreparedDocument;
use super::error::SegmentError;
use super::facts_table::Waiting;
use super::names::NameRuns;
use super::runs::{Postings, Runs};
use super::spill::Spills;
use super::writer::{PostingsWriter, SegmentSummary, SegmentWriter};

/// Builds one segment. Documents arrive in their final order (class, then path): a document's id is its rank.
/// The same documents in the same order give the same bytes, however they are put into batches and whatever is spilled.
#[derive(Debug)]
pub struct SegmentBuilder<W> {
    writer: SegmentWriter<W>,
    runs: Runs,
    code: Code,
}

/// What waits for the end of the postings.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) facts: Waiting,
    pub(super) names: NameRuns,
}

impl<W: Write> SegmentBuilder<W> {
    /// Starts a segment whose postings stay in memory; content frames are written to `out` as documents come.
    pub fn new(out: W) -> Result<Self, SegmentError> {
        Ok(Self::with_spills(out, Spills::in_memory(), usize::MAX))
    }

    /// Starts a segment of which about `memory` bytes of postings and half as many of names stay in memory; more go to
    /// `spills`, and so do facts.
    pub fn with_spills(out: W, spills: Spills, memory: usize) -> Self {
        let Spills { postings, facts, names } = spills;
        let code = Code { facts: Waiting::new(facts), names: NameRuns::new(names, memory / 2) };
        Self { writer: SegmentWriter::new(out), runs: Runs::new(postings, memory / size_of::<u32>()), code }
    }

    /// Adds the next document; its id is the number of documents before it.
    pub fn add(&mut self, document: PreparedDocument) -> Result<DocId, SegmentError> {
        let mut batch = Batch::default();
        batch.push(document).expect("an empty batch has room");
        self.append(batch)
    }

    /// Adds the documents of a batch; the id of the first is the number of documents before it.
    pub fn append(&mut self, batch: Batch) -> Result<DocId, SegmentError> {
        let first = self.n_docs();
        for document in batch.documents() {
            let doc = self.writer.add(&document.frame)?;
            self.code.facts.add(&document.facts)?;
            self.code.names.append(doc, document.names)?;
        }
        self.runs.append(first, batch)?;
        Ok(first)
    }

    /// Documents so far.
    pub fn n_docs(&self) -> u32 {
        self.writer.n_docs()
    }

    /// Bytes of text so far.
    pub fn text_bytes(&self) -> u64 {
        self.writer.text_bytes()
    }

    /// Ends the documents. What is left to do, [`SegmentBuilder::finish`] does on one thread: to encode each part of the
    /// postings, to write them in order, and to finish the writer.
    pub fn postings(self) -> Result<(PostingsWriter<W>, Postings), SegmentError> {
        let writer = self.writer.postings_before(self.code);
        let postings = self.runs.finish(writer.n_docs())?;
        Ok((writer, postings))
    }

    /// Writes postings, dictionary, tables and trailer; gives the writer back.
    pub fn finish(self) -> Result<(W, SegmentSummary), SegmentError> {
        let (mut writer, postings) = self.postings()?;
        for part in postings.parts() {
            writer.write(&postings.encode(part)?)?;
        }
        writer.finish()
    }
}
