//! Objects behind object_store: in memory, or in an S3 bucket with conditional requests.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::memory::InMemory;
use object_store::{
    BackoffConfig, Error, GetOptions, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig,
    UpdateVersion,
};

use crate::store::head_mark::{Mark, Since};
use crate::store::ranges::{self, Enough, Waste};
use crate::store::{Ranges, StoreError, StoreOptions};

/// Reading this much too much costs less than another request (at 80 MB/s and 22 ms a request).
/// Reading this much too much costs less than another request: in the mean one takes 25 ms, in which 80 MB/s bring
/// 2 MB, but those of a wave run side by side.
const WASTE: Waste = Waste { near: 64 << 10, spare: 512 << 10 };
/// Enough for the first batch of content to be one wave.
const PARALLEL_GETS: usize = 64;
/// Files above this are sent in parts of this size.
const PART: usize = 16 << 20;
/// How often one swap of HEAD is sent while the answers are neither yes nor no.
const MAX_SENDINGS: u32 = 4;
const RESEND_PAUSE: Duration = Duration::from_millis(100);

/// Objects behind object_store.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    store: Arc<dyn ObjectStore>,
    /// The same store, which sends each request once: after a single sending, a refusal is certain.
    swapper: Arc<dyn ObjectStore>,
    waste: Waste,
}

/// HEAD as it was read.
#[derive(Clone, Debug)]
pub(super) struct RemoteHead {
    pub(super) bytes: Bytes,
    pub(super) version: UpdateVersion,
}

