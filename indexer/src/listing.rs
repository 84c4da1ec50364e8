//! The files of one commit that may be indexed, and those that are left out by their path alone.

use kotadb_core::id::ObjectId;
use kotadb_core::segment::Class;
use kotadb_core::store::Skipped;

/// What a commit holds, before any content is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The commit.
    pub commit: ObjectId,
    /// Files to index, in path order.
    pub files: Vec<File>,
    /// Paths left out, in path order.
    pub skipped: Vec<Skipped>,
}

/// One file of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Path from the root of the tree.
    pub path: Vec<u8>,
    /// `0o100644` or `0o100755`.
    pub mode: u32,
    /// Its content.
    pub blob: ObjectId,
    /// Its class by attributes and path.
    pub class: Class,
}
