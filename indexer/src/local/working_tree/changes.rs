//! Which paths differ: between the commit that is checked out and the working tree, which the `git` program knows best
//! (ignore rules, its stat cache, fsmonitor, sparse checkouts), and between two commits.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use git2::{Delta, DiffOptions, Repository, Tree};
use kotadb_core::db::jobs::ErrorClass;
use kotadb_core::id::ObjectId;

use super::super::LocalError;
use super::super::nothing::NOTHING;
use crate::error::IndexError;
use crate::tree::oid;

/// What is asked of git. Optional locks would let a search write to the repository; a submodule is another repository,
/// so that what is changed inside it says nothing.
const STATUS: [&str; 7] = [
    "--no-optional-locks",
    "status",
    "--porcelain=v1",
    "-z",
    "--no-renames",
    "--untracked-files=all",
    "--ignore-submodules=dirty",
];
/// What a caller's environment may say of a repository; the folder alone says it here.
const LOCAL_VARIABLES: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
];
/// Commits after which nobody counts on.
const MAX_COMMITS: usize = 10_000;

/// Paths that differ.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Files: changed, deleted, or untracked and not ignored.
    pub(super) paths: BTreeSet<Vec<u8>>,
    /// Of these the ones that git tracks no more and does not see: what lies on the disk there is ignored.
    pub(super) dropped: BTreeSet<Vec<u8>>,
    /// Folders that are repositories of their own.
    pub(super) nested: Vec<Vec<u8>>,
    /// Files that git keeps out of the working tree.
    pub(super) sparse: BTreeSet<Vec<u8>>,
}

/// A `git status` that is running; killed when dropped.
pub(super) struct Status {
    child: Option<Child>,
    /// Whether git's index leaves files out of the working tree.
    sparse: Option<Child>,
}

impl Status {
    /// Starts git in the working tree `root`.
    pub(super) fn begin(root: &Path, is_sparse: bool) -> Result<Self, LocalError> {
        let sparse = is_sparse.then(|| start(root, &["ls-files", "-t", "-z", "--cached"])).transpose()?;
        Ok(Self { child: Some(start(root, &STATUS)?), sparse })
    }

    /// Waits for git's answer.
    pub(super) fn end(mut self) -> Result<Changes, LocalError> {
        let mut changes = parse(&answer("status", self.child.take())?);
        let listed = answer("ls-files", self.sparse.take())?;
        changes.sparse.extend(records(&listed).filter_map(|record| record.strip_prefix(b"S ")).map(<[u8]>::to_vec));
        Ok(changes)
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        for child in [&mut self.child, &mut self.sparse].into_iter().flatten() {
            let _ended = child.kill().and_then(|()| child.wait());
        }
    }
}

fn start(root: &Path, args: &[&str]) -> Result<Child, LocalError> {
    let mut git = Command::new("git");
    LOCAL_VARIABLES.iter().for_each(|name| _ = git.env_remove(name));
    git.arg("-C").arg(root).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(git.spawn().map_err(IndexError::io("cannot start `git`: install it"))?)
}

fn answer(what: &'static str, child: Option<Child>) -> Result<Vec<u8>, LocalError> {
    let Some(child) = child else { return Ok(Vec::new()) };
    let output = child.wait_with_output().map_err(IndexError::io("cannot read from `git`"))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(IndexError::Git { what, class: ErrorClass::Permanent, message }.into());
    }
    Ok(output.stdout)
}

fn records(output: &[u8]) -> impl Iterator<Item = &[u8]> {
    output.split(|&byte| byte == 0).filter(|record| !record.is_empty())
}

/// Reads `XY PATH NUL`; a folder that git does not look into ends in a slash.
fn parse(output: &[u8]) -> Changes {
    let mut changes = Changes::default();
    let mut untracked = BTreeSet::new();
    for (state, path) in records(output).filter_map(|record| record.split_at_checked(3)) {
        match path.strip_suffix(b"/") {
            Some(folder) => changes.nested.push(folder.to_vec()),
            None => _ = changes.paths.insert(path.to_vec()),
        }
        match state {
            b"D  " => _ = changes.dropped.insert(path.to_vec()),
            b"?? " => _ = untracked.insert(path.to_vec()),
            _ => {}
        }
    }
    changes.dropped.retain(|path| !untracked.contains(path));
    changes
}

