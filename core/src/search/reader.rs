//! Reads of one search: through the cache, counted, and checked against the formats. What is read when is the business
//! of the other files.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::future;

use super::answer::SearchStats;
use super::cache::{Cache, Kept, OpenSegment, Part};
use super::flights::Seat;
use super::layers::OpenDelta;
use crate::graph::{Graph, GraphError};
use crate::id::TenantId;
use crate::segment::{DocId, Segment, SegmentError};
use crate::store::{
    Enough, Hedges, Kind, ObjectKey, Ranges, Refs, SegmentEntry, Snapshot, SnapshotDelta, Store, StoreError,
    object_path,
};

/// A segment up to this size is read whole, in bytes.
pub(super) const WHOLE_SEGMENT: u64 = 256 << 10;

/// A graph's tail that is read without knowing its length: that of linux is longer, that of most repositories is not.
const GRAPH_TAIL: u64 = 512 << 10;

/// Work on more bytes than this leaves the executor's threads.
const INLINE_BYTES: usize = 64 << 10;

/// Reads for one search of one tenant.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) store: Store,
    hedges: Arc<Hedges>,
    pub(super) cache: &'a Arc<Cache>,
    pub(super) tenant: TenantId,
    /// Whether HEAD has named an object that is gone: it is to be asked for again.
    pub(super) is_misled: AtomicBool,
    stats: Mutex<SearchStats>,
    /// Of the GETs those for lists.
    lists: AtomicU32,
    /// See [`Reader::open_ahead`].
    ahead: Mutex<HashMap<ObjectKey, Arc<OpenSegment>>>,
}

/// The content of a document: kept in memory, or as read.
#[derive(Clone, Debug)]
pub(super) enum Frame {
    Decoded(Bytes),
    Encoded(Bytes),
}

impl<'a> Reader<'a> {
    pub(super) fn new(store: &Store, cache: &'a Arc<Cache>, tenant: TenantId) -> Self {
        let hedges = Arc::new(Hedges::default());
        let store = store.hedging(&hedges);
        let (is_misled, lists) = (AtomicBool::new(false), AtomicU32::new(0));
        let (stats, ahead) = (Mutex::default(), Mutex::default());
        Self { store, hedges, cache, tenant, is_misled, stats, lists, ahead }
    }

