//! What is due of the segments that some repositories touch, by HEAD and their refs alone: how much is dead, and what else
//! would take a look at every repository, is left to a sweep.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt};
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::store::{ObjectKey, Root, Store};

use super::bound;
use super::plan::{self, Most, State};
use crate::error::IndexError;
use crate::tips::Tips;

/// Repositories read at once.
const PARALLEL: usize = 16;
/// Repositories that may share a segment that is merged: the snapshots of each are rewritten.
const MOST_SHARING: usize = 8;

/// The groups to merge in which a repository of `ids` has a share.
pub async fn groups(
    store: &Store,
    tenant: TenantId,
    ids: &BTreeSet<RepositoryId>,
    most: Most,
) -> Result<Vec<Vec<ObjectKey>>, IndexError> {
    let (root, _) = store.head(tenant).await?;
    let known = ids.iter().filter(|id| root.repositories.contains_key(id));
    let read = futures::stream::iter(known).map(async |id| Tips::load(store, tenant, &root, *id).await);
    let tips: Vec<Tips> = read.buffered(PARALLEL).try_collect().await?;
    let refs = tips.iter().flat_map(|tips| tips.named().map(|tip| bound::touched(tips, tip)));
    let refs: Vec<Vec<ObjectKey>> = refs.collect::<BTreeSet<_>>().into_iter().collect();
    let touched: BTreeSet<ObjectKey> = refs.iter().flatten().copied().collect();
    let mut groups = plan::groups(&states(&root), &refs, most);
    groups.retain(|group| group.iter().any(|key| touched.contains(key)));
    Ok(groups)
}

/// The segments, as if all of them were alive. Those of many repositories are left to a sweep.
fn states(root: &Root) -> Vec<State> {
    let mut repositories: BTreeMap<u32, BTreeSet<RepositoryId>> = BTreeMap::new();
    for (id, entry) in &root.repositories {
        for nth in &entry.segments {
            repositories.entry(*nth).or_default().insert(*id);
        }
    }
    let state = |(nth, repositories): (u32, BTreeSet<RepositoryId>)| {
        let entry = root.segments.get(nth as usize)?;
        Some(State {
            key: entry.key,
            bytes: entry.bytes,
            text: entry.text_bytes,
            dead_text: 0,
            is_dead: false,
            purge: false,
            unsealed: false,
            fixed: repositories.len() > MOST_SHARING,
            repositories,
        })
    };
    repositories.into_iter().filter_map(state).collect()
}
