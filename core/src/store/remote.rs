//! Objects behind object_store: in memory, or in an S3 bucket with conditional requests.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::memory::InMemory;
use object_store::{
    BackoffConfig, Error, GetOptions, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig,
    UpdateVersion,
};

use crate::store::{Ranges, StoreError, StoreOptions, ranges};

/// Reading this much too much costs less than another request (at 80 MB/s and 22 ms a request).
const GAP: u64 = 64 << 10;
const PARALLEL_GETS: usize = 32;
/// Files above this are sent in parts of this size.
const PART: usize = 16 << 20;

/// Objects behind object_store.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    store: Arc<dyn ObjectStore>,
    gap: u64,
}

/// HEAD as it was read.
#[derive(Clone, Debug)]
pub(super) struct RemoteHead {
    pub(super) bytes: Bytes,
    pub(super) version: UpdateVersion,
}

impl Remote {
    pub(super) fn memory() -> Self {
        Self { store: Arc::new(InMemory::new()), gap: 0 }
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
        let retry = RetryConfig {
            backoff: BackoffConfig { init_backoff: Duration::from_millis(50), ..BackoffConfig::default() },
            max_retries: 5,
            retry_timeout: Duration::from_secs(30),
        };
        let builder = builder.with_bucket_name(bucket).with_region(region).with_retry(retry);
        let store = builder.with_conditional_put(S3ConditionalPut::ETagMatch).build();
        let store = store.map_err(|error| StoreError::Options(error.to_string()))?;
        Ok(Self { store: Arc::new(store), gap: GAP })
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

    pub(super) async fn read_ranges(&self, object: &str, asked: &[Range<u64>]) -> Result<Ranges, StoreError> {
        let read = async |range: Range<u64>| {
            let options = GetOptions { range: Some(range.clone().into()), ..GetOptions::default() };
            let result = self.store.get_opts(&object.into(), options).await?;
            Ok((range, result.bytes().await?))
        };
        let reads = futures::stream::iter(ranges::join(asked, self.gap)).map(read).buffered(PARALLEL_GETS);
        let reads = reads.try_collect().await.map_err(|error| failure(object, error))?;
        ranges::cut(object, asked, reads)
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

    /// Replaces HEAD if it is still of the `expected` version; `None` if not.
    ///
    /// The answer to a swap can be lost: whatever the failure, HEAD is read again, and where it holds the very bytes
    /// that were sent, the swap happened (they carry a mark of the writer, so nobody else's are the same).
    pub(super) async fn swap(
        &self,
        object: &str,
        expected: Option<UpdateVersion>,
        bytes: Bytes,
    ) -> Result<Option<UpdateVersion>, StoreError> {
        let mode = expected.map_or(PutMode::Create, PutMode::Update);
        let error = match self.store.put_opts(&object.into(), bytes.clone().into(), mode.into()).await {
            Ok(put) => return Ok(Some(put.into())),
            Err(error) => error,
        };
        let now = self.read_head(object).await?;
        match (now, error) {
            (Some(head), _) if head.bytes == bytes => Ok(Some(head.version)),
            (_, Error::Precondition { .. } | Error::AlreadyExists { .. } | Error::NotModified { .. }) => Ok(None),
            (_, error) => Err(failure(object, error)),
        }
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