    /// What it took so far, with what was sent a second time.
    pub(super) fn stats(&self) -> SearchStats {
        let stats = *self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        SearchStats { gets: stats.gets + self.hedges.sent(), ..stats }
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut SearchStats)) {
        change(&mut self.stats.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Runs reads that wait for each other only here; a wave that sent none is none.
    pub(super) async fn wave<T>(&self, reads: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let before = self.stats().gets;
        let answers = reads.await;
        self.count(|stats| stats.round_trips += u32::from(stats.gets > before));
        answers
    }

    /// The same of reads that go on to ask for lists when they can: two waves, although no list waits for all objects. One
    /// where the tails are there already.
    pub(super) async fn overlapping_waves<T>(
        &self,
        reads: impl Future<Output = Result<Vec<T>, StoreError>>,
        tails_are_there: bool,
    ) -> Result<Vec<T>, StoreError> {
        if tails_are_there {
            return self.wave(reads).await;
        }
        let (gets, lists) = (self.stats().gets, self.lists());
        let answers = reads.await;
        let (gets, lists) = (self.stats().gets - gets, self.lists() - lists);
        self.count(|stats| stats.round_trips += u32::from(gets > lists) + u32::from(lists > 0));
        answers
    }

    /// Reads of lists sent so far.
    fn lists(&self) -> u32 {
        self.lists.load(Ordering::Relaxed)
    }

    pub(super) async fn refs(&self, key: ObjectKey) -> Result<Arc<Refs>, StoreError> {
        self.whole(Kind::Refs, Part::Refs, key, Refs::decode).await
    }

    pub(super) async fn delta(&self, key: ObjectKey) -> Result<Arc<OpenDelta>, StoreError> {
        self.whole(Kind::Snapshot, Part::Delta, key, |bytes| SnapshotDelta::decode(bytes).map(OpenDelta::new)).await
    }

    /// A snapshot; one that is a delta is made whole.
    pub(super) async fn snapshot(&self, key: ObjectKey) -> Result<Arc<Snapshot>, StoreError> {
        let read = async {
            if let Some(flat) = self.store.flat_snapshot(key) {
                return Ok(Arc::new(flat));
            }
            let bytes = self.get(Kind::Snapshot, key).await?;
            if let Ok(delta) = SnapshotDelta::decode(&bytes) {
                return Ok(Arc::new(Box::pin(self.snapshot(delta.base)).await?.with(&delta)));
            }
            let decoded = offload(bytes.len(), move || Snapshot::decode(&bytes)).await;
            decoded.map(Arc::new).map_err(|error| self.name_object(Kind::Snapshot, key, error))
        };
        self.once(key, Part::Snapshot, read).await
    }

    /// Reads and decodes a whole object.
    async fn whole<T>(
        &self,
        kind: Kind,
        part: Part,
        key: ObjectKey,
        decode: fn(&[u8]) -> Result<T, StoreError>,
    ) -> Result<Arc<T>, StoreError>
    where
        T: Send + Sync + 'static,
        Arc<T>: Kept,
    {
        let read = async {
            let bytes = self.get(kind, key).await?;
            let decoded = offload(bytes.len(), move || decode(&bytes)).await;
            decoded.map(Arc::new).map_err(|error| self.name_object(kind, key, error))
        };
        self.once(key, part, read).await
    }

    /// A graph's tail: one read where it is no longer than most are.
    pub(super) async fn graph(&self, key: ObjectKey) -> Result<Arc<Graph>, StoreError> {
        let read = async {
            let (tail, len) = self.store.get_tail(self.tenant, Kind::Graph, key, GRAPH_TAIL).await?;
            self.count_read(1, tail.len() as u64);
            let damaged = |error: GraphError| self.corrupt(Kind::Graph, key, &error.to_string());
            let hot = Graph::hot_range(&tail, len).map_err(damaged)?;
            let there = tail.len().checked_sub(usize::try_from(hot.end - hot.start).unwrap_or(usize::MAX));
            let hot = match there {
                Some(start) => tail.slice(start..),
                None => self.graph_ranges(key, &[hot]).await?.pop().unwrap_or_default(),
            };
            let opened = offload(hot.len(), move || Graph::open(&hot, len)).await;
            opened.map(Arc::new).map_err(damaged)
        };
        self.once(key, Part::Graph, read).await
    }

    /// Ranges of a graph's object.
    pub(super) async fn graph_ranges(&self, key: ObjectKey, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, StoreError> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let Ranges { parts, gets, bytes } = self.store.get_ranges(self.tenant, Kind::Graph, key, ranges).await?;
        self.count_read(gets, bytes);
        Ok(parts)
    }

    /// What is kept, or what another search is reading, or what `read` gives.
    async fn once<T>(
        &self,
        key: ObjectKey,
        part: Part,
        read: impl Future<Output = Result<Arc<T>, StoreError>>,
    ) -> Result<Arc<T>, StoreError>
    where
        Arc<T>: Kept,
    {
        // A reader that gives up passes its duty on; one that fails is not waited for twice.
        for _ in 0..2 {
            if let Some(kept) = self.look_up(key, part) {
                self.count_hits(1);
                return Ok(kept);
            }
            match self.cache.objects.board((self.tenant, key, part)) {
                Seat::Lead(lead) => {
                    let value = read.await?;
                    self.cache.keep(self.tenant, key, part, Arc::clone(&value));
                    lead.land(Arc::clone(&value).wrap());
                    return Ok(value);
                }
                Seat::Follow(follow) => {
                    if let Some(value) = follow.wait().await.and_then(Arc::<T>::unwrap) {
                        self.count_hits(1);
                        return Ok(value);
                    }
                }
            }
        }
        let value = read.await?;
        self.cache.keep(self.tenant, key, part, Arc::clone(&value));
        Ok(value)
    }

    /// Opens segments that this search is sure to need soon, and keeps them for it.
    pub(super) async fn open_ahead(&self, entries: impl Iterator<Item = &SegmentEntry>) -> Result<(), StoreError> {
        let opened = future::try_join_all(entries.map(|entry| self.segment(entry))).await?;
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        ahead.extend(opened.into_iter().map(|open| (open.key, open)));
        Ok(())
    }

    /// Whether lists of a segment need not wait for its tail: that is there already, or comes with them.
    pub(super) fn asks_at_once(&self, entry: &SegmentEntry) -> bool {
        entry.bytes <= WHOLE_SEGMENT || self.opened_ahead(entry.key).is_some()
    }

    /// A segment that was opened ahead.
    pub(super) fn opened_ahead(&self, key: ObjectKey) -> Option<Arc<OpenSegment>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    pub(super) async fn segment(&self, entry: &SegmentEntry) -> Result<Arc<OpenSegment>, StoreError> {
        if let Some(open) = self.opened_ahead(entry.key) {
            return Ok(open);
        }
        self.once(entry.key, Part::Segment, self.open_segment(entry)).await
    }

    async fn open_segment(&self, entry: &SegmentEntry) -> Result<Arc<OpenSegment>, StoreError> {
        let (key, len, hot_len) = (entry.key, entry.bytes, entry.hot_bytes);
        let Some(hot_start) = len.checked_sub(hot_len) else {
            return Err(self.corrupt(Kind::Segment, key, &format!("hot tail of {hot_len} bytes in a file of {len}")));
        };
        let (hot, whole) = if len <= WHOLE_SEGMENT {
            let whole = self.get(Kind::Segment, key).await?;
            if whole.len() as u64 != len {
                let what = format!("{} bytes where the root says {len}", whole.len());
                return Err(self.corrupt(Kind::Segment, key, &what));
            }
            (whole.slice(usize::try_from(hot_start).unwrap_or(0)..), Some(whole))
        } else {
            (self.range(key, hot_start..len).await?, None)
        };
        let flat = self.store.flat_documents(self.tenant, key);
        let held = if self.store.is_near() { 0 } else { whole.as_ref().map_or(hot.len(), Bytes::len) as u64 };
        let opened = match flat.and_then(|flat| Segment::open_flat(hot.clone(), len, &flat).ok()) {
            Some(segment) => Ok(segment),
            None => offload(hot.len(), move || Segment::open(hot, len)).await,
        };
        let segment = opened.map_err(|error| self.segment_error(key, &(hot_start..len), &error))?;
        let weight = held + segment.decoded_bytes();
        Ok(Arc::new(OpenSegment { key, segment, whole, weight }))
    }

    /// The content frames of documents of one segment, in the order asked.
    pub(super) async fn frames(&self, open: &OpenSegment, docs: &[DocId]) -> Result<Vec<Frame>, StoreError> {
        let kept = |doc: &DocId| self.look_up(open.key, Part::Content(*doc)).map(Frame::Decoded);
        let mut frames: Vec<Option<Frame>> = docs.iter().map(kept).collect();
        self.count_hits(frames.iter().flatten().count());
        // As with whole objects: whoever fails is not waited for twice.
        for alone in [self.store.is_near() || open.whole.is_some(), false, true] {
            let (mut led, mut leads, mut followed) = (Vec::new(), Vec::new(), Vec::new());
            for at in (0..docs.len()).filter(|at| frames[*at].is_none()) {
                if alone {
                    led.push(at);
                    continue;
                }
                match self.cache.frames.board((self.tenant, open.key, Part::Content(docs[at]))) {
                    Seat::Lead(lead) => {
                        led.push(at);
                        leads.push(lead);
                    }
                    Seat::Follow(follow) => followed.push((at, follow)),
                }
            }
            let ranges: Vec<_> = led.iter().map(|at| open.segment.frame_range(docs[*at])).collect();
            let parts = self.ranges(open, &ranges).await?;
            leads.into_iter().zip(&parts).for_each(|(lead, part)| lead.land(part.clone()));
            led.into_iter().zip(parts).for_each(|(at, part)| frames[at] = Some(Frame::Encoded(part)));
            for (at, follow) in followed {
                frames[at] = follow.wait().await.map(Frame::Encoded);
            }
            if frames.iter().all(Option::is_some) {
                break;
            }
        }
        Ok(frames.into_iter().flatten().collect())
    }

    /// Ranges of a segment, from memory where all of it is there.
    pub(super) async fn ranges(&self, open: &OpenSegment, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, StoreError> {
        Ok(self.ranges_and_gets(open, ranges).await?.0)
    }

    /// The same of lists.
    pub(super) async fn lists_at(&self, open: &OpenSegment, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, StoreError> {
        let (parts, gets) = self.ranges_and_gets(open, ranges).await?;
        self.lists.fetch_add(gets, Ordering::Relaxed);
        Ok(parts)
    }

    async fn ranges_and_gets(
        &self,
        open: &OpenSegment,
        ranges: &[Range<u64>],
    ) -> Result<(Vec<Bytes>, u32), StoreError> {
        if ranges.is_empty() {
            return Ok((Vec::new(), 0));
        }
        if let Some(whole) = &open.whole {
            let parts = ranges.iter().map(|range| self.slice(open.key, whole, range));
            return Ok((parts.collect::<Result<_, _>>()?, 0));
        }
        let Ranges { parts, gets, bytes } = self.store.get_ranges(self.tenant, Kind::Segment, open.key, ranges).await?;
        self.count_read(gets, bytes);
        Ok((parts, gets))
    }

    /// Lists: the same, until `enough` says so of those that are there.
    pub(super) async fn ranges_until(
        &self,
        open: &OpenSegment,
        ranges: &[Range<u64>],
        enough: Enough<'_>,
    ) -> Result<(), StoreError> {
        if ranges.is_empty() {
            return Ok(());
        }
        if let Some(whole) = &open.whole {
            let parts = ranges.iter().map(|range| self.slice(open.key, whole, range));
            enough(&(0..).zip(parts.collect::<Result<Vec<_>, _>>()?).collect::<Vec<_>>());
            return Ok(());
        }
        let read = self.store.get_ranges_until(self.tenant, Kind::Segment, open.key, ranges, enough);
        let (gets, bytes) = read.await?;
        self.lists.fetch_add(gets, Ordering::Relaxed);
        self.count_read(gets, bytes);
        Ok(())
    }

    fn slice(&self, key: ObjectKey, whole: &Bytes, range: &Range<u64>) -> Result<Bytes, StoreError> {
        let within = |range: &Range<u64>| {
            let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
            (start <= end && end <= whole.len()).then(|| whole.slice(start..end))
        };
        within(range).ok_or_else(|| {
            let what = format!("bytes {}..{} in a file of {}", range.start, range.end, whole.len());
            self.corrupt(Kind::Segment, key, &what)
        })
    }

    async fn range(&self, key: ObjectKey, range: Range<u64>) -> Result<Bytes, StoreError> {
        let Ranges { mut parts, gets, bytes } =
            self.store.get_ranges(self.tenant, Kind::Segment, key, std::slice::from_ref(&range)).await?;
        self.count_read(gets, bytes);
        parts.pop().ok_or_else(|| self.corrupt(Kind::Segment, key, "the store answered no range"))
    }

    async fn get(&self, kind: Kind, key: ObjectKey) -> Result<Bytes, StoreError> {
        let Ranges { mut parts, gets, bytes } = self.store.get_whole(self.tenant, kind, key).await?;
        self.count_read(gets, bytes);
        parts.pop().ok_or_else(|| self.corrupt(kind, key, "the store answered nothing"))
    }

    fn count_read(&self, gets: u32, bytes: u64) {
        self.count(|stats| {
            stats.gets += gets;
            stats.bytes += bytes;
        });
    }

    pub(super) fn look_up<T: Kept>(&self, key: ObjectKey, part: Part) -> Option<T> {
        self.cache.look_up(self.tenant, key, part)
    }

    pub(super) fn count_hits(&self, hits: usize) {
        self.count(|stats| stats.cache_hits += u32::try_from(hits).unwrap_or(u32::MAX));
    }

    pub(super) fn corrupt(&self, kind: Kind, key: ObjectKey, what: &str) -> StoreError {
        StoreError::Corrupt { object: object_path(self.tenant, kind, key), what: what.to_owned() }
    }

    fn name_object(&self, kind: Kind, key: ObjectKey, error: StoreError) -> StoreError {
        match error {
            StoreError::Corrupt { what, .. } => self.corrupt(kind, key, &what),
            other => other,
        }
    }

    pub(super) fn segment_error(&self, key: ObjectKey, range: &Range<u64>, error: &SegmentError) -> StoreError {
        self.corrupt(Kind::Segment, key, &format!("bytes {}..{}: {error}", range.start, range.end))
    }
}

/// Runs `work` on `bytes` bytes; on a thread for blocking work if that takes longer than a task may.
pub(super) async fn offload<T, F>(bytes: usize, work: F) -> T
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    if bytes <= INLINE_BYTES {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Cancelled: the runtime is shutting down and drops this task, too.
            Err(_) => future::pending().await,
        },
    }
}
