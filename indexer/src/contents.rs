//! Where the content of a blob comes from: an object database, which may be fetched in part, or the files of a plain folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Once;

use git2::{ObjectType, Oid, Repository};
use kotadb_core::id::ObjectId;
use kotadb_core::store::SkipReason;

use crate::error::IndexError;
use crate::tree::{object_id, oid};

/// Blobs that are left out for what is known of their content, whether or not they are here.
pub type Left = HashMap<ObjectId, SkipReason>;

/// Shared by all threads; each opens its own [`Contents`].
#[derive(Debug)]
pub enum Source {
    /// A git folder (`.git`, or a bare repository).
    Repository(PathBuf),
    /// A bare repository that holds the blobs which a run has to see, and why it need not see others.
    Partial(PathBuf, Left),
    /// The files of a plain folder, by the name git would give them.
    Files(HashMap<ObjectId, PathBuf>),
}

impl Source {
    /// Opens it for one thread.
    pub fn open(&self) -> Result<Contents<'_>, IndexError> {
        Ok(match self {
            Self::Repository(folder) => Contents::Repository(repository(folder)?, None),
            Self::Partial(folder, left) => Contents::Repository(repository(folder)?, Some(left)),
            Self::Files(files) => Contents::Files(files),
        })
    }

    /// The git folder, if it is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Repository(folder) | Self::Partial(folder, _) => Some(folder),
            Self::Files(_) => None,
        }
    }
}

/// Opens a git folder for reading, on one thread.
///
/// Objects are not hashed again when they are read: it took 12 % of a build, and git itself does not. Their names were
/// made from their content by whoever wrote the pack (`git fetch` indexes it on this machine); what breaks on disk later
/// still shows, by zlib's checksum and by the length that the header states.
pub fn repository(folder: &Path) -> Result<Repository, IndexError> {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| git2::opts::strict_hash_verification(false));
    Ok(Repository::open_bare(folder)?)
}

/// Reads blobs, on one thread.
pub enum Contents<'s> {
    /// From an object database, with what is known of blobs that it may lack.
    Repository(Repository, Option<&'s Left>),
    /// From files.
    Files(&'s HashMap<ObjectId, PathBuf>),
}

impl Contents<'_> {
    /// Why a blob is left out, if that is known already.
    pub fn left(&self, blob: ObjectId) -> Option<SkipReason> {
        match self {
            Self::Repository(_, left) => left.and_then(|left| left.get(&blob)).copied(),
            Self::Files(_) => None,
        }
    }

    /// Length of a blob; `None`: it is not there.
    pub fn size(&self, blob: ObjectId) -> Option<u64> {
        match self {
            Self::Repository(repository, _) => {
                let (size, kind) = repository.odb().ok()?.read_header(oid(blob)).ok()?;
                (kind == ObjectType::Blob).then_some(size as u64)
            }
            Self::Files(files) => Some(files.get(&blob)?.metadata().ok()?.len()),
        }
    }

    /// Shows a blob to `look`; `None`: it cannot be read, or a file changed since it was listed.
    pub fn with<T>(&self, blob: ObjectId, look: impl FnOnce(&[u8]) -> T) -> Option<T> {
        match self {
            Self::Repository(repository, _) => Some(look(repository.odb().ok()?.read(oid(blob)).ok()?.data())),
            Self::Files(files) => {
                let bytes = std::fs::read(files.get(&blob)?).ok()?;
                let same = object_id(Oid::hash_object(ObjectType::Blob, &bytes).ok()?) == blob;
                same.then(|| look(&bytes))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_object_is_unreadable_without_hashing_it() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path()).unwrap();
        let text: Vec<_> = (0..9_000u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let blob = repository.blob(&text).unwrap();
        let name = blob.to_string();
        let path = folder.path().join("objects").join(&name[..2]).join(&name[2..]);
        let whole = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        for at in (20..whole.len()).step_by(997) {
            let mut damaged = whole.clone();
            damaged[at] ^= 4;
            std::fs::write(&path, damaged).unwrap();
            let source = Source::Repository(folder.path().to_owned());
            assert_eq!(source.open().unwrap().with(object_id(blob), <[u8]>::len), None, "byte {at}");
        }
        std::fs::write(&path, &whole).unwrap();
        let source = Source::Repository(folder.path().to_owned());
        assert_eq!(source.open().unwrap().with(object_id(blob), <[u8]>::len), Some(text.len()));
    }
}
