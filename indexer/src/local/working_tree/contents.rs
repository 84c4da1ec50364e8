//! What is to be searched of files on the disk, and their contents. Files may vanish, grow or change their kind at any
//! time: each is judged by what is opened, not by what was seen before.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bytes::Bytes;
use kotadb_core::search::OverlayFile;
use kotadb_core::segment::Class;
use kotadb_core::store::{SkipReason, Skipped};
use kotadb_core::text::{self, Language};
use nix::fcntl::OFlag;

use super::changes::below;
use super::rules::Folders;
use crate::limits;

/// Most bytes of changed files that one search reads.
const MAX_BYTES: u64 = 512 << 20;
/// Files from which a second thread is worth its start.
const MANY: usize = 32;

/// What a path that differs came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// A file to read.
    File { class: Class, bytes: u64 },
    /// Left out, as the index leaves it out.
    Left(SkipReason),
    /// Nothing is there to search.
    Gone,
}

/// A file to read.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) path: Vec<u8>,
    pub(super) class: Class,
    /// Its length when it was seen.
    pub(super) bytes: u64,
}

/// What reading came to.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) files: Vec<OverlayFile>,
    pub(super) left: Vec<Skipped>,
    pub(super) gone: Vec<Vec<u8>>,
    pub(super) n_unread: usize,
}

/// Judges one path by its name and kind, in the order in which the indexer does.
pub(super) fn look_at(root: &Path, path: &[u8], folders: &mut Folders<'_>) -> Finding {
    if !folders.has_folder_of(path) {
        return Finding::Gone;
    }
    let metadata = match below(root, path).symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if is_gone(&error) => return Finding::Gone,
        Err(_) => return Finding::Left(SkipReason::Unreadable),
    };
    let kind = metadata.file_type();
    match folders.class_now(path) {
        _ if path.len() > limits::MAX_PATH_BYTES => Finding::Left(SkipReason::PathTooLong),
        _ if kind.is_symlink() => Finding::Left(SkipReason::Symlink),
        _ if !kind.is_file() => Finding::Gone,
        None => Finding::Left(SkipReason::Ignored),
        Some(class) => Finding::File { class, bytes: metadata.len() },
    }
}

/// Reads files, on several threads if there are many, as far as the limit of bytes goes.
pub(super) fn read(root: &Path, mut candidates: Vec<Candidate>) -> Contents {
    let n_all = candidates.len();
    let mut bytes = 0;
    let within = candidates.iter().take_while(|candidate| {
        bytes += candidate.bytes.min(limits::MAX_BLOB_BYTES);
        bytes <= MAX_BYTES
    });
    let n_read = within.count();
    let unread = candidates.split_off(n_read);
    let threads = if n_read < MANY { 1 } else { thread::available_parallelism().map_or(1, usize::from) };
    let next = AtomicUsize::new(0);
    let work = || {
        let mut contents = Contents::default();
        while let Some(candidate) = candidates.get(next.fetch_add(1, Ordering::Relaxed)) {
            contents.add(root, candidate);
        }
        contents
    };
    let mut contents = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let joined = others.into_iter().map(|other| other.join().expect("reading files does not panic"));
        joined.fold(work(), Contents::with)
    });
    contents.n_unread = n_all - n_read;
    contents.gone.extend(unread.into_iter().map(|candidate| candidate.path));
    contents
}

impl Contents {
    fn add(&mut self, root: &Path, candidate: &Candidate) {
        let path = candidate.path.clone();
        match open(root, &path).and_then(|file| Ok((mode(&file)?, content(file)?))) {
            Ok((None, _)) => self.gone.push(path),
            Ok((_, content)) if content.len() as u64 > limits::MAX_BLOB_BYTES => self.leave(path, SkipReason::TooLarge),
            Ok((_, content)) if text::is_binary(&content) => self.leave(path, SkipReason::Binary),
            Ok((Some(mode), content)) => {
                let language = Language::detect(&path, &content);
                let content = Bytes::from(content);
                self.files.push(OverlayFile { path, mode, class: candidate.class, language, content });
            }
            Err(error) if is_gone(&error) => self.gone.push(path),
            Err(_) => self.leave(path, SkipReason::Unreadable),
        }
    }

    fn leave(&mut self, path: Vec<u8>, reason: SkipReason) {
        self.left.push(Skipped { path, reason });
    }

    fn with(mut self, other: Self) -> Self {
        self.files.extend(other.files);
        self.left.extend(other.left);
        self.gone.extend(other.gone);
        self
    }
}

/// Follows no link at the end of the path and waits for nobody, should the path be a pipe by now.
fn open(root: &Path, path: &[u8]) -> std::io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(below(root, path))
}

/// git's mode of a file; `None`: it is none.
fn mode(file: &File) -> std::io::Result<Option<u32>> {
    let metadata = file.metadata()?;
    let mode = if metadata.permissions().mode() & 0o111 == 0 { 0o100_644 } else { 0o100_755 };
    Ok(metadata.is_file().then_some(mode))
}

/// At most one byte more than a text may have, however much the file grows meanwhile.
fn content(file: File) -> std::io::Result<Vec<u8>> {
    if !file.metadata()?.is_file() {
        return Ok(Vec::new());
    }
    let mut content =
        Vec::with_capacity(usize::try_from(file.metadata()?.len().min(limits::MAX_BLOB_BYTES)).unwrap_or(0));
    file.take(limits::MAX_BLOB_BYTES + 1).read_to_end(&mut content)?;
    Ok(content)
}

/// Whether nothing is at a path, as opposed to something that cannot be looked at.
fn is_gone(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory) || error.raw_os_error() == Some(nix::errno::Errno::ELOOP as i32)
}
