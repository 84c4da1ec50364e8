//! SCIP indexes that were imported for a local repository: kept beside its index, by commit, the last eight. What was imported
//! last outranks what came before.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use git2::{ObjectType, Oid, Repository, Tree};
use kotadb_core::facts::Facts;
use kotadb_core::id::ObjectId;
use kotadb_core::scip::unpack;

use super::place::Place;
use super::{LocalError, index};
use crate::error::IndexError;
use crate::scip::{HeldFile, Precise, ScipError, documents};

/// Folder inside that of the index.
const FOLDER: &str = "scip";
/// How many are kept.
const KEPT: usize = 8;
/// Longest index, in bytes.
const MOST_BYTES: u64 = 1 << 30;

/// What was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The commit that it is of.
    pub commit: ObjectId,
    /// Documents in it.
    pub documents: usize,
    /// Those of them that are files of the commit.
    pub held: usize,
}

/// Imports an index that was made of a commit: HEAD, unless `reference` names another.
pub fn import(path: &Path, file: &Path, reference: Option<&str>) -> Result<Imported, LocalError> {
    let place = Place::find(path)?;
    let repository = place.repository.as_ref().ok_or(LocalError::NoCommit)?;
    let commit = match reference {
        Some(reference) => index::resolve(repository, reference)?.1,
        None => index::head(repository)?.ok_or(LocalError::NoCommit)?.1,
    };
    let read = || format!("cannot read the SCIP index `{}`", file.display());
    if fs::metadata(file).map_err(IndexError::io(read()))?.len() > MOST_BYTES {
        return Err(ScipError::TooLarge(MOST_BYTES).into());
    }
    let bytes = fs::read(file).map_err(IndexError::io(read()))?;
    let bytes = unpack(&bytes, MOST_BYTES)?;
    let tree = tree_of(repository, commit)?;
    let (mut n_documents, mut n_held) = (0, 0);
    documents(&bytes, |document| {
        n_documents += 1;
        n_held += usize::from(blob_at(&tree, document.path).is_some());
        Ok::<_, ScipError>(())
    })?;
    if n_held == 0 {
        return Err(LocalError::ScipOfOther { documents: n_documents, commit: commit.to_string() });
    }
    keep(&place.folder.join(FOLDER), commit, &bytes)?;
    Ok(Imported { commit, documents: n_documents, held: n_held })
}

/// Written whole or not at all.
fn keep(folder: &Path, commit: ObjectId, bytes: &[u8]) -> Result<(), LocalError> {
    let fail =
        || IndexError::io(format!("cannot keep the SCIP index in `{}`: make that folder writable", folder.display()));
    fs::create_dir_all(folder).map_err(fail())?;
    let half = folder.join(format!("{commit}.part"));
    fs::write(&half, bytes).map_err(fail())?;
    fs::rename(&half, folder.join(format!("{commit}.scip"))).map_err(fail())?;
    let mut all = imported(folder);
    let surplus = all.len().saturating_sub(KEPT);
    all.drain(..surplus).try_for_each(fs::remove_file).map_err(fail())?;
    Ok(())
}

/// The oldest first.
fn imported(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut all: Vec<_> = paths.filter(|path| path.extension() == Some(OsStr::new("scip"))).collect();
    all.sort_by_key(|path| (fs::metadata(path).and_then(|meta| meta.modified()).ok(), path.clone()));
    all
}

impl Place {
    /// What all imported indexes say of files that are as they were: `file` gives number, text and facts of the file of a path.
    /// `None`: they say nothing.
    pub(super) fn precise(
        &self,
        mut file: impl FnMut(&str) -> Option<(u32, Bytes, Facts)>,
    ) -> Result<Option<Precise>, LocalError> {
        let Some(repository) = &self.repository else { return Ok(None) };
        let (mut precise, mut taken) = (Precise::default(), 0);
        for path in imported(&self.folder.join(FOLDER)) {
            let commit = path.file_stem().and_then(OsStr::to_str).and_then(|stem| stem.parse::<ObjectId>().ok());
            // A commit that is gone says of no file what it was.
            let Some(tree) = commit.and_then(|commit| tree_of(repository, commit).ok()) else { continue };
            let bytes = fs::read(&path).map_err(IndexError::io(format!("cannot read `{}`", path.display())))?;
            taken += precise.add(&bytes, |path| {
                let blob = blob_at(&tree, path)?;
                let (file, text, facts) = file(path)?;
                let is_same = Oid::hash_object(ObjectType::Blob, &text).is_ok_and(|id| id == blob);
                is_same.then(|| HeldFile::of(file, text, &facts))
            })?;
        }
        Ok((taken > 0).then_some(precise))
    }
}

fn tree_of(repository: &Repository, commit: ObjectId) -> Result<Tree<'_>, LocalError> {
    Ok(repository.find_commit(Oid::from_bytes(&commit.0)?)?.tree()?)
}

fn blob_at(tree: &Tree<'_>, path: &str) -> Option<Oid> {
    let entry = tree.get_path(Path::new(path)).ok()?;
    (entry.kind() == Some(ObjectType::Blob)).then(|| entry.id())
}
