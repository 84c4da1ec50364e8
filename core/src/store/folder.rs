//! Objects in a folder of this machine. object_store's own folder refuses conditional updates and does not sync, so
//! this one does both: an object appears whole under a name that was free, or not at all, whatever dies when.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::crypto;
use crate::store::head_mark::{self, Mark, Since};
use crate::store::maps::Maps;
use crate::store::{Ranges, StoreError, ranges};

/// Names of files that are no objects (yet) begin so.
const HIDDEN: &str = ".";

/// What to put under a name.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Bytes(Bytes),
    File(PathBuf),
}

/// Objects below one folder. HEAD, and from maps immutable objects, are read on the spot; every other call is one hop to a
/// blocking thread.
#[derive(Clone)]
pub(super) struct Folder {
    root: PathBuf,
    pub(super) maps: Arc<Maps>,
}

impl Folder {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, maps: Arc::new(Maps::new()) }
    }

    /// Where the objects are.
    #[cfg(feature = "testing")]
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Where an object is, or a folder of them.
    pub(super) fn path(&self, object: &str) -> PathBuf {
        self.root.join(object)
    }

    /// Writes an object under a name that must be free.
    pub(super) async fn create(&self, object: &str, content: Content) -> Result<(), StoreError> {
        self.blocking(object, move |folder, path| folder.create_now(path, &content)).await
    }

    /// An immutable object.
    pub(super) fn read(&self, object: &str) -> Result<Bytes, StoreError> {
        self.maps.map(&self.path(object)).map_err(|error| failure(object, error))
    }

    /// Ranges of an immutable object. Bytes beyond its end are left out; whoever cuts the reads apart notices.
    pub(super) fn read_ranges(&self, object: &str, asked: &[Range<u64>]) -> Result<Ranges, StoreError> {
        let bytes = self.read(object)?;
        let len = bytes.len() as u64;
        let read = |range: Range<u64>| {
            let there = range.start.min(len) as usize..range.end.min(len) as usize;
            (range, bytes.slice(there))
        };
        ranges::cut(object, asked, ranges::join(asked, ranges::Waste::NONE).into_iter().map(read).collect())
    }

    /// Removes an object, if it is there.
    pub(super) async fn delete(&self, object: &str) -> Result<(), StoreError> {
        self.blocking(object, |_, path| match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        })
        .await
    }

    pub(super) fn read_head(&self, object: &str) -> Result<Option<Bytes>, StoreError> {
        read_if_there(&self.path(object)).map_err(|error| failure(object, error))
    }

    /// HEAD, unless it still is the one that was seen.
    pub(super) fn read_head_since(&self, object: &str, seen: Option<&Mark>) -> Result<Since, StoreError> {
        head_mark::read_file_since(&self.root.join(object), seen).map_err(|error| failure(object, error))
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

    /// Removes the folder of a prefix with all there is in it.
    pub(super) async fn remove_all(&self, prefix: &str) -> Result<(), StoreError> {
        self.blocking(prefix, |_, path| match fs::remove_dir_all(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        })
        .await
    }

    /// Whether the folder is there or can be made.
    pub(super) async fn probe(&self) -> Result<(), StoreError> {
        self.blocking("", |folder, _| fs::create_dir_all(&folder.root)).await
    }

    /// Does `work` on a thread that may wait, with the path of `object`.
    pub(super) async fn blocking<T, F>(&self, object: &str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Self, &Path) -> io::Result<T> + Send + 'static,
    {
        let (folder, path) = (self.clone(), self.root.join(object));
        let done = tokio::task::spawn_blocking(move || work(&folder, &path)).await;
        done.map_err(|error| StoreError::backend(object, error))?.map_err(|error| failure(object, error))
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
pub(super) struct Temporary {
    pub(super) path: PathBuf,
}

impl Temporary {
    pub(super) fn write(folder: &Path, content: &Content) -> io::Result<Self> {
        let path = folder.join(format!("{HIDDEN}new-{}", crypto::to_hex(&crypto::random::<8>())));
        if let Content::File(source) = content
            && fs::hard_link(source, &path).is_ok()
        {
            // On the same file system nothing is copied.
            let temporary = Self { path };
            File::open(&temporary.path)?.sync_all()?;
            return Ok(temporary);
        }
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

fn failure(object: &str, error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::NotFound => StoreError::NotFound(object.to_owned()),
        io::ErrorKind::AlreadyExists => StoreError::Exists(object.to_owned()),
        _ => StoreError::backend(object, error),
    }
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
