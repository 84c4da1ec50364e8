//! Throughput of each stage between the text of documents and a segment, and back, on one core. The corpus is this
//! workspace's own sources, so that it is there on every machine; a tree to compare machines by is `make bench`'s.

use std::path::Path;

use bytes::Bytes;
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use kotadb_core::id::ObjectId;
use kotadb_core::segment::{Batch, ListRef, PreparedDocument, Scratch, Segment, SegmentBuilder};
use kotadb_core::text::{Language, Trigram, TrigramSet};

/// Times that the sources are repeated, with a word of its own each time: lists get longer, as in a large tree.
const COPIES: usize = 8;

/// Texts of the corpus, in path order.
fn corpus() -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("core is a folder of the workspace");
    for member in ["core", "cli", "indexer", "handlers", "scripts"] {
        collect(&root.join(member), &mut paths);
    }
    paths.sort();
    let texts: Vec<_> = paths.iter().map(|path| std::fs::read(path).expect("sources can be read")).collect();
    let copy = |number| texts.iter().map(move |text| [text, format!("copy{number}").as_bytes()].concat());
    (0..COPIES).flat_map(copy).collect()
}

fn collect(folder: &Path, paths: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("folders can be listed").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn prepare(texts: &[Vec<u8>], scratch: &mut Scratch) -> Vec<PreparedDocument> {
    let document = |text: &Vec<u8>| PreparedDocument::new(ObjectId([0; 20]), Language::TEXT, text, scratch);
    texts.iter().map(document).collect::<Result<_, _>>().expect("sources are short")
}

fn batches(documents: Vec<PreparedDocument>) -> Vec<Batch> {
    let mut batches = vec![Batch::default()];
    for document in documents {
        if let Err(document) = batches.last_mut().expect("there is one").push(document) {
            let mut batch = Batch::default();
            batch.push(document).expect("an empty batch has room");
            batches.push(batch);
        }
    }
    batches
}

fn builder(mut batches: Vec<Batch>) -> SegmentBuilder<Vec<u8>> {
    let mut builder = SegmentBuilder::new(Vec::new()).expect("memory takes everything");
    batches.iter_mut().for_each(Batch::sort);
    batches.into_iter().for_each(|batch| _ = builder.append(batch).expect("there is room"));
    builder
}

fn writing(criterion: &mut Criterion) {
    let texts = corpus();
    let mut scratch = Scratch::default();
    let mut group = group(criterion, "write", &texts);
    group.bench_function("trigrams", |bench| {
        let mut set = TrigramSet::default();
        bench.iter(|| texts.iter().map(|text| set.collect(text).len()).sum::<usize>());
    });
    group.bench_function("prepare", |bench| bench.iter(|| prepare(&texts, &mut scratch)));
    let mut scratch = Scratch::default();
    group.bench_function("sort", |bench| {
        let batches = || batches(prepare(&texts, &mut scratch));
        bench.iter_batched(batches, |mut them| them.iter_mut().for_each(Batch::sort), BatchSize::PerIteration);
    });
    group.bench_function("add", |bench| {
        let sorted = || {
            let mut them = batches(prepare(&texts, &mut scratch));
            them.iter_mut().for_each(Batch::sort);
            them
        };
        bench.iter_batched(sorted, builder, BatchSize::PerIteration);
    });
    group.bench_function("finish", |bench| {
        let built = || builder(batches(prepare(&texts, &mut scratch)));
        bench.iter_batched(
            built,
            |builder| builder.finish().expect("memory takes everything"),
            BatchSize::PerIteration,
        );
    });
}

fn reading(criterion: &mut Criterion) {
    let texts = corpus();
    let (file, summary) = builder(batches(prepare(&texts, &mut Scratch::default()))).finish().expect("it is built");
    let hot = Bytes::copy_from_slice(&file[(summary.bytes - summary.hot_bytes) as usize..]);
    let segment = Segment::open(hot.clone(), summary.bytes).expect("it opens");
    let mut group = group(criterion, "read", &texts);
    group.bench_function("frames", |bench| {
        let decode =
            |doc| segment.decode_frame(doc, slice(&file, segment.frame_range(doc))).expect("it is whole").len();
        bench.iter(|| (0..segment.n_docs()).map(decode).sum::<usize>());
    });
    group.throughput(Throughput::Bytes(summary.hot_bytes));
    group.bench_function("open", |bench| bench.iter(|| Segment::open(hot.clone(), summary.bytes).expect("it opens")));
    let lists = lists(&segment, &texts);
    group.throughput(Throughput::Elements(lists.iter().map(|list| u64::from(list.count())).sum()));
    group.bench_function("lists", |bench| {
        let decode = |list: &ListRef| match list {
            ListRef::Inline(_) => segment.decode_list(list, b""),
            ListRef::Stored { range, .. } => segment.decode_list(list, slice(&file, range.clone())),
        };
        bench.iter(|| lists.iter().map(|list| decode(list).expect("it is whole").len()).sum::<usize>());
    });
}

/// The lists of all trigrams of the corpus.
fn lists(segment: &Segment, texts: &[Vec<u8>]) -> Vec<ListRef> {
    let mut set = TrigramSet::default();
    let mut grams: Vec<Trigram> = texts.iter().flat_map(|text| set.collect(text).to_vec()).collect();
    grams.sort_unstable();
    grams.dedup();
    grams.into_iter().filter_map(|gram| segment.list(gram).expect("it is whole")).collect()
}

fn slice(file: &[u8], range: std::ops::Range<u64>) -> &[u8] {
    &file[range.start as usize..range.end as usize]
}

fn group<'c>(criterion: &'c mut Criterion, name: &str, texts: &[Vec<u8>]) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(texts.iter().map(|text| text.len() as u64).sum())).sample_size(10);
    group
}

criterion_group!(stages, writing, reading);
criterion_main!(stages);
