//! What the indexer changes on the disk of this machine, in one place, so that a test can let each change fail or be the
//! last. Release builds ask nobody.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Asked before each change, with what it is; an error takes its place.
pub type Guard = Arc<dyn Fn(&'static str) -> io::Result<()> + Send + Sync>;

static GUARDS: Mutex<Vec<(PathBuf, Guard)>> = Mutex::new(Vec::new());

/// A folder whose changes are guarded; dropped, they are not.
#[derive(Debug)]
pub struct Guarded(PathBuf);

/// Lets `guard` decide about every change below a folder. Debug builds only.
pub fn guard(folder: &Path, guard: Guard) -> Guarded {
    guards().push((folder.to_owned(), guard));
    Guarded(folder.to_owned())
}

impl Drop for Guarded {
    fn drop(&mut self) {
        guards().retain(|(folder, _)| *folder != self.0);
    }
}

fn guards() -> MutexGuard<'static, Vec<(PathBuf, Guard)>> {
    GUARDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks whether a change at `path` may be made.
pub fn ask(what: &'static str, path: &Path) -> io::Result<()> {
    if !cfg!(debug_assertions) {
        return Ok(());
    }
    let guard = guards().iter().find(|(folder, _)| path.starts_with(folder)).map(|(_, guard)| Arc::clone(guard));
    guard.map_or(Ok(()), |guard| guard(what))
}

/// Makes a folder and those above it.
pub fn make_all(path: &Path) -> io::Result<()> {
    ask("disk make all", path)?;
    fs::create_dir_all(path)
}

/// Makes a folder that must not be there.
pub fn make(path: &Path) -> io::Result<()> {
    ask("disk make", path)?;
    fs::create_dir(path)
}

/// Removes a file.
pub fn remove(path: &Path) -> io::Result<()> {
    ask("disk remove", path)?;
    fs::remove_file(path)
}

/// Removes a folder and all in it.
pub fn remove_all(path: &Path) -> io::Result<()> {
    ask("disk remove all", path)?;
    fs::remove_dir_all(path)
}

/// A file that is written once.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    file: fs::File,
}

impl File {
    /// An empty file.
    pub fn create(path: &Path) -> io::Result<Self> {
        ask("disk create", path)?;
        Ok(Self { path: path.to_owned(), file: fs::File::create(path)? })
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        ask("disk write", &self.path)?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
