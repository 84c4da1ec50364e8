//! The upkeep of an index: what was deleted is forgotten, segments are merged, objects that nothing names are collected.
//! Asked for (`compact`, `gc`, `sweep`), or after a run, within the bounds of what a caller waits for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use kotadb_core::db::deletions::{self, Deletions};
use kotadb_core::db::{Scope, scip, tenants};
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::store::{ObjectKey, Store};
use kotadb_core::telemetry::events;
use tracing::{info, warn};
use uuid::Uuid;

use crate::compact::{Compacted, Compaction, Extent};
use crate::error::IndexError;
use crate::forget::Forget;
use crate::gc::{self, Collected};
use crate::halt::Halt;
use crate::job::Indexer;
use crate::limits;
use crate::scratch::Scratch;

/// Upkeep of one tenant.
#[derive(Clone, Copy, Debug)]
pub struct Upkeep<'a> {
    /// Where the objects are.
    pub store: &'a Store,
    /// Whose.
    pub tenant: TenantId,
    /// Folder of this machine for scratch folders.
    pub folder: &'a Path,
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// Tells to stop.
    pub halt: &'a Halt,
}

impl Upkeep<'_> {
    /// Takes out of the root what was deleted.
    pub async fn forget(&self, deletions: &Deletions) -> Result<(), IndexError> {
        let Self { store, tenant, now_ms, halt, .. } = *self;
        let forget = Forget { store, tenant, now_ms, halt };
        forget.repositories(&deletions.repositories).await?;
        for (repository, commits) in &deletions.commits {
            forget.commits(*repository, commits).await?;
        }
        if !deletions.purges.is_empty() {
            forget.purge(&deletions.purges).await?;
        }
        Ok(())
    }

    /// Takes commits out of histories whose time is over; how many.
    pub async fn expire(&self) -> Result<usize, IndexError> {
        let Self { store, tenant, now_ms, halt, .. } = *self;
        Forget { store, tenant, now_ms, halt }.expire().await
    }

    /// Merges what is due.
    pub async fn compact(&self, extent: Extent<'_>) -> Result<Compacted, IndexError> {
        let scratch = Scratch::named(self.folder, &format!("compaction.{}", Uuid::now_v7()))?;
        let Self { store, tenant, now_ms, halt, .. } = *self;
        Compaction { store, tenant, folder: scratch.path(), extent, now_ms, halt }.run().await
    }

    /// Deletes what is due, here and in the store.
    pub async fn collect(&self) -> Result<Collected, IndexError> {
        gc::clean_scratch(&self.folder.join("scratch"));
        gc::collect(self.store, self.tenant, self.now_ms, self.halt).await
    }

    /// Looks after what a run has touched, in little time, whatever else the tenant holds.
    pub async fn after_run(&self, touched: &BTreeSet<RepositoryId>) -> Result<(Compacted, Collected), IndexError> {
        let compacted = self.compact(Extent::Touched(touched)).await?;
        Ok((compacted, gc::collect_dropped(self.store, self.tenant, self.now_ms, self.halt).await?))
    }
}

/// What a sweep does of each tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Forgets and merges.
    Compact,
    /// Collects.
    Collect,
    /// All of it.
    All,
}

/// How long after the deletion of a tenant no job of it can run any more.
const SETTLED: Duration = Duration::from_secs(limits::JOB_DEADLINE.as_secs() + 60 * 60);

/// Looks after every tenant. One that fails is logged and does not stop the others; says how many failed.
pub async fn sweep(indexer: &Indexer, part: Part, halt: &Halt) -> Result<usize, IndexError> {
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    let tenants = tenants::list(&mut tx).await?;
    let left_over = tenants::left_over(&mut tx, SETTLED).await?;
    tx.commit().await?;
    let mut failed = 0;
    let living = tenants.into_iter().map(|(tenant, _)| (tenant, false));
    let deleted = left_over.into_iter().map(|tenant| (tenant, true));
    for (tenant, is_deleted) in living.chain(deleted) {
        halt.check()?;
        let done = match is_deleted {
            true => remove(indexer, tenant).await,
            false => sweep_tenant(indexer, tenant, part, halt).await,
        };
        match done {
            Ok(()) => {}
            Err(error @ IndexError::Halted(_)) => return Err(error),
            Err(error) => {
                warn!(%tenant, %error, "{}", events::UPKEEP_FAILED);
                failed += 1;
            }
        }
    }
    Ok(failed)
}

/// Repositories whose jobs are done, by tenant.
pub type Ran = BTreeMap<TenantId, BTreeSet<RepositoryId>>;

