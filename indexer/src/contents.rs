//! Where the content of a blob comes from: an object database, or the files of a plain folder.

use std::collections::HashMap;
use std::path::PathBuf;

use git2::{ObjectType, Oid, Repository};
use kotadb_core::id::ObjectId;

use crate::error::IndexError;
use crate::tree::{object_id, oid};

/// Shared by all threads; each opens its own [`Contents`].
#[derive(Debug)]
pub enum Source {
    /// A git folder (`.git`, or a bare repository).
    Repository(PathBuf),
    /// The files of a plain folder, by the name git would give them.
    Files(HashMap<ObjectId, PathBuf>),
}

impl Source {
    /// Opens it for one thread.
    pub fn open(&self) -> Result<Contents<'_>, IndexError> {
        Ok(match self {
            Self::Repository(folder) => Contents::Repository(Repository::open_bare(folder)?),
            Self::Files(files) => Contents::Files(files),
        })
    }
}

/// Reads blobs, on one thread.
pub enum Contents<'s> {
    /// From an object database.
    Repository(Repository),
    /// From files.
    Files(&'s HashMap<ObjectId, PathBuf>),
}

impl Contents<'_> {
    /// Length of a blob; `None`: it is not there.
    pub fn size(&self, blob: ObjectId) -> Option<u64> {
        match self {
            Self::Repository(repository) => {
                let (size, kind) = repository.odb().ok()?.read_header(oid(blob)).ok()?;
                (kind == ObjectType::Blob).then_some(size as u64)
            }
            Self::Files(files) => Some(files.get(&blob)?.metadata().ok()?.len()),
        }
    }

    /// Shows a blob to `look`; `None`: it cannot be read, or a file changed since it was listed.
    pub fn with<T>(&self, blob: ObjectId, look: impl FnOnce(&[u8]) -> T) -> Option<T> {
        match self {
            Self::Repository(repository) => Some(look(repository.odb().ok()?.read(oid(blob)).ok()?.data())),
            Self::Files(files) => {
                let bytes = std::fs::read(files.get(&blob)?).ok()?;
                let same = object_id(Oid::hash_object(ObjectType::Blob, &bytes).ok()?) == blob;
                same.then(|| look(&bytes))
            }
        }
    }
}
