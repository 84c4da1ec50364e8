//! HEAD: read, swapped, and changed by whoever gets there first, again and again until it is one's turn.

use std::time::Duration;

use bytes::Bytes;
use object_store::UpdateVersion;
use tokio::time::{Instant, sleep};

use crate::crypto;
use crate::id::TenantId;
use crate::store::{Backend, Root, Store, StoreError, head_path};

const MAX_TRIES: u32 = 64;
const PATIENCE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// Limits of the pauses after the first and later tries, in lengths of an attempt.
const STEPS: [u32; 2] = [4, 256];

/// What the next swap of HEAD expects to find: nothing, or exactly the bytes that were read.
#[derive(Clone, Debug)]
pub struct HeadTag {
    version: u64,
    expected: Expected,
}

#[derive(Clone, Debug)]
enum Expected {
    Nothing,
    Bytes(Bytes),
    Etag(UpdateVersion),
}

impl Store {
    /// Reads HEAD: the root (a default one where the tenant has none yet) and the tag for a swap.
    pub async fn head(&self, tenant: TenantId) -> Result<(Root, HeadTag), StoreError> {
        let object = head_path(tenant);
        let read = match &self.backend {
            Backend::Folder(folder) => folder.read_head(&object)?.map(|bytes| (bytes.clone(), Expected::Bytes(bytes))),
            Backend::Remote(remote) => {
                remote.read_head(&object).await?.map(|head| (head.bytes, Expected::Etag(head.version)))
            }
        };
        let Some((bytes, expected)) = read else {
            return Ok((Root::default(), HeadTag { version: 0, expected: Expected::Nothing }));
        };
        let root = Root::decode(&bytes).map_err(|error| error.of_object(object))?;
        let tag = HeadTag { version: root.version, expected };
        Ok((root, tag))
    }

    /// Replaces HEAD if it still is what `tag` says; the root's version must be one more. `StoreError::Conflict` if not.
    ///
    /// A swap whose answer is lost is looked up and counts if it happened. One that fails otherwise
    /// (`StoreError::Backend`) may still happen later: repeat only what may happen twice.
    pub async fn swap_head(&self, tenant: TenantId, tag: &HeadTag, root: &Root) -> Result<HeadTag, StoreError> {
        if tag.version.checked_add(1) != Some(root.version) {
            return Err(StoreError::Version { before: tag.version, found: root.version });
        }
        let bytes = root.encode_marked(crypto::random());
        let expected = self.swap(&head_path(tenant), &tag.expected, bytes).await?;
        let expected = expected.ok_or(StoreError::Conflict(tenant))?;
        Ok(HeadTag { version: root.version, expected })
    }

    async fn swap(&self, object: &str, expected: &Expected, bytes: Bytes) -> Result<Option<Expected>, StoreError> {
        match (&self.backend, expected) {
            (Backend::Folder(folder), Expected::Nothing) => {
                let swapped = folder.swap(object, None, bytes.clone()).await?;
                Ok(swapped.then_some(Expected::Bytes(bytes)))
            }
            (Backend::Folder(folder), Expected::Bytes(before)) => {
                let swapped = folder.swap(object, Some(before.clone()), bytes.clone()).await?;
                Ok(swapped.then_some(Expected::Bytes(bytes)))
            }
            (Backend::Remote(remote), Expected::Nothing) => {
                Ok(remote.swap(object, None, bytes).await?.map(Expected::Etag))
            }
            (Backend::Remote(remote), Expected::Etag(version)) => {
                Ok(remote.swap(object, Some(version.clone()), bytes).await?.map(Expected::Etag))
            }
            (Backend::Folder(_), Expected::Etag(_)) | (Backend::Remote(_), Expected::Bytes(_)) => {
                Err(StoreError::Options("the tag of HEAD belongs to another store".to_owned()))
            }
        }
    }

    /// Reads HEAD, lets `change` alter the root, swaps; on a conflict reads again and retries with jitter, as long as
    /// `change` says yes. `change` returns `false` to leave HEAD as it is; the version is counted up for it.
    ///
    /// Gives up with `StoreError::Conflict` after 64 tries or a minute.
    pub async fn update_head<E, F>(&self, tenant: TenantId, mut change: F) -> Result<Root, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut Root) -> Result<bool, E> + Send,
    {
        let start = Instant::now();
        for tries in 0.. {
            let attempt = Instant::now();
            let (mut root, tag) = self.head(tenant).await?;
            if !change(&mut root)? {
                return Ok(root);
            }
            root.version = tag.version + 1;
            match self.swap_head(tenant, &tag, &root).await {
                Ok(_) => return Ok(root),
                Err(StoreError::Conflict(_)) if tries < MAX_TRIES && start.elapsed() < PATIENCE => {}
                Err(error) => return Err(error.into()),
            }
            sleep(pause(tries, attempt.elapsed())).await;
        }
        Err(StoreError::Conflict(tenant).into())
    }
}

/// Full jitter: anything between nothing and a limit, which grows with the tries. From "Exponential Backoff and Jitter",
/// AWS Architecture Blog, 2015; but a doubling limit leaves 32 writers at once with up to 14 tries each, and these steps
/// with 4, at the price of a longer wait for whoever fails twice.
fn pause(tries: u32, attempt: Duration) -> Duration {
    let step = STEPS[(tries as usize).min(STEPS.len() - 1)];
    let limit = attempt.saturating_mul(step).min(LONGEST_PAUSE);
    limit.mul_f64(f64::from(u32::from_le_bytes(crypto::random())) / f64::from(u32::MAX))
}
