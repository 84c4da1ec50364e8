//! Folders of one job on this machine: named by repository and fence, so that leftovers of a dead worker are recognised:
//! a repository has one running job at most, and a job that was merged into another has another id.

use std::path::{Path, PathBuf};

use kotadb_core::id::RepositoryId;

use crate::disk;
use crate::error::IndexError;

/// A folder that goes away with its job.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes the folder of a claim below `data_dir`, and removes those of earlier claims.
    pub fn create(data_dir: &Path, repository: RepositoryId, fence: u64) -> Result<Self, IndexError> {
        let parent = data_dir.join("scratch");
        remove_earlier(&parent, &format!("{repository}."));
        Self::at(parent.join(Self::name(repository, fence)))
    }

    /// The name of the folder of a claim.
    pub fn name(repository: RepositoryId, fence: u64) -> String {
        format!("{repository}.{fence}")
    }

    /// Makes a folder of this name below `data_dir`, for what is no claim's.
    pub fn named(data_dir: &Path, name: &str) -> Result<Self, IndexError> {
        Self::at(data_dir.join("scratch").join(name))
    }

    /// Makes a folder of this name, which must not exist, and what is above it.
    pub fn at(path: PathBuf) -> Result<Self, IndexError> {
        let failed = || IndexError::io(format!("cannot make `{}`", path.display()));
        path.parent().map_or(Ok(()), disk::make_all).map_err(failed())?;
        disk::make(&path).map_err(failed())?;
        Ok(Self { path })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder that stays behind is removed by the next claim of its repository.
        let _stays = disk::remove_all(&self.path);
    }
}

fn remove_earlier(parent: &Path, prefix: &str) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            let _stays = disk::remove_all(&entry.path());
        }
    }
}

/// Bytes of all files below a folder; files that vanish meanwhile count nothing.
pub fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
