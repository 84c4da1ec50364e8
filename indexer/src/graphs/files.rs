//! Files in path order, as a graph is made of them: those of a snapshot, or of a working tree.

use kotadb_core::segment::Class;
use kotadb_core::text::Language;

use crate::names::{Source, SourceFile};
use crate::scip::Precise;

/// Files with their facts. A file goes by its place in the order of paths.
pub trait Files: Source {
    /// How many there are.
    fn n_files(&self) -> usize;

    /// The path of a file.
    fn path(&self, file: u32) -> &[u8];

    /// What kind of file it is.
    fn class(&self, file: u32) -> Class;

    /// Its language.
    fn language(&self, file: u32) -> Language;

    /// The file at a path.
    fn find(&self, path: &[u8]) -> Option<u32>;

    /// What imported indexes say of them; `None`: nothing.
    fn precise(&self) -> Option<&Precise> {
        None
    }
}

/// The same as resolution takes them.
pub fn sources(files: &dyn Files) -> Vec<SourceFile> {
    let file = |file| SourceFile { path: text(files.path(file)), language: files.language(file) };
    (0..files.n_files() as u32).map(file).collect()
}

/// A path as text.
pub fn text(path: &[u8]) -> Box<str> {
    String::from_utf8_lossy(path).into()
}
