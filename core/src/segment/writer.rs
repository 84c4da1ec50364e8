//! Writes one segment, front to back: frames as they come, then lists, then facts and names, then the tables. Builder and
//! merge share it; where all that comes from is not its business.

use std::io::Write;

use super::DocId;
use super::builder::Code;
use super::dictionary::DictionaryEncoder;
use super::documents::DocumentsEncoder;
use super::error::{SegmentError, corrupt};
use super::facts_table::{FactsEncoder, FactsFrame};
use super::layout::{PLAIN, TRAILER_LEN, Tag, Trailer, VERSION, encode_contents};
use super::lists::EncodedLists;
use super::meta::{BUILDER, Meta};
use super::names::{NameTables, NamesWriter};
use super::sink::Sink;
use crate::id::ObjectId;
use crate::text::{Language, TEXT_VERSION};

/// One document whose text is compressed already.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Its blob.
    pub blob: ObjectId,
    /// Its language.
    pub language: Language,
    /// Length of its text.
    pub text_len: u32,
    /// Its content frame, as [`Segment::frame_range`](super::Segment::frame_range) names it.
    pub bytes: &'a [u8],
}

/// Writes the documents of a segment, in their order.
#[derive(Debug)]
pub struct SegmentWriter<W> {
    pub(super) sink: Sink<W>,
    documents: DocumentsEncoder,
    blobs: Vec<u8>,
    text_bytes: u64,
    text_version: u32,
}

/// Writes the lists of a segment, in the order of trigrams, then all that comes after them.
#[derive(Debug)]
pub struct PostingsWriter<W> {
    segment: SegmentWriter<W>,
    dictionary: DictionaryEncoder,
    /// What is to be written behind the lists; `None`: nothing, unless the caller does it.
    code: Option<Code>,
}

/// Writes the facts of a segment, in the order of documents, then all that comes after them.
#[derive(Debug)]
pub struct FactsWriter<W> {
    pub(super) segment: SegmentWriter<W>,
    dictionary: DictionaryEncoder,
    facts: FactsEncoder,
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

impl<W: Write> SegmentWriter<W> {
    /// Starts a segment; frames are written to `out` as they come.
    pub fn new(out: W) -> Self {
        Self::of_text_version(out, TEXT_VERSION)
    }

    /// The same for documents that are what `TEXT_VERSION` was then: they are copied, not made.
    pub fn of_text_version(out: W, text_version: u32) -> Self {
        let (sink, documents) = (Sink::new(out), DocumentsEncoder::default());
        Self { sink, documents, blobs: Vec::new(), text_bytes: 0, text_version }
    }

    /// Adds the next document; its id is the number of documents before it.
    pub fn add(&mut self, frame: &Frame<'_>) -> Result<DocId, SegmentError> {
        let doc = self.documents.add(frame)?;
        self.blobs.extend(frame.blob.0);
        self.text_bytes += u64::from(frame.text_len);
        self.sink.write(frame.bytes)?;
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

    /// Ends the content: there are all documents that lists may name.
    pub fn postings(mut self) -> PostingsWriter<W> {
        self.sink.close(Tag::CONTENT);
        PostingsWriter { segment: self, dictionary: DictionaryEncoder::default(), code: None }
    }

    /// The same, with what is to be written behind the lists.
    pub(super) fn postings_before(self, code: Code) -> PostingsWriter<W> {
        PostingsWriter { code: Some(code).filter(|code| code.facts.has_any()), ..self.postings() }
    }

    /// Writes tables and trailer.
    fn end(
        self,
        dictionary: DictionaryEncoder,
        facts: Option<(FactsEncoder, NameTables)>,
    ) -> Result<(W, SegmentSummary), SegmentError> {
        let Self { mut sink, documents, text_bytes, text_version, .. } = self;
        let n_docs = documents.n_docs();
        let extractors = facts.as_ref().map(|(facts, _)| facts.extractors()).unwrap_or_default();
        let meta = Meta { text_version, builder: BUILDER, text_bytes, extractors };
        let hot = sink.len();
        write_section(&mut sink, Tag::DICTIONARY, &dictionary.finish())?;
        write_section(&mut sink, Tag::DOCUMENTS, &documents.finish())?;
        if let Some((facts, tables)) = &facts {
            write_section(&mut sink, Tag::FACTS_TABLE, &facts.finish())?;
            write_section(&mut sink, Tag::NAMES_TABLE, &tables.names)?;
            write_section(&mut sink, Tag::WORDS_TABLE, &tables.words)?;
        }
        write_section(&mut sink, Tag::META, &meta.encode())?;
        let sections = write_end(&mut sink, hot, if facts.is_some() { VERSION } else { PLAIN })?;
        let bytes = sink.len();
        let summary = SegmentSummary { bytes, hot_bytes: bytes - hot, n_docs, text_bytes, sections };
        Ok((sink.into_inner()?, summary))
    }
}

impl<W: Write> PostingsWriter<W> {
    /// Documents in the segment.
    pub fn n_docs(&self) -> u32 {
        self.segment.n_docs()
    }

