//! The webhook of one repository: made where it is missing, mended where somebody changed it, and its log read.

use kotadb_core::crypto::Secret;
use kotadb_core::db::Scope;
use kotadb_core::db::hooks::{self, HookRow};
use kotadb_core::db::upstream::Upstream;
use kotadb_core::github::client::Session;
use kotadb_core::github::provision::{self, Provision, payload_url};
use kotadb_core::id::HookId;
use uuid::Uuid;

use super::Run;
use super::deliveries::Log;
use super::trouble::Trouble;

/// A hook, opened.
struct Opened {
    row: HookRow,
    secret: Secret,
    /// Whether GitHub cannot know the secret yet.
    is_new: bool,
    newest_delivery: i64,
}

impl Run<'_> {
    pub(super) async fn hook(&mut self, session: &Session, repository: &Upstream) -> Result<(), Trouble> {
        let Some(base) = self.with.webhook_base_url else { return Ok(()) };
        let Some(opened) = self.opened(repository).await? else { return Ok(()) };
        let url = payload_url(base, opened.row.id);
        let work = Provision { session, name: &repository.name, url: &url };
        let renew = opened.is_new || opened.row.github_hook_id.is_none();
        let (id, fault) = match work.ensure(&opened.secret, renew).await {
            Ok(done) => {
                self.done.hooks += usize::from(done.changed);
                (Some(done.id), provision::response_fault(&done.last_response))
            }
            Err(error) if error.passes() => return Err(error.into()),
            Err(error) => (None, Some(provision::fault(&error))),
        };
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        hooks::note(&mut tx, opened.row.id, id, fault.as_deref()).await?;
        tx.commit().await?;
        let Some(id) = id else { return Ok(()) };
        let log = Log::Hook { session, name: &repository.name, hook: id };
        let (seen, failure) = self.redeliver(log, opened.newest_delivery).await;
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        hooks::seen_up_to(&mut tx, opened.row.id, seen).await?;
        tx.commit().await?;
        failure.map_or(Ok(()), |error| Err(error.into()))
    }

    /// The hook with its secret, made where there is none. `None`: there is no key to open it with.
    async fn opened(&self, repository: &Upstream) -> Result<Option<Opened>, Trouble> {
        let Some(key) = self.with.master_key else { return Ok(None) };
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        let Some(row) = hooks::of_repository(&mut tx, repository.id).await? else {
            let id = HookId(Uuid::now_v7());
            let (secret, sealed) = provision::new_secret(key, id);
            hooks::create(&mut tx, repository.tenant, repository.id, id, &sealed).await?;
            tx.commit().await?;
            let row = HookRow { id, github_hook_id: None, fault: None };
            return Ok(Some(Opened { row, secret, is_new: true, newest_delivery: 0 }));
        };
        let (sealed, newest) = hooks::sealed(&mut tx, row.id).await?.unwrap_or_default();
        let known = provision::open_secret(key, row.id, &sealed);
        let is_new = known.is_none();
        let secret = match known {
            Some(secret) => secret,
            None => {
                let (secret, sealed) = provision::new_secret(key, row.id);
                hooks::set_secret(&mut tx, row.id, &sealed, None).await?;
                secret
            }
        };
        tx.commit().await?;
        Ok(Some(Opened { row, secret, is_new, newest_delivery: newest.unwrap_or_default() }))
    }
}
