//! The content of a file, by lines, within a budget of bytes.

use bytes::Bytes;

use super::{Ask, CommitError, OpenCommit};
use crate::segment::Class;
use crate::store::{Entry, Snapshot};
use crate::text::{Language, LineTable};

/// Asks for the content of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRequest {
    /// Path from the root of the repository.
    pub path: Vec<u8>,
    /// First line, from 1.
    pub first: u64,
    /// Last line; `None`: that of the file.
    pub last: Option<u64>,
    /// Bytes at most: as many whole lines as fit, at least one, which is cut where it alone is longer.
    pub most_bytes: usize,
}

/// Lines of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileContent {
    /// Path from the root of the repository.
    pub path: Vec<u8>,
    /// Language of the file.
    pub language: Language,
    /// Class of the file.
    pub class: Class,
    /// git mode.
    pub mode: u32,
    /// The lines with their ends, as they are.
    pub text: Bytes,
    /// The first of them, from 1.
    pub first: u64,
    /// The last of them; below `first`: there are none.
    pub last: u64,
    /// Whether the only line is cut.
    pub cut: bool,
    /// Lines of the file.
    pub n_lines: u64,
    /// Bytes of the file.
    pub n_bytes: u64,
    /// Where to go on to get all lines that were asked for; `None`: these are all.
    pub next: Option<u64>,
}

impl FileRequest {
    /// The beginning of a file.
    pub fn new(path: &[u8], most_bytes: usize) -> Self {
        Self { path: path.to_vec(), first: 1, last: None, most_bytes }
    }
}

impl Ask for FileRequest {
    type Answer = FileContent;

    async fn ask(&self, commit: &OpenCommit<'_>) -> Result<FileContent, CommitError> {
        let snapshot = commit.snapshot().await?;
        let entry = find(&snapshot, &self.path)?;
        let open = commit.segment(&snapshot, &entry).await?;
        let (text, _) = commit.text_and(&open, &entry, None).await?;
        self.of(&entry, &text)
    }
}

/// The entry of a path, or why there is none.
pub(super) fn find<'s>(snapshot: &'s Snapshot, path: &[u8]) -> Result<Entry<'s>, CommitError> {
    if let Some(nth) = snapshot.find(path) {
        return Ok(snapshot.entry(nth));
    }
    let name = String::from_utf8_lossy(path).into_owned();
    if let Ok(nth) = snapshot.skipped.binary_search_by(|skipped| skipped.path.as_slice().cmp(path)) {
        return Err(CommitError::LeftOut { path: name, reason: snapshot.skipped[nth].reason });
    }
    let folder = match path.strip_suffix(b"/").unwrap_or(path) {
        b"" => Vec::new(),
        folder => [folder, b"/"].concat(),
    };
    let is_folder = super::tree::below(snapshot, &folder).next().is_some();
    Err(if is_folder { CommitError::IsFolder(name) } else { CommitError::NoFile(name) })
}

impl FileRequest {
    /// The lines that are asked for, of a text that is at hand.
    pub fn of(&self, entry: &Entry<'_>, text: &Bytes) -> Result<FileContent, CommitError> {
        cut(self, entry, text)
    }
}

fn cut(request: &FileRequest, entry: &Entry<'_>, text: &Bytes) -> Result<FileContent, CommitError> {
    let lines = LineTable::new(text);
    let n_lines = lines.n_lines() as u64;
    let first = request.first.max(1);
    if first > n_lines.max(1) {
        let path = String::from_utf8_lossy(entry.path).into_owned();
        return Err(CommitError::NoLine { path, n_lines, asked: first });
    }
    let wanted = request.last.unwrap_or(n_lines).min(n_lines);
    let start_of = |line: u64| lines.range(line as usize).map_or(text.len(), |range| range.start);
    let start = start_of(first);
    let fits = |line: &u64| start_of(line + 1) - start <= request.most_bytes;
    let last = (first..=wanted).take_while(fits).last();
    let is_cut = last.is_none() && first <= wanted;
    let (last, end) = match last {
        Some(last) => (last, start_of(last + 1)),
        None if is_cut => (first, boundary(text, start, request.most_bytes)),
        None => (first - 1, start),
    };
    Ok(FileContent {
        path: entry.path.to_vec(),
        language: entry.language,
        class: entry.class,
        mode: entry.mode,
        text: text.slice(start..end),
        first,
        last,
        cut: is_cut,
        n_lines,
        n_bytes: text.len() as u64,
        next: (last < wanted).then_some(last + 1),
    })
}

/// Where a text that begins at `start` is cut: between characters.
fn boundary(text: &[u8], start: usize, most: usize) -> usize {
    let end = start.saturating_add(most).min(text.len());
    let is_inside = |at: &usize| text.get(*at).is_some_and(|byte| byte & 0xc0 == 0x80);
    (start..=end).rev().take(4).find(|at| !is_inside(at)).unwrap_or(end)
}
