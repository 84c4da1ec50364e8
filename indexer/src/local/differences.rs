//! How far the working tree has moved on from the commit that is indexed.

use std::path::Path;

use git2::{DiffOptions, Repository};
use kotadb_core::id::ObjectId;

use super::place::Place;
use super::{LocalError, block_on, choose};
use crate::tree;

/// Files that differ between the indexed commit and the working tree: changed, deleted, or untracked and not ignored.
/// A bare repository and a plain folder have none.
pub fn dirty(path: &Path) -> Result<usize, LocalError> {
    let place = Place::find(path)?;
    let Some(repository) = &place.repository else { return Ok(0) };
    if repository.is_bare() {
        return Ok(0);
    }
    // A thread of its own, because callers may be inside a runtime, which cannot block on another.
    let choose = || block_on(choose(path, None));
    match std::thread::scope(|scope| scope.spawn(choose).join()).unwrap_or(Ok(None)) {
        Ok(Some(choice)) => count(repository, choice.commit),
        Ok(None) | Err(LocalError::NotIndexed(_)) => Ok(0),
        Err(error) => Err(error),
    }
}

fn count(repository: &Repository, commit: ObjectId) -> Result<usize, LocalError> {
    let tree = repository.find_commit(tree::oid(commit))?.tree()?;
    let mut options = DiffOptions::new();
    options.include_untracked(true).recurse_untracked_dirs(true).include_typechange(true);
    let diff = repository.diff_tree_to_workdir_with_index(Some(&tree), Some(&mut options))?;
    Ok(diff.deltas().len())
}
