//! The object store: names, immutable objects, and HEAD, the one object that is swapped. The only user of object_store.
#![doc = include_str!("format.md")]

#[cfg(any(test, feature = "testing"))]
mod between;
mod codec;
mod column;
#[cfg(feature = "testing")]
mod counted;
mod disk;
mod doc_ranges;
mod dropped;
mod error;
#[cfg(feature = "testing")]
mod faults;
mod flat;
mod folder;
mod graphs;
mod head;
mod head_mark;
mod hedge;
#[cfg(feature = "testing")]
mod latency;
mod maps;
mod name;
mod options;
mod ranges;
mod ranks;
mod refs;
mod remote;
mod root;
mod snapshot;
mod snapshot_delta;
mod snapshot_flat;
mod snapshot_format;
mod stems;

#[cfg(test)]
mod codec_tests;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use self::disk::Disk;
pub use self::disk::{DiskOptions, DriveSpeed};
pub use self::doc_ranges::DocRanges;
pub use self::dropped::{Dropped, GRACE};
pub use self::error::StoreError;
#[cfg(feature = "testing")]
pub use self::faults::{Faults, SharedMemory};
use self::folder::{Content, Folder};
pub use self::graphs::TipGraph;
pub use self::head::HeadTag;
pub use self::head_mark::{HeadMark, ReadHead};
pub use self::hedge::Hedges;
#[cfg(feature = "testing")]
pub use self::latency::{Latency, Traffic, Waits};
pub use self::name::{Kind, ObjectKey, head_path, object_path, parse_object_path};
pub use self::options::StoreOptions;
pub use self::ranges::{Enough, Ranges};
pub use self::ranks::Ranks;
pub use self::refs::{Refs, Retained};
use self::remote::Remote;
pub use self::root::{RepositoryEntry, Root, SegmentEntry, Tip};
pub use self::snapshot::{Entry, SkipReason, Skipped, Snapshot, SnapshotEntry};
pub use self::snapshot_delta::SnapshotDelta;
use crate::crypto;
use crate::id::TenantId;

/// The store of one deployment. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    Folder(Folder),
    Remote(Remote),
}

