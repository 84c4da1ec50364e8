//! The object store: names, immutable objects, and HEAD, the one object that is swapped. The only user of object_store.
#![doc = include_str!("format.md")]

mod codec;
mod error;
mod name;
mod refs;
mod root;
mod snapshot;
mod snapshot_format;

use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use uuid::Uuid;

use crate::id::TenantId;

pub use self::error::StoreError;
pub use self::name::{Kind, ObjectKey, head_path, object_path, parse_object_path};
pub use self::refs::Refs;
pub use self::root::{RepositoryEntry, Root, SegmentEntry, Tip};
pub use self::snapshot::{Entry, SkipReason, Skipped, Snapshot, SnapshotEntry};
/// Where objects are kept.
#[derive(Clone, Debug)]
pub enum StoreOptions {
    /// In memory, for tests.
    Memory,
    /// Below a folder of this machine.
    Folder(PathBuf),
    /// An S3 bucket (Tigris, AWS, moto).
    S3 {
        /// Bucket.
        bucket: String,
        /// `AWS_ENDPOINT_URL_S3`; `None`: AWS itself.
        endpoint: Option<String>,
        /// Region.
        region: String,
        /// Access key id and secret; `None`: as the environment of the machine provides them (Lambda, instance).
        credentials: Option<(String, String)>,
    },
}
/// What the next swap of HEAD expects to find: nothing, or exactly the bytes that were read.
#[derive(Clone, Debug)]
pub struct HeadTag {}

/// The store of one deployment. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {}

impl Store {
    /// Opens the store; no request is sent yet.
    pub fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        unimplemented!()
    }
    /// Writes an immutable object whose name is made of `id` and the hash of `bytes`. An object that exists is an error.
    pub async fn put(&self, tenant: TenantId, kind: Kind, id: Uuid, bytes: Bytes) -> Result<ObjectKey, StoreError> {
        unimplemented!()
    }
    /// The same from a file of this machine (multipart where large).
    pub async fn put_file(&self, tenant: TenantId, kind: Kind, id: Uuid, file: &Path) -> Result<ObjectKey, StoreError> {
        unimplemented!()
    }
    /// Reads a whole object.
    pub async fn get(&self, tenant: TenantId, kind: Kind, key: ObjectKey) -> Result<Bytes, StoreError> {
        unimplemented!()
    }
    /// Reads ranges of an object in one wave; near ones may be read as one. Answers in the order asked, with the number
    /// of GETs that were sent.
    pub async fn get_ranges(&self, tenant: TenantId, kind: Kind, key: ObjectKey, ranges: &[Range<u64>]) -> Result<Ranges, StoreError> {
        unimplemented!()
    }
    /// Reads HEAD: the root (a default one where the tenant has none yet) and the tag for a swap.
    pub async fn head(&self, tenant: TenantId) -> Result<(Root, HeadTag), StoreError> {
        unimplemented!()
    }
    /// Replaces HEAD if it still is what `tag` says; the root's version must be one more. `StoreError::Conflict` if not.
    pub async fn swap_head(&self, tenant: TenantId, tag: &HeadTag, root: &Root) -> Result<HeadTag, StoreError> {
        unimplemented!()
    }
    /// Reads HEAD, lets `change` alter the root, swaps; on a conflict reads again and retries with jitter, as long as
    /// `change` says yes. `change` returns `false` to leave HEAD as it is.
    pub async fn update_head<E, F>(&self, tenant: TenantId, change: F) -> Result<Root, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut Root) -> Result<bool, E> + Send,
    {
        unimplemented!()
    }
    /// Names and lengths of all objects of a tenant, HEAD apart.
    pub async fn list(&self, tenant: TenantId) -> Result<Vec<(Kind, ObjectKey, u64)>, StoreError> {
        unimplemented!()
    }
    /// One cheap request, for health.
    pub async fn probe(&self) -> Result<(), StoreError> {
        unimplemented!()
    }
}

/// Answer of [`Store::get_ranges`].
#[derive(Clone, Debug)]
pub struct Ranges {
    /// One per range asked.
    pub parts: Vec<Bytes>,
    /// Requests that were sent.
    pub gets: u32,
    /// Bytes that were read (with the gaps of joined ranges).
    pub bytes: u64,
}


#[cfg(test)]
mod codec_tests;