impl Remote {
    /// Over any store of object_store.
    #[cfg(feature = "testing")]
    pub(super) fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self { swapper: Arc::clone(&store), store, waste: Waste::NONE }
    }

    pub(super) fn memory() -> Self {
        let store = Arc::new(InMemory::new());
        Self { swapper: store.clone(), store, waste: Waste::NONE }
    }

    /// Whether reading is no request to another machine.
    pub(super) fn is_near(&self) -> bool {
        self.waste == Waste::NONE
    }

    /// Objects that are read as from a bucket.
    #[cfg(feature = "testing")]
    pub(super) fn far_away(store: Arc<dyn ObjectStore>) -> Self {
        Self { swapper: Arc::clone(&store), store, waste: WASTE }
    }

    /// What is asked for objects.
    #[cfg(feature = "testing")]
    pub(super) fn object_store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    /// No request is sent yet.
    pub(super) fn s3(options: &StoreOptions) -> Result<Self, StoreError> {
        let StoreOptions::S3 { bucket, endpoint, region, credentials } = options else {
            return Err(StoreError::Options("a bucket is needed".to_owned()));
        };
        let builder = match credentials {
            Some((id, secret)) => AmazonS3Builder::new().with_access_key_id(id).with_secret_access_key(secret),
            None => AmazonS3Builder::from_env(),
        };
        let builder = match endpoint {
            Some(url) => builder.with_endpoint(url.trim_end_matches('/')).with_allow_http(url.starts_with("http://")),
            None => builder,
        };
        let builder = builder.with_bucket_name(bucket).with_region(region);
        let builder = builder.with_conditional_put(S3ConditionalPut::ETagMatch);
        let retrying = |max_retries| {
            let store = builder.clone().with_retry(retry(max_retries)).build();
            store.map(Arc::new).map_err(|error| StoreError::Options(error.to_string()))
        };
        Ok(Self { store: retrying(5)?, swapper: retrying(0)?, waste: WASTE })
    }

    /// Writes an object under a name that must be free.
    pub(super) async fn create(&self, object: &str, bytes: Bytes) -> Result<(), StoreError> {
        let mode = PutOptions::from(PutMode::Create);
        self.store.put_opts(&object.into(), bytes.into(), mode).await.map_err(|error| failure(object, error))?;
        Ok(())
    }

    /// The same from a file. S3 knows no conditional completion through object_store, so for a file in parts the name
    /// is checked first; names carry a fresh UUID, so nobody else is about to take it.
    pub(super) async fn create_from(&self, object: &str, file: &Path) -> Result<(), StoreError> {
        let first = read_part(object, file, 0).await?;
        if first.len() < PART {
            return self.create(object, first).await;
        }
        if self.store.head(&object.into()).await.is_ok() {
            return Err(StoreError::Exists(object.to_owned()));
        }
        let mut upload = self.store.put_multipart(&object.into()).await.map_err(|error| failure(object, error))?;
        let sent = send_parts(&mut *upload, object, (file, first)).await;
        if sent.is_err() {
            // The bucket's lifecycle rule removes parts that even this cannot remove.
            let _ = upload.abort().await;
        }
        sent
    }

    pub(super) async fn read(&self, object: &str) -> Result<Bytes, StoreError> {
        let result = self.store.get(&object.into()).await.map_err(|error| failure(object, error))?;
        result.bytes().await.map_err(|error| failure(object, error))
    }

    /// Removes an object, if it is there.
    pub(super) async fn delete(&self, object: &str) -> Result<(), StoreError> {
        match self.store.delete(&object.into()).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failure(object, error)),
        }
    }

    pub(super) async fn read_ranges(&self, object: &str, asked: &[Range<u64>]) -> Result<Ranges, StoreError> {
        let wanted = ranges::join(asked, self.waste);
        let mut reads: Vec<_> = self.read_each(object, wanted).try_collect().await?;
        reads.sort_unstable_by_key(|(range, _)| range.start);
        ranges::cut(object, asked, reads)
    }

    /// Stops when `enough` of them are there. The GETs that were sent, and the bytes of those that were answered.
    pub(super) async fn read_ranges_until(
        &self,
        object: &str,
        asked: &[Range<u64>],
        enough: Enough<'_>,
    ) -> Result<(u32, u64), StoreError> {
        let wanted = ranges::join(asked, self.waste);
        let gets = wanted.len() as u32;
        let (mut bytes, mut is_enough) = (0, false);
        let mut reads = std::pin::pin!(self.read_each(object, wanted));
        while !is_enough && let Some((read, content)) = reads.try_next().await? {
            bytes += content.len() as u64;
            let inside = |range: &Range<u64>| !range.is_empty() && range.start >= read.start && range.end <= read.end;
            let (numbers, ranges): (Vec<_>, Vec<_>) =
                asked.iter().cloned().enumerate().filter(|(_, range)| inside(range)).unzip();
            let cut = ranges::cut(object, &ranges, vec![(read.clone(), content)])?;
            is_enough = enough(&numbers.into_iter().zip(cut.parts).collect::<Vec<_>>());
        }
        Ok((gets, bytes))
    }

    /// Reads as they are answered.
    fn read_each(
        &self,
        object: &str,
        wanted: Vec<Range<u64>>,
    ) -> impl Stream<Item = Result<(Range<u64>, Bytes), StoreError>> {
        let read = async move |range: Range<u64>| {
            let options = GetOptions { range: Some(range.clone().into()), ..GetOptions::default() };
            let result = self.store.get_opts(&object.into(), options).await;
            let bytes = match result {
                Ok(result) => result.bytes().await,
                Err(error) => Err(error),
            };
            Ok((range, bytes.map_err(|error| failure(object, error))?))
        };
        futures::stream::iter(wanted).map(read).buffer_unordered(PARALLEL_GETS)
    }

    pub(super) async fn read_head(&self, object: &str) -> Result<Option<RemoteHead>, StoreError> {
        let result = match self.store.get(&object.into()).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            result => result.map_err(|error| failure(object, error))?,
        };
        let version = UpdateVersion { e_tag: result.meta.e_tag.clone(), version: result.meta.version.clone() };
        let bytes = result.bytes().await.map_err(|error| failure(object, error))?;
        Ok(Some(RemoteHead { bytes, version }))
    }

    /// HEAD, unless it still is the one that was seen.
    pub(super) async fn read_head_since(&self, object: &str, seen: Option<&Mark>) -> Result<Since, StoreError> {
        let if_none_match = match seen {
            Some(Mark::Etag(etag)) => Some(etag.clone()),
            _ => None,
        };
        let options = GetOptions { if_none_match, ..GetOptions::default() };
        let result = match self.store.get_opts(&object.into(), options).await {
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

    /// Replaces HEAD if it is still of the `expected` version; `None` if not.
    ///
    /// The answer to a swap can be lost. After anything but a plain yes or no HEAD is read: where it holds the very
    /// bytes that were sent, the swap happened (they carry a mark of the writer, so nobody else's are the same); where
    /// it still holds what it held before, they are sent again.
    pub(super) async fn swap(
        &self,
        object: &str,
        expected: Option<UpdateVersion>,
        bytes: Bytes,
    ) -> Result<Option<UpdateVersion>, StoreError> {
        for sending in 1.. {
            let mode = expected.clone().map_or(PutMode::Create, PutMode::Update);
            let error = match self.swapper.put_opts(&object.into(), bytes.clone().into(), mode.into()).await {
                Ok(put) => return Ok(Some(put.into())),
                Err(error) => error,
            };
            if sending == 1 && is_refusal(&error) {
                break;
            }
            match self.read_head(object).await? {
                Some(head) if head.bytes == bytes => return Ok(Some(head.version)),
                _ if is_refusal(&error) => break,
                now if sending == MAX_SENDINGS
                    || etag(now.as_ref().map(|head| &head.version)) != etag(expected.as_ref()) =>
                {
                    return Err(failure(object, error));
                }
                _ => tokio::time::sleep(RESEND_PAUSE * sending).await,
            }
        }
        Ok(None)
    }

    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<(String, u64)>, StoreError> {
        let listed = self.store.list(Some(&prefix.into()));
        let named = listed.map_ok(|meta| (meta.location.to_string(), meta.size));
        named.try_collect().await.map_err(|error| failure(prefix, error))
    }

    /// Lists nothing: unlike a request for an object, this fails where the bucket is missing.
    pub(super) async fn probe(&self) -> Result<(), StoreError> {
        self.list("probe").await.map(drop)
    }
}

fn retry(max_retries: usize) -> RetryConfig {
    let backoff = BackoffConfig { init_backoff: Duration::from_millis(50), ..BackoffConfig::default() };
    RetryConfig { backoff, max_retries, retry_timeout: Duration::from_secs(30) }
}

/// Whether the store says that HEAD is not (any more) what was expected.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Precondition { .. } | Error::AlreadyExists { .. } | Error::NotModified { .. })
}

