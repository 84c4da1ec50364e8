//! Builds segments from planned items: all cores read, judge and prepare slices of them; one thread shelves what they
//! made, in order.

use std::ops::Range;
use std::path::Path;
use std::thread;

use kotadb_core::segment::Batch;

use crate::contents::Source;
use crate::error::IndexError;
use crate::facts::{Fact, Group};
use crate::halt::{Halt, Reason};
use crate::held::Held;
use crate::plan::Item;
use crate::prepare::{CodeCounts, Prepared, Preparer};
use crate::shelf::{BuiltSegment, Shelf};
use crate::window::{CloseOnDrop, Window};

/// Bytes of blobs that may be read and not yet shelved.
const WINDOW_BYTES: u64 = 48 << 20;
/// Bytes of blobs after which a slice ends: of a few files, as a push has them, every thread is to have some.
const SLICE_BYTES: Range<u64> = 64 << 10..4 << 20;
/// Slices of what is too little for as many of full length.
const N_SLICES: u64 = 16;

/// How far a build is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Blobs done.
    pub done: usize,
    /// Blobs to do.
    pub total: usize,
    /// Bytes of the blobs done.
    pub bytes: u64,
}

/// What a build needs beside its plan.
#[derive(Clone, Copy, Debug)]
pub struct Workshop<'a> {
    /// Where blobs are read from.
    pub source: &'a Source,
    /// What need not be built.
    pub held: &'a Held,
    /// Where segment files are written.
    pub folder: &'a Path,
    /// Asked between slices.
    pub halt: &'a Halt,
    /// Threads that read and prepare; what is built does not depend on their number.
    pub threads: usize,
}

/// Items in a row that one thread works off.
struct Slice {
    items: Range<usize>,
    bytes: u64,
}

/// What a build came to.
#[derive(Debug)]
pub struct Built {
    /// Finished segments.
    pub segments: Vec<BuiltSegment>,
    /// What extractors found in their documents.
    pub code: CodeCounts,
    /// Whether all items are in them: otherwise the process was asked to end, and no file was settled.
    pub is_whole: bool,
}

/// Builds `items` and settles their files. Places of new documents follow the table of `held`: the first new segment has
/// the index after its last.
pub fn build(
    workshop: Workshop<'_>,
    group: &mut Group,
    items: &[Item],
    progress: &mut dyn FnMut(Step),
) -> Result<Built, IndexError> {
    let slices = slices(items);
    let window = Window::new(slices.len(), WINDOW_BYTES);
    let mut shelf = Shelf::new(workshop);
    let mut settled = Vec::new();
    let preparer = Preparer { workshop, group };
    thread::scope(|scope| {
        let mut taker = CloseOnDrop { window: &window, finished: false };
        for _ in 0..workshop.threads.min(slices.len()) {
            scope.spawn(|| work(preparer, items, &slices, &window));
        }
        settled = shelve(&mut shelf, items, &slices, &window, progress)?;
        taker.finished = true;
        Ok::<_, IndexError>(())
    })?;
    let is_whole = settled.len() == items.len();
    let code = std::mem::take(&mut shelf.code);
    if !is_whole {
        return Ok(Built { segments: shelf.finish_early()?, code, is_whole });
    }
    for (item, facts) in items.iter().zip(settled) {
        item.files.iter().zip(facts).for_each(|(&at, fact)| group.settle(at, fact));
    }
    Ok(Built { segments: shelf.finish()?, code, is_whole })
}

/// Slices do not depend on the number of threads, so neither does what is built.
fn slices(items: &[Item]) -> Vec<Slice> {
    let all: u64 = items.iter().map(|item| item.bytes).sum();
    let most = (all / N_SLICES).clamp(SLICE_BYTES.start, SLICE_BYTES.end);
    let mut slices = Vec::<Slice>::new();
    for (i, item) in items.iter().enumerate() {
        match slices.last_mut() {
            Some(slice) if slice.items.len() < Batch::MAX_DOCS && slice.bytes + item.bytes <= most => {
                slice.items.end = i + 1;
                slice.bytes += item.bytes;
            }
            _ => slices.push(Slice { items: i..i + 1, bytes: item.bytes }),
        }
    }
    slices
}

/// One thread: prepares slices until nothing is left.
fn work(preparer: Preparer<'_>, items: &[Item], slices: &[Slice], window: &Window<Result<Prepared, IndexError>>) {
    let mut guard = CloseOnDrop { window, finished: false };
    let mut bench = preparer.bench();
    while let Some(i) = window.begin(|i| slices[i].bytes) {
        let prepared = match &mut bench {
            Ok(bench) => preparer.prepare(&items[slices[i].items.clone()], bench),
            Err(error) => Err(IndexError::Io {
                what: "cannot open the repository".into(),
                source: std::io::Error::other(error.to_string()),
            }),
        };
        window.put(i, prepared);
    }
    guard.finished = true;
}

