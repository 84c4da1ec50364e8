//! Reading objects behind object_store: whole, by range, and as much of a wave as it takes.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use futures::future::{self, Either};
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::{Error, GetOptions, GetResult, ObjectStoreExt, UpdateVersion};
use tokio::time::timeout;

use super::{Remote, RemoteHead, failure};
use crate::store::disk::{Disk, Kept};
use crate::store::head_mark::{Mark, Since};
use crate::store::hedge::{self, Hedges};
use crate::store::ranges::{self, Enough, Joined};
use crate::store::{Ranges, StoreError};

/// Enough for the first batch of content to be one wave.
const PARALLEL_GETS: usize = 64;
/// The range of an object whose length is not known.
const WHOLE: Range<u64> = 0..u64::MAX;

/// Some of the ranges that were asked for, by number.
struct Arrived {
    parts: Vec<(usize, Bytes)>,
    /// Bytes that the bucket sent for them.
    bytes: u64,
}

impl Remote {
    /// The same for one search, which may send again what keeps silent.
    pub(in crate::store) fn hedging(&self, hedges: &Arc<Hedges>) -> Self {
        let hedges = (!self.is_near()).then(|| Arc::clone(hedges));
        Self { hedges, ..self.clone() }
    }

    /// The same with a second tier of cache.
    pub(in crate::store) fn with_disk(&self, disk: Disk) -> Self {
        Self { disk: Some(disk), ..self.clone() }
    }

    /// Waits until the second tier has written what it keeps.
    pub(in crate::store) async fn settle_disk(&self) {
        if let Some(disk) = &self.disk {
            disk.settle().await;
        }
    }

    /// A whole object, in one part.
    pub(in crate::store) async fn read(&self, object: &str) -> Result<Ranges, StoreError> {
        let gets = AtomicU32::new(0);
        let bytes = match self.choose(object, &WHOLE) {
            Some(kept) => self.ask_disk(object, &WHOLE, &kept, &gets).await?,
            None => self.ask_bucket(object, &WHOLE, &gets).await?,
        };
        let gets = gets.into_inner();
        let read = if gets == 0 { 0 } else { bytes.len() as u64 };
        Ok(Ranges { parts: vec![bytes], gets, bytes: read })
    }

    /// One GET, up to the beginning of its answer.
    async fn send(&self, object: &str, options: GetOptions) -> object_store::Result<GetResult> {
        let object = object.into();
        hedge::hedged(&self.pace, self.hedges.as_deref(), || self.store.get_opts(&object, options.clone())).await
    }

    pub(in crate::store) async fn read_ranges(&self, object: &str, asked: &[Range<u64>]) -> Result<Ranges, StoreError> {
        let mut parts = vec![Bytes::new(); asked.len()];
        let (gets, bytes) = self
            .read_ranges_until(object, asked, &mut |arrived| {
                arrived.iter().for_each(|(number, part)| parts[*number] = part.clone());
                false
            })
            .await?;
        Ok(Ranges { parts, gets, bytes })
    }

    /// Stops when `enough` of them are there. The GETs that were sent, and the bytes of those that were answered.
    pub(in crate::store) async fn read_ranges_until(
        &self,
        object: &str,
        asked: &[Range<u64>],
        enough: Enough<'_>,
    ) -> Result<(u32, u64), StoreError> {
        let (gets, mut bytes) = (AtomicU32::new(0), 0);
        {
            let mut arrivals = std::pin::pin!(self.arrivals(object, asked, &gets));
            while let Some(arrived) = arrivals.try_next().await? {
                bytes += arrived.bytes;
                if enough(&arrived.parts) {
                    break;
                }
            }
        }
        Ok((gets.into_inner(), bytes))
    }

