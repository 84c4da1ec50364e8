//! Merges the postings of segments list by list, and compresses frames anew. Which documents live, in which order, and
//! where the inputs are read from is the caller's business; no text is cut into trigrams again.

use std::fmt;
use std::io::Write;
use std::ops::Range;

use bytes::Bytes;
use zstd::bulk::Compressor;

use super::dictionary::ListRef;
use super::error::{SegmentError, corrupt};
use super::facts_table::FactsFrame;
use super::lists::EncodedLists;
use super::reader::Segment;
use super::writer::{FactsWriter, PostingsWriter};
use super::{DocId, frame};
use crate::text::Trigram;

/// Bytes of postings read at once of each input.
const WINDOW: u64 = 1 << 20;
/// Trigrams encoded before they are written.
const BATCH: usize = 4096;

/// Reads ranges of one segment file. An error ends the merge.
pub trait ReadRange {
    /// The bytes of a range of the file.
    fn read(&self, range: Range<u64>) -> Result<Bytes, SegmentError>;
}

/// One segment of a merge.
pub struct MergeInput<'a> {
    /// Its tail.
    pub segment: &'a Segment,
    /// Its file.
    pub file: &'a dyn ReadRange,
    /// By document: its number in the output; `None`: it is left out. Numbers are used once.
    pub moved: &'a [Option<DocId>],
}

/// Writes the lists of all inputs, with their documents renumbered, behind the content of the output. Needs memory for
/// a window of each input and the longest list.
pub fn merge_postings<W: Write>(inputs: &[MergeInput<'_>], out: &mut PostingsWriter<W>) -> Result<(), SegmentError> {
    let mut cursors = inputs.iter().map(ListCursor::new).collect::<Result<Vec<_>, _>>()?;
    let mut docs = Vec::new();
    let mut batch = EncodedLists::new(out.n_docs());
    let mut pending = 0;
    while let Some(gram) = cursors.iter().filter_map(|cursor| Some(cursor.next.as_ref()?.0)).min() {
        docs.clear();
        for cursor in cursors.iter_mut().filter(|cursor| cursor.next.as_ref().is_some_and(|next| next.0 == gram)) {
            cursor.take(&mut docs)?;
        }
        docs.sort_unstable();
        batch.push(gram, &docs);
        pending += 1;
        if pending == BATCH {
            out.write(&std::mem::replace(&mut batch, EncodedLists::new(out.n_docs())))?;
            pending = 0;
        }
    }
    out.write(&batch)
}

/// Writes the facts of documents (input, document) in their order, as they are.
pub fn merge_facts<W: Write>(
    inputs: &[MergeInput<'_>],
    order: &[(usize, DocId)],
    out: &mut FactsWriter<W>,
) -> Result<(), SegmentError> {
    for &(input, doc) in order {
        let MergeInput { segment, file, .. } = &inputs[input];
        let bytes = match segment.facts_range(doc)? {
            Some(range) => file.read(range)?,
            None => Bytes::new(),
        };
        let (language, extractor) = (segment.language(doc), segment.extractor(doc)?);
        out.add(&FactsFrame { language, extractor, bytes: &bytes })?;
    }
    Ok(())
}

/// The lists of one input, in the order of trigrams.
struct ListCursor<'a> {
    input: &'a MergeInput<'a>,
    lists: Box<dyn Iterator<Item = Result<(Trigram, ListRef), SegmentError>> + 'a>,
    next: Option<(Trigram, ListRef)>,
    window: Bytes,
    /// Where the window starts in the file.
    start: u64,
}

impl<'a> ListCursor<'a> {
    fn new(input: &'a MergeInput<'a>) -> Result<Self, SegmentError> {
        if input.moved.len() != input.segment.n_docs() as usize {
            return Err(corrupt("documents", "are not as many as their new numbers"));
        }
        let mut lists: Box<dyn Iterator<Item = _>> = Box::new(input.segment.lists());
        let next = lists.next().transpose()?;
        Ok(Self { input, lists, next, window: Bytes::new(), start: 0 })
    }

    /// Adds the new numbers of the next list's documents to `docs`, and moves on.
    fn take(&mut self, docs: &mut Vec<DocId>) -> Result<(), SegmentError> {
        let next = self.lists.next().transpose()?;
        let Some((_, list)) = std::mem::replace(&mut self.next, next) else { return Ok(()) };
        let decoded = match &list {
            ListRef::Inline(_) => self.input.segment.decode_list(&list, b"")?,
            ListRef::Stored { range, .. } => {
                let bytes = self.bytes(range)?;
                self.input.segment.decode_list(&list, &bytes)?
            }
        };
        docs.extend(decoded.iter().filter_map(|doc| self.input.moved[doc as usize]));
        Ok(())
    }

    /// Lists follow each other in the file, so most are in the window already.
    fn bytes(&mut self, range: &Range<u64>) -> Result<Bytes, SegmentError> {
        if range.start < self.start || range.end > self.start + self.window.len() as u64 {
            let end = (range.start + WINDOW).min(self.input.segment.postings_range().end).max(range.end);
            self.window = self.input.file.read(range.start..end)?;
            self.start = range.start;
        }
        let (start, end) = ((range.start - self.start) as usize, (range.end - self.start) as usize);
        if end > self.window.len() {
            return Err(corrupt("postings", "end before their lists do"));
        }
        Ok(self.window.slice(start..end))
    }
}

/// Compresses content frames anew, at a level that takes longer and stores less.
pub struct Recompressor(Compressor<'static>);

impl Recompressor {
    /// At this level of zstd.
    pub fn new(level: i32) -> Result<Self, SegmentError> {
        Ok(Self(Compressor::new(level)?))
    }

    /// The frame of a document, or the one given where that is smaller.
    pub fn frame(&mut self, segment: &Segment, doc: DocId, bytes: Bytes) -> Result<Bytes, SegmentError> {
        let text = segment.decode_frame(doc, &bytes)?;
        let anew = frame::encode(&text, &mut self.0)?;
        Ok(if anew.len() < bytes.len() { anew.into() } else { bytes })
    }
}

impl fmt::Debug for Recompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recompressor").finish_non_exhaustive()
    }
}

