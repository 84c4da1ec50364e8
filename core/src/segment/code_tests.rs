//! Facts and names of whole segments: written, looked up, merged, damaged on purpose, and compared with files that earlier
//! programs wrote.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use proptest::prelude::*;

use super::layout::{Section, Trailer, decode_contents};
use super::*;
use crate::facts::{Arity, Facts, Flags, Reference, Role, Span, Symbol, SymbolKind};
use crate::id::ObjectId;
use crate::text::{self, Language, LineTable};

/// A language with an extractor of the version that is given, and one without.
const WITH: Language = Language(7);
const WITHOUT: Language = Language(8);

/// Symbols are the words that begin with a capital, one in the other where `.` is between them; other words are calls.
fn facts(text: &str) -> Facts {
    let mut facts = Facts::default();
    let mut last = None;
    for word in text::words(text.as_bytes()) {
        let span = Span { start: word.start as u32, end: word.end as u32 };
        let name: Box<str> = text[word.clone()].into();
        if !name.starts_with(char::is_uppercase) {
            let reference = Reference { name, start: span.start, role: Role::Call, receiver: None, n_arguments: 1 };
            facts.references.push(reference);
            continue;
        }
        let container = last.filter(|_| text[..word.start].ends_with('.'));
        let kind = SymbolKind::ALL[name.len() % SymbolKind::ALL.len()];
        let line_end = text[word.end..].find('\n').map_or(text.len(), |at| word.end + at);
        let signature = Span { start: span.start, end: line_end as u32 };
        let symbol = Symbol { name, container, name_span: span, range: signature, signature, ..Symbol::new(kind) };
        let flags = Flags(symbol.name.len() as u16);
        last = Some(facts.symbols.len() as u32);
        facts.symbols.push(Symbol { flags, arity: Arity { least: 1, most: 2 }, ..symbol });
    }
    facts.number_lines(text.as_bytes());
    facts
}

/// One document: its text, and the version of the extractor that saw it.
type Doc = (String, u32);

fn prepared(doc: &Doc, scratch: &mut Scratch) -> PreparedDocument {
    let (text, extractor) = doc;
    let language = if *extractor == 0 { WITHOUT } else { WITH };
    let blob = ObjectId(std::array::from_fn(|at| text.as_bytes().get(at).copied().unwrap_or(0)));
    let mut document = PreparedDocument::new(blob, language, text.as_bytes(), scratch).unwrap();
    if *extractor > 0 {
        document.add_facts(*extractor, Some(&facts(text)), text.as_bytes(), scratch).unwrap();
    }
    document
}

fn build(docs: &[Doc], memory: usize) -> Vec<u8> {
    let mut builder = SegmentBuilder::with_spills(Vec::new(), Spills::in_memory(), memory);
    let mut scratch = Scratch::default();
    for doc in docs {
        builder.add(prepared(doc, &mut scratch)).unwrap();
    }
    builder.finish().unwrap().0
}

fn open(file: &[u8]) -> Result<Segment, SegmentError> {
    let hot = Segment::hot_range(file, file.len() as u64)?;
    Segment::open(Bytes::copy_from_slice(part(file, hot)), file.len() as u64)
}

fn part(file: &[u8], range: Range<u64>) -> &[u8] {
    &file[range.start as usize..range.end as usize]
}

