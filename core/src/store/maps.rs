//! Objects of a folder, mapped into memory: a range is then a slice, without a copy and without a system call a read.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use memmap2::MmapOptions;
use quick_cache::sync::Cache;
use quick_cache::{OptionsBuilder, UnitWeighter};

/// Files mapped at once. Linux allows a process 65,530 areas.
const MOST_MAPS: usize = 4096;
/// Parts of the table that threads lock.
const SHARDS: usize = 8;
/// What is deleted keeps its place on the disk for as long as it is mapped: so long while there are reads.
const LOOK_AFTER: Duration = Duration::from_secs(10);

/// Mapped files, the ones in use. Each read looks whether the file still is what was mapped: one system call, against
/// the four of opening and mapping it again, and a deleted object is gone for us, too.
pub(super) struct Maps {
    kept: Cache<PathBuf, Mapped>,
    looked: Mutex<Instant>,
}

/// Device, inode, length, and when the inode changed last.
pub(super) type FileId = (u64, u64, u64, (i64, i64));

#[derive(Clone)]
struct Mapped {
    file: FileId,
    bytes: Bytes,
}

impl Maps {
    pub(super) fn new() -> Self {
        // The default number of shards is asked of a dozen files of the kernel, which a short search would notice.
        let options = OptionsBuilder::new()
            .shards(SHARDS)
            .estimated_items_capacity(MOST_MAPS)
            .weight_capacity(MOST_MAPS as u64)
            .build()
            .expect("all three capacities are given");
        let kept = Cache::with_options(options, UnitWeighter, <_>::default(), <_>::default());
        Self { kept, looked: Mutex::new(Instant::now()) }
    }

    /// The content of a file that is never written again.
    pub(super) fn map(&self, path: &Path) -> io::Result<Bytes> {
        let there = match fs::metadata(path) {
            Ok(metadata) => file_id(&metadata),
            Err(error) => {
                self.kept.remove(path);
                return Err(error);
            }
        };
        if let Some(mapped) = self.kept.get(path).filter(|mapped| mapped.file == there) {
            return Ok(mapped.bytes);
        }
        self.clear_deleted(LOOK_AFTER);
        let mapped = map(path)?;
        self.kept.insert(path.to_owned(), mapped.clone());
        Ok(mapped.bytes)
    }

    fn clear_deleted(&self, after: Duration) {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.elapsed() >= after {
            self.kept.retain(|path, _| path.exists());
            *looked = Instant::now();
        }
    }
}

/// What tells a file from every other one that is there or open.
pub(super) fn file_id(metadata: &Metadata) -> FileId {
    (metadata.dev(), metadata.ino(), metadata.len(), (metadata.ctime(), metadata.ctime_nsec()))
}

#[expect(
    unsafe_code,
    reason = "measured: 60 frames of a segment cost 4 us from a map, 40 us by `pread` on a thread for blocking work, and \
              the map needs no memory of its own. Sound as long as nobody shortens a mapped file: objects appear whole \
              under a name that is used once and are only ever unlinked, and whoever may write to the folder may do worse"
)]
fn map(path: &Path) -> io::Result<Mapped> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let bytes = if metadata.len() == 0 {
        Bytes::new()
    } else {
        // A private map, because not every file system has shared ones.
        Bytes::from_owner(unsafe { MmapOptions::new().map_copy_read_only(&file) }?)
    };
    Ok(Mapped { file: file_id(&metadata), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_mapped_once_and_again_when_it_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("object");
        let maps = Maps::new();
        assert_eq!(maps.map(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::write(&path, b"first").unwrap();
        let (first, again) = (maps.map(&path).unwrap(), maps.map(&path).unwrap());
        assert_eq!((&first[..], first.as_ptr()), (&b"first"[..], again.as_ptr()));
        fs::remove_file(&path).unwrap();
        assert_eq!(maps.map(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(maps.kept.len(), 0, "what is deleted is not kept");
        assert_eq!(&first[..], b"first", "whoever still reads it can");
        fs::write(&path, b"second").unwrap();
        assert_eq!(&maps.map(&path).unwrap()[..], b"second");
        fs::write(folder.path().join("empty"), b"").unwrap();
        assert!(maps.map(&folder.path().join("empty")).unwrap().is_empty());
        fs::remove_file(&path).unwrap();
        maps.clear_deleted(Duration::from_secs(3600));
        assert_eq!(maps.kept.len(), 2);
        maps.clear_deleted(Duration::ZERO);
        assert_eq!(maps.kept.len(), 1, "only what is there");
    }
}