/// Takes what was prepared in order, shelves it, and says what each file of each item came to. Of fewer items than there are
/// when the process was asked to end: what is shelved then need not be built again.
fn shelve(
    shelf: &mut Shelf<'_>,
    items: &[Item],
    slices: &[Slice],
    window: &Window<Result<Prepared, IndexError>>,
    progress: &mut dyn FnMut(Step),
) -> Result<Vec<Vec<Fact>>, IndexError> {
    let mut bytes = 0;
    let mut settled = Vec::with_capacity(items.len());
    for slice in slices {
        match shelf.workshop.halt.check() {
            Err(IndexError::Halted(Reason::Stopped)) => return Ok(settled),
            other => other?,
        }
        let prepared = window.take(|i| slices[i].bytes).ok_or(IndexError::BuildThread)??;
        shelf.add(&items[slice.items.clone()], prepared, &mut settled)?;
        bytes += slice.bytes;
        progress(Step { done: slice.items.end, total: items.len(), bytes });
    }
    Ok(settled)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use kotadb_core::id::ObjectId;
    use kotadb_core::segment::Class;
    use kotadb_core::text::Language;

    use super::*;
    use crate::layers::Bases;
    use crate::limits;
    use crate::listing::{File, Listing};
    use crate::plan;
    use crate::tree::object_id;

    /// The bytes of a segment, and its documents.
    type Built = (Vec<u8>, Vec<(ObjectId, Language)>);

    /// Builds a few hundred files of a folder.
    fn built(threads: usize) -> Vec<Built> {
        let folder = tempfile::tempdir().unwrap();
        let mut files = HashMap::new();
        let mut listed = Vec::new();
        for n in 0..700u32 {
            let text: String = (0..n % 90).map(|i| format!("word{} ", i.wrapping_mul(n * 7919) % 5000)).collect();
            let path = folder.path().join(format!("{n:03}"));
            std::fs::write(&path, &text).unwrap();
            let blob = object_id(git2::Oid::hash_object(git2::ObjectType::Blob, text.as_bytes()).unwrap());
            files.insert(blob, path);
            let path = format!("{n:03}.{}", if n % 3 == 0 { "c" } else { "rs" }).into_bytes();
            listed.push(File { path, mode: 0o100_644, blob, class: Class::Source });
        }
        let listing = Listing { commit: ObjectId([0; 20]), files: listed, skipped: Vec::new() };
        let (source, mut group, held) = (Source::Files(files), Group::new(vec![listing]), Held::default());
        let items = plan::plan(&mut group, (&held, &Bases::default()), &source.open().unwrap());
        let halt = Halt::default();
        let workshop = Workshop { source: &source, held: &held, folder: folder.path(), halt: &halt, threads };
        let built = build(workshop, &mut group, &items, &mut |_| {}).unwrap();
        assert!(built.is_whole);
        built.segments.into_iter().map(|built| (std::fs::read(built.path).unwrap(), built.documents)).collect()
    }

    #[test]
    fn the_number_of_threads_changes_no_byte() {
        let one = built(1);
        assert_eq!(one.len(), 1);
        assert!(one[0].1.len() > Batch::MAX_DOCS, "several batches");
        for threads in [2, 5] {
            assert!(built(threads) == one, "{threads} threads");
        }
    }

    #[test]
    fn a_build_that_is_asked_to_end_keeps_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let (mut files, mut listed) = (HashMap::new(), Vec::new());
        for n in 0..8u32 {
            let text = format!("line {n} of a text that says little\n").repeat(60_000);
            let path = folder.path().join(n.to_string());
            std::fs::write(&path, &text).unwrap();
            let blob = object_id(git2::Oid::hash_object(git2::ObjectType::Blob, text.as_bytes()).unwrap());
            files.insert(blob, path);
            listed.push(File { path: n.to_string().into_bytes(), mode: 0o100_644, blob, class: Class::Source });
        }
        let listing = Listing { commit: ObjectId([0; 20]), files: listed, skipped: Vec::new() };
        let (source, mut group, held) = (Source::Files(files), Group::new(vec![listing]), Held::default());
        let items = plan::plan(&mut group, (&held, &Bases::default()), &source.open().unwrap());
        let halt = Halt::default();
        let workshop = Workshop { source: &source, held: &held, folder: folder.path(), halt: &halt, threads: 2 };
        let stop = &mut |step: Step| {
            if step.bytes >= limits::CHECKPOINT_TEXT_BYTES {
                halt.halt(Reason::Stopped);
            }
        };
        let built = build(workshop, &mut group, &items, stop).unwrap();
        assert!(!built.is_whole && built.segments.len() == 1);
        let kept = built.segments[0].documents.len();
        assert!((1..8).contains(&kept), "{kept} documents");
        halt.halt(Reason::Stopped);
        let nothing = build(workshop, &mut group, &items, &mut |_| {}).unwrap();
        assert!(!nothing.is_whole && nothing.segments.is_empty());
        let cancelled = Halt::default();
        cancelled.halt(Reason::Cancelled);
        assert!(build(Workshop { halt: &cancelled, ..workshop }, &mut group, &items, &mut |_| {}).is_err());
    }

    #[test]
    fn slices_are_bounded_and_leave_nothing_out() {
        let item = |bytes| Item { blob: ObjectId([0; 20]), bytes, files: Vec::new() };
        let longest = SLICE_BYTES.end;
        let most = [longest * 14, 1, longest, longest, 0].into_iter().chain([1; 600]);
        let items: Vec<_> = most.map(item).collect();
        let slices = slices(&items);
        let covered: Vec<_> = slices.iter().flat_map(|slice| slice.items.clone()).collect();
        assert_eq!(covered, (0..items.len()).collect::<Vec<_>>());
        for slice in &slices {
            assert!(slice.items.len() == 1 || slice.bytes <= longest);
            assert!(slice.items.len() <= Batch::MAX_DOCS);
        }
        assert_eq!(slices.len(), 1 + 1 + 1 + 1 + 3);
    }

    #[test]
    fn of_a_few_files_every_thread_has_some() {
        let items = |n: usize, bytes| (0..n).map(move |_| Item { blob: ObjectId([0; 20]), bytes, files: Vec::new() });
        let n_slices = |n, bytes| slices(&items(n, bytes).collect::<Vec<_>>()).len();
        assert_eq!((n_slices(20, 60_000), n_slices(20, 100), n_slices(0, 0)), (20, 1, 0));
        assert_eq!(n_slices(400, 1 << 18), 25);
    }
}
