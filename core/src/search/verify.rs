//! Verifies waves: reads each text and asks the plan. Counts go into totals of each thread; nothing is allocated for a
//! line or a file that is only counted.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::future;

use super::budget::{Abandoned, Patience};
use super::cache::{Cache, Part};
use super::candidates::Candidate;
use super::facets::FacetCounts;
use super::open::{Document, Opened};
use super::reader::{Frame, Reader};
use super::request::Budget;
use super::waves::Wave;
use super::workers::{Queue, share};
use crate::id::TenantId;
use crate::query::{Content, Plan, Score, Stopped, Verdict};
use crate::segment::{Class, DocId, SegmentError};
use crate::store::StoreError;
use crate::text::Sketch;

/// Most text that is read at once, in bytes.
const READ_BYTES: u64 = 32 << 20;

/// What all threads of a search share.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) plan: Arc<Plan>,
    pub(super) opened: Arc<Opened>,
    pub(super) cache: Arc<Cache>,
    pub(super) tenant: TenantId,
    pub(super) abandoned: Abandoned,
    pub(super) patience: Patience,
    pub(super) budget: Budget,
    /// Whether any text was asked for at the store yet.
    pub(super) has_read: AtomicBool,
    /// Whether files are counted by facet.
    pub(super) facets: bool,
}

/// A text that matches.
#[derive(Debug)]
pub(super) struct Hit {
    /// Its number in the wave.
    pub(super) unit: usize,
    /// Matching lines.
    pub(super) lines: u64,
    /// The first of its candidates that matches.
    pub(super) first: usize,
    /// What ranks it in its batch; 0 where nothing is kept of it.
    pub(super) score: i32,
    /// The text; `None`: path and language decided.
    pub(super) text: Option<Text>,
}

/// A text, and its sketch if there is one: of what is kept in memory and has been asked for again.
#[derive(Clone, Debug)]
pub(super) struct Text {
    bytes: Bytes,
    sketch: Option<Arc<Sketch>>,
}

/// What was found in a wave, or in several.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Matching files by class.
    pub(super) files: [u64; Class::ALL.len()],
    /// Matching lines by class.
    pub(super) lines: [u64; Class::ALL.len()],
    /// Where facets are asked for.
    pub(super) facets: FacetCounts,
    /// Files whose content decided.
    candidates: u32,
    /// Texts that were kept in memory.
    cache_hits: u32,
    /// Texts that were searched.
    verified: u32,
}

/// What became of a wave.
#[derive(Debug, Default)]
pub(super) struct Verified {
    /// Matching texts in order, if they were to be kept; none from `left` on.
    pub(super) hits: Vec<Hit>,
    /// What they amount to, and those behind `left` that were come across.
    pub(super) tally: Tally,
    /// The first unit of the first path that was left, and why.
    pub(super) left: Option<(usize, Left)>,
}

/// Why texts of a wave were left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It was there, and there was no time to search it.
    Unsearched,
    /// It was not there in time.
    Unread,
    /// As many bytes as may be were read before.
    Bytes,
}

/// What one thread found.
#[derive(Default)]
struct Found {
    tally: Tally,
    hits: Vec<Hit>,
    /// The first unit that was left because the time is over.
    left: Option<usize>,
    /// Units whose text has to be read first.
    missing: Vec<usize>,
    damage: Option<(Document, SegmentError)>,
}

/// One pass over a wave.
struct Pass {
    work: Arc<Work>,
    wave: Arc<Wave>,
    /// The units that are looked at; `None`: all of them.
    units: Option<Vec<usize>>,
    /// Texts that were read for this pass.
    frames: HashMap<Document, Frame>,
    keep_hits: bool,
    queue: Queue,
}

impl Work {
    /// Verifies a wave, as far as there is time.
    pub(super) async fn verify(
        self: &Arc<Self>,
        reader: &Reader<'_>,
        wave: &Arc<Wave>,
        keep_hits: bool,
    ) -> Result<Verified, StoreError> {
        let pass = |units, frames| Pass {
            work: Arc::clone(self),
            wave: Arc::clone(wave),
            units,
            frames,
            keep_hits,
            queue: Queue::default(),
        };
        let mut found = self.run(reader, wave.bytes, pass(None, HashMap::new())).await?;
        let mut missing = std::mem::take(&mut found.missing);
        missing.sort_unstable();
        let mut rest = &missing[..];
        let mut why = Left::Unsearched;
        while let Some(first) = rest.first() {
            let most = if self.has_read.swap(true, Ordering::Relaxed) {
                self.budget.bytes_left(reader).min(READ_BYTES)
            } else {
                READ_BYTES
            };
            if found.left.is_some() || most == 0 {
                why = if found.left.is_some() { why } else { Left::Bytes };
                found.leave(*first);
                break;
            }
            let mut bytes = 0;
            let fits = |unit: &&usize| {
                bytes += self.opened.text_len(wave.document(**unit));
                bytes <= most
            };
            let (now, later) = rest.split_at(rest.iter().take_while(fits).count().max(1));
            let documents = now.iter().map(|unit| wave.document(*unit));
            let Some(frames) = self.budget.in_time(self.read(reader, documents)).await else {
                why = Left::Unread;
                found.leave(*first);
                break;
            };
            let frames = frames?;
            found.add(self.run(reader, bytes.min(READ_BYTES), pass(Some(now.to_vec()), frames)).await?);
            rest = later;
        }
        let left = found.left.map(|unit| (wave.first_of_path(&self.opened, unit), why));
        found.hits.retain(|hit| left.is_none_or(|(left, _)| hit.unit < left));
        found.hits.sort_unstable_by_key(|hit| hit.unit);
        Ok(Verified { hits: found.hits, tally: found.tally, left })
    }

