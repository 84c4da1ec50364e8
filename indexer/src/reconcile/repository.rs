//! One repository: with which token, and in which order it is compared.

use kotadb_core::crypto::Secret;
use kotadb_core::db::repositories::Credential;
use kotadb_core::db::suspensions::{self, Suspension};
use kotadb_core::db::upstream::{self, Upstream};
use kotadb_core::db::{Scope, installations, tokens};
use kotadb_core::github::client::{GithubError, Session};
use kotadb_core::id::TenantId;

use super::Run;
use super::trouble::Trouble;
use crate::credentials::own;

impl Run<'_> {
    pub(super) async fn repository(&mut self, repository: &Upstream) -> Result<(), Trouble> {
        let mut repository = repository.clone();
        let mut session = None;
        if self.with.github.knows(&repository.url) {
            match self.session(repository.tenant, repository.credential).await {
                Ok(found) => session = found,
                Err(error) => return self.without_token(&repository, error).await,
            }
            if let Some(session) = &session {
                self.identity(session, &mut repository).await?;
            }
        }
        if repository.suspended_because.is_some() {
            return self.checked(&repository, repository.tip_etag.as_deref()).await;
        }
        if let Some(session) = &session {
            self.hook(session, &repository).await?;
        }
        let etag = self.tips(session.as_ref(), &repository).await?;
        self.checked(&repository, etag.as_deref()).await
    }

    pub(super) async fn session(&self, tenant: TenantId, credential: Credential) -> Result<Option<Session>, Trouble> {
        let stored = match credential {
            Credential::Token(id) => self.stored(tenant, id).await?,
            Credential::Installation(id) => {
                own(&self.with.indexer.db, tenant, id).await?;
                None
            }
            Credential::None => None,
        };
        Ok(self.with.github.session_for(credential, stored).await?)
    }

    async fn stored(&self, tenant: TenantId, id: uuid::Uuid) -> Result<Option<Secret>, Trouble> {
        let Some(key) = self.with.master_key else { return Ok(None) };
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        let sealed = tokens::sealed(&mut tx, tenant, id).await?;
        tx.commit().await?;
        let opened = sealed.and_then(|sealed| key.open(&tokens::context(id), &sealed).ok());
        Ok(opened.and_then(|token| String::from_utf8(token).ok()).map(Secret::new))
    }

    /// The installation is gone or suspended: its repositories stand still until it is back.
    async fn without_token(&mut self, repository: &Upstream, error: Trouble) -> Result<(), Trouble> {
        let Credential::Installation(id) = repository.credential else { return Err(error) };
        let suspended = match &error {
            Trouble::Github(GithubError::NotFound(_)) => None,
            Trouble::Github(GithubError::Forbidden(_)) => Some(true),
            _ => return Err(error),
        };
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        installations::checked(&mut tx, id, suspended).await?;
        let is_new = suspensions::suspend(&mut tx, &[repository.id], Suspension::Installation).await? == 1;
        self.done.suspended += usize::from(is_new);
        upstream::checked(&mut tx, repository.id, None).await?;
        Ok(tx.commit().await?)
    }

    async fn checked(&self, repository: &Upstream, tip_etag: Option<&str>) -> Result<(), Trouble> {
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        upstream::checked(&mut tx, repository.id, tip_etag).await?;
        Ok(tx.commit().await?)
    }
}
