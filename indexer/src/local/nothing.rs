//! What a working tree lies over before its first commit: a ref without a file, in a store of its own in memory.

use kotadb_core::id::{ObjectId, TenantId};
use kotadb_core::store::{RepositoryEntry, Root, Snapshot, Store, StoreOptions, Tip};

use super::{LocalError, REPOSITORY};
use crate::upload;

/// The name that no commit has.
pub(super) const NOTHING: ObjectId = ObjectId([0; 20]);

/// A store with a ref that holds nothing, and this ref.
pub async fn nothing() -> Result<(Store, Tip), LocalError> {
    let (store, tenant) = (Store::open(&StoreOptions::Memory)?, TenantId::LOCAL);
    let empty = Snapshot::new(NOTHING, Vec::new(), Vec::new(), Vec::new());
    let (snapshot, _) = upload::snapshot(&store, tenant, &empty).await?;
    let tip = Tip { ref_name: "HEAD".to_owned(), commit: NOTHING, snapshot, base: None, graph: None };
    let entry = RepositoryEntry { default: Some(tip.clone()), ..RepositoryEntry::default() };
    let root = Root { version: 1, repositories: [(REPOSITORY, entry)].into(), ..Root::default() };
    let (_, tag) = store.head(tenant).await?;
    store.swap_head(tenant, &tag, &root).await?;
    Ok((store, tip))
}