impl fmt::Debug for MergeInput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MergeInput").field("segment", self.segment).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::id::ObjectId;
    use crate::segment::{Frame, PreparedDocument, Scratch, SegmentBuilder, SegmentWriter};
    use crate::text::Language;

    impl ReadRange for Vec<u8> {
        fn read(&self, range: Range<u64>) -> Result<Bytes, SegmentError> {
            Ok(Bytes::copy_from_slice(&self[range.start as usize..range.end as usize]))
        }
    }

    fn build(texts: &[String]) -> Vec<u8> {
        let mut builder = SegmentBuilder::new(Vec::new()).unwrap();
        let mut scratch = Scratch::default();
        for text in texts {
            let document = PreparedDocument::new(blob(text), Language::TEXT, text.as_bytes(), &mut scratch).unwrap();
            builder.add(document).unwrap();
        }
        builder.finish().unwrap().0
    }

    fn blob(text: &str) -> ObjectId {
        let mut id = [0; 20];
        id.copy_from_slice(&crate::crypto::sha256(text.as_bytes())[..20]);
        ObjectId(id)
    }

    fn open(file: &[u8]) -> Segment {
        let len = file.len() as u64;
        let hot = Segment::hot_range(file, len).unwrap();
        Segment::open(Bytes::copy_from_slice(&file[hot.start as usize..]), len).unwrap()
    }

    #[test]
    fn documents_that_are_copied_keep_the_version_of_their_text() {
        let (file, _) = SegmentWriter::of_text_version(Vec::new(), 7).postings().finish().unwrap();
        assert_eq!(open(&file).text_version(), 7);
    }

    /// Merges files with the documents in `order` (input, document); others are left out.
    fn merge(files: &[Vec<u8>], order: &[(usize, DocId)], level: Option<i32>) -> Vec<u8> {
        let segments: Vec<Segment> = files.iter().map(|file| open(file)).collect();
        let mut moved: Vec<Vec<Option<DocId>>> =
            segments.iter().map(|segment| vec![None; segment.n_docs() as usize]).collect();
        let mut writer = SegmentWriter::new(Vec::new());
        for (new, &(input, doc)) in (0..).zip(order) {
            let segment = &segments[input];
            let mut bytes = files[input].read(segment.frame_range(doc)).unwrap();
            if let Some(level) = level {
                bytes = Recompressor::new(level).unwrap().frame(segment, doc, bytes).unwrap();
            }
            let blobs = segment.decode_blobs(&files[input].read(segment.blobs_range()).unwrap()).unwrap();
            let text_len = u32::try_from(segment.text_len(doc)).unwrap();
            let language = segment.language(doc);
            writer.add(&Frame { blob: blobs[doc as usize], language, text_len, bytes: &bytes }).unwrap();
            moved[input][doc as usize] = Some(new);
        }
        let inputs: Vec<_> =
            (0..files.len()).map(|i| MergeInput { segment: &segments[i], file: &files[i], moved: &moved[i] }).collect();
        let mut postings = writer.postings();
        merge_postings(&inputs, &mut postings).unwrap();
        postings.finish().unwrap().0
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// The slow twin builds from the texts themselves.
        #[test]
        fn a_merge_is_what_a_build_of_the_same_documents_makes(
            texts in prop::collection::vec(prop::collection::vec("[ab\n]{0,12}[a-d]{0,300}", 0..12), 1..4),
            picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..24),
        ) {
            let files: Vec<Vec<u8>> = texts.iter().map(|texts| build(texts)).collect();
            let mut seen = BTreeSet::new();
            let order: Vec<(usize, DocId)> = picks.iter().filter_map(|(input, doc)| {
                let input = input.index(texts.len());
                let docs = texts[input].len();
                (docs > 0).then(|| (input, doc.index(docs) as DocId)).filter(|place| seen.insert(*place))
            }).collect();
            let ordered: Vec<String> = order.iter().map(|&(input, doc)| texts[input][doc as usize].clone()).collect();
            prop_assert_eq!(merge(&files, &order, None), build(&ordered));
            let smaller = merge(&files, &order, Some(12));
            prop_assert!(smaller.len() <= build(&ordered).len());
            let opened = open(&smaller);
            for (doc, text) in (0..).zip(&ordered) {
                let frame = smaller.read(opened.frame_range(doc)).unwrap();
                prop_assert_eq!(opened.decode_frame(doc, &frame).unwrap(), text.as_bytes());
            }
        }
    }
}
