//! Whole segments: written, read back, damaged on purpose, and compared with files that earlier programs wrote.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proptest::prelude::*;

use super::layout::{Section, TRAILER_LEN, Tag, Trailer, decode_contents, encode_contents};
use super::*;
use crate::id::ObjectId;
use crate::text::{Language, TEXT_VERSION, Trigram, TrigramSet};

/// Everything that a segment says: by document its text, language and blob, and by trigram its documents.
#[derive(Debug, PartialEq)]
struct Answers {
    documents: Vec<(Vec<u8>, Language, ObjectId)>,
    postings: BTreeMap<u32, Vec<DocId>>,
}

fn blob(number: usize) -> ObjectId {
    ObjectId(std::array::from_fn(|i| (number * 31 + i) as u8))
}

fn language(number: usize) -> Language {
    Language((number * 37 % 90) as u16)
}

fn build<T: AsRef<[u8]>>(texts: &[T]) -> (Vec<u8>, SegmentSummary) {
    let mut scratch = Scratch::default();
    let mut builder = SegmentBuilder::new(Vec::new()).unwrap();
    for (i, text) in texts.iter().enumerate() {
        let document = PreparedDocument::new(blob(i), language(i), text.as_ref(), &mut scratch).unwrap();
        assert_eq!(builder.add(document).unwrap() as usize, i);
    }
    builder.finish().unwrap()
}

/// What the segment should say, found the slow way.
fn expected<T: AsRef<[u8]>>(texts: &[T]) -> Answers {
    let (mut set, mut postings) = (TrigramSet::default(), BTreeMap::<u32, Vec<DocId>>::new());
    for (doc, text) in (0..).zip(texts) {
        for gram in set.collect(text.as_ref()) {
            postings.entry(gram.0).or_default().push(doc);
        }
    }
    let documents = texts.iter().enumerate().map(|(i, text)| (text.as_ref().to_vec(), language(i), blob(i)));
    Answers { documents: documents.collect(), postings }
}

fn open(file: &[u8]) -> Result<Segment, SegmentError> {
    let trailer = &file[file.len().saturating_sub(TRAILER_LEN)..];
    let hot = Segment::hot_range(trailer, file.len() as u64)?;
    Segment::open(Bytes::copy_from_slice(slice(file, hot)), file.len() as u64)
}

/// What a reader is given for a range; a range beyond the file is the reader's mistake.
fn slice(file: &[u8], range: std::ops::Range<u64>) -> &[u8] {
    &file[range.start as usize..range.end as usize]
}

/// Reads everything: all documents, and the lists of `grams` (where the dictionary is damaged it may know others).
fn read(file: &[u8], grams: &BTreeSet<u32>) -> Result<Answers, SegmentError> {
    let segment = open(file)?;
    let mut answers = Answers { documents: Vec::new(), postings: BTreeMap::new() };
    let blobs = segment.decode_blobs(slice(file, segment.blobs_range()))?;
    for (doc, blob) in (0..segment.n_docs()).zip(blobs) {
        let text = segment.decode_frame(doc, slice(file, segment.frame_range(doc)))?;
        assert_eq!(segment.text_len(doc), text.len() as u64);
        answers.documents.push((text, segment.language(doc), blob));
    }
    for &gram in grams {
        if let Some(list) = segment.list(Trigram(gram))? {
            let bytes = match &list {
                ListRef::Inline(_) => &[][..],
                ListRef::Stored { range, .. } => slice(file, range.clone()),
            };
            let docs = segment.decode_list(&list, bytes)?;
            assert_eq!(docs.len(), list.count() as usize);
            answers.postings.insert(gram, docs.iter().collect());
        }
    }
    Ok(answers)
}

/// The trigrams that have lists and their neighbours, which mostly have none.
fn around(answers: &Answers) -> BTreeSet<u32> {
    answers.postings.keys().flat_map(|&gram| gram.saturating_sub(1)..gram + 2).collect()
}

fn check<T: AsRef<[u8]>>(texts: &[T]) -> (Vec<u8>, SegmentSummary) {
    let (file, summary) = build(texts);
    let expected = expected(texts);
    assert_eq!(read(&file, &around(&expected)).unwrap(), expected);
    assert_eq!((summary.n_docs as usize, summary.bytes), (texts.len(), file.len() as u64));
    assert_eq!(summary.text_bytes, texts.iter().map(|text| text.as_ref().len() as u64).sum::<u64>());
    assert_eq!(summary.sections.iter().map(|(_, len)| len).sum::<u64>(), summary.bytes);
    let segment = open(&file).unwrap();
    assert_eq!((segment.text_version(), segment.text_bytes()), (TEXT_VERSION, summary.text_bytes));
    assert_eq!(segment.n_trigrams(), expected.postings.len());
    assert_eq!(Segment::hot_range(&file, summary.bytes).unwrap(), summary.bytes - summary.hot_bytes..summary.bytes);
    (file, summary)
}

