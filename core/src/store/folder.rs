//! Objects in a folder of this machine. object_store's own folder refuses conditional updates and does not sync, so
//! this one does both: an object appears whole under a name that was free, or not at all, whatever dies when.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::crypto;
use crate::store::{Ranges, StoreError, ranges};

/// Names of files that are no objects (yet) begin so.
const HIDDEN: &str = ".";

/// What to put under a name.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Bytes(Bytes),
    File(PathBuf),
}

/// Objects below one folder. Every call is one hop to a blocking thread.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Writes an object under a name that must be free.
    pub(super) async fn create(&self, object: &str, content: Content) -> Result<(), StoreError> {
        self.blocking(object, move |folder, path| folder.create_now(path, &content)).await
    }

    pub(super) async fn read(&self, object: &str) -> Result<Bytes, StoreError> {
        self.blocking(object, |_, path| fs::read(path).map(Bytes::from)).await
    }

    pub(super) async fn read_ranges(&self, object: &str, asked: &[Range<u64>]) -> Result<Ranges, StoreError> {
        let wanted = ranges::join(asked, 0);
        let reads = self.blocking(object, move |_, path| read_ranges_now(path, wanted)).await?;
        ranges::cut(object, asked, reads)
    }

    pub(super) async fn read_head(&self, object: &str) -> Result<Option<Bytes>, StoreError> {
        self.blocking(object, |_, path| read_if_there(path)).await
    }

    /// Replaces HEAD if its bytes are `expected`; says whether they were.
    pub(super) async fn swap(&self, object: &str, expected: Option<Bytes>, bytes: Bytes) -> Result<bool, StoreError> {
        self.blocking(object, move |folder, path| folder.swap_now(path, expected.as_ref(), &bytes)).await
    }

    /// Names and lengths of the objects directly in a folder; none where there is no such folder.
    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<(String, u64)>, StoreError> {
        let prefix = prefix.to_owned();
        self.blocking(&prefix.clone(), move |_, path| list_now(path, &prefix)).await
    }

    /// Whether the folder is there or can be made.
    pub(super) async fn probe(&self) -> Result<(), StoreError> {
        self.blocking("", |folder, _| fs::create_dir_all(&folder.root)).await
    }

    async fn blocking<T, F>(&self, object: &str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Self, &Path) -> io::Result<T> + Send + 'static,
    {
        let (folder, path) = (self.clone(), self.root.join(object));
        let done = tokio::task::spawn_blocking(move || work(&folder, &path)).await;
        done.map_err(|error| StoreError::backend(object, error))?.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StoreError::NotFound(object.to_owned()),
            io::ErrorKind::AlreadyExists => StoreError::Exists(object.to_owned()),
            _ => StoreError::backend(object, error),
        })
    }

    /// A hard link, unlike a rename, fails where the name is taken.
    fn create_now(&self, path: &Path, content: &Content) -> io::Result<()> {
        let folder = self.make_parent(path)?;
        let temporary = Temporary::write(&folder, content)?;
        fs::hard_link(&temporary.path, path)?;
        drop(temporary);
        sync_folder(&folder)
    }

    /// The lock file keeps other processes out between the comparison and the rename; the kernel drops the lock of a
    /// process that dies.
    fn swap_now(&self, path: &Path, expected: Option<&Bytes>, bytes: &Bytes) -> io::Result<bool> {
        let folder = self.make_parent(path)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(".HEAD.lock"))?;
        lock.lock()?;
        if read_if_there(path)?.as_ref() != expected {
            return Ok(false);
        }
        let temporary = Temporary::write(&folder, &Content::Bytes(bytes.clone()))?;
        fs::rename(&temporary.path, path)?;
        sync_folder(&folder)?;
        Ok(true)
    }

    /// Makes the folder of an object, and makes sure that it survives a power cut.
    fn make_parent(&self, path: &Path) -> io::Result<PathBuf> {
        let folder = path.parent().unwrap_or(&self.root);
        if !folder.is_dir() {
            fs::create_dir_all(folder)?;
            let mut inside = folder.ancestors().take_while(|ancestor| ancestor.starts_with(&self.root));
            inside.try_for_each(sync_folder)?;
        }
        Ok(folder.to_owned())
    }
}

/// A synced file under a hidden name, removed when dropped (after a rename there is nothing left to remove).
struct Temporary {
    path: PathBuf,
}

impl Temporary {
    fn write(folder: &Path, content: &Content) -> io::Result<Self> {
        let path = folder.join(format!("{HIDDEN}new-{}", crypto::to_hex(&crypto::random::<8>())));
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let temporary = Self { path };
        match content {
            Content::Bytes(bytes) => file.write_all(bytes)?,
            Content::File(source) => io::copy(&mut File::open(source)?, &mut file).map(drop)?,
        }
        file.sync_all()?;
        Ok(temporary)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // A file that stays behind is hidden from every listing.
        let _ = fs::remove_file(&self.path);
    }
}

fn read_if_there(path: &Path) -> io::Result<Option<Bytes>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Bytes beyond the end are left out; whoever cuts the reads apart notices.
fn read_ranges_now(path: &Path, ranges: Vec<Range<u64>>) -> io::Result<Vec<(Range<u64>, Bytes)>> {
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    let read = |range: Range<u64>| {
        let there = range.end.min(len).saturating_sub(range.start);
        let mut bytes = vec![0; there as usize];
        file.read_exact_at(&mut bytes, range.start)?;
        Ok((range, bytes.into()))
    };
    ranges.into_iter().map(read).collect()
}

fn list_now(path: &Path, prefix: &str) -> io::Result<Vec<(String, u64)>> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with(HIDDEN) {
            found.push((format!("{prefix}/{name}"), entry.metadata()?.len()));
        }
    }
    Ok(found)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
