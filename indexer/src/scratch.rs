//! Folders of one job on this machine: named by job and fence, so that leftovers of a dead worker are recognised.

use std::path::{Path, PathBuf};

use kotadb_core::id::JobId;

use crate::error::IndexError;

/// A folder that goes away with its job.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes the folder of a claim below `data_dir`, and removes those of earlier claims of the same job.
    pub fn create(data_dir: &Path, job: JobId, fence: i64) -> Result<Self, IndexError> {
        let parent = data_dir.join("scratch");
        std::fs::create_dir_all(&parent).map_err(IndexError::io(format!("cannot make `{}`", parent.display())))?;
        remove_earlier(&parent, &format!("{job}."));
        Self::at(parent.join(format!("{job}.{fence}")))
    }

    /// Makes a folder of this name, which must not exist.
    pub fn at(path: PathBuf) -> Result<Self, IndexError> {
        std::fs::create_dir(&path).map_err(IndexError::io(format!("cannot make `{}`", path.display())))?;
        Ok(Self { path })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder that stays behind is removed by the next claim of the job.
        let _stays = std::fs::remove_dir_all(&self.path);
    }
}

fn remove_earlier(parent: &Path, prefix: &str) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            let _stays = std::fs::remove_dir_all(entry.path());
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
