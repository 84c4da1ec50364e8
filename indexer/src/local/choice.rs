//! Which of the indexed refs a search of this machine is about: the one asked for, or the one that is checked out.

use std::collections::BTreeSet;
use std::path::Path;

use git2::Repository;
use kotadb_core::id::{ObjectId, TenantId};
use kotadb_core::query::{NameKind, Query};
use kotadb_core::store::{ObjectKey, Store, Tip};

use super::place::Place;
use super::{LocalError, REPOSITORY, index};
use crate::tips::Tips;

/// An indexed ref to search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Name (of a commit that no ref names, its 40 digits), commit and snapshot.
    pub tip: Tip,
    /// Name of the ref that a query which names none searches.
    pub default: Option<String>,
    /// Whether the ref has moved on since it was indexed.
    pub moved: bool,
    /// The whole snapshots that all refs and kept commits are answered from.
    pub(super) whole_snapshots: BTreeSet<ObjectKey>,
}

/// See [`LocalIndex::choose`](super::LocalIndex::choose).
pub(super) async fn choose(
    place: &Place,
    store: &Store,
    reference: Option<&str>,
) -> Result<Option<Choice>, LocalError> {
    let tips = tips(store, &place.root).await?;
    let repository = place.repository.as_ref();
    let found = match reference {
        Some(reference) => Some(named(&tips, repository, reference)?),
        None => {
            let found = checked_out(&tips, repository)?.or_else(|| tips.default_tip().map(|tip| (tip, false)));
            found.map(|(tip, moved)| (tip.clone(), moved))
        }
    };
    let whole_snapshots = tips.named().map(Tip::whole_snapshot).collect();
    Ok(found.map(|(tip, moved)| Choice { tip, default: tips.default, moved, whole_snapshots }))
}

impl Choice {
    /// Whether a query that names no ref searches it.
    pub fn is_default(&self) -> bool {
        self.default.as_ref() == Some(&self.tip.ref_name)
    }

    /// `query`, asked of this ref alone.
    pub fn of(&self, query: Query) -> Query {
        let query = query.of_ref(NameKind::Plain, &self.tip.ref_name);
        match &self.default {
            // `HEAD`, the name of a commit that was checked out without a branch, also means the default.
            Some(default) if self.tip.ref_name == "HEAD" && default != "HEAD" => {
                query.not_of_ref(NameKind::Plain, default)
            }
            _ => query,
        }
    }
}

async fn tips(store: &Store, root: &Path) -> Result<Tips, LocalError> {
    let (root_object, _) = store.head(TenantId::LOCAL).await?;
    if !root_object.repositories.contains_key(&REPOSITORY) {
        return Err(LocalError::NotIndexed(root.display().to_string()));
    }
    Ok(Tips::read(store, TenantId::LOCAL, &root_object, REPOSITORY).await?)
}

fn named(tips: &Tips, repository: Option<&Repository>, reference: &str) -> Result<(Tip, bool), LocalError> {
    let resolved = repository.and_then(|repository| index::resolve(repository, reference).ok());
    let found = match resolved {
        Some((name, commit)) => match at(tips, &name, commit) {
            Some((tip, false)) => Some((tip.clone(), false)),
            moved => kept(tips, commit).map(|tip| (tip, false)).or(moved.map(|(tip, moved)| (tip.clone(), moved))),
        },
        // Indexed, and gone since.
        None => tips.by_name.get(reference).map(|tip| (tip.clone(), true)),
    };
    found.ok_or_else(|| LocalError::RefNotIndexed(reference.to_owned()))
}

/// A commit that a ref has left and that is kept: it is searched by its own name.
fn kept(tips: &Tips, commit: ObjectId) -> Option<Tip> {
    Some(Tip { ref_name: commit.to_string(), ..tips.at(commit)?.clone() })
}

fn checked_out<'t>(tips: &'t Tips, repository: Option<&Repository>) -> Result<Option<(&'t Tip, bool)>, LocalError> {
    let Some(repository) = repository else { return Ok(None) };
    Ok(index::head(repository)?.and_then(|(name, commit)| at(tips, &name, commit)))
}

/// The tip of this name, unless only another one is at the commit; and whether it is elsewhere.
fn at<'t>(tips: &'t Tips, name: &str, commit: ObjectId) -> Option<(&'t Tip, bool)> {
    let by_name = tips.by_name.get(name);
    let at_commit = || tips.by_name.values().find(|tip| tip.commit == commit);
    let there = by_name.filter(|tip| tip.commit == commit).or_else(at_commit);
    there.map(|tip| (tip, false)).or_else(|| by_name.map(|tip| (tip, true)))
}
