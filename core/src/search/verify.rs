//! Reads candidates in waves, in rank order, and keeps what really matches until there is enough.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::future;

use super::answer::FileMatch;
use super::cache::{OpenSegment, Part};
use super::candidates::{Candidate, OpenTarget};
use super::reader::{Frame, Reader, offload};
use crate::query::{Entry, LineMatch, Plan};
use crate::segment::{DocId, SegmentError};
use crate::store::{ObjectKey, StoreError};

/// Documents of the first wave; later ones double up to the largest.
const FIRST_WAVE: usize = 64;
const LARGEST_WAVE: usize = 1024;

/// Most text of one wave, in bytes (one document may be larger).
const WAVE_BYTES: u64 = 32 << 20;

/// What verification found.
#[derive(Debug, Default)]
pub(super) struct Verified {
    pub(super) files: Vec<FileMatch>,
    pub(super) n_matches: u64,
    /// Whether all candidates were looked at and nothing was cut off.
    pub(super) complete: bool,
}

/// One document of a wave with the candidates that share it.
struct Unit {
    segment: Arc<OpenSegment>,
    doc: DocId,
    frame: Frame,
    candidates: Vec<Candidate>,
}

/// What is the same for all units of a search.
struct Job {
    plan: Arc<Plan>,
    targets: Arc<Vec<OpenTarget>>,
    units: Vec<Unit>,
    next: AtomicUsize,
    limit: usize,
}

/// What a unit gave: the content, for the cache, and the lines of the candidates that match.
struct Answer {
    unit: usize,
    content: Bytes,
    matches: Vec<(Candidate, Vec<LineMatch>)>,
}

/// Verifies `candidates` until `limit` lines are found.
pub(super) async fn verify(
    reader: &Reader<'_>,
    plan: &Arc<Plan>,
    targets: &Arc<Vec<OpenTarget>>,
    candidates: &[Candidate],
    limit: Option<usize>,
) -> Result<Verified, StoreError> {
    let limit = limit.unwrap_or(usize::MAX);
    let mut found = Verified::default();
    let mut spent = 0;
    let mut rest = candidates;
    let mut wave_docs = if limit == usize::MAX { LARGEST_WAVE } else { FIRST_WAVE };
    while !rest.is_empty() && spent < limit {
        let (wave, later) = rest.split_at(wave_len(targets, rest, wave_docs));
        let units = read(reader, targets, wave).await?;
        let job = Job {
            plan: Arc::clone(plan),
            targets: Arc::clone(targets),
            units,
            next: AtomicUsize::new(0),
            limit: (limit - spent).saturating_add(1),
        };
        let mut lines = evaluate(reader, job).await?;
        for (at, candidate) in wave.iter().enumerate() {
            let matched = if candidate.read { lines.remove(&key(candidate)) } else { Some(Vec::new()) };
            let Some(mut lines) = matched else { continue };
            let room = limit - spent;
            let cut = lines.len() > room;
            lines.truncate(room);
            spent += lines.len().max(1);
            found.n_matches += lines.len() as u64;
            found.files.push(file(targets, candidate, lines));
            if cut || (spent >= limit && (at + 1 < wave.len() || !later.is_empty())) {
                return Ok(found);
            }
        }
        rest = later;
        wave_docs = (wave_docs * 2).min(LARGEST_WAVE);
    }
    found.complete = rest.is_empty();
    Ok(found)
}

fn key(candidate: &Candidate) -> (u32, u32) {
    (candidate.target, candidate.entry)
}

/// How many of `rest` are read at once.
fn wave_len(targets: &[OpenTarget], rest: &[Candidate], wave_docs: usize) -> usize {
    let mut bytes = 0;
    let within = rest.iter().take(wave_docs).take_while(|candidate| {
        let open = &targets[candidate.target as usize];
        let entry = open.snapshot.entry(candidate.entry as usize);
        if candidate.read {
            bytes += open.segments[entry.segment as usize].segment.text_len(entry.doc);
        }
        bytes <= WAVE_BYTES
    });
    within.count().max(1)
}