#[test]
fn an_empty_segment_is_a_segment() {
    let (file, _) = check::<&[u8]>(&[]);
    let segment = open(&file).unwrap();
    assert_eq!(segment.n_docs(), 0);
    assert_eq!(segment.list(Trigram(u32::MAX)).unwrap(), None);
}

#[test]
fn awkward_texts_come_back_whole() {
    let mut late_nul = vec![b'a'; 9_000];
    late_nul.push(0);
    let noise = (0..1u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    check(&[
        Vec::new(),
        late_nul,
        b"\xFF\xFE\xE2\x84\xAA\xC5".to_vec(),
        b"ab".to_vec(),
        noise,
        Vec::new(),
        vec![b'x'; 1 << 20],
    ]);
}

#[test]
fn documents_that_are_not_there_are_errors_not_panics() {
    let (file, _) = build(&["one"]);
    let segment = open(&file).unwrap();
    assert!(segment.frame_range(1).is_empty());
    assert_eq!((segment.text_len(1), segment.language(1)), (0, Language::TEXT));
    assert!(matches!(segment.decode_frame(1, b""), Err(SegmentError::Corrupt { .. })));
    assert!(matches!(segment.decode_frame(u32::MAX, &[0; 40]), Err(SegmentError::Corrupt { .. })));
}

#[test]
fn a_text_beyond_the_limit_is_refused() {
    let long = vec![0; MAX_TEXT_LEN as usize + 1];
    let refused = PreparedDocument::new(blob(0), language(0), &long, &mut Scratch::default());
    assert!(matches!(refused, Err(SegmentError::Limit(_))), "{refused:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_written_is_read(texts in prop::collection::vec(prop::collection::vec(0u8..6, 0..40), 0..200)) {
        let (file, _) = check(&texts);
        prop_assert_eq!(build(&texts).0, file, "the same documents give the same bytes");
    }
}

/// Built from batches of `of` documents, with `memory` bytes of postings kept, parts encoded from the last to the first.
fn build_in_batches(texts: &[Vec<u8>], of: usize, memory: usize) -> Vec<u8> {
    let mut scratch = Scratch::default();
    let mut builder = SegmentBuilder::with_spills(Vec::new(), Spills::in_memory(), memory);
    let numbered: Vec<_> = texts.iter().enumerate().collect();
    for chunk in numbered.chunks(of) {
        let mut batch = Batch::default();
        for &(i, text) in chunk {
            batch.push(PreparedDocument::new(blob(i), language(i), text, &mut scratch).unwrap()).unwrap();
        }
        assert_eq!(batch.n_docs(), chunk.len());
        batch.sort();
        assert_eq!(builder.append(batch).unwrap() as usize, chunk[0].0);
    }
    let (mut writer, postings) = builder.postings().unwrap();
    let mut encoded: Vec<_> = postings.parts().rev().map(|part| postings.encode(part).unwrap()).collect();
    encoded.drain(..).rev().for_each(|lists| writer.write(&lists).unwrap());
    writer.finish().unwrap().0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn batches_and_spilling_change_no_byte(
        texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..300), of in 1usize..=Batch::MAX_DOCS, memory in 0usize..9_000
    ) {
        prop_assert_eq!(build_in_batches(&texts, of, memory), build(&texts).0);
    }
}

#[test]
fn a_full_batch_gives_the_next_document_back() {
    let mut batch = Batch::default();
    let document = || PreparedDocument::new(blob(0), language(0), b"", &mut Scratch::default()).unwrap();
    (0..Batch::MAX_DOCS).for_each(|_| batch.push(document()).unwrap());
    assert!(batch.push(document()).is_err());
}

/// Texts of the golden file: enough documents for every encoding of a list. Never change this.
fn golden_texts() -> Vec<String> {
    let mut state = 1u32;
    let mut random = move |n: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % n
    };
    let text = |i: u32| {
        let mut text = String::from(if i == 77 { "" } else { "fN(" });
        let words = [(2, "x++"), (20, "tens\n"), (3, "\u{212A}ey"), (40, "Stra\u{17F}\u{DF}e "), (90, "rare ")];
        words.iter().filter(|(n, _)| random(*n) == 0).for_each(|(_, word)| text.push_str(word));
        if i.is_multiple_of(3) {
            text.push_str("=3;");
        }
        if i.is_multiple_of(10) {
            text.push_str(&format!("{:03x}", random(4096)));
        }
        text
    };
    (0..390).map(text).collect()
}

#[test]
fn the_golden_file_of_version_1_opens_answers_and_is_still_written() {
    let golden = include_bytes!("golden/v1.seg");
    let (written, _) = build(&golden_texts());
    if written != golden {
        let path = std::env::temp_dir().join("kotadb-golden.seg");
        std::fs::write(&path, &written).unwrap();
        panic!("the builder writes other bytes ({path:?}): raise `BUILDER` or the version, and tell format.md");
    }
    let expected = expected(&golden_texts());
    assert_eq!(read(golden, &around(&expected)).unwrap(), expected);
}

