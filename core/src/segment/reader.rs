//! Reads one segment: from the hot tail it tells which ranges hold what, and decodes ranges that the caller fetched.

use std::ops::Range;
use std::sync::OnceLock;

use bytes::Bytes;

use super::dictionary::{Bounds, Dictionary, ListRef};
use super::doc_set::DocSet;
use super::documents::Documents;
use super::error::{SegmentError, corrupt};
use super::facts_table::{self, FactsTable};
use super::flat_documents::FlatDocuments;
use super::layout::{Section, TRAILER_LEN, Tag, Trailer, decode_contents};
use super::meta::Meta;
use super::names::{Lazy, NameBlock, NameRow, NamesTable, WordBlocks};
use super::{DocId, frame, postings};
use crate::facts::{Facts, Outline, extractor_version};
use crate::id::ObjectId;
use crate::text::{Language, Trigram};

const OBJECT_ID_LEN: u64 = 20;

/// The opened tail of a segment: says which ranges hold what and decodes them.
#[derive(Debug)]
pub struct Segment {
    dictionary: Dictionary,
    documents: Documents,
    meta: Meta,
    bounds: Bounds,
    content: Range<u64>,
    blobs: Section,
    code: Option<Code>,
    is_pending: OnceLock<bool>,
}

/// What a segment with facts has beside.
#[derive(Debug)]
struct Code {
    facts: FactsTable,
    names: NamesTable,
}

impl Segment {
    /// Length of the fixed trailer, the last bytes of every segment.
    pub const TRAILER_LEN: u64 = TRAILER_LEN as u64;

    /// From the trailer alone, the range that [`Segment::open`] wants (for a reader that has no root entry).
    /// `trailer` may have other bytes of the file before it.
    pub fn hot_range(trailer: &[u8], file_len: u64) -> Result<Range<u64>, SegmentError> {
        let trailer = Trailer::decode(trailer, file_len)?;
        Ok(trailer.hot..trailer.file_len)
    }

    /// Opens the hot tail of a file of `file_len` bytes. Checks magic, versions and checksums of what it is given.
    pub fn open(hot: Bytes, file_len: u64) -> Result<Self, SegmentError> {
        let tail = Tail::open(hot, file_len)?;
        let documents = Documents::open(&tail.hot_section(Tag::DOCUMENTS)?, tail.content_len()?)?;
        let code = Code::open(&tail, documents.n_docs(), Tail::hot_section)?;
        Self::of(&tail, (documents, code), tail.hot_section(Tag::DICTIONARY)?)
    }

    /// The same of a file whose checksums held when `flat` was made of it, by [`Self::to_flat`]: the long ones are not
    /// looked at again.
    pub fn open_flat(hot: Bytes, file_len: u64, flat: &Bytes) -> Result<Self, SegmentError> {
        let tail = Tail::open(hot, file_len)?;
        let documents = Documents::flat(FlatDocuments::open(flat, tail.content_len()?)?);
        let code = Code::open(&tail, documents.n_docs(), |tail, tag| tail.bytes(tail.section(tag)?))?;
        Self::of(&tail, (documents, code), tail.bytes(tail.section(Tag::DICTIONARY)?)?)
    }

    /// What [`Self::open_flat`] wants.
    pub fn to_flat(&self) -> Bytes {
        FlatDocuments::write(&self.documents).into()
    }

    fn of(tail: &Tail, (documents, code): (Documents, Option<Code>), dictionary: Bytes) -> Result<Self, SegmentError> {
        let content = tail.section(Tag::CONTENT)?.range.clone();
        let segment = Self {
            dictionary: Dictionary::open(dictionary)?,
            meta: Meta::decode(&tail.hot_section(Tag::META)?)?,
            bounds: Bounds { postings: tail.section(Tag::POSTINGS)?.range.clone(), n_docs: documents.n_docs() },
            content,
            blobs: tail.section(Tag::BLOBS)?.clone(),
            documents,
            code,
            is_pending: OnceLock::new(),
        };
        segment.agree()?;
        Ok(segment)
    }

    /// Documents in the segment.
    pub fn n_docs(&self) -> u32 {
        self.documents.n_docs()
    }

    /// Bytes that it takes beside the hot tail, once all of it is decoded.
    pub fn decoded_bytes(&self) -> u64 {
        let code = self.code.as_ref().map_or(0, Code::decoded_bytes);
        self.dictionary.decoded_bytes() + self.documents.decoded_bytes() + code
    }

    /// Bytes of text before compression.
    pub fn text_bytes(&self) -> u64 {
        self.meta.text_bytes
    }

    /// Distinct trigrams in the segment.
    pub fn n_trigrams(&self) -> usize {
        self.dictionary.n_grams()
    }

    /// Text version of the builder, to tell whether its documents are held.
    pub fn text_version(&self) -> u32 {
        self.meta.text_version
    }

    /// Where the postings of `trigram` are; `None`: no document has it.
    pub fn list(&self, trigram: Trigram) -> Result<Option<ListRef>, SegmentError> {
        self.dictionary.find(trigram, &self.bounds)
    }