/// What a segment should say of names: sorted, found the slow way.
fn expected(docs: &[Doc]) -> Vec<NameRow> {
    let mut rows = Vec::new();
    for ((text, extractor), doc) in docs.iter().zip(0..).filter(|((_, extractor), _)| *extractor > 0) {
        assert!(*extractor > 0);
        let (facts, table) = (facts(text), LineTable::new(text.as_bytes()));
        let mut seen = BTreeMap::<String, u32>::new();
        for (symbol, number) in facts.symbols.iter().zip(0..) {
            let qualified = facts.qualified(number as usize);
            let position = table.position(text.as_bytes(), symbol.name_span.start as usize);
            let ordinal = *seen.entry(qualified.join(".")).and_modify(|n| *n += 1).or_insert(0);
            let has_signature = symbol.kind.is_type() || symbol.kind.is_callable();
            let signature = &text[symbol.signature.start as usize..symbol.signature.end as usize];
            let signature = signature.split_whitespace().collect::<Vec<_>>().join(" ");
            rows.push(NameRow {
                name: symbol.name.clone(),
                doc,
                symbol: number,
                kind: symbol.kind,
                flags: symbol.flags,
                line: position.line as u32,
                column: position.column as u32,
                ordinal,
                container: qualified[..qualified.len() - 1].join(".").into(),
                signature: if has_signature { signature.chars().take(160).collect() } else { Box::default() },
            });
        }
    }
    rows.sort_by_key(|row| (text::folded(&row.name), row.name.clone(), row.doc, row.symbol));
    rows
}

fn rows(segment: &Segment, file: &[u8], blocks: Vec<NameBlock>) -> Result<Vec<NameRow>, SegmentError> {
    let rows = blocks.iter().map(|block| segment.decode_names(block, part(file, block.range())));
    Ok(rows.collect::<Result<Vec<_>, _>>()?.concat())
}

/// Names with a part that begins so, behind their beginning.
fn by_word(segment: &Segment, file: &[u8], folded: &str) -> Result<Vec<Box<str>>, SegmentError> {
    let mut names = Vec::new();
    for block in segment.words(folded)? {
        let is_wanted = |word: &str| word.starts_with(folded);
        let words = segment.decode_words_if(&block, part(file, block.range()), &is_wanted)?;
        for number in words.into_iter().flat_map(|(_, blocks)| blocks) {
            names.extend(rows(segment, file, vec![segment.names_at(number)?])?.into_iter().map(|row| row.name));
        }
    }
    names.retain(|name| text::subwords(name).iter().skip(1).any(|word| word.starts_with(folded)));
    names.sort();
    names.dedup();
    Ok(names)
}

/// Facts and extractors by document, and all names.
type Code = (Vec<Option<Facts>>, Vec<u32>, Vec<NameRow>);

/// Everything that is read of facts and names.
fn read(file: &[u8]) -> Result<Code, SegmentError> {
    let segment = open(file)?;
    let (mut all, mut versions) = (Vec::new(), Vec::new());
    for doc in 0..segment.n_docs() {
        let text = segment.decode_frame(doc, part(file, segment.frame_range(doc)))?;
        let range = segment.facts_range(doc)?;
        all.push(range.map(|range| segment.decode_facts(part(file, range), &text)).transpose()?);
        versions.push(segment.extractor(doc)?);
    }
    by_word(&segment, file, "")?;
    Ok((all, versions, rows(&segment, file, segment.all_names()?)?))
}

fn check(file: &[u8], docs: &[Doc]) {
    let expected_facts: Vec<_> = docs.iter().map(|(text, extractor)| (*extractor > 0).then(|| facts(text))).collect();
    let versions: Vec<u32> = docs.iter().map(|(_, extractor)| *extractor).collect();
    let expected = expected(docs);
    assert_eq!(read(file).unwrap(), (expected_facts, versions, expected.clone()));
    let segment = open(file).unwrap();
    for row in &expected {
        let folded = text::folded(&row.name);
        let found = rows(&segment, file, segment.names(&folded, false).unwrap()).unwrap();
        let exact = |row: &&NameRow| text::folded(&row.name) == folded;
        assert!(found.iter().filter(exact).eq(expected.iter().filter(exact)), "{folded}");
        let start = &folded[..folded.ceil_char_boundary(2)];
        let found = rows(&segment, file, segment.names(start, true).unwrap()).unwrap();
        let begins = |row: &&NameRow| text::folded(&row.name).starts_with(start);
        assert!(found.iter().filter(begins).eq(expected.iter().filter(begins)), "{start}");
    }
    let mut names: Vec<Box<str>> = expected.iter().map(|row| row.name.clone()).collect();
    names.retain(|name| text::subwords(name).iter().skip(1).any(|word| word.starts_with("in")));
    names.sort();
    names.dedup();
    assert_eq!(by_word(&segment, file, "in").unwrap(), names);
}

