//! What deleted repositories have left at GitHub, and repositories that GitHub no longer has.

use kotadb_core::db::hooks::{self, Orphan};
use kotadb_core::db::{Scope, repositories};
use kotadb_core::github::provision::{Provision, payload_url};

use super::Run;
use super::trouble::Trouble;
use crate::error::IndexError;

/// Of each kind in one run.
const MOST: i64 = 200;

impl Run<'_> {
    pub(super) async fn orphans(&mut self) -> Result<(), IndexError> {
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        self.done.deleted += repositories::delete_gone(&mut tx, MOST).await?.len();
        let orphans = hooks::orphans(&mut tx, MOST).await?;
        tx.commit().await?;
        for orphan in orphans {
            self.halt.check()?;
            if self.is_down() {
                break;
            }
            if let Err(trouble) = self.take_away(&orphan).await {
                self.note(trouble, &orphan.name)?;
            }
        }
        Ok(())
    }

    /// One that GitHub refuses for good is not asked for again: the token is gone, and the webhook gets 401 here.
    async fn take_away(&mut self, orphan: &Orphan) -> Result<(), Trouble> {
        let base = self.with.webhook_base_url.filter(|_| self.with.github.knows(&orphan.url));
        if let Some(base) = base {
            match self.remove(orphan, base).await {
                Err(Trouble::Github(error)) if error.is_lost() => {}
                removed => removed?,
            }
        }
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        hooks::note(&mut tx, orphan.id, None, None).await?;
        Ok(tx.commit().await?)
    }

    async fn remove(&mut self, orphan: &Orphan, base: &str) -> Result<(), Trouble> {
        let Some(session) = self.session(orphan.tenant, orphan.credential).await? else { return Ok(()) };
        let url = payload_url(base, orphan.id);
        self.done.hooks += Provision { session: &session, name: &orphan.name, url: &url }.remove().await?;
        Ok(())
    }
}
