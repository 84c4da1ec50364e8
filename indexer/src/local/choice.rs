//! Which of the indexed refs a search of this machine is about: the one asked for, or the one that is checked out.

use std::path::Path;

use git2::Repository;
use kotadb_core::id::{ObjectId, TenantId};
use kotadb_core::store::{Store, Tip};

use super::place::Place;
use super::{LocalError, REPOSITORY, index};
use crate::tips::Tips;

/// An indexed ref to search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Full name; of a commit that no ref names, its 40 digits.
    pub ref_name: String,
    /// The commit that is indexed.
    pub commit: ObjectId,
    /// Whether a query that names no ref searches it.
    pub is_default: bool,
    /// Whether the ref has moved on since it was indexed.
    pub moved: bool,
}

/// The indexed ref or commit that `reference` names, or else the one at the HEAD of the working tree that `path` is in
/// (all of them share one index), or else the default; `None`: the index is empty.
pub async fn choose(path: &Path, reference: Option<&str>) -> Result<Option<Choice>, LocalError> {
    let place = Place::find(path)?;
    let tips = tips(&place.store()?, path).await.map_err(|error| error.explained(&place.folder))?;
    let repository = place.repository.as_ref();
    let found = match reference {
        Some(reference) => Some(named(&tips, repository, reference)?),
        None => checked_out(&tips, repository)?.or_else(|| tips.default_tip().map(|tip| (tip, false))),
    };
    Ok(found.map(|(tip, moved)| Choice {
        ref_name: tip.ref_name.clone(),
        commit: tip.commit,
        is_default: tips.default.as_ref() == Some(&tip.ref_name),
        moved,
    }))
}

async fn tips(store: &Store, path: &Path) -> Result<Tips, LocalError> {
    let (root, _) = store.head(TenantId::LOCAL).await?;
    if !root.repositories.contains_key(&REPOSITORY) {
        return Err(LocalError::NotIndexed(path.display().to_string()));
    }
    Ok(Tips::load(store, TenantId::LOCAL, &root, REPOSITORY).await?)
}

fn named<'t>(tips: &'t Tips, repository: Option<&Repository>, reference: &str) -> Result<(&'t Tip, bool), LocalError> {
    let resolved = repository.and_then(|repository| index::resolve(repository, reference).ok());
    let found = match resolved {
        Some((name, commit)) => at(tips, &name, commit),
        // Indexed, and gone since.
        None => tips.by_name.get(reference).map(|tip| (tip, true)),
    };
    found.ok_or_else(|| LocalError::RefNotIndexed(reference.to_owned()))
}

fn checked_out<'t>(tips: &'t Tips, repository: Option<&Repository>) -> Result<Option<(&'t Tip, bool)>, LocalError> {
    let Some(repository) = repository else { return Ok(None) };
    Ok(index::head(repository)?.and_then(|(name, commit)| at(tips, &name, commit)))
}

/// The tip of this name, unless only another one is at the commit; and whether it is elsewhere.
fn at<'t>(tips: &'t Tips, name: &str, commit: ObjectId) -> Option<(&'t Tip, bool)> {
    let by_name = tips.by_name.get(name);
    let there = by_name.filter(|tip| tip.commit == commit).or_else(|| tips.at(commit));
    there.map(|tip| (tip, false)).or_else(|| by_name.map(|tip| (tip, true)))
}
