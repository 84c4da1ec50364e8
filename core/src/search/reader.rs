//! Reads of one search: through the cache, counted, and checked against the formats. What is read when is the business
//! of the other files.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::future;

use super::answer::SearchStats;
use super::cache::{Cache, Kept, OpenSegment, Part};
use crate::id::TenantId;
use crate::query::Formula;
use crate::segment::{DocId, DocSet, ListRef, Segment, SegmentError};
use crate::store::{Kind, ObjectKey, Ranges, Refs, Root, SegmentEntry, Snapshot, Store, StoreError, object_path};
use crate::text::Trigram;

/// A segment up to this size is read whole, in bytes.
const WHOLE_SEGMENT: u64 = 256 << 10;

/// Work on more bytes than this leaves the executor's threads.
const INLINE_BYTES: usize = 64 << 10;

/// Reads for one search of one tenant.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) store: &'a Store,
    pub(super) cache: &'a Cache,
    pub(super) tenant: TenantId,
    stats: Mutex<SearchStats>,
}

/// The content of a document: kept in memory, or as read.
#[derive(Clone, Debug)]
pub(super) enum Frame {
    Decoded(Bytes),
    Encoded(Bytes),
}

impl<'a> Reader<'a> {
    pub(super) fn new(store: &'a Store, cache: &'a Cache, tenant: TenantId) -> Self {
        Self { store, cache, tenant, stats: Mutex::default() }
    }

    pub(super) fn stats(&self) -> SearchStats {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut SearchStats)) {
        change(&mut self.stats.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Runs reads that wait for each other only here; a wave that sent none is none.
    pub(super) async fn wave<T>(
        &self,
        reads: impl Future<Output = Result<Vec<T>, StoreError>>,
    ) -> Result<Vec<T>, StoreError> {
        let before = self.stats().gets;
        let answers = reads.await;
        self.count(|stats| stats.round_trips += u32::from(stats.gets > before));
        answers
    }

    pub(super) async fn head(&self) -> Result<Root, StoreError> {
        self.count(|stats| {
            stats.gets += 1;
            stats.round_trips += 1;
        });
        Ok(self.store.head(self.tenant).await?.0)
    }

    pub(super) async fn refs(&self, key: ObjectKey) -> Result<Arc<Refs>, StoreError> {
        self.whole(Kind::Refs, Part::Refs, key, Refs::decode).await
    }

    pub(super) async fn snapshot(&self, key: ObjectKey) -> Result<Arc<Snapshot>, StoreError> {
        self.whole(Kind::Snapshot, Part::Snapshot, key, Snapshot::decode).await
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
        if let Some(kept) = self.look_up(key, part) {
            return Ok(kept);
        }
        let bytes = self.get(kind, key).await?;
        let decoded = offload(bytes.len(), move || decode(&bytes)).await;
        let decoded = Arc::new(decoded.map_err(|error| self.name_object(kind, key, error))?);
        self.cache.keep(self.tenant, key, part, Arc::clone(&decoded));
        Ok(decoded)
    }

    pub(super) async fn segment(&self, entry: &SegmentEntry) -> Result<Arc<OpenSegment>, StoreError> {
        let key = entry.key;
        if let Some(kept) = self.look_up(key, Part::Segment) {
            return Ok(kept);
        }
        let (len, hot_len) = (entry.bytes, entry.hot_bytes);
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
        let weight = hot.len() as u64 * 2 + whole.as_ref().map_or(0, |whole| whole.len() as u64);
        let opened = offload(hot.len(), move || Segment::open(hot, len)).await;
        let segment = opened.map_err(|error| self.segment_error(key, &(hot_start..len), &error))?;
        let opened = Arc::new(OpenSegment { key, segment, whole, weight });
        self.cache.keep(self.tenant, key, Part::Segment, Arc::clone(&opened));
        Ok(opened)
    }

    /// The documents of a segment that can satisfy `formula`; `None`: all of them. One wave.
    pub(super) async fn documents(&self, open: &OpenSegment, formula: &Formula) -> Result<Option<DocSet>, StoreError> {
        let hot = || open.segment.frame_range(0).end..u64::MAX;
        let failed = |error: &SegmentError| self.segment_error(open.key, &hot(), error);
        let bound = formula.bind(&open.segment).map_err(|error| failed(&error))?;
        let wanted = bound.lists(&open.segment).map_err(|error| failed(&error))?;
        let lists = self.lists(open, wanted).await?;
        Ok(bound.documents(&|gram| lists.get(&gram).map(|list| &**list)))
    }

    async fn lists(
        &self,
        open: &OpenSegment,
        wanted: BTreeMap<Trigram, ListRef>,
    ) -> Result<BTreeMap<Trigram, Arc<DocSet>>, StoreError> {
        let mut lists = BTreeMap::new();
        let mut missing = Vec::new();
        for (gram, list) in wanted {
            match &list {
                ListRef::Inline(doc) => drop(lists.insert(gram, Arc::new(DocSet(vec![*doc])))),
                ListRef::Stored { range, .. } => match self.look_up(open.key, Part::List(gram)) {
                    Some(kept) => drop(lists.insert(gram, kept)),
                    None => missing.push((gram, range.clone(), list)),
                },
            }
        }
        let ranges: Vec<_> = missing.iter().map(|(_, range, _)| range.clone()).collect();
        let parts = self.ranges(open, &ranges).await?;
        for ((gram, range, list), bytes) in missing.into_iter().zip(parts) {
            let decoded = open.segment.decode_list(&list, &bytes);
            let decoded = Arc::new(decoded.map_err(|error| self.segment_error(open.key, &range, &error))?);
            self.cache.keep(self.tenant, open.key, Part::List(gram), Arc::clone(&decoded));
            lists.insert(gram, decoded);
        }
        Ok(lists)
    }

    /// The content frames of documents of one segment, in the order asked.
    pub(super) async fn frames(&self, open: &OpenSegment, docs: &[DocId]) -> Result<Vec<Frame>, StoreError> {
        let kept: Vec<Option<Bytes>> = docs.iter().map(|doc| self.look_up(open.key, Part::Content(*doc))).collect();
        let absent = docs.iter().zip(&kept).filter(|(_, kept)| kept.is_none());
        let ranges: Vec<_> = absent.map(|(doc, _)| open.segment.frame_range(*doc)).collect();
        let mut read = self.ranges(open, &ranges).await?.into_iter();
        let frame = |kept: Option<Bytes>| kept.map(Frame::Decoded).or_else(|| read.next().map(Frame::Encoded));
        Ok(kept.into_iter().filter_map(frame).collect())
    }

    async fn ranges(&self, open: &OpenSegment, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, StoreError> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(whole) = &open.whole {
            return ranges.iter().map(|range| self.slice(open.key, whole, range)).collect();
        }
        let Ranges { parts, gets, bytes } = self.store.get_ranges(self.tenant, Kind::Segment, open.key, ranges).await?;
        self.count_read(gets, bytes);
        Ok(parts)
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
        let bytes = self.store.get(self.tenant, kind, key).await?;
        self.count_read(1, bytes.len() as u64);
        Ok(bytes)
    }

    fn count_read(&self, gets: u32, bytes: u64) {
        self.count(|stats| {
            stats.gets += gets;
            stats.bytes += bytes;
        });
    }

    fn look_up<T: Kept>(&self, key: ObjectKey, part: Part) -> Option<T> {
        let found = self.cache.look_up(self.tenant, key, part);
        self.count(|stats| stats.cache_hits += u32::from(found.is_some()));
        found
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