    /// Where the postings of every trigram are, in the order of trigrams; an error is the last item.
    pub fn lists(&self) -> impl Iterator<Item = Result<(Trigram, ListRef), SegmentError>> + '_ {
        self.dictionary.entries(&self.bounds)
    }

    /// Where all stored lists are.
    pub(super) fn postings_range(&self) -> Range<u64> {
        self.bounds.postings.clone()
    }

    /// Decodes the bytes of a stored list's range (or nothing, for an inline one).
    pub fn decode_list(&self, list: &ListRef, bytes: &[u8]) -> Result<DocSet, SegmentError> {
        match list {
            ListRef::Inline(doc) => Ok(DocSet::ascending(vec![*doc])),
            ListRef::Stored { count, .. } => postings::decode(bytes, *count, self.n_docs()),
        }
    }

    /// Where the content frame of a document is; empty if there is no such document.
    pub fn frame_range(&self, doc: DocId) -> Range<u64> {
        let frame = self.documents.frame(doc).unwrap_or_default();
        self.content.start + frame.start..self.content.start + frame.end
    }

    /// Checks and decompresses a content frame.
    pub fn decode_frame(&self, doc: DocId, bytes: &[u8]) -> Result<Vec<u8>, SegmentError> {
        let text_len = self.documents.text_len(doc);
        frame::decode(bytes, text_len.ok_or_else(|| corrupt("content", format!("there is no document {doc}")))?)
    }

    /// Length of a document's text; 0 if there is no such document.
    pub fn text_len(&self, doc: DocId) -> u64 {
        self.documents.text_len(doc).unwrap_or(0).into()
    }

    /// Language of a document as indexed (the snapshot entry says the same); text if there is no such document.
    pub fn language(&self, doc: DocId) -> Language {
        self.documents.language(doc).unwrap_or(Language::TEXT)
    }

    /// Where the blob ids are (not in the hot tail: only the indexer asks).
    pub fn blobs_range(&self) -> Range<u64> {
        self.blobs.range.clone()
    }

    /// Decodes the blob ids, by document.
    pub fn decode_blobs(&self, bytes: &[u8]) -> Result<Vec<ObjectId>, SegmentError> {
        self.blobs.check(bytes)?;
        Ok(bytes.as_chunks().0.iter().map(|&id| ObjectId(id)).collect())
    }

    /// Whether an extractor saw any document.
    pub fn has_code(&self) -> bool {
        self.code.is_some()
    }

    /// Version of the extractor that saw a document, to tell whether it is held; 0: none did.
    pub fn extractor(&self, doc: DocId) -> Result<u32, SegmentError> {
        let Some(code) = &self.code else { return Ok(0) };
        let latest = self.latest_extractor(self.language(doc));
        code.facts.extractor(doc, latest)
    }

    /// Whether documents have not been seen by the extractors that this program knows: their symbols are to come.
    pub fn is_pending(&self) -> bool {
        let is_seen = |doc: DocId| {
            let required = extractor_version(self.language(doc));
            required.is_none_or(|required| self.extractor(doc).is_ok_and(|seen| seen >= required))
        };
        *self.is_pending.get_or_init(|| !(0..self.n_docs()).all(is_seen))
    }

    /// Latest version of the extractor of a language that saw documents here; 0: none did.
    pub fn latest_extractor(&self, language: Language) -> u32 {
        let found = self.meta.extractors.iter().find(|(number, _)| *number == language.0);
        found.map_or(0, |(_, version)| *version)
    }

    /// Where the facts of a document are; `None`: it has none.
    pub fn facts_range(&self, doc: DocId) -> Result<Option<Range<u64>>, SegmentError> {
        self.code.as_ref().map_or(Ok(None), |code| code.facts.frame(doc))
    }

    /// Checks and decodes facts of a document with this text.
    pub fn decode_facts(&self, bytes: &[u8], text: &[u8]) -> Result<Facts, SegmentError> {
        Facts::decode(&facts_table::decode(bytes)?, text).map_err(|error| corrupt("facts", error))
    }

    /// What facts of a document say without its text.
    pub fn decode_outline(&self, bytes: &[u8]) -> Result<Outline, SegmentError> {
        Facts::outline(&facts_table::decode(bytes)?).map_err(|error| corrupt("facts", error))
    }

    /// Blocks that may hold a folded name, or names that begin with it.
    pub fn names(&self, folded: &str, as_prefix: bool) -> Result<Vec<NameBlock>, SegmentError> {
        self.code.as_ref().map_or(Ok(Vec::new()), |code| code.names.names.holding(folded, as_prefix))
    }

    /// All blocks of names, in the order of names.
    pub fn all_names(&self) -> Result<Vec<NameBlock>, SegmentError> {
        self.code.as_ref().map_or(Ok(Vec::new()), |code| code.names.names.all())
    }

    /// A block of names by its number.
    pub fn names_at(&self, number: u32) -> Result<NameBlock, SegmentError> {
        let code = self.code.as_ref().ok_or_else(|| corrupt("names", "are not there"))?;
        code.names.names.block(number)
    }

    /// The names of a block, sorted.
    pub fn decode_names(&self, block: &NameBlock, bytes: &[u8]) -> Result<Vec<NameRow>, SegmentError> {
        self.decode_names_if(block, bytes, &|_| true)
    }

    /// Those of them that are wanted: most of a block need not be copied then.
    pub fn decode_names_if(
        &self,
        block: &NameBlock,
        bytes: &[u8],
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<NameRow>, SegmentError> {
        let rows = self.code.as_ref().map(|code| code.names.rows(block, bytes, is_wanted));
        let mut rows = rows.unwrap_or(Ok(Vec::new()))?;
        rows.retain(|row| row.doc < self.n_docs());
        Ok(rows)
    }

    /// Shows name, document and number of each symbol of a block of names, sorted by name.
    pub fn each_name(
        &self,
        block: &NameBlock,
        bytes: &[u8],
        mut show: impl FnMut(&str, DocId, u32),
    ) -> Result<(), SegmentError> {
        let Some(code) = &self.code else { return Ok(()) };
        code.names.each(block, bytes, &mut |name, doc, symbol| {
            if doc < self.n_docs() {
                show(name, doc, symbol);
            }
        })
    }

    /// Blocks that may hold parts of names that begin with `folded`.
    pub fn words(&self, folded: &str) -> Result<Vec<NameBlock>, SegmentError> {
        self.code.as_ref().map_or(Ok(Vec::new()), |code| code.names.words.holding(folded, true))
    }

    /// The parts of names of a block that are wanted, sorted.
    pub fn decode_words_if(
        &self,
        block: &NameBlock,
        bytes: &[u8],
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<WordBlocks>, SegmentError> {
        self.code.as_ref().map_or(Ok(Vec::new()), |code| code.names.words(block, bytes, is_wanted))
    }

    /// Whether what the sections say of each other is true.
    fn agree(&self) -> Result<(), SegmentError> {
        if self.blobs.range.end - self.blobs.range.start != u64::from(self.n_docs()) * OBJECT_ID_LEN {
            return Err(corrupt("blobs", "are not as many as the documents"));
        }
        Ok(())
    }
}

impl Code {
    /// `None`: the file has no facts. `read` gives a section of the tail.
    fn open(
        tail: &Tail,
        n_docs: u32,
        read: impl Fn(&Tail, Tag) -> Result<Bytes, SegmentError>,
    ) -> Result<Option<Self>, SegmentError> {
        if tail.sections.iter().all(|section| section.tag != Tag::FACTS_TABLE) {
            return Ok(None);
        }
        let place = |tag| Ok::<_, SegmentError>(tail.section(tag)?.range.clone());
        let facts = FactsTable::new(n_docs, place(Tag::FACTS)?, read(tail, Tag::FACTS_TABLE)?);
        let names = Lazy::new(place(Tag::NAMES)?, read(tail, Tag::NAMES_TABLE)?);
        let words = Lazy::new(place(Tag::WORDS)?, read(tail, Tag::WORDS_TABLE)?);
        Ok(Some(Self { facts, names: NamesTable { names, words } }))
    }

    fn decoded_bytes(&self) -> u64 {
        self.facts.decoded_bytes() + self.names.names.decoded_bytes() + self.names.words.decoded_bytes()
    }
}

/// The hot tail, cut by its table of contents, checksums verified.
struct Tail {
    hot: Bytes,
    start: u64,
    sections: Vec<Section>,
}

impl Tail {
    fn open(hot: Bytes, file_len: u64) -> Result<Self, SegmentError> {
        let trailer = Trailer::decode(&hot, file_len)?;
        if trailer.file_len - trailer.hot != hot.len() as u64 {
            return Err(corrupt("trailer", "the hot tail has another length"));
        }
        let table = (trailer.contents - trailer.hot) as usize..hot.len() - TRAILER_LEN;
        let sections = decode_contents(&hot[table], trailer.contents)?;
        Ok(Self { hot, start: trailer.hot, sections })
    }

    /// The only section with this tag.
    fn section(&self, tag: Tag) -> Result<&Section, SegmentError> {
        let mut tagged = self.sections.iter().filter(|section| section.tag == tag);
        match (tagged.next(), tagged.next()) {
            (Some(section), None) => Ok(section),
            _ => Err(corrupt(tag.name(), "must be there once")),
        }
    }

    fn content_len(&self) -> Result<u64, SegmentError> {
        let content = &self.section(Tag::CONTENT)?.range;
        Ok(content.end - content.start)
    }

    /// The bytes of a section in the hot tail, checked.
    fn hot_section(&self, tag: Tag) -> Result<Bytes, SegmentError> {
        let section = self.section(tag)?;
        let bytes = self.bytes(section)?;
        section.check(&bytes)?;
        Ok(bytes)
    }

    fn bytes(&self, section: &Section) -> Result<Bytes, SegmentError> {
        let start = section.range.start.checked_sub(self.start);
        let start = start.ok_or_else(|| corrupt(section.tag.name(), "is not in the hot tail"))?;
        Ok(self.hot.slice(start as usize..(section.range.end - self.start) as usize))
    }
}
