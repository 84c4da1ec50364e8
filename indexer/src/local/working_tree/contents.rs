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
    /// To be read yet.
    texts: Vec<Candidate>,
    pub(super) gone: Vec<Vec<u8>>,
    /// For which there was no room.
    pub(super) unread: Vec<Vec<u8>>,
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

/// Reads files, on several threads if there are many.
pub(super) fn read(root: &Path, candidates: Vec<Candidate>) -> Contents {
    read_within(root, candidates, MAX_BYTES)
}

/// Where there is no room for all, small files come first, and only text takes any: what is binary or too large is told by
/// a look at each.
fn read_within(root: &Path, candidates: Vec<Candidate>, most: u64) -> Contents {
    let bytes: u64 = candidates.iter().map(|candidate| candidate.bytes).sum();
    if bytes <= most {
        return each(&candidates, |contents, candidate| contents.add(root, candidate));
    }
    let mut looked_at = each(&candidates, |contents, candidate| contents.look_at(root, candidate));
    let mut texts: Vec<Candidate> = looked_at.texts.drain(..).collect();
    texts.sort_by(|a, b| (a.bytes, &a.path).cmp(&(b.bytes, &b.path)));
    let mut room = most;
    let fits = |candidate: &&Candidate| {
        let left = room.checked_sub(candidate.bytes);
        room = left.unwrap_or(room);
        left.is_some()
    };
    let unread = texts.split_off(texts.iter().take_while(fits).count());
    let read = each(&texts, |contents, candidate| contents.add(root, candidate));
    let unread = unread.into_iter().map(|candidate| candidate.path).collect();
    looked_at.with(read).with(Contents { unread, ..Contents::default() })
}

fn each(candidates: &[Candidate], look: impl Fn(&mut Contents, &Candidate) + Copy + Send + Sync) -> Contents {
    let threads = if candidates.len() < MANY { 1 } else { thread::available_parallelism().map_or(1, usize::from) };
    let next = AtomicUsize::new(0);
    let work = || {
        let mut contents = Contents::default();
        while let Some(candidate) = candidates.get(next.fetch_add(1, Ordering::Relaxed)) {
            look(&mut contents, candidate);
        }
        contents
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let joined = others.into_iter().map(|other| other.join().expect("reading files does not panic"));
        joined.fold(work(), Contents::with)
    })
}

impl Contents {
    fn add(&mut self, root: &Path, candidate: &Candidate) {
        let path = candidate.path.clone();
        match open(root, &path).and_then(|file| Ok((mode(&file)?, content(file)?))) {
            Ok((None, _)) => self.gone.push(path),
            Ok((_, None)) => self.leave(path, SkipReason::TooLarge),
            Ok((_, Some(content))) if text::is_binary(&content) => self.leave(path, SkipReason::Binary),
            Ok((Some(mode), Some(content))) => {
                let language = Language::detect(&path, &content);
                let content = Bytes::from(content);
                let (class, names) = (candidate.class, Vec::new());
                self.files.push(OverlayFile { path, mode, class, language, content, names });
            }
            Err(error) => self.miss(path, &error),
        }
    }

    /// Tells texts by how they begin.
    fn look_at(&mut self, root: &Path, candidate: &Candidate) {
        let path = candidate.path.clone();
        let head = |file: File| -> std::io::Result<_> {
            let (mode, bytes) = (mode(&file)?, file.metadata()?.len());
            let mut head = Vec::new();
            file.take(text::BINARY_LOOK as u64).read_to_end(&mut head)?;
            Ok((mode, bytes, head))
        };
        match open(root, &path).and_then(head) {
            Ok((None, ..)) => self.gone.push(path),
            Ok((_, bytes, _)) if bytes > limits::MAX_BLOB_BYTES => self.leave(path, SkipReason::TooLarge),
            Ok((.., head)) if text::is_binary(&head) => self.leave(path, SkipReason::Binary),
            Ok((_, bytes, _)) => self.texts.push(Candidate { path, bytes, ..candidate.clone() }),
            Err(error) => self.miss(path, &error),
        }
    }

    fn miss(&mut self, path: Vec<u8>, error: &std::io::Error) {
        if is_gone(error) {
            self.gone.push(path);
        } else {
            self.leave(path, SkipReason::Unreadable);
        }
    }

    fn leave(&mut self, path: Vec<u8>, reason: SkipReason) {
        self.left.push(Skipped { path, reason });
    }

    fn with(mut self, other: Self) -> Self {
        self.files.extend(other.files);
        self.left.extend(other.left);
        self.gone.extend(other.gone);
        self.texts.extend(other.texts);
        self.unread.extend(other.unread);
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

/// `None`: it is larger than a text may be, or has become so meanwhile.
fn content(file: File) -> std::io::Result<Option<Vec<u8>>> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(Some(Vec::new()));
    }
    if metadata.len() > limits::MAX_BLOB_BYTES {
        return Ok(None);
    }
    let mut content = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    file.take(limits::MAX_BLOB_BYTES + 1).read_to_end(&mut content)?;
    Ok(Some(content).filter(|content| content.len() as u64 <= limits::MAX_BLOB_BYTES))
}

/// Whether nothing is at a path, as opposed to something that cannot be looked at.
fn is_gone(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory) || error.raw_os_error() == Some(nix::errno::Errno::ELOOP as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of these names and contents, as candidates.
    fn written(root: &Path, files: &[(&str, Vec<u8>)]) -> Vec<Candidate> {
        let write = |(name, content): &(&str, Vec<u8>)| {
            std::fs::write(root.join(name), content).unwrap();
            Candidate { path: name.as_bytes().to_vec(), class: Class::Source, bytes: content.len() as u64 }
        };
        files.iter().map(write).collect()
    }

    fn names(paths: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<String> {
        let mut names: Vec<String> =
            paths.into_iter().map(|path| String::from_utf8_lossy(path.as_ref()).into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn where_there_is_no_room_the_largest_texts_are_not_read_and_nothing_else_takes_any() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            ("a.bin", vec![0; 900]),
            ("b.txt", vec![b'b'; 700]),
            ("c.txt", vec![b'c'; 300]),
            ("d.txt", vec![b'd'; 400]),
            ("e.txt", b"e\n".to_vec()),
        ];
        let mut candidates = written(folder.path(), &files);
        let huge = File::create(folder.path().join("0.txt")).unwrap();
        huge.set_len(limits::MAX_BLOB_BYTES + 1).unwrap();
        candidates.push(Candidate { path: b"0.txt".to_vec(), class: Class::Source, bytes: limits::MAX_BLOB_BYTES + 1 });
        candidates.push(Candidate { path: b"gone.txt".to_vec(), class: Class::Source, bytes: 9000 });
        let contents = read_within(folder.path(), candidates.clone(), 1000);
        assert_eq!(names(contents.files.iter().map(|file| &file.path)), ["c.txt", "d.txt", "e.txt"]);
        assert_eq!(names(&contents.unread), ["b.txt"]);
        assert_eq!(names(contents.left.iter().map(|left| &left.path)), ["0.txt", "a.bin"]);
        assert_eq!(names(&contents.gone), ["gone.txt"]);

        let contents = read_within(folder.path(), candidates, u64::MAX);
        assert_eq!(names(contents.files.iter().map(|file| &file.path)), ["b.txt", "c.txt", "d.txt", "e.txt"]);
        assert_eq!((contents.unread.len(), contents.left.len(), contents.gone.len()), (0, 2, 1));
    }
}
