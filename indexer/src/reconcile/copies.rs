//! The copy in Postgres of what is indexed: HEAD is the truth, and a row that says otherwise is set right. A row that a job
//! closes meanwhile is left alone.

use kotadb_core::db::{Scope, tenants, upstream};
use kotadb_core::id::TenantId;

use super::Run;
use super::trouble::Trouble;
use crate::error::IndexError;

impl Run<'_> {
    pub(super) async fn copies(&mut self) -> Result<(), IndexError> {
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        let all = tenants::list(&mut tx).await?;
        tx.commit().await?;
        for (tenant, name) in all {
            self.halt.check()?;
            if let Err(trouble) = self.copies_of(tenant).await {
                self.note(trouble, &name)?;
            }
        }
        Ok(())
    }

    /// The rows are read before HEAD: what was written between the two makes the repair a no-op.
    async fn copies_of(&mut self, tenant: TenantId) -> Result<(), Trouble> {
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        let rows = upstream::copies(&mut tx, tenant).await?;
        tx.commit().await?;
        if rows.is_empty() {
            return Ok(());
        }
        let (root, _) = self.with.indexer.store.head(tenant).await?;
        let held = |id| root.repositories.get(id).and_then(|entry| entry.default.as_ref()).map(|tip| tip.commit);
        let wrong = rows.iter().filter(|(id, copy)| held(id).map(|commit| commit.to_string()) != *copy);
        let wrong: Vec<_> = wrong.collect();
        if wrong.is_empty() {
            return Ok(());
        }
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        for (id, copy) in wrong {
            self.done.copies += usize::from(upstream::repair_copy(&mut tx, *id, copy.as_deref(), held(id)).await?);
        }
        Ok(tx.commit().await?)
    }
}