    /// Appends lists of trigrams after all before.
    pub fn write(&mut self, lists: &EncodedLists) -> Result<(), SegmentError> {
        lists.enter(&mut self.dictionary);
        self.segment.sink.write(lists.bytes())
    }

    /// Ends the lists; facts and names come next.
    pub fn facts(mut self) -> Result<FactsWriter<W>, SegmentError> {
        self.close()?;
        Ok(FactsWriter { segment: self.segment, dictionary: self.dictionary, facts: FactsEncoder::default() })
    }

    /// Writes what a builder has gathered of facts and names, tables and trailer; gives the writer back.
    pub fn finish(mut self) -> Result<(W, SegmentSummary), SegmentError> {
        let Some(Code { facts, names }) = self.code.take() else {
            self.close()?;
            return self.segment.end(self.dictionary, None);
        };
        let mut writer = self.facts()?;
        facts.each(|frame| writer.add(frame))?;
        let mut writer = writer.names()?;
        names.each(|row| writer.push_sorted(row))?;
        writer.finish()
    }

    fn close(&mut self) -> Result<(), SegmentError> {
        let SegmentWriter { sink, blobs, .. } = &mut self.segment;
        sink.close(Tag::POSTINGS);
        write_section(sink, Tag::BLOBS, blobs)
    }
}

impl<W: Write> FactsWriter<W> {
    /// Adds the facts of the next document.
    pub fn add(&mut self, frame: &FactsFrame<'_>) -> Result<(), SegmentError> {
        self.facts.add(frame);
        self.segment.sink.write(frame.bytes)
    }

    /// Ends the facts; names come next.
    pub fn names(mut self) -> Result<NamesWriter<W>, SegmentError> {
        if self.facts.n_docs() != self.segment.n_docs() {
            return Err(corrupt("facts", "are not of as many documents as there are"));
        }
        self.segment.sink.close(Tag::FACTS);
        NamesWriter::new(self)
    }

    /// Writes tables and trailer.
    pub(super) fn end(self, tables: NameTables) -> Result<(W, SegmentSummary), SegmentError> {
        self.segment.end(self.dictionary, Some((self.facts, tables)))
    }
}

fn write_section<W: Write>(sink: &mut Sink<W>, tag: Tag, section: &[u8]) -> Result<(), SegmentError> {
    sink.write(section)?;
    sink.close(tag);
    Ok(())
}

/// Writes table of contents and trailer; the length of each section by its name.
fn write_end<W: Write>(sink: &mut Sink<W>, hot: u64, version: u16) -> Result<Vec<(&'static str, u64)>, SegmentError> {
    let contents = sink.len();
    sink.write(&encode_contents(sink.sections()))?;
    let file_len = sink.len() + TRAILER_LEN as u64;
    sink.write(&Trailer { contents, hot, file_len }.encode(version))?;
    let lens = sink.sections().iter().map(|section| (section.tag.name(), section.range.end - section.range.start));
    Ok(lens.chain(std::iter::once(("end", file_len - contents))).collect())
}