fn etag(version: Option<&UpdateVersion>) -> Option<&str> {
    version.and_then(|version| version.e_tag.as_deref())
}

async fn send_parts(
    upload: &mut dyn MultipartUpload,
    object: &str,
    (file, first): (&Path, Bytes),
) -> Result<(), StoreError> {
    let (mut part, mut sent) = (first, 0);
    while !part.is_empty() {
        sent += part.len() as u64;
        upload.put_part(part.into()).await.map_err(|error| failure(object, error))?;
        part = read_part(object, file, sent).await?;
    }
    upload.complete().await.map_err(|error| failure(object, error))?;
    Ok(())
}

/// The part of a file that begins at `from`; empty at its end.
async fn read_part(object: &str, file: &Path, from: u64) -> Result<Bytes, StoreError> {
    let file: PathBuf = file.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        let mut file = File::open(file)?;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(from))?;
        let mut part = Vec::new();
        file.take(PART as u64).read_to_end(&mut part)?;
        Ok::<_, std::io::Error>(Bytes::from(part))
    });
    let read = read.await.map_err(|error| StoreError::backend(object, error))?;
    read.map_err(|error| StoreError::backend(object, error))
}

fn failure(object: &str, error: Error) -> StoreError {
    match error {
        Error::NotFound { .. } => StoreError::NotFound(object.to_owned()),
        Error::AlreadyExists { .. } | Error::Precondition { .. } => StoreError::Exists(object.to_owned()),
        error => StoreError::backend(object, error),
    }
}

#[cfg(test)]
mod tests;
