//! From targets to the files that may match, in rank order: opens snapshots and segments, asks the postings, and applies
//! what paths and languages say.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::{self, Either};

use super::cache::OpenSegment;
use super::reader::{Reader, offload};
use super::targets::Target;
use crate::query::{Entry, Formula, Plan, Verdict};
use crate::segment::{Class, DocSet};
use crate::store::{Kind, ObjectKey, Root, SegmentEntry, Snapshot, StoreError};

/// A target with what it needs opened.
#[derive(Clone, Debug)]
pub(super) struct OpenTarget {
    pub(super) target: Target,
    pub(super) snapshot: Arc<Snapshot>,
    /// In the order of `snapshot.segments`.
    pub(super) segments: Vec<Arc<OpenSegment>>,
    /// Documents that can match, by segment; `None`: all of them.
    documents: Vec<Option<Arc<DocSet>>>,
}

/// A file that may match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    class: Class,
    /// Index of its target.
    pub(super) target: u32,
    /// Its number in the target's snapshot.
    pub(super) entry: u32,
    /// Whether its content decides; if not, it matches.
    pub(super) read: bool,
}

enum Opened {
    Snapshot(Arc<Snapshot>),
    Segment(Arc<OpenSegment>),
}

/// Opens snapshots and segments in one wave, then reads posting lists in another.
pub(super) async fn open(
    reader: &Reader<'_>,
    root: &Root,
    targets: Vec<Target>,
) -> Result<Vec<OpenTarget>, StoreError> {
    let tables: BTreeSet<u32> = targets.iter().flat_map(|target| target.segments.iter().copied()).collect();
    let entries: BTreeMap<ObjectKey, &SegmentEntry> =
        tables.iter().filter_map(|at| root.segments.get(*at as usize)).map(|entry| (entry.key, entry)).collect();
    let snapshots: BTreeSet<ObjectKey> = targets.iter().map(|target| target.snapshot).collect();
    let snapshot_reads =
        snapshots.iter().map(|key| Either::Left(async { reader.snapshot(*key).await.map(Opened::Snapshot) }));
    let segment_reads =
        entries.values().map(|entry| Either::Right(async { reader.segment(entry).await.map(Opened::Segment) }));
    let opened = reader.wave(future::try_join_all(snapshot_reads.chain(segment_reads))).await?;
    let mut by_snapshot = BTreeMap::new();
    let mut by_segment = BTreeMap::new();
    let mut keys = snapshots.into_iter();
    for opened in opened {
        match opened {
            Opened::Snapshot(snapshot) => drop(keys.next().map(|key| by_snapshot.insert(key, snapshot))),
            Opened::Segment(segment) => drop(by_segment.insert(segment.key, segment)),
        }
    }
    let mut out = Vec::with_capacity(targets.len());
    for target in targets {
        let snapshot = Arc::clone(&by_snapshot[&target.snapshot]);
        let segments = snapshot.segments.iter().map(|key| {
            let found = by_segment.get(key).map(Arc::clone);
            found.ok_or_else(|| {
                let what = format!("names segment {key}, which the root does not give its repository");
                reader.corrupt(Kind::Snapshot, target.snapshot, &what)
            })
        });
        let segments = segments.collect::<Result<Vec<_>, _>>()?;
        out.push(OpenTarget { target, snapshot, segments, documents: Vec::new() });
    }
    ask_postings(reader, &mut out).await?;
    Ok(out)
}