/// Paths that differ between two commits.
#[derive(Debug, Default)]
pub(super) struct Moved {
    pub(super) paths: BTreeSet<Vec<u8>>,
    /// Those that the later one has no more.
    pub(super) deleted: BTreeSet<Vec<u8>>,
}

impl Changes {
    /// Adds what differs between the indexed commit and the one that is checked out, and what git keeps out.
    pub(super) fn with(mut self, moved: Moved) -> Self {
        self.dropped.extend(moved.deleted.into_iter().filter(|path| !self.paths.contains(path)));
        self.paths.extend(moved.paths.into_iter().chain(std::mem::take(&mut self.sparse)));
        self
    }
}

/// Paths that differ between the indexed commit and the one that is checked out; `None`: nothing is, so that all of the
/// indexed ones differ.
pub(super) fn between(repository: &Repository, indexed: ObjectId, head: Option<ObjectId>) -> Result<Moved, LocalError> {
    if head == Some(indexed) {
        return Ok(Moved::default());
    }
    let old = tree(repository, indexed)?;
    if old.is_none() && head.is_none() {
        return Ok(Moved::default());
    }
    let new = head.map(|head| repository.find_commit(oid(head))?.tree()).transpose()?;
    let mut options = DiffOptions::new();
    options.include_typechange(true);
    let diff = repository.diff_tree_to_tree(old.as_ref(), new.as_ref(), Some(&mut options))?;
    let mut moved = Moved::default();
    for delta in diff.deltas() {
        let both = [delta.old_file().path_bytes(), delta.new_file().path_bytes()];
        moved.paths.extend(both.into_iter().flatten().map(<[u8]>::to_vec));
        if delta.status() == Delta::Deleted {
            moved.deleted.extend(delta.old_file().path_bytes().map(<[u8]>::to_vec));
        }
    }
    Ok(moved)
}

/// The root folder of an indexed commit; `None`: nothing is indexed.
pub(super) fn tree(repository: &Repository, indexed: ObjectId) -> Result<Option<Tree<'_>>, LocalError> {
    if indexed == NOTHING {
        return Ok(None);
    }
    let gone = |_| LocalError::CommitGone(indexed.to_string());
    Ok(Some(repository.find_commit(oid(indexed)).map_err(gone)?.tree()?))
}

/// Commits that `head` has and `indexed` lacks, at most [`MAX_COMMITS`].
pub(super) fn n_commits(repository: &Repository, indexed: ObjectId, head: ObjectId) -> Result<usize, LocalError> {
    if head == indexed {
        return Ok(0);
    }
    let mut walk = repository.revwalk()?;
    walk.push(oid(head))?;
    if indexed != NOTHING {
        walk.hide(oid(indexed))?;
    }
    Ok(walk.take(MAX_COMMITS).count())
}

/// Whether git keeps files out of the working tree.
pub(super) fn is_sparse(repository: &Repository) -> bool {
    repository.config().and_then(|config| config.get_bool("core.sparseCheckout")).unwrap_or(false)
}

/// A path below `root`.
pub(super) fn below(root: &Path, path: &[u8]) -> std::path::PathBuf {
    root.join(OsStr::from_bytes(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_paths_and_nested_repositories() {
        let changes = parse(b" M a b\0?? new\nline\0D  gone\0?? nested/\0AM caf\xe9\0");
        let paths: Vec<_> = changes.paths.into_iter().collect();
        assert_eq!(paths, [&b"a b"[..], b"caf\xe9", b"gone", b"new\nline"]);
        assert_eq!(changes.nested, [b"nested"]);
        assert_eq!(changes.dropped.into_iter().collect::<Vec<_>>(), [b"gone"]);
        assert!(parse(b"D  back\0?? back\0 D away\0").dropped.is_empty());
        assert_eq!(parse(b""), Changes::default());
    }
}
