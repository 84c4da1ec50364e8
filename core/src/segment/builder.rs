//! Writes one segment, front to back, in one pass.

use std::io::Write;

use super::DocId;
use super::accumulate::Accumulator;
use super::dictionary::DictionaryEncoder;
use super::document::PreparedDocument;
use super::documents::DocumentsEncoder;
use super::error::SegmentError;
use super::layout::{TRAILER_LEN, Tag, Trailer, encode_contents};
use super::meta::{BUILDER, Meta};
use super::postings::Encoder;
use super::sink::Sink;
use crate::text::TEXT_VERSION;

/// Writes one segment. Documents arrive in their final order (class, then path): a document's id is its rank.
/// The same documents in the same order give the same bytes.
#[derive(Debug)]
pub struct SegmentBuilder<W> {
    sink: Sink<W>,
    postings: Accumulator,
    documents: DocumentsEncoder,
    blobs: Vec<u8>,
    text_bytes: u64,
}

/// What a finished segment is, for the root's segment table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentSummary {
    /// Length of the file.
    pub bytes: u64,
    /// Length of the tail that [`Segment::open`](super::Segment::open) wants: dictionary, document table, meta, table
    /// of contents, trailer.
    pub hot_bytes: u64,
    /// Documents.
    pub n_docs: u32,
    /// Bytes of text before compression.
    pub text_bytes: u64,
    /// Bytes by section name, for `inspect` and the benches.
    pub sections: Vec<(&'static str, u64)>,
}

impl<W: Write> SegmentBuilder<W> {
    /// Starts a segment; content frames are written to `out` as documents come.
    pub fn new(out: W) -> Result<Self, SegmentError> {
        Ok(Self {
            sink: Sink::new(out),
            postings: Accumulator::new(),
            documents: DocumentsEncoder::default(),
            blobs: Vec::new(),
            text_bytes: 0,
        })
    }

    /// Adds the next document; its id is the number of documents before it.
    pub fn add(&mut self, document: PreparedDocument) -> Result<DocId, SegmentError> {
        let doc = self.documents.add(&document)?;
        self.postings.add(doc, &document.grams)?;
        self.blobs.extend(document.blob.0);
        self.text_bytes += u64::from(document.text_len);
        self.sink.write(&document.frame)?;
        Ok(doc)
    }

    /// Documents so far.
    pub fn n_docs(&self) -> u32 {
        self.documents.n_docs()
    }

    /// Bytes of text so far.
    pub fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// Writes postings, dictionary, tables and trailer; gives the writer back.
    pub fn finish(self) -> Result<(W, SegmentSummary), SegmentError> {
        let (mut sink, n_docs, text_bytes) = (self.sink, self.documents.n_docs(), self.text_bytes);
        sink.close(Tag::CONTENT);
        let dictionary = write_postings(self.postings, n_docs, &mut sink)?;
        let meta = Meta { text_version: TEXT_VERSION, builder: BUILDER, text_bytes, extractors: Vec::new() };
        write_section(&mut sink, Tag::BLOBS, &self.blobs)?;
        let hot = sink.len();
        write_section(&mut sink, Tag::DICTIONARY, &dictionary)?;
        write_section(&mut sink, Tag::DOCUMENTS, &self.documents.finish())?;
        write_section(&mut sink, Tag::META, &meta.encode())?;
        let sections = write_end(&mut sink, hot)?;
        let bytes = sink.len();
        let summary = SegmentSummary { bytes, hot_bytes: bytes - hot, n_docs, text_bytes, sections };
        Ok((sink.into_inner()?, summary))
    }
}

/// Writes the lists in the order of trigrams; the dictionary of them.
fn write_postings<W: Write>(
    mut postings: Accumulator,
    n_docs: u32,
    sink: &mut Sink<W>,
) -> Result<Vec<u8>, SegmentError> {
    let mut dictionary = DictionaryEncoder::default();
    let mut encoder = Encoder::new(n_docs);
    let mut docs = Vec::new();
    for gram in postings.sorted_grams() {
        postings.read(gram, &mut docs)?;
        if let [doc] = docs[..] {
            dictionary.inline(gram, doc);
        } else {
            let list = encoder.encode(&docs);
            dictionary.stored(gram, docs.len() as u32, list.len());
            sink.write(list)?;
        }
    }
    sink.close(Tag::POSTINGS);
    Ok(dictionary.finish())
}

fn write_section<W: Write>(sink: &mut Sink<W>, tag: Tag, section: &[u8]) -> Result<(), SegmentError> {
    sink.write(section)?;
    sink.close(tag);
    Ok(())
}

/// Writes table of contents and trailer; the length of each section by its name.
fn write_end<W: Write>(sink: &mut Sink<W>, hot: u64) -> Result<Vec<(&'static str, u64)>, SegmentError> {
    let contents = sink.len();
    sink.write(&encode_contents(sink.sections()))?;
    let file_len = sink.len() + TRAILER_LEN as u64;
    sink.write(&Trailer { contents, hot, file_len }.encode())?;
    let lens = sink.sections().iter().map(|section| (section.tag.name(), section.range.end - section.range.start));
    Ok(lens.chain(std::iter::once(("end", file_len - contents))).collect())
}
