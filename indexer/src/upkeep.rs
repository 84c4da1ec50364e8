//! The upkeep of an index: what was deleted is forgotten, segments are merged, objects that nothing names are collected.
//! Asked for (`compact`, `gc`, `sweep`), or after a run, within the bounds of what a caller waits for.

use std::collections::BTreeSet;
use std::path::Path;

use kotadb_core::db::deletions::{self, Deletions};
use kotadb_core::db::{Scope, tenants};
use kotadb_core::id::TenantId;
use kotadb_core::store::Store;
use kotadb_core::telemetry::events;
use tracing::{info, warn};
use uuid::Uuid;

use crate::compact::{Compacted, Compaction};
use crate::error::IndexError;
use crate::forget::Forget;
use crate::gc::{self, Collected};
use crate::halt::Halt;
use crate::job::Indexer;
use crate::scratch::Scratch;
use crate::{clock, disk};

/// Text of a merge that may be waited for after a run.
pub const LITTLE_TEXT: u64 = 32 << 20;

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
        Ok(())
    }

    /// Merges what is due; what others have to do with merges of more than `most_text` bytes is left to them.
    pub async fn compact(&self, most_text: u64) -> Result<Compacted, IndexError> {
        let parent = self.folder.join("scratch");
        disk::make_all(&parent).map_err(IndexError::io(format!("cannot make `{}`", parent.display())))?;
        let scratch = Scratch::at(parent.join(format!("compaction.{}", Uuid::now_v7())))?;
        let Self { store, tenant, now_ms, halt, .. } = *self;
        Compaction { store, tenant, folder: scratch.path(), most_text, now_ms, halt }.run().await
    }

    /// Deletes what is due, here and in the store.
    pub async fn collect(&self) -> Result<Collected, IndexError> {
        gc::clean_scratch(&self.folder.join("scratch"));
        gc::collect(self.store, self.tenant, self.now_ms, self.halt).await
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
    /// All of it, but for large merges.
    Little,
}

/// Looks after every tenant. One that fails is logged and does not stop the others; says how many failed.
pub async fn sweep(indexer: &Indexer, part: Part, halt: &Halt) -> Result<usize, IndexError> {
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    let tenants = tenants::list(&mut tx).await?;
    tx.commit().await?;
    let mut failed = 0;
    for (tenant, _) in tenants {
        halt.check()?;
        match sweep_tenant(indexer, tenant, part, halt).await {
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

/// Looks after the tenants of jobs that are done, in little time: the rest is left to the sweep. Failures are logged.
pub async fn after_jobs(indexer: &Indexer, tenants: &mut BTreeSet<TenantId>, halt: &Halt) {
    while let Some(tenant) = tenants.pop_first() {
        match sweep_tenant(indexer, tenant, Part::Little, halt).await {
            Ok(()) | Err(IndexError::Halted(_)) => {}
            Err(error) => warn!(%tenant, %error, "{}", events::UPKEEP_FAILED),
        }
    }
}

async fn sweep_tenant(indexer: &Indexer, tenant: TenantId, part: Part, halt: &Halt) -> Result<(), IndexError> {
    let (store, folder) = (&indexer.store, indexer.data_dir.as_path());
    let upkeep = Upkeep { store, tenant, folder, now_ms: clock::now_ms(), halt };
    if part != Part::Collect {
        let mut tx = indexer.db.begin(Scope::Worker).await?;
        let deletions = deletions::of_tenant(&mut tx, tenant).await?;
        tx.commit().await?;
        upkeep.forget(&deletions).await?;
        let most_text = if part == Part::Little { LITTLE_TEXT } else { u64::MAX };
        let done = upkeep.compact(most_text).await?;
        if done != Compacted::default() {
            info!(%tenant, merges = done.merges, given_up = done.given_up, size_bytes = done.bytes_after, "{}", events::COMPACTED);
        }
    }
    if part != Part::Compact {
        let done = upkeep.collect().await?;
        if done.deleted > 0 {
            info!(%tenant, deleted = done.deleted, waiting = done.waiting, size_bytes = done.bytes, "{}", events::COLLECTED);
        }
    }
    Ok(())
}