/// One wave of content, each document once.
async fn read(reader: &Reader<'_>, targets: &[OpenTarget], wave: &[Candidate]) -> Result<Vec<Unit>, StoreError> {
    type Documents = BTreeMap<DocId, Vec<Candidate>>;
    let mut by_segment: BTreeMap<ObjectKey, (Arc<OpenSegment>, Documents)> = BTreeMap::new();
    for candidate in wave.iter().filter(|candidate| candidate.read) {
        let open = &targets[candidate.target as usize];
        let entry = open.snapshot.entry(candidate.entry as usize);
        let segment = &open.segments[entry.segment as usize];
        let (_, documents) = by_segment.entry(segment.key).or_insert_with(|| (Arc::clone(segment), Documents::new()));
        documents.entry(entry.doc).or_default().push(*candidate);
    }
    let reads = by_segment.into_values().map(|(segment, documents)| async move {
        let docs: Vec<DocId> = documents.keys().copied().collect();
        let frames = reader.frames(&segment, &docs).await?;
        let units = documents.into_iter().zip(frames).map(|((doc, candidates), frame)| Unit {
            segment: Arc::clone(&segment),
            doc,
            frame,
            candidates,
        });
        Ok::<_, StoreError>(units.collect::<Vec<_>>())
    });
    let units = reader.wave(future::try_join_all(reads)).await?;
    Ok(units.into_iter().flatten().collect())
}

/// Searches the units on as many threads as there are processors, if that is worth it.
async fn evaluate(reader: &Reader<'_>, job: Job) -> Result<BTreeMap<(u32, u32), Vec<LineMatch>>, StoreError> {
    let bytes = job.units.iter().map(|unit| unit.segment.segment.text_len(unit.doc)).sum::<u64>();
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if job.units.len() > 1 && bytes > SHARED_BYTES { processors } else { 1 };
    let job = Arc::new(job);
    let workers = (0..threads).map(|_| {
        let job = Arc::clone(&job);
        offload(bytes, move || work(&job))
    });
    let answers = future::join_all(workers).await;
    let mut lines = BTreeMap::new();
    for answer in answers.into_iter().flatten() {
        let (unit, answer) = answer;
        let Unit { segment, doc, frame, .. } = &job.units[unit];
        let answer =
            answer.map_err(|error| reader.segment_error(segment.key, &segment.segment.frame_range(*doc), &error))?;
        if matches!(frame, Frame::Encoded(_)) {
            reader.cache.keep(reader.tenant, segment.key, Part::Content(*doc), answer.content);
        }
        debug_assert_eq!(answer.unit, unit);
        lines.extend(answer.matches.into_iter().map(|(candidate, lines)| (key(&candidate), lines)));
    }
    reader.count(|stats| stats.verified += u32::try_from(job.units.len()).unwrap_or(u32::MAX));
    Ok(lines)
}

/// Text from which a second thread is worth its start, in bytes.
const SHARED_BYTES: usize = 256 << 10;

/// Takes unit after unit until there is none.
fn work(job: &Job) -> Vec<(usize, Result<Answer, SegmentError>)> {
    let take = || {
        let unit = job.next.fetch_add(1, Ordering::Relaxed);
        (unit < job.units.len()).then(|| (unit, answer(job, unit)))
    };
    std::iter::from_fn(take).collect()
}

fn answer(job: &Job, unit: usize) -> Result<Answer, SegmentError> {
    let Unit { segment, doc, frame, candidates } = &job.units[unit];
    let content = match frame {
        Frame::Decoded(content) => content.clone(),
        Frame::Encoded(bytes) => Bytes::from(segment.segment.decode_frame(*doc, bytes)?),
    };
    let lines_of = |candidate: &Candidate| {
        let open = &job.targets[candidate.target as usize];
        let entry = open.snapshot.entry(candidate.entry as usize);
        let entry = Entry { path: entry.path, language: entry.language };
        job.plan.evaluate(&open.target.scope, entry, &content, job.limit)
    };
    let matches = candidates.iter().filter_map(|candidate| Some((*candidate, lines_of(candidate)?))).collect();
    Ok(Answer { unit, content, matches })
}

fn file(targets: &[OpenTarget], candidate: &Candidate, lines: Vec<LineMatch>) -> FileMatch {
    let open = &targets[candidate.target as usize];
    let entry = open.snapshot.entry(candidate.entry as usize);
    let (first, others) = open.target.ref_names.split_first().expect("a target has at least one ref");
    FileMatch {
        repository: open.target.repository,
        repository_name: open.target.repository_name.clone(),
        ref_name: first.clone(),
        other_refs: others.to_vec(),
        commit: open.target.commit,
        path: entry.path.to_vec(),
        language: entry.language,
        lines,
    }
}
