//! Which snapshots a query is asked of: refs of visible repositories for which anything of it is left.

use std::sync::Arc;

use futures::future;

use super::reader::Reader;
use super::request::Visible;
use crate::id::{ObjectId, RepositoryId};
use crate::query::{Plan, Scope};
use crate::store::{ObjectKey, Refs, RepositoryEntry, Root, StoreError, Tip};

/// One snapshot to be searched.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) repository: RepositoryId,
    pub(super) repository_name: String,
    /// Full names of the refs at this snapshot for which the query leaves the same condition; at least one.
    pub(super) ref_names: Vec<String>,
    pub(super) commit: ObjectId,
    pub(super) snapshot: ObjectKey,
    pub(super) scope: Arc<Scope>,
    /// Indices of the segments of the repository in the root's table.
    pub(super) segments: Vec<u32>,
}

/// The targets, by repository name, then ref.
pub(super) async fn select(
    reader: &Reader<'_>,
    root: &Root,
    plan: &Plan,
    visible: &[Visible],
) -> Result<Vec<Target>, StoreError> {
    let mut known: Vec<(&Visible, &RepositoryEntry)> =
        visible.iter().filter_map(|repository| Some((repository, root.repositories.get(&repository.id)?))).collect();
    known.sort_by(|(a, _), (b, _)| (&a.name, a.id).cmp(&(&b.name, b.id)));
    known.dedup_by_key(|(repository, _)| repository.id);
    let refs =
        reader.wave(future::try_join_all(known.iter().map(|(_, entry)| other_refs(reader, plan, entry)))).await?;
    let mut targets = Vec::new();
    for ((repository, entry), refs) in known.into_iter().zip(refs) {
        let others = refs.iter().flat_map(|refs| refs.tips.iter());
        add(&mut targets, plan, (repository, entry), entry.default.iter().chain(others));
    }
    Ok(targets)
}

async fn other_refs(
    reader: &Reader<'_>,
    plan: &Plan,
    entry: &RepositoryEntry,
) -> Result<Option<Arc<Refs>>, StoreError> {
    match entry.refs {
        Some(key) if plan.names_refs() => reader.refs(key).await.map(Some),
        _ => Ok(None),
    }
}

/// Refs at one snapshot are one target, so that their files are answered once.
fn add<'a>(
    targets: &mut Vec<Target>,
    plan: &Plan,
    (repository, entry): (&Visible, &RepositoryEntry),
    tips: impl Iterator<Item = &'a Tip>,
) {
    let first = targets.len();
    for tip in tips {
        let Some(scope) = plan.scope(&repository.name, &tip.ref_name, entry.default.as_ref() == Some(tip)) else {
            continue;
        };
        let same = targets[first..].iter_mut().find(|other| other.snapshot == tip.snapshot && *other.scope == scope);
        match same {
            Some(target) => target.ref_names.push(tip.ref_name.clone()),
            None => targets.push(Target {
                repository: repository.id,
                repository_name: repository.name.clone(),
                ref_names: vec![tip.ref_name.clone()],
                commit: tip.commit,
                snapshot: tip.snapshot,
                scope: Arc::new(scope),
                segments: entry.segments.clone(),
            }),
        }
    }
}
