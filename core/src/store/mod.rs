//! The object store: names, immutable objects, and HEAD, the one object that is swapped. The only user of object_store.
#![allow(unused_variables, reason = "contract stub")]

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use uuid::Uuid;

use crate::id::{ObjectId, RepositoryId, TenantId};
use crate::segment::{Class, DocId};
use crate::text::Language;

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

/// What an object is: the folder of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `seg/`
    Segment,
    /// `snap/`
    Snapshot,
    /// `refs/`
    Refs,
}

/// The name of an immutable object inside a tenant and kind: `<uuid v7>-<16 hex of SHA-256>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// UUID v7, given by the caller.
    pub id: Uuid,
    /// First eight bytes of the SHA-256 of the object.
    pub hash: [u8; 8],
}

/// A version of what a tenant has. Lives in HEAD.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Root {
    /// Grows by one with every swap, so HEAD's bytes never repeat.
    pub version: u64,
    /// Segments, in no particular order; entries of repositories name them by index.
    pub segments: Vec<SegmentEntry>,
    /// Repositories by id.
    pub repositories: BTreeMap<RepositoryId, RepositoryEntry>,
}

/// One segment of the root's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentEntry {
    /// Its name.
    pub key: ObjectKey,
    /// Its length.
    pub bytes: u64,
    /// Length of its hot tail.
    pub hot_bytes: u64,
    /// Documents in it.
    pub n_docs: u32,
    /// Bytes of text in it.
    pub text_bytes: u64,
}

/// What the root says of one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryEntry {
    /// Highest fence that published or was raised; publishing requires a fence at least as high.
    pub fence: u64,
    /// The default ref's tip; `None` before the first publish or for an unborn HEAD.
    pub default: Option<Tip>,
    /// The refs object with the other tracked refs; `None` where the default is the only one.
    pub refs: Option<ObjectKey>,
    /// Indices into [`Root::segments`] of every segment that its snapshots touch, ascending.
    pub segments: Vec<u32>,
}

/// A ref at a commit with its snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Full name: `refs/heads/main`, `refs/tags/v1`.
    pub ref_name: String,
    /// The commit.
    pub commit: ObjectId,
    /// Its snapshot object.
    pub snapshot: ObjectKey,
}

/// The refs object of a repository: every tracked ref but the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refs {
    /// By full ref name, ascending.
    pub tips: Vec<Tip>,
}

/// Which (path, mode, document, class) one commit holds, and what it leaves out. Entries are in path order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The commit.
    pub commit: ObjectId,
    /// Segments that `SnapshotEntry::segment` indexes.
    pub segments: Vec<ObjectKey>,
    /// Files held, in path order.
    pub entries: Vec<SnapshotEntry>,
    /// Paths left out, in path order.
    pub skipped: Vec<Skipped>,
}

/// One file of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotEntry {
    /// Path in the tree, as git has it.
    pub path: Vec<u8>,
    /// git mode (0o100644, 0o100755).
    pub mode: u32,
    /// Index into [`Snapshot::segments`].
    pub segment: u32,
    /// Document in that segment.
    pub doc: DocId,
    /// Class of the path at this commit.
    pub class: Class,
    /// Language of the path at this commit.
    pub language: Language,
}

/// A path that is not searchable, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Path in the tree.
    pub path: Vec<u8>,
    /// Why.
    pub reason: SkipReason,
}

/// Why a path of a commit is not in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// NUL in the first 8,000 bytes.
    Binary,
    /// More than 8 MiB.
    TooLarge,
    /// Matched by `.kotadbignore`.
    Ignored,
    /// A symbolic link: its target is indexed under its own path.
    Symlink,
    /// A submodule: another repository.
    Submodule,
    /// Path longer than 4,096 bytes.
    PathTooLong,
    /// The object database lacks the blob or cannot read it.
    Unreadable,
}

impl Root {
    /// The bytes of HEAD: magic, version, checksum.
    pub fn encode(&self) -> Bytes {
        unimplemented!()
    }
    /// Reads HEAD.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        unimplemented!()
    }
}

impl Refs {
    /// The bytes of a refs object.
    pub fn encode(&self) -> Bytes {
        unimplemented!()
    }
    /// Reads a refs object.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        unimplemented!()
    }
}

impl Snapshot {
    /// The bytes of a snapshot object: columns, paths front-coded, zstd.
    pub fn encode(&self) -> Bytes {
        unimplemented!()
    }
    /// Reads a snapshot object.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        unimplemented!()
    }
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

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else swapped HEAD first.
    #[error("HEAD of tenant {0} was changed by another writer: read it again and retry")]
    Conflict(TenantId),
    /// The object is not there.
    #[error("object `{0}` is not in the store")]
    NotFound(String),
    /// The object is there already; names are used once.
    #[error("object `{0}` exists already; names are used once")]
    Exists(String),
    /// The bytes are not what the format says.
    #[error("object `{object}` is corrupt: {what}")]
    Corrupt {
        /// Its name.
        object: String,
        /// What is wrong, with the range.
        what: String,
    },
    /// The backend failed.
    #[error("object store failed on `{object}`: {source}")]
    Backend {
        /// What was asked for.
        object: String,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The options make no store.
    #[error("object store options: {0}")]
    Options(String),
}
