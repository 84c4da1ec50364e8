//! The token that a repository is fetched with: where it comes from. How `git` gets it is `askpass.rs`.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use kotadb_core::crypto::{MasterKey, Secret};
use kotadb_core::db::repositories::Credential;
use kotadb_core::db::{Db, Scope, installations, tokens};
use kotadb_core::github::client::Client;
use kotadb_core::id::TenantId;
use uuid::Uuid;

use crate::error::IndexError;

/// Resolves what a repository's row names.
pub trait Credentials: fmt::Debug + Send + Sync {
    /// The token of a credential of `tenant`; `None`: it is fetched without.
    fn token(&self, tenant: TenantId, credential: Credential) -> BoxFuture<'_, Result<Option<Secret>, IndexError>>;
}

/// Mints tokens of the GitHub App.
pub trait Installations: fmt::Debug + Send + Sync {
    /// A token of an installation that is good for the length of a fetch.
    fn token(&self, installation: i64) -> BoxFuture<'_, Result<Secret, IndexError>>;
}

/// Tokens of the database, opened with the master key, and those that the App mints.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Postgres.
    pub db: Db,
    /// `KOTADB_MASTER_KEY`; without it no stored token opens.
    pub master_key: Option<MasterKey>,
    /// The App; `None`: it is not configured.
    pub installations: Option<Arc<dyn Installations>>,
}

impl Credentials for Stored {
    fn token(&self, tenant: TenantId, credential: Credential) -> BoxFuture<'_, Result<Option<Secret>, IndexError>> {
        Box::pin(async move {
            match credential {
                Credential::None => Ok(None),
                Credential::Token(id) => self.open(tenant, id).await.map(Some),
                Credential::Installation(id) => match &self.installations {
                    Some(app) => {
                        own(&self.db, tenant, id).await?;
                        app.token(id).await.map(Some)
                    }
                    None => Err(IndexError::Credential(
                        "this repository is fetched by the GitHub App, which is not configured: set `GITHUB_APP_ID` and \
                         `GITHUB_APP_PRIVATE_KEY`",
                    )),
                },
            }
        })
    }
}

/// An error unless an installation is the tenant's own.
pub(crate) async fn own(db: &Db, tenant: TenantId, installation: i64) -> Result<(), IndexError> {
    let mut tx = db.begin(Scope::Worker).await?;
    let is_own = installations::is_of(&mut tx, tenant, installation).await?;
    tx.commit().await?;
    let foreign = "the installation of the GitHub App that this repository names is not linked to its tenant: link it, or \
                   register the repository again";
    if is_own { Ok(()) } else { Err(IndexError::Credential(foreign)) }
}

impl Stored {
    async fn open(&self, tenant: TenantId, id: Uuid) -> Result<Secret, IndexError> {
        let mut tx = self.db.begin(Scope::Worker).await?;
        let sealed = tokens::sealed(&mut tx, tenant, id).await?;
        tx.commit().await?;
        let revoked = "the token of this repository was revoked: sign in to GitHub again, or install the GitHub App";
        let sealed = sealed.ok_or(IndexError::Credential(revoked))?;
        let no_key = "a stored token cannot be opened: set `KOTADB_MASTER_KEY`";
        let key = self.master_key.as_ref().ok_or(IndexError::Credential(no_key))?;
        let other_key = "the token of this repository was sealed under another key: set `KOTADB_MASTER_KEY_PREVIOUS`, or \
                         sign in to GitHub again";
        let opened = key.open(&tokens::context(id), &sealed).map_err(|_| IndexError::Credential(other_key))?;
        String::from_utf8(opened).map(Secret::new).map_err(|_| IndexError::Credential(other_key))
    }
}

/// The GitHub App, as the API's client knows it.
#[derive(Clone, Debug)]
pub struct GithubApp(pub Client);

impl Installations for GithubApp {
    fn token(&self, installation: i64) -> BoxFuture<'_, Result<Secret, IndexError>> {
        Box::pin(async move { Ok(self.0.tokens().installation_token(installation).await?) })
    }
}