    /// How well a matching file answers.
    pub(super) fn score(&self, candidate: &Candidate, text: Option<&Text>) -> Score {
        let mut entry = self.opened.entry(candidate);
        entry.defined.is_known = !self.plan.symbols().is_empty() && self.is_known(candidate.document);
        let class = self.opened.file(candidate).class;
        self.plan.score(entry, class, text.map_or(Content::default(), Text::content))
    }

    /// Whether an extractor has seen a text.
    fn is_known(&self, document: Document) -> bool {
        match document {
            Document::Stored(segment, doc) => {
                self.opened.segments[segment as usize].segment.extractor(doc).is_ok_and(|version| version > 0)
            }
            Document::Memory(_) => false,
        }
    }

    /// Counts one text that matches.
    pub(super) fn count(&self, wave: &Wave, hit: &Hit, tally: &mut Tally) {
        let candidate = &wave.candidates(hit.unit)[hit.first];
        let file = self.opened.file(candidate);
        tally.files[file.class as usize] += 1;
        tally.lines[file.class as usize] += hit.lines;
        if self.facets {
            tally.facets.add(candidate.target, file);
        }
    }

    async fn run(&self, reader: &Reader<'_>, bytes: u64, pass: Pass) -> Result<Found, StoreError> {
        let mut parts = share(bytes, move || pass.run()).await.into_iter();
        let mut found = parts.next().unwrap_or_default();
        parts.for_each(|part| found.add(part));
        if let Some((Document::Stored(segment, doc), error)) = &found.damage {
            let open = &self.opened.segments[*segment as usize];
            return Err(reader.segment_error(open.key, &open.segment.frame_range(*doc), error));
        }
        Ok(found)
    }

    /// One wave of content, each document once.
    async fn read(
        &self,
        reader: &Reader<'_>,
        documents: impl Iterator<Item = Document>,
    ) -> Result<HashMap<Document, Frame>, StoreError> {
        let mut by_segment: BTreeMap<u32, BTreeSet<DocId>> = BTreeMap::new();
        for document in documents {
            if let Document::Stored(segment, doc) = document {
                by_segment.entry(segment).or_default().insert(doc);
            }
        }
        let reads = by_segment.into_iter().map(|(segment, docs)| async move {
            let docs: Vec<DocId> = docs.into_iter().collect();
            let frames = reader.frames(&self.opened.segments[segment as usize], &docs).await?;
            let documents = docs.into_iter().map(move |doc| Document::Stored(segment, doc));
            Ok(documents.zip(frames).collect::<Vec<_>>())
        });
        let frames = reader.wave(future::try_join_all(reads)).await?;
        Ok(frames.into_iter().flatten().collect())
    }
}

impl Pass {
    fn run(&self) -> Found {
        let mut found = Found::default();
        let len = self.units.as_ref().map_or(self.wave.len(), Vec::len);
        for at in self.queue.take(len) {
            if self.work.abandoned.is_true() || found.damage.is_some() {
                break;
            }
            let unit = self.units.as_ref().map_or(at, |units| units[at]);
            if self.work.patience.is_over() || self.look_at(unit, &mut found) == Err(Stopped) {
                found.leave(unit);
                break;
            }
        }
        found
    }

    /// The first candidate that matches counts: all of a unit have the same text. The text is kept if any needs it.
    fn look_at(&self, unit: usize, found: &mut Found) -> Result<(), Stopped> {
        let Work { plan, opened, abandoned, patience, .. } = &*self.work;
        let go_on = || !abandoned.is_true() && !patience.is_over();
        let sketch = self.sketch(unit);
        let mut text = None;
        let mut first = None;
        for (nth, candidate) in self.wave.candidates(unit).iter().enumerate() {
            let entry = opened.entry(candidate);
            let scope = &opened.targets[candidate.target as usize].target.scope;
            let lines = match plan.admits(scope, entry, sketch.as_deref()) {
                Verdict::No => None,
                Verdict::Yes => Some(0),
                Verdict::Read => {
                    if text.is_none() {
                        text = self.text(unit, sketch.clone(), found);
                    }
                    let Some(text) = &text else { return Ok(()) };
                    patience.begin();
                    if first.is_none() { plan.count_while(scope, entry, text.content(), &go_on)? } else { None }
                }
            };
            first = first.or(lines.map(|lines| (lines, nth)));
        }
        if let Some((lines, first)) = first {
            let candidate = &self.wave.candidates(unit)[first];
            let score = if self.keep_hits { self.work.score(candidate, text.as_ref()).total() } else { 0 };
            self.hit(Hit { unit, lines, first, score, text }, found);
        }
        Ok(())
    }

