//! Patterns of names: what has come since is registered.

use kotadb_core::crypto::MasterKey;
use kotadb_core::db::registrations::{self, RegistrationRow};
use kotadb_core::db::{DbError, Scope, upstream};
use kotadb_core::github::client::GithubRepository;
use kotadb_core::github::{RepositoryPattern, follow};
use tracing::info;
use uuid::Uuid;

use super::Run;
use super::trouble::Trouble;
use crate::error::IndexError;

/// Patterns of one run.
const MOST: i64 = 200;
/// Repositories registered in one transaction.
const PORTION: usize = 25;

impl Run<'_> {
    pub(super) async fn registrations(&mut self) -> Result<(), IndexError> {
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        let started = upstream::now(&mut tx).await?;
        let due = registrations::due(&mut tx, started, &[] as &[Uuid], MOST).await?;
        tx.commit().await?;
        for registration in due {
            self.halt.check()?;
            if self.is_down() {
                break;
            }
            if let Err(trouble) = self.follow(&registration).await {
                self.note(trouble, &registration.pattern)?;
            }
        }
        Ok(())
    }

    async fn follow(&mut self, registration: &RegistrationRow) -> Result<(), Trouble> {
        let Some(key) = self.with.master_key else { return Ok(()) };
        // It was checked when it was written.
        let Ok(pattern) = RepositoryPattern::parse(&registration.pattern) else { return Ok(()) };
        let (github, credential) = (self.with.github, registration.credential);
        let session = self.session(registration.tenant, credential).await?;
        let matching = follow::matching(github, credential, session, &pattern).await?;
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        let since = Some(registration.created_at);
        let new = follow::new_of(&mut tx, registration.tenant, github.web_origin(), &matching, since).await?;
        tx.commit().await?;
        for portion in new.chunks(PORTION) {
            self.halt.check()?;
            match self.register(registration, portion, key).await {
                Ok(registered) => self.done.registered += registered,
                // Its owner sees that where he registers; nobody else's patterns are kept waiting.
                Err(DbError::Constraint { constraint }) if constraint.ends_with("_quota_check") => {
                    info!(tenant = %registration.tenant, "The plan allows no more of `{}`", registration.pattern);
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        registrations::checked(&mut tx, registration.id).await?;
        Ok(tx.commit().await?)
    }

    /// All of a portion or nothing; how many were new.
    async fn register(
        &self,
        registration: &RegistrationRow,
        portion: &[&GithubRepository],
        key: &MasterKey,
    ) -> Result<usize, DbError> {
        let mut registered = 0;
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        for repository in portion {
            let origin = self.with.github.web_origin();
            registered += usize::from(follow::register(&mut tx, registration, origin, repository, key).await?);
        }
        tx.commit().await?;
        Ok(registered)
    }
}