    /// Ranges as they arrive: from the disk where that should be sooner, the others with few GETs.
    fn arrivals<'a>(
        &'a self,
        object: &'a str,
        asked: &'a [Range<u64>],
        gets: &'a AtomicU32,
    ) -> impl Stream<Item = Result<Arrived, StoreError>> + 'a {
        let (mut near, mut far) = (Vec::new(), Vec::new());
        for (number, range) in asked.iter().enumerate().filter(|(_, range)| !range.is_empty()) {
            match self.choose(object, range) {
                Some(kept) => near.push((number, kept)),
                None => far.push(number),
            }
        }
        let near = near.into_iter().map(move |(number, kept)| {
            Either::Left(async move {
                let sent = AtomicU32::new(0);
                let bytes = self.ask_disk(object, &asked[number], &kept, &sent).await?;
                let sent = sent.into_inner();
                gets.fetch_add(sent, Ordering::Relaxed);
                let read = if sent == 0 { 0 } else { bytes.len() as u64 };
                Ok(Arrived { parts: vec![(number, bytes)], bytes: read })
            })
        });
        let far = ranges::join_numbered(asked, &far, self.waste).into_iter().map(move |Joined { read, numbers }| {
            Either::Right(async move {
                let bytes = self.ask_bucket(object, &read, gets).await?;
                let (len, ranges) = (bytes.len() as u64, numbers.iter().map(|number| asked[*number].clone()));
                let ranges: Vec<Range<u64>> = ranges.collect();
                let parts = ranges::cut(object, &ranges, vec![(read, bytes)])?.parts;
                ranges.iter().zip(&parts).for_each(|(range, part)| self.keep(object, range, part));
                Ok(Arrived { parts: numbers.into_iter().zip(parts).collect(), bytes: len })
            })
        });
        futures::stream::iter(near.chain(far)).buffer_unordered(PARALLEL_GETS)
    }

    async fn ask_bucket(&self, object: &str, range: &Range<u64>, gets: &AtomicU32) -> Result<Bytes, StoreError> {
        gets.fetch_add(1, Ordering::Relaxed);
        let part = (*range != WHOLE).then(|| range.clone().into());
        let result = self.send(object, GetOptions { range: part, ..GetOptions::default() }).await;
        let result = result.map_err(|error| failure(object, error))?;
        let bytes = result.bytes().await.map_err(|error| failure(object, error))?;
        if *range == WHOLE {
            self.keep(object, range, &bytes);
        }
        Ok(bytes)
    }

    /// What the disk has or, where it is late or has lost it, the bucket.
    async fn ask_disk(
        &self,
        object: &str,
        range: &Range<u64>,
        kept: &Kept,
        gets: &AtomicU32,
    ) -> Result<Bytes, StoreError> {
        let Some(disk) = &self.disk else { return self.ask_bucket(object, range, gets).await };
        let mut read = std::pin::pin!(disk.read(kept));
        match timeout(kept.patience(), &mut read).await {
            Ok(Some(bytes)) => return Ok(bytes),
            Ok(None) => return self.ask_bucket(object, range, gets).await,
            Err(_) => {}
        }
        match future::select(read, std::pin::pin!(self.ask_bucket(object, range, gets))).await {
            Either::Left((Some(bytes), _)) => Ok(bytes),
            Either::Left((None, bucket)) => bucket.await,
            Either::Right((bytes, _)) => bytes,
        }
    }

    fn choose(&self, object: &str, range: &Range<u64>) -> Option<Kept> {
        self.disk.as_ref()?.choose(object, range, self.pace.median())
    }

    fn keep(&self, object: &str, range: &Range<u64>, bytes: &Bytes) {
        if let Some(disk) = &self.disk {
            disk.keep(object, range, bytes, self.pace.median());
        }
    }

    /// HEAD for whoever is about to swap it.
    pub(in crate::store) async fn read_head(&self, object: &str) -> Result<Option<RemoteHead>, StoreError> {
        let result = match self.store.get(&object.into()).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            result => result.map_err(|error| failure(object, error))?,
        };
        let version = UpdateVersion { e_tag: result.meta.e_tag.clone(), version: result.meta.version.clone() };
        let bytes = result.bytes().await.map_err(|error| failure(object, error))?;
        Ok(Some(RemoteHead { bytes, version }))
    }

    /// HEAD, unless it still is the one that was seen.
    pub(in crate::store) async fn read_head_since(
        &self,
        object: &str,
        seen: Option<&Mark>,
    ) -> Result<Since, StoreError> {
        let if_none_match = match seen {
            Some(Mark::Etag(etag)) => Some(etag.clone()),
            _ => None,
        };
        let options = GetOptions { if_none_match, ..GetOptions::default() };
        let result = match self.send(object, options).await {
            Err(Error::NotModified { .. }) => return Ok(None),
            Err(Error::NotFound { .. }) => {
                return Ok((!matches!(seen, Some(Mark::Absent))).then_some((None, Mark::Absent)));
            }
            result => result.map_err(|error| failure(object, error))?,
        };
        let mark = result.meta.e_tag.clone().map_or(Mark::Unknown, Mark::Etag);
        let bytes = result.bytes().await.map_err(|error| failure(object, error))?;
        Ok(Some((Some(bytes), mark)))
    }
}