    fn hit(&self, hit: Hit, found: &mut Found) {
        self.work.count(&self.wave, &hit, &mut found.tally);
        if self.keep_hits {
            found.hits.push(hit);
        }
    }

    /// The sketch of a unit's text, where it can say anything and is kept.
    fn sketch(&self, unit: usize) -> Option<Arc<Sketch>> {
        let Work { plan, opened, cache, tenant, .. } = &*self.work;
        match self.wave.document(unit) {
            Document::Stored(segment, doc) if plan.asks_sketches() => {
                cache.look_up(*tenant, opened.segments[segment as usize].key, Part::Sketch(doc))
            }
            _ => None,
        }
    }

    /// The text of a unit; `None`: it has to be read, or is damaged.
    fn text(&self, unit: usize, sketch: Option<Arc<Sketch>>, found: &mut Found) -> Option<Text> {
        let Work { opened, .. } = &*self.work;
        let document = self.wave.document(unit);
        let text = match (document, self.frames.get(&document)) {
            (Document::Memory(file), _) => {
                Text { bytes: opened.overlay.as_ref()?.files.get(file as usize)?.content.clone(), sketch }
            }
            (_, Some(Frame::Decoded(bytes))) => Text { bytes: bytes.clone(), sketch },
            (Document::Stored(segment, doc), Some(Frame::Encoded(bytes))) => {
                match opened.segments[segment as usize].segment.decode_frame(doc, bytes) {
                    Ok(bytes) => Text { bytes: self.keep(segment, doc, bytes.into()), sketch },
                    Err(error) => {
                        found.damage = Some((document, error));
                        return None;
                    }
                }
            }
            (Document::Stored(segment, doc), None) => {
                let Some(text) = self.kept(segment, doc, sketch) else {
                    found.missing.push(unit);
                    return None;
                };
                found.tally.cache_hits += 1;
                text
            }
        };
        found.tally.candidates += self.wave.candidates(unit).len() as u32;
        found.tally.verified += 1;
        Some(text)
    }

    fn keep(&self, segment: u32, doc: DocId, bytes: Bytes) -> Bytes {
        let Work { opened, cache, tenant, .. } = &*self.work;
        cache.keep(*tenant, opened.segments[segment as usize].key, Part::Content(doc), bytes.clone());
        bytes
    }

    /// A text that was looked at before. It will be again, so it is worth a sketch.
    fn kept(&self, segment: u32, doc: DocId, sketch: Option<Arc<Sketch>>) -> Option<Text> {
        let Work { plan, opened, cache, tenant, .. } = &*self.work;
        let key = opened.segments[segment as usize].key;
        let bytes: Bytes = cache.look_up(*tenant, key, Part::Content(doc))?;
        let made = || {
            let sketch = Arc::new(Sketch::new(&bytes));
            cache.keep(*tenant, key, Part::Sketch(doc), Arc::clone(&sketch));
            sketch
        };
        let sketch = sketch.or_else(|| plan.asks_sketches().then(made));
        Some(Text { bytes, sketch })
    }
}

impl Text {
    /// As a plan asks for it.
    pub(super) fn content(&self) -> Content<'_> {
        Content { text: &self.bytes, sketch: self.sketch.as_deref() }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

impl Found {
    fn leave(&mut self, unit: usize) {
        self.left = Some(self.left.map_or(unit, |left| left.min(unit)));
    }

    fn add(&mut self, other: Self) {
        other.left.into_iter().for_each(|unit| self.leave(unit));
        self.tally.add(other.tally);
        self.hits.extend(other.hits);
        self.missing.extend(other.missing);
        self.damage = self.damage.take().or(other.damage);
    }
}

impl Tally {
    pub(super) fn add(&mut self, other: Self) {
        for class in 0..Class::ALL.len() {
            self.files[class] += other.files[class];
            self.lines[class] += other.lines[class];
        }
        self.add_work(&other);
        self.facets.merge(other.facets);
    }

    /// Adds what it took to find something, and not what was found.
    pub(super) fn add_work(&mut self, other: &Self) {
        self.candidates += other.candidates;
        self.cache_hits += other.cache_hits;
        self.verified += other.verified;
    }

    /// Adds what it took to the counts of the search.
    pub(super) fn report(&self, reader: &Reader<'_>) {
        reader.count(|stats| {
            stats.candidates += self.candidates;
            stats.cache_hits += self.cache_hits;
            stats.verified += self.verified;
        });
    }
}
