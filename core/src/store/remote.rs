//! Objects behind object_store: in memory, or in an S3 bucket with conditional requests. How they are read: `reads`.

mod reads;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::memory::InMemory;
use object_store::{
    BackoffConfig, Error, GetOptions, GetRange, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    RetryConfig, UpdateVersion,
};

use crate::store::disk::Disk;
use crate::store::hedge::{Hedges, Pace};
use crate::store::ranges::Waste;
use crate::store::{StoreError, StoreOptions};

/// Reading this much too much costs less than another request: in the mean one takes 25 ms, in which 80 MB/s bring
/// 2 MB, but those of a wave run side by side.
const WASTE: Waste = Waste { near: 64 << 10, spare: 512 << 10 };
/// Files above this are sent in parts of this size.
const PART: usize = 16 << 20;
/// How often one swap of HEAD is sent while the answers are neither yes nor no.
const MAX_SENDINGS: u32 = 4;
/// Objects of a tenant that are deleted at once.
const PARALLEL_DELETES: usize = 16;
const RESEND_PAUSE: Duration = Duration::from_millis(100);

/// Objects behind object_store.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    store: Arc<dyn ObjectStore>,
    /// The same store, which sends each request once: after a single sending, a refusal is certain.
    swapper: Arc<dyn ObjectStore>,
    waste: Waste,
    pace: Arc<Pace>,
    /// `None`: nothing is sent twice.
    hedges: Option<Arc<Hedges>>,
    /// The second tier of cache.
    disk: Option<Disk>,
}

/// HEAD as it was read.
#[derive(Clone, Debug)]
pub(super) struct RemoteHead {
    pub(super) bytes: Bytes,
    pub(super) version: UpdateVersion,
}

impl Remote {
    fn new(swapper: Arc<dyn ObjectStore>, store: Arc<dyn ObjectStore>, waste: Waste) -> Self {
        Self { store, swapper, waste, pace: Arc::default(), hedges: None, disk: None }
    }

    /// Over any store of object_store.
    #[cfg(feature = "testing")]
    pub(super) fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self::new(Arc::clone(&store), store, Waste::NONE)
    }

    pub(super) fn memory() -> Self {
        let store = Arc::new(InMemory::new());
        Self::new(store.clone(), store, Waste::NONE)
    }

    /// Whether reading is no request to another machine.
    pub(super) fn is_near(&self) -> bool {
        self.waste == Waste::NONE
    }

    /// Objects that are read as from a bucket.
    #[cfg(feature = "testing")]
    pub(super) fn far_away(store: Arc<dyn ObjectStore>) -> Self {
        Self::new(Arc::clone(&store), store, WASTE)
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
        Ok(Self::new(retrying(0)?, retrying(5)?, WASTE))
    }

    /// The last bytes of an object, at most so many, and its length.
    pub(super) async fn read_tail(&self, object: &str, most: u64) -> Result<(Bytes, u64), StoreError> {
        let options = GetOptions { range: Some(GetRange::Suffix(most)), ..GetOptions::default() };
        let got = self.store.get_opts(&object.into(), options).await.map_err(|error| failure(object, error))?;
        let len = got.meta.size;
        Ok((got.bytes().await.map_err(|error| failure(object, error))?, len))
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

    /// Removes an object, if it is there.
    pub(super) async fn delete(&self, object: &str) -> Result<(), StoreError> {
        match self.store.delete(&object.into()).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failure(object, error)),
        }
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

    /// Deletes all objects below a prefix.
    pub(super) async fn remove_all(&self, prefix: &str) -> Result<(), StoreError> {
        let listed = self.list(prefix).await?;
        let deletes = futures::stream::iter(&listed).map(|(object, _)| self.delete(object));
        deletes.buffer_unordered(PARALLEL_DELETES).try_for_each(|()| async { Ok(()) }).await
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
