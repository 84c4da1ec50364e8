//! Repositories as they are registered and shown.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use crate::db::repositories::RepositoryRow;

/// What to register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRepository {
    /// `owner/name` on GitHub, or an http(s) clone URL of an allowed origin.
    pub url: String,
    /// Refs to track: names or patterns with `*` (`main`, `release-*`, `refs/tags/v*`). Default: the default branch.
    #[serde(default)]
    pub refs: Vec<String>,
}

/// A registered repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// UUID.
    pub id: String,
    /// `owner/name`.
    pub name: String,
    /// Normalised clone URL.
    pub url: String,
    /// Patterns of tracked refs; empty: the default branch.
    pub refs: Vec<String>,
    /// Commit of the default branch that the index holds; `null`: not indexed yet.
    pub indexed_commit: Option<String>,
    /// When it was published.
    pub indexed_at: Option<Timestamp>,
    /// When the repository was registered.
    pub created_at: Timestamp,
}

/// The answer to a registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredRepository {
    /// The repository.
    #[serde(flatten)]
    pub repository: Repository,
    /// Where pushes are to be delivered; `null` where the repository was registered already.
    pub webhook: Option<IssuedWebhook>,
    /// Id of the first index job; `null` where the repository was registered already.
    pub job: Option<String>,
}

/// A webhook with its secret, which is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedWebhook {
    /// Payload URL; a path only, where the service has not been told its public base URL.
    pub url: String,
    /// Secret of the signature.
    pub secret: String,
}

impl From<RepositoryRow> for Repository {
    fn from(row: RepositoryRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name,
            url: row.url,
            refs: row.ref_patterns,
            indexed_commit: row.indexed_commit,
            indexed_at: row.indexed_at.map(Timestamp),
            created_at: Timestamp(row.created_at),
        }
    }
}
