//! Where the content of a blob comes from: an object database, or the files of a plain folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Once;

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
            Self::Repository(folder) => Contents::Repository(repository(folder)?),
            Self::Files(files) => Contents::Files(files),
        })
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
