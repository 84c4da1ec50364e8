//! Scratch in memory: a job writes little and reads it at once, and the disk of a small machine is slow. Whether there is a
//! file system in memory, how much of it one job may fill, and what becomes of folders whose process died: they take
//! memory, so each is locked by its process, and whoever makes one removes those that nobody holds.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use kotadb_core::config::Config;
use kotadb_core::telemetry::events;
use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use nix::unistd::geteuid;
use tracing::info;

use crate::disk;

/// With less room than this the disk is used at once, unless less was asked for.
const LEAST: u64 = 32 << 20;
/// What the name of a lock ends with; before it stands the name of its folder.
const LOCK: &str = "lock";
/// Tries to take a lock whose file another process removes.
const MOST_TRIES: u32 = 5;

/// A folder in memory for the scratch of jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScratchMemory {
    folder: PathBuf,
    bytes: u64,
}

/// Says that a folder is in use, until its process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    _file: File,
}

/// Why scratch is on disk.
#[derive(Debug, thiserror::Error)]
pub enum NoMemory {
    /// There is nothing, or it cannot be used.
    #[error("`{0}` cannot be used: {1}")]
    Unusable(PathBuf, io::Error),
    /// Another kind of file system.
    #[error("`{0}` is no file system in memory: mount a tmpfs, or set `KOTADB_SCRATCH_MEMORY` to `none`")]
    NotMemory(PathBuf),
    /// Nearly full.
    #[error("`{0}` has room for {1} bytes only: make it larger, or set `KOTADB_SCRATCH_MEMORY_BYTES` lower")]
    TooSmall(PathBuf, u64),
    /// Somebody else's.
    #[error("`{0}` belongs to another user: remove it")]
    Foreign(PathBuf),
}

impl ScratchMemory {
    /// What the settings ask for and this machine has. Says in the log why there is none.
    pub fn find(config: &Config) -> Option<Self> {
        let folder = config.scratch_memory.as_deref().filter(|_| config.scratch_memory_bytes > 0)?;
        Self::at(folder, config.scratch_memory_bytes).inspect_err(|error| log(error)).ok()
    }

    /// Below a folder, with room for `wanted` bytes, or for three quarters of what is free there.
    pub fn at(folder: &Path, wanted: u64) -> Result<Self, NoMemory> {
        let unusable = |error| NoMemory::Unusable(folder.to_owned(), error);
        let system = statfs(folder).map_err(|error| unusable(error.into()))?;
        if system.filesystem_type() != TMPFS_MAGIC {
            return Err(NoMemory::NotMemory(folder.to_owned()));
        }
        let block = u64::try_from(system.block_size()).unwrap_or_default();
        let bytes = wanted.min(system.blocks_available() * block / 4 * 3);
        if bytes < wanted.min(LEAST) {
            return Err(NoMemory::TooSmall(folder.to_owned(), bytes));
        }
        let own = folder.join(format!("kotadb-{}", geteuid()));
        make_private(&own).map_err(unusable)?;
        if !is_ours(&own).map_err(unusable)? {
            return Err(NoMemory::Foreign(own));
        }
        Ok(Self { folder: own, bytes })
    }

    /// Most bytes that one job may have there.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes a folder of this name and locks it, after those of the dead are removed.
    pub(crate) fn make(&self, name: &str) -> io::Result<(PathBuf, Lock)> {
        self.remove_dead();
        let path = self.folder.join(name);
        let lock = Lock::take(self.folder.join(format!("{name}.{LOCK}")))?;
        disk::make(&path)?;
        Ok((path, lock))
    }

    fn remove_dead(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let locks =
            entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == LOCK));
        for path in locks {
            // One that is held, or vanishes, is somebody's.
            let Ok(lock) = Lock::take(path.clone()) else { continue };
            remove(&path.with_extension(""), lock);
        }
    }
}

impl Lock {
    fn take(path: PathBuf) -> io::Result<Self> {
        for _ in 0..MOST_TRIES {
            let file = File::options().create(true).truncate(false).write(true).open(&path)?;
            file.try_lock()?;
            // Whoever held it before may have removed it between the two.
            if file.metadata()?.nlink() > 0 {
                return Ok(Self { path, _file: file });
            }
        }
        Err(io::Error::other("the lock of a scratch folder is removed again and again"))
    }
}

/// Removes a folder, then its lock. What cannot be removed stays locked until this process ends; another one tries again.
pub(crate) fn remove(folder: &Path, lock: Lock) {
    let is_gone = match disk::remove_all(folder) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if is_gone {
        let _stays = fs::remove_file(&lock.path);
    }
}

/// Says why scratch is on disk.
pub(crate) fn log(error: &dyn std::error::Error) {
    info!(%error, "{}: {error}", events::SCRATCH_ON_DISK);
}

/// The folder round it may be everybody's.
fn make_private(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// A real folder that nobody else may enter: another user could have made it before us.
fn is_ours(folder: &Path) -> io::Result<bool> {
    let metadata = fs::symlink_metadata(folder)?;
    Ok(metadata.is_dir() && metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o077 == 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    fn shared() -> TempDir {
        tempfile::tempdir_in("/dev/shm").expect("tests need /dev/shm")
    }

    #[test]
    fn only_memory_with_room_is_taken() {
        let shared = shared();
        let memory = ScratchMemory::at(shared.path(), 1 << 20).unwrap();
        assert_eq!(memory.bytes(), 1 << 20);
        assert!(matches!(ScratchMemory::at(Path::new("/proc"), 1), Err(NoMemory::NotMemory(_))));
        assert!(matches!(ScratchMemory::at(&shared.path().join("away"), 1), Err(NoMemory::Unusable(..))));
        let free = ScratchMemory::at(shared.path(), u64::MAX).unwrap().bytes();
        assert!((LEAST..u64::MAX).contains(&free), "no more than there is: {free}");
    }

    #[test]
    fn a_folder_that_others_may_enter_is_refused() {
        let shared = shared();
        let own = shared.path().join(format!("kotadb-{}", geteuid()));
        fs::create_dir(&own).unwrap();
        fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(ScratchMemory::at(shared.path(), 1), Err(NoMemory::Foreign(_))));
    }

    #[test]
    fn folders_of_the_dead_go_and_those_of_the_living_stay() {
        let shared = shared();
        let memory = ScratchMemory::at(shared.path(), 1 << 20).unwrap();
        let (living, _held) = memory.make("living.1").unwrap();
        let (dead, lock) = memory.make("dead.7").unwrap();
        fs::write(dead.join("pack"), "bytes").unwrap();
        drop(lock);
        let (new, lock) = memory.make("new.8").unwrap();
        assert!(living.is_dir() && new.is_dir() && !dead.exists());
        remove(&new, lock);
        let mut left: Vec<_> = fs::read_dir(&memory.folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["living.1", "living.1.lock"]);
    }

    #[test]
    fn a_name_is_used_by_one_process() {
        let shared = shared();
        let memory = ScratchMemory::at(shared.path(), 1 << 20).unwrap();
        let _held = memory.make("one.1").unwrap();
        assert!(memory.make("one.1").is_err());
    }
}
