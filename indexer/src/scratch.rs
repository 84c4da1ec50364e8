//! Folders of one job on this machine: named by repository and fence, so that leftovers of a dead worker are recognised:
//! a repository has one running job at most, and a job that was merged into another has another id. In memory where that is
//! given ([`crate::scratch_memory`]), else on the disk.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kotadb_core::id::RepositoryId;
use kotadb_core::segment::SegmentError;
use tokio::task::JoinHandle;

use crate::disk;
use crate::error::IndexError;
use crate::halt::{Halt, Reason};
use crate::scratch_memory::{self, Lock, ScratchMemory};

/// How often a folder in memory is looked at while it fills.
const INTERVAL: Duration = Duration::from_millis(50);

/// A folder that goes away with its job.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    memory: Option<Memory>,
}

#[derive(Debug)]
struct Memory {
    /// Until the folder is removed.
    lock: Option<Lock>,
    /// Most bytes in it.
    bytes: u64,
}

/// Looks at a folder until it is dropped.
#[derive(Debug)]
pub struct Watch(Option<JoinHandle<()>>);

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

impl Scratch {
    /// Makes the folder of a claim, in `memory` or else below `data_dir`, and removes those of earlier claims.
    pub fn create(
        data_dir: &Path,
        memory: Option<&ScratchMemory>,
        repository: RepositoryId,
        fence: u64,
    ) -> Result<Self, IndexError> {
        let parent = data_dir.join("scratch");
        remove_earlier(&parent, &format!("{repository}."));
        let name = Self::name(repository, fence);
        match memory.map(|memory| Self::in_memory(memory, &name)) {
            Some(Ok(scratch)) => return Ok(scratch),
            Some(Err(error)) => scratch_memory::log(&error),
            None => {}
        }
        Self::at(parent.join(name))
    }

    fn in_memory(memory: &ScratchMemory, name: &str) -> io::Result<Self> {
        let (path, lock) = memory.make(name)?;
        Ok(Self { path, memory: Some(Memory { lock: Some(lock), bytes: memory.bytes() }) })
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
        Ok(Self { path, memory: None })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Of so many bytes written here, those that went to the disk.
    pub fn on_disk(&self, bytes: u64) -> u64 {
        if self.memory.is_some() { 0 } else { bytes }
    }

    /// Errs once more is in it than may be.
    pub fn check(&self) -> Result<(), IndexError> {
        match &self.memory {
            Some(memory) if bytes_below(&self.path) > memory.bytes => Err(IndexError::Halted(Reason::ScratchFull)),
            _ => Ok(()),
        }
    }

    /// Halts a run that outgrows its memory; one that has begun to publish writes nothing more.
    pub fn watch(&self, halt: &Halt) -> Watch {
        let Some(memory) = &self.memory else { return Watch(None) };
        let (path, bytes, halt) = (self.path.clone(), memory.bytes, halt.clone());
        Watch(Some(tokio::spawn(async move {
            while !halt.may_publish() {
                if bytes_below(&path) > bytes {
                    return halt.halt(Reason::ScratchFull);
                }
                tokio::time::sleep(INTERVAL).await;
            }
        })))
    }

    /// The error of a run: no room in memory is no fault of the disk.
    pub fn judge(&self, error: IndexError) -> IndexError {
        let is_moved = self.memory.is_some() && is_full(&error);
        if is_moved { IndexError::Halted(Reason::ScratchFull) } else { error }
    }
}

fn is_full(error: &IndexError) -> bool {
    match error {
        IndexError::DiskFull => true,
        IndexError::Io { source, .. } | IndexError::Segment(SegmentError::Write(source)) => {
            source.kind() == io::ErrorKind::StorageFull
        }
        _ => false,
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        match self.memory.as_mut().and_then(|memory| memory.lock.take()) {
            Some(lock) => scratch_memory::remove(&self.path, lock),
            // A folder that stays behind is removed by the next claim of its repository.
            None => drop(disk::remove_all(&self.path)),
        }
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const CLAIM: RepositoryId = RepositoryId(Uuid::from_u128(7));

    fn full() -> IndexError {
        IndexError::io("cannot write")(io::ErrorKind::StorageFull.into())
    }

    #[test]
    fn a_folder_in_memory_knows_when_it_is_outgrown() {
        let (shared, data) = (tempfile::tempdir_in("/dev/shm").unwrap(), tempfile::tempdir().unwrap());
        let memory = ScratchMemory::at(shared.path(), 1000).unwrap();
        let scratch = Scratch::create(data.path(), Some(&memory), CLAIM, 1).unwrap();
        assert!(scratch.path().starts_with(shared.path()));
        std::fs::write(scratch.path().join("pack"), [7; 1000]).unwrap();
        scratch.check().unwrap();
        assert_eq!(scratch.on_disk(1000), 0);
        std::fs::write(scratch.path().join("more"), [7; 1]).unwrap();
        assert!(matches!(scratch.check(), Err(IndexError::Halted(Reason::ScratchFull))));
        assert!(matches!(scratch.judge(full()), IndexError::Halted(Reason::ScratchFull)));
        assert!(matches!(scratch.judge(IndexError::HeldGone), IndexError::HeldGone));
        let path = scratch.path().to_owned();
        drop(scratch);
        assert!(!path.exists() && !data.path().join("scratch").exists());
    }

    #[test]
    fn without_memory_it_is_on_disk_and_has_no_bound() {
        let data = tempfile::tempdir().unwrap();
        let scratch = Scratch::create(data.path(), None, CLAIM, 1).unwrap();
        std::fs::write(scratch.path().join("pack"), [7; 1001]).unwrap();
        scratch.check().unwrap();
        assert_eq!(scratch.on_disk(1001), 1001);
        assert!(matches!(scratch.judge(full()), IndexError::Io { .. }));
    }

    #[tokio::test]
    async fn a_run_that_outgrows_its_memory_is_halted() {
        let (shared, data) = (tempfile::tempdir_in("/dev/shm").unwrap(), tempfile::tempdir().unwrap());
        let memory = ScratchMemory::at(shared.path(), 1000).unwrap();
        let scratch = Scratch::create(data.path(), Some(&memory), CLAIM, 1).unwrap();
        let halt = Halt::default();
        let _watch = scratch.watch(&halt);
        std::fs::write(scratch.path().join("pack"), [7; 1001]).unwrap();
        assert_eq!(halt.wait().await, Reason::ScratchFull);
    }
}