impl Store {
    /// Opens the store; no request is sent yet.
    pub fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        let backend = match options {
            StoreOptions::Memory => Backend::Remote(Remote::memory()),
            StoreOptions::Folder(root) => Backend::Folder(Folder::new(root.clone())),
            StoreOptions::S3 { .. } => Backend::Remote(Remote::s3(options)?),
        };
        Ok(Self { backend })
    }

    /// The same store for one search, which sends what keeps silent once more, a few times.
    pub fn hedging(&self, hedges: &Arc<Hedges>) -> Self {
        let backend = match &self.backend {
            Backend::Folder(folder) => Backend::Folder(folder.clone()),
            Backend::Remote(remote) => Backend::Remote(remote.hedging(hedges)),
        };
        Self { backend }
    }

    /// Writes an immutable object whose name is made of `id` and the hash of `bytes`. An object that exists is an error.
    pub async fn put(&self, tenant: TenantId, kind: Kind, id: Uuid, bytes: Bytes) -> Result<ObjectKey, StoreError> {
        let key = ObjectKey::new(id, crypto::sha256(&bytes));
        let object = object_path(tenant, kind, key);
        match &self.backend {
            Backend::Folder(folder) => folder.create(&object, Content::Bytes(bytes)).await?,
            Backend::Remote(remote) => remote.create(&object, bytes).await?,
        }
        Ok(key)
    }

    /// The same from a file of this machine (multipart where large). The file must not change meanwhile.
    pub async fn put_file(&self, tenant: TenantId, kind: Kind, id: Uuid, file: &Path) -> Result<ObjectKey, StoreError> {
        let key = ObjectKey::new(id, hash_file(file).await?);
        let object = object_path(tenant, kind, key);
        match &self.backend {
            Backend::Folder(folder) => folder.create(&object, Content::File(file.to_owned())).await?,
            Backend::Remote(remote) => remote.create_from(&object, file).await?,
        }
        Ok(key)
    }

    /// The same store with a second tier of cache on a disk, where reading is a request to another machine.
    pub fn with_disk(&self, options: &DiskOptions) -> Result<Self, StoreError> {
        match &self.backend {
            Backend::Remote(remote) if !remote.is_near() => {
                let disk = Disk::open(options).map_err(|error| StoreError::Options(error.to_string()))?;
                Ok(Self { backend: Backend::Remote(remote.with_disk(disk)) })
            }
            _ => Ok(self.clone()),
        }
    }

    /// Waits until the second tier knows what is in its folder and has written what it keeps.
    pub async fn settle_disk(&self) {
        if let Backend::Remote(remote) = &self.backend {
            remote.settle_disk().await;
        }
    }

    /// Reads a whole object, which must be what its name says.
    pub async fn get(&self, tenant: TenantId, kind: Kind, key: ObjectKey) -> Result<Bytes, StoreError> {
        Ok(self.get_whole(tenant, kind, key).await?.parts.into_iter().next().unwrap_or_default())
    }

    /// The same as one range, with what it took.
    pub async fn get_whole(&self, tenant: TenantId, kind: Kind, key: ObjectKey) -> Result<Ranges, StoreError> {
        let object = object_path(tenant, kind, key);
        let read = match &self.backend {
            Backend::Folder(folder) => {
                let bytes = folder.read(&object)?;
                Ranges { gets: 1, bytes: bytes.len() as u64, parts: vec![bytes] }
            }
            Backend::Remote(remote) => remote.read(&object).await?,
        };
        let bytes = read.parts.first().map_or(&[][..], |bytes| bytes);
        if ObjectKey::new(key.id, crypto::sha256(bytes)) == key {
            return Ok(read);
        }
        let what = format!("bytes 0..{}: not those whose hash its name holds", bytes.len());
        Err(StoreError::Corrupt { object, what })
    }

    /// The last bytes of an object, at most so many, and its length: for what does not know it. Neither looked for in the
    /// second tier nor sent twice.
    pub async fn get_tail(
        &self,
        tenant: TenantId,
        kind: Kind,
        key: ObjectKey,
        most: u64,
    ) -> Result<(Bytes, u64), StoreError> {
        let object = object_path(tenant, kind, key);
        match &self.backend {
            Backend::Folder(folder) => {
                let bytes = folder.read(&object)?;
                let start = bytes.len().saturating_sub(usize::try_from(most).unwrap_or(usize::MAX));
                Ok((bytes.slice(start..), bytes.len() as u64))
            }
            Backend::Remote(remote) => remote.read_tail(&object, most).await,
        }
    }

    /// Deletes an object; one that is not there is no error, so this may be done again.
    pub async fn delete(&self, tenant: TenantId, kind: Kind, key: ObjectKey) -> Result<(), StoreError> {
        let object = object_path(tenant, kind, key);
        match &self.backend {
            Backend::Folder(folder) => folder.delete(&object).await,
            Backend::Remote(remote) => remote.delete(&object).await,
        }
    }

    /// Deletes everything of a tenant for whom nobody writes any more, HEAD included. May be done again.
    pub async fn remove_tenant(&self, tenant: TenantId) -> Result<(), StoreError> {
        let prefix = format!("t/{tenant}");
        match &self.backend {
            Backend::Folder(folder) => folder.remove_all(&prefix).await,
            Backend::Remote(remote) => remote.remove_all(&prefix).await,
        }
    }

    /// Reads ranges of an object in one wave; near ones may be read as one. Answers in the order asked, with the number
    /// of GETs that were sent. A range that ends beyond the object is an error.
    pub async fn get_ranges(
        &self,
        tenant: TenantId,
        kind: Kind,
        key: ObjectKey,
        ranges: &[Range<u64>],
    ) -> Result<Ranges, StoreError> {
        let object = object_path(tenant, kind, key);
        match &self.backend {
            Backend::Folder(folder) => folder.read_ranges(&object, ranges),
            Backend::Remote(remote) => remote.read_ranges(&object, ranges).await,
        }
    }

    /// The same, until `enough` says so: it is told of ranges as they arrive, by number, and what has not arrived then
    /// is not waited for. Says how many GETs were sent, and the bytes of those that were answered.
    pub async fn get_ranges_until(
        &self,
        tenant: TenantId,
        kind: Kind,
        key: ObjectKey,
        ranges: &[Range<u64>],
        enough: Enough<'_>,
    ) -> Result<(u32, u64), StoreError> {
        let object = object_path(tenant, kind, key);
        match &self.backend {
            Backend::Folder(folder) => {
                let Ranges { parts, gets, bytes } = folder.read_ranges(&object, ranges)?;
                // All are there: whether they are enough changes nothing.
                enough(&parts.into_iter().enumerate().collect::<Vec<_>>());
                Ok((gets, bytes))
            }
            Backend::Remote(remote) => remote.read_ranges_until(&object, ranges, enough).await,
        }
    }

    /// The snapshot of a tip, made whole where it is a delta.
    pub async fn snapshot(&self, tenant: TenantId, tip: &Tip) -> Result<Snapshot, StoreError> {
        match tip.base {
            None => self.whole_snapshot(tenant, tip.snapshot).await,
            Some(base) => {
                let delta = self.delta(tenant, tip.snapshot).await?;
                Ok(self.whole_snapshot(tenant, base).await?.with(&delta))
            }
        }
    }

    /// Reads and decodes the object of a snapshot that is no delta.
    pub async fn whole_snapshot(&self, tenant: TenantId, key: ObjectKey) -> Result<Snapshot, StoreError> {
        let bytes = self.get(tenant, Kind::Snapshot, key).await?;
        Snapshot::decode(&bytes).map_err(|error| error.of_object(object_path(tenant, Kind::Snapshot, key)))
    }

    /// Reads and decodes the object of a snapshot that is a delta.
    pub async fn delta(&self, tenant: TenantId, key: ObjectKey) -> Result<SnapshotDelta, StoreError> {
        let bytes = self.get(tenant, Kind::Snapshot, key).await?;
        SnapshotDelta::decode(&bytes).map_err(|error| error.of_object(object_path(tenant, Kind::Snapshot, key)))
    }

    /// Reads and decodes a refs object.
    pub async fn refs(&self, tenant: TenantId, key: ObjectKey) -> Result<Refs, StoreError> {
        let bytes = self.get(tenant, Kind::Refs, key).await?;
        Refs::decode(&bytes).map_err(|error| error.of_object(object_path(tenant, Kind::Refs, key)))
    }

    /// Reads and decodes a list of dropped objects.
    pub async fn dropped(&self, tenant: TenantId, key: ObjectKey) -> Result<Vec<Dropped>, StoreError> {
        let bytes = self.get(tenant, Kind::Refs, key).await?;
        Dropped::decode_list(&bytes).map_err(|error| error.of_object(object_path(tenant, Kind::Refs, key)))
    }

    /// Names and lengths of all objects of a tenant, HEAD apart, ascending.
    pub async fn list(&self, tenant: TenantId) -> Result<Vec<(Kind, ObjectKey, u64)>, StoreError> {
        let mut objects = Vec::new();
        for kind in Kind::ALL {
            objects.extend(self.list_kind(tenant, kind).await?.into_iter().map(|(key, len)| (kind, key, len)));
        }
        objects.sort_unstable();
        Ok(objects)
    }

    /// The same of one kind.
    pub async fn list_kind(&self, tenant: TenantId, kind: Kind) -> Result<Vec<(ObjectKey, u64)>, StoreError> {
        let prefix = format!("t/{tenant}/{}", kind.folder());
        let found = match &self.backend {
            Backend::Folder(folder) => folder.list(&prefix).await?,
            Backend::Remote(remote) => remote.list(&prefix).await?,
        };
        let named = found.into_iter().filter_map(|(path, len)| Some((parse_object_path(&path)?, len)));
        Ok(named.map(|((_, _, key), len)| (key, len)).collect())
    }

    /// One cheap request, for health.
    pub async fn probe(&self) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Folder(folder) => folder.probe().await,
            Backend::Remote(remote) => remote.probe().await,
        }
    }
}

/// Says where objects are, and no secret.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.backend {
            Backend::Folder(_) => "Store(folder)",
            Backend::Remote(_) => "Store(remote)",
        })
    }
}

async fn hash_file(file: &Path) -> Result<[u8; 32], StoreError> {
    let name = file.display().to_string();
    let file: PathBuf = file.to_owned();
    let hashed = tokio::task::spawn_blocking(move || hash_file_now(&file)).await;
    hashed.map_err(|error| StoreError::backend(&name, error))?.map_err(|error| StoreError::backend(&name, error))
}

fn hash_file_now(file: &Path) -> io::Result<[u8; 32]> {
    let mut file = File::open(file)?;
    let mut hash = crypto::Sha256::new();
    let mut part = vec![0; 256 << 10];
    loop {
        match file.read(&mut part)? {
            0 => return Ok(hash.finish()),
            n => hash.update(&part[..n]),
        }
    }
}