/// Looks after what jobs have touched, in little time: the rest is left to the sweep. Failures are logged.
pub async fn after_jobs(indexer: &Indexer, ran: &mut Ran, halt: &Halt) {
    while let Some((tenant, touched)) = ran.pop_first() {
        match after_run(indexer, tenant, &touched, halt).await {
            Ok(()) | Err(IndexError::Halted(_)) => {}
            Err(error) => warn!(%tenant, %error, "{}", events::UPKEEP_FAILED),
        }
    }
}

async fn after_run(
    indexer: &Indexer,
    tenant: TenantId,
    touched: &BTreeSet<RepositoryId>,
    halt: &Halt,
) -> Result<(), IndexError> {
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    let now_ms = deletions::now_ms(&mut tx).await?;
    tx.commit().await?;
    let (store, folder) = (&indexer.store, indexer.data_dir.as_path());
    let (compacted, collected) = Upkeep { store, tenant, folder, now_ms, halt }.after_run(touched).await?;
    log(tenant, compacted, collected);
    Ok(())
}

async fn sweep_tenant(indexer: &Indexer, tenant: TenantId, part: Part, halt: &Halt) -> Result<(), IndexError> {
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    let deletions = deletions::of_tenant(&mut tx, tenant).await?;
    tx.commit().await?;
    look_after(indexer, tenant, (&deletions, part), halt).await?;
    let (root, _) = indexer.store.head(tenant).await?;
    let bytes = root.segments.iter().map(|segment| segment.bytes).sum();
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    tenants::note_stored(&mut tx, tenant, bytes).await?;
    Ok(tx.commit().await?)
}

/// Takes what a deleted tenant has left out of the store: nobody reads it, and no job of it runs any more.
async fn remove(indexer: &Indexer, tenant: TenantId) -> Result<(), IndexError> {
    indexer.store.remove_tenant(tenant).await?;
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    tenants::emptied(&mut tx, tenant).await?;
    tx.commit().await?;
    info!(%tenant, "{}", events::TENANT_REMOVED);
    Ok(())
}

/// Does a part of the upkeep of one tenant, of which that is to be forgotten, at the time that this was read.
pub async fn look_after(
    indexer: &Indexer,
    tenant: TenantId,
    (deletions, part): (&Deletions, Part),
    halt: &Halt,
) -> Result<(), IndexError> {
    let (store, folder, now_ms) = (&indexer.store, indexer.data_dir.as_path(), deletions.now_ms);
    let upkeep = Upkeep { store, tenant, folder, now_ms, halt };
    let (mut compacted, mut collected) = (Compacted::default(), Collected::default());
    if part != Part::Collect {
        forget(indexer, &upkeep, deletions).await?;
        upkeep.expire().await?;
        compacted = upkeep.compact(Extent::All).await?;
    }
    if part != Part::Compact {
        collected = upkeep.collect().await?;
        collected.deleted += collect_imports(indexer, &upkeep).await?;
    }
    log(tenant, compacted, collected);
    Ok(())
}

/// An index of what was deleted has no row any more, and what has no row goes.
async fn collect_imports(indexer: &Indexer, upkeep: &Upkeep<'_>) -> Result<u64, IndexError> {
    let &Upkeep { store, tenant, now_ms, halt, .. } = upkeep;
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    let kept = scip::settle(&mut tx, tenant).await?;
    tx.commit().await?;
    let kept = kept.iter().filter_map(|object| ObjectKey::parse(object)).collect();
    gc::collect_imports(store, tenant, &kept, now_ms, halt).await
}

/// Rows are closed when HEAD says so.
async fn forget(indexer: &Indexer, upkeep: &Upkeep<'_>, deletions: &Deletions) -> Result<(), IndexError> {
    upkeep.forget(deletions).await?;
    if !deletions.purges.is_empty() {
        let mut tx = indexer.db.begin(Scope::Worker).await?;
        deletions::purged(&mut tx, upkeep.tenant, deletions.now_ms, limits::JOB_DEADLINE).await?;
        tx.commit().await?;
    }
    Ok(())
}

fn log(tenant: TenantId, compacted: Compacted, collected: Collected) {
    if compacted != Compacted::default() {
        let Compacted { merges, given_up, bytes_after, .. } = compacted;
        info!(%tenant, merges, given_up, size_bytes = bytes_after, "{}", events::COMPACTED);
    }
    if collected.deleted > 0 {
        let Collected { deleted, waiting, bytes } = collected;
        info!(%tenant, deleted, waiting, size_bytes = bytes, "{}", events::COLLECTED);
    }
}
