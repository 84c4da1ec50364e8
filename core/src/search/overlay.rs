//! What lies over one ref and is in no index: the files of a working tree that differ from the commit.

use bytes::Bytes;

use crate::id::RepositoryId;
use crate::segment::{Class, NameRow};
use crate::text::Language;

/// Changes over one ref, with their contents in memory. It is searched wherever its ref is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlay {
    /// Whose ref.
    pub repository: RepositoryId,
    /// Full name of the ref.
    pub ref_name: String,
    /// Paths that are not there, ascending.
    pub removed: Vec<Vec<u8>>,
    /// Files that are new or other than in the commit, by path, ascending. They hide files of the commit.
    pub files: Vec<OverlayFile>,
}

impl Overlay {
    /// Whether it says what is at `path`: another text, or nothing.
    pub(super) fn covers(&self, path: &[u8]) -> bool {
        let removed = self.removed.binary_search_by(|other| other.as_slice().cmp(path)).is_ok();
        removed || self.files.binary_search_by(|file| file.path.as_slice().cmp(path)).is_ok()
    }
}

/// A file of an [`Overlay`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayFile {
    /// Path in the tree.
    pub path: Vec<u8>,
    /// git mode (0o100644, 0o100755).
    pub mode: u32,
    /// Class of the path.
    pub class: Class,
    /// Language of the path.
    pub language: Language,
    /// The text.
    pub content: Bytes,
    /// The symbols that it defines, if somebody has looked: only a query that asks for symbols needs them.
    pub names: Vec<NameRow>,
}