fn docs() -> impl Strategy<Value = Vec<Doc>> {
    let word = "Apply|ApplyIndex|Pool|pool|POOL_INDEX|größe|Ärger|HTTPIndex2|[A-C][a-c]{0,2}|[a-c]{1,3}";
    let joint = prop::sample::select(vec![".", " ", "\n", "\n  "]);
    let text = prop::collection::vec((word, joint), 0..20);
    let text = text.prop_map(|words| words.into_iter().map(|(word, joint)| word + joint).collect::<String>());
    prop::collection::vec((text, 0u32..4), 0..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn names_are_found_as_a_scan_finds_them_whatever_is_spilled(docs in docs(), memory in 0usize..9_000) {
        let file = build(&docs, memory);
        check(&file, &docs);
        prop_assert_eq!(build(&docs, usize::MAX), file);
    }

    /// The slow twin builds from the texts themselves.
    #[test]
    fn a_merge_is_what_a_build_of_the_same_documents_makes(
        parts in prop::collection::vec(docs(), 1..4), keep in prop::collection::vec(any::<bool>(), 90), turn in any::<bool>()
    ) {
        let files: Vec<_> = parts.iter().map(|docs| build(docs, usize::MAX)).collect();
        let all = parts.iter().enumerate().flat_map(|(part, docs)| (0..docs.len()).map(move |doc| (part, doc as DocId)));
        let mut order: Vec<_> = all.zip(keep).filter(|(_, keep)| *keep).map(|(place, _)| place).collect();
        if turn {
            order.reverse();
        }
        let twin: Vec<Doc> = order.iter().map(|&(part, doc)| parts[part][doc as usize].clone()).collect();
        let merged = merge(&files, &order);
        if twin.iter().any(|(_, extractor)| *extractor > 0) {
            prop_assert_eq!(&merged, &build(&twin, usize::MAX));
        }
        check(&merged, &twin);
    }
}

fn merge(files: &[Vec<u8>], order: &[(usize, DocId)]) -> Vec<u8> {
    let segments: Vec<Segment> = files.iter().map(|file| open(file).unwrap()).collect();
    let mut moved: Vec<Vec<Option<DocId>>> =
        segments.iter().map(|segment| vec![None; segment.n_docs() as usize]).collect();
    let mut writer = SegmentWriter::new(Vec::new());
    for (new, &(input, doc)) in (0..).zip(order) {
        let (segment, file) = (&segments[input], &files[input]);
        let blob = segment.decode_blobs(part(file, segment.blobs_range())).unwrap()[doc as usize];
        let (language, text_len) = (segment.language(doc), segment.text_len(doc) as u32);
        writer.add(&Frame { blob, language, text_len, bytes: part(file, segment.frame_range(doc)) }).unwrap();
        moved[input][doc as usize] = Some(new);
    }
    let inputs = segments.iter().zip(files).zip(&moved);
    let inputs: Vec<_> = inputs.map(|((segment, file), moved)| MergeInput { segment, file, moved }).collect();
    let mut postings = writer.postings();
    merge_postings(&inputs, &mut postings).unwrap();
    let mut facts = postings.facts().unwrap();
    merge_facts(&inputs, order, &mut facts).unwrap();
    let mut names = facts.names().unwrap();
    merge_names(&inputs, &mut names).unwrap();
    names.finish().unwrap().0
}

#[test]
fn many_names_take_many_blocks_and_few_of_them_are_read() {
    let text: String = (0..9_000).map(|n| format!("Name{:05}Of{n} x\n", n * 7919 % 9_000)).collect();
    let docs = [(text, 1), ("SameSame ".repeat(6_000), 1)];
    let file = build(&docs, 50_000);
    let segment = open(&file).unwrap();
    assert!(segment.all_names().unwrap().len() > 12);
    let blocks = segment.names("name04321of", true).unwrap();
    assert!(blocks.len() <= 2, "{blocks:?}");
    assert_eq!(rows(&segment, &file, segment.all_names().unwrap()).unwrap(), expected(&docs));
    let mut names = Vec::new();
    for block in segment.all_names().unwrap() {
        let bytes = part(&file, block.range());
        segment.each_name(&block, bytes, |name, doc, symbol| names.push((name.into(), doc, symbol))).unwrap();
        let wanted = segment.decode_names_if(&block, bytes, &|name| name.ends_with('7')).unwrap();
        let all = segment.decode_names(&block, bytes).unwrap();
        assert_eq!(wanted, all.into_iter().filter(|row| row.name.ends_with('7')).collect::<Vec<_>>());
    }
    let expected = expected(&docs).into_iter().map(|row| (row.name, row.doc, row.symbol));
    assert_eq!(names, expected.collect::<Vec<_>>());
    let same = rows(&segment, &file, segment.names("samesame", false).unwrap()).unwrap();
    assert_eq!(same.iter().filter(|row| &*row.name == "SameSame").count(), 6_000);
    assert!(segment.names("zebra", false).unwrap().len() <= 1);
}

/// Texts of the golden file. Never change this.
fn golden_docs() -> Vec<Doc> {
    let text = |n: u32| format!("Pool{}.Acquire{} call({n})\n MAX_SIZE_{} ApplyIndexOp x.y\n", n % 7, n % 3, n % 11);
    (0..60).map(|n| (text(n), [2, 2, 1, 0, 2][n as usize % 5])).collect()
}

#[test]
fn the_golden_file_of_version_2_opens_answers_and_is_still_written() {
    let golden = include_bytes!("golden/v2.seg");
    let written = build(&golden_docs(), usize::MAX);
    if written != golden {
        let path = std::env::temp_dir().join("kotadb-golden-2.seg");
        std::fs::write(&path, &written).unwrap();
        panic!("the builder writes other bytes ({path:?}): raise `BUILDER` or the version, and tell format.md");
    }
    check(golden, &golden_docs());
    // What wrote it first compressed less, into smaller blocks of names.
    check(include_bytes!("golden/v2-level-3.seg"), &golden_docs());
}

#[test]
fn every_flipped_byte_of_facts_and_names_is_a_typed_error() {
    let file = build(&golden_docs()[..6], usize::MAX);
    let trailer = Trailer::decode(&file, file.len() as u64).unwrap();
    let table = part(&file, trailer.contents..trailer.file_len - Segment::TRAILER_LEN);
    let mut n_flipped = 0;
    for Section { tag, range, .. } in decode_contents(table, trailer.contents).unwrap() {
        if tag.name().starts_with("postings") || tag.name() == "blobs" {
            continue;
        }
        for at in range {
            let mut flipped = file.clone();
            flipped[at as usize] ^= 1 << (at % 8);
            let error = read(&flipped).expect_err("a flipped byte must be noticed");
            assert!(matches!(error, SegmentError::Corrupt { .. }), "byte {at} of {}: {error}", tag.name());
            n_flipped += 1;
        }
    }
    assert!(n_flipped > 1_000);
}

#[test]
fn a_segment_without_facts_answers_that_it_has_none() {
    let file = build(&[("Pool".into(), 0)], usize::MAX);
    let segment = open(&file).unwrap();
    assert!(!segment.has_code());
    assert_eq!((segment.extractor(0).unwrap(), segment.facts_range(0).unwrap()), (0, None));
    assert_eq!(segment.names("pool", true).unwrap(), []);
}

#[test]
fn facts_that_cannot_be_true_are_refused_and_not_kept() {
    let mut scratch = Scratch::default();
    let mut document = prepared(&("Pool".into(), 0), &mut scratch);
    let refused = document.add_facts(1, Some(&facts("Some longer text")), b"Pool", &mut scratch);
    assert!(matches!(refused, Err(SegmentError::Corrupt { .. })), "{refused:?}");
    assert!(document.facts.is_empty() && document.names.is_empty());
    assert_eq!(document.extractor, 1);
}