#[test]
fn the_golden_file_has_every_encoding() {
    let golden = include_bytes!("golden/v1.seg");
    let segment = open(golden).unwrap();
    let mut tags = BTreeSet::new();
    for gram in expected(&golden_texts()).postings.into_keys() {
        match segment.list(Trigram(gram)).unwrap() {
            Some(ListRef::Stored { range, .. }) => tags.insert(golden[range.start as usize + 4]),
            _ => tags.insert(0),
        };
    }
    assert_eq!(tags, BTreeSet::from([0, 1, 2, 3, 0x11]));
}

/// A small file with lists of several encodings.
fn small() -> (Vec<u8>, Answers) {
    let texts: Vec<_> = (0..40).map(|i| format!("{}ab{}", if i == 3 { "z\n" } else { "all" }, i % 7)).collect();
    (build(&texts).0, expected(&texts))
}

#[test]
fn every_flipped_byte_is_a_typed_error() {
    let (file, answers) = small();
    let grams = around(&answers);
    for (at, mask) in (0..file.len()).flat_map(|at| [(at, 0xFF), (at, 1 << (at % 8))]) {
        let mut flipped = file.clone();
        flipped[at] ^= mask;
        let error = read(&flipped, &grams).expect_err("a flipped byte must be noticed");
        assert!(matches!(error, SegmentError::Corrupt { .. }), "byte {at}: {error}");
    }
}

#[test]
fn every_truncation_is_a_typed_error() {
    let (file, answers) = small();
    for len in 0..file.len() {
        assert!(matches!(read(&file[..len], &around(&answers)), Err(SegmentError::Corrupt { .. })), "cut to {len}");
    }
    let segment = open(&file).unwrap();
    for doc in 0..segment.n_docs() {
        let frame = slice(&file, segment.frame_range(doc));
        assert!((0..frame.len()).all(|len| segment.decode_frame(doc, &frame[..len]).is_err()));
    }
    let blobs = slice(&file, segment.blobs_range());
    assert!(segment.decode_blobs(&blobs[20..]).is_err());
    let hot = Segment::hot_range(&file, file.len() as u64).unwrap();
    for start in hot.start + 1..file.len() as u64 {
        let cut = Bytes::copy_from_slice(slice(&file, start..hot.end));
        assert!(Segment::open(cut, file.len() as u64).is_err(), "hot tail from {start}");
    }
}

/// `file` with its hot sections passed through `change`, all checksums true again.
fn resealed(file: &[u8], change: impl Fn(Tag, &mut Vec<u8>), extra: Option<Tag>) -> Vec<u8> {
    let trailer = Trailer::decode(file, file.len() as u64).unwrap();
    let version = file.last_chunk::<TRAILER_LEN>().map_or(0, |end| u16::from_le_bytes([end[8], end[9]]));
    let table = slice(file, trailer.contents..trailer.file_len - Segment::TRAILER_LEN);
    let mut sections = decode_contents(table, trailer.contents).unwrap();
    let mut sealed = file[..trailer.hot as usize].to_vec();
    sections.extend(extra.map(|tag| Section { tag, crc: 0, range: 0..5 }));
    for section in
        sections.iter_mut().filter(|section| section.range.start >= trailer.hot || Some(section.tag) == extra)
    {
        let mut bytes = slice(file, section.range.clone()).to_vec();
        change(section.tag, &mut bytes);
        section.range = sealed.len() as u64..(sealed.len() + bytes.len()) as u64;
        section.crc = crc32c::crc32c(&bytes);
        sealed.extend(bytes);
    }
    let contents = sealed.len() as u64;
    sealed.extend(encode_contents(&sections));
    let file_len = sealed.len() as u64 + Segment::TRAILER_LEN;
    sealed.extend(Trailer { contents, hot: trailer.hot, file_len }.encode(version));
    sealed
}

#[test]
fn a_section_of_a_newer_writer_is_skipped() {
    let (file, answers) = small();
    let newer = resealed(&file, |_, _| {}, Some(Tag(*b"SYMS")));
    assert_ne!(newer, file);
    assert_eq!(read(&newer, &around(&answers)).unwrap(), answers);
    assert!(read(&resealed(&file, |_, _| {}, Some(Tag::META)), &BTreeSet::new()).is_err(), "a section is there once");
}

#[test]
fn lies_with_true_checksums_never_panic() {
    let (file, answers) = small();
    let grams = around(&answers);
    for tag in [Tag::DICTIONARY, Tag::DOCUMENTS, Tag::META] {
        for at in 0.. {
            let changed = std::cell::Cell::new(false);
            for value in [0x00, 0x7F, 0xFF] {
                let lie = |section: Tag, bytes: &mut Vec<u8>| {
                    if section == tag && at < bytes.len() {
                        bytes[at] = value;
                        changed.set(true);
                    }
                };
                let _ = read(&resealed(&file, lie, None), &grams);
            }
            if !changed.get() {
                break;
            }
        }
    }
}