/// Each (segment, formula) once, whatever the number of refs.
async fn ask_postings(reader: &Reader<'_>, targets: &mut [OpenTarget]) -> Result<(), StoreError> {
    let mut questions: BTreeMap<(ObjectKey, &Formula), Arc<OpenSegment>> = BTreeMap::new();
    for open in targets.iter() {
        for segment in &open.segments {
            questions.insert((segment.key, open.target.scope.formula()), Arc::clone(segment));
        }
    }
    let reads = questions.iter().map(|((_, formula), segment)| reader.documents(segment, formula));
    let answers = reader.wave(future::try_join_all(reads)).await?;
    let answers: BTreeMap<(ObjectKey, Formula), Option<Arc<DocSet>>> = questions
        .into_keys()
        .map(|(key, formula)| (key, formula.clone()))
        .zip(answers.into_iter().map(|set| set.map(Arc::new)))
        .collect();
    for open in targets {
        let formula = open.target.scope.formula();
        let documents =
            open.segments.iter().map(|segment| answers.get(&(segment.key, formula.clone())).cloned().flatten());
        open.documents = documents.collect();
    }
    Ok(())
}

/// The candidates of all targets, in rank order: class, repository, path, ref.
pub(super) async fn rank(
    reader: &Reader<'_>,
    plan: &Arc<Plan>,
    targets: &Arc<Vec<OpenTarget>>,
) -> Result<Vec<Candidate>, StoreError> {
    let work = targets.iter().map(|open| open.snapshot.len()).sum();
    let (plan, shared) = (Arc::clone(plan), Arc::clone(targets));
    let ranked = offload(work, move || rank_now(&plan, &shared)).await;
    ranked.map_err(|target| {
        let what = "names a document that its segment does not have";
        reader.corrupt(Kind::Snapshot, targets[target].target.snapshot, what)
    })
}

fn rank_now(plan: &Plan, targets: &[OpenTarget]) -> Result<Vec<Candidate>, usize> {
    let mut out = Vec::new();
    for (number, open) in targets.iter().enumerate() {
        let target = u32::try_from(number).map_err(|_| number)?;
        let mut add = |entry: usize| {
            let at = u32::try_from(entry).map_err(|_| number)?;
            let entry = open.snapshot.entry(entry);
            let segment = open.segments.get(entry.segment as usize).ok_or(number)?;
            if entry.doc >= segment.segment.n_docs() {
                return Err(number);
            }
            let verdict = plan.admits(&open.target.scope, Entry { path: entry.path, language: entry.language });
            if verdict != Verdict::No {
                out.push(Candidate { class: entry.class, target, entry: at, read: verdict == Verdict::Read });
            }
            Ok(())
        };
        if open.documents.iter().any(Option::is_none) {
            all_entries(open).try_for_each(&mut add)?;
        } else {
            entries_by_document(open).try_for_each(&mut add)?;
        }
    }
    out.sort_unstable_by(|a, b| order(targets, a, b));
    Ok(out)
}

/// Entries in path order, where some segment is not narrowed by postings.
fn all_entries(open: &OpenTarget) -> impl Iterator<Item = usize> {
    (0..open.snapshot.len()).filter(|entry| {
        let entry = open.snapshot.entry(*entry);
        let documents = open.documents.get(entry.segment as usize).and_then(Option::as_ref);
        documents.is_none_or(|documents| documents.0.binary_search(&entry.doc).is_ok())
    })
}

fn entries_by_document(open: &OpenTarget) -> impl Iterator<Item = usize> {
    (0u32..).zip(&open.documents).flat_map(move |(segment, documents)| {
        let documents = documents.iter().flat_map(|documents| documents.0.iter());
        documents.flat_map(move |doc| open.snapshot.entries_of(segment, *doc))
    })
}

fn order(targets: &[OpenTarget], a: &Candidate, b: &Candidate) -> Ordering {
    let of = |candidate: &Candidate| &targets[candidate.target as usize];
    a.class.cmp(&b.class).then_with(|| {
        if a.target == b.target {
            return a.entry.cmp(&b.entry);
        }
        let (x, y) = (of(a), of(b));
        let repository = |open: &OpenTarget| (open.target.repository_name.clone(), open.target.repository);
        let paths = || x.snapshot.path(a.entry as usize).cmp(y.snapshot.path(b.entry as usize));
        repository(x).cmp(&repository(y)).then_with(paths).then(a.target.cmp(&b.target))
    })
}
