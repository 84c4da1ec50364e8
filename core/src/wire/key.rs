//! API keys as they are made and shown, and who asks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;
use crate::db::keys::KeyRow;
use crate::id::RepositoryId;

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum KeyScope {
    /// Search what is indexed.
    #[serde(rename = "search")]
    Search,
    /// See repositories.
    #[serde(rename = "repositories:read")]
    ReadRepositories,
    /// Register, change and delete repositories.
    #[serde(rename = "repositories:write")]
    WriteRepositories,
    /// See jobs.
    #[serde(rename = "jobs:read")]
    ReadJobs,
    /// Queue, cancel and retry jobs.
    #[serde(rename = "jobs:write")]
    WriteJobs,
    /// Make, see and revoke keys.
    #[serde(rename = "keys:admin")]
    AdminKeys,
    /// See the tenant and its members.
    #[serde(rename = "tenant:read")]
    ReadTenant,
    /// Change the tenant and its members.
    #[serde(rename = "tenant:admin")]
    AdminTenant,
}

impl KeyScope {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::ReadRepositories => "repositories:read",
            Self::WriteRepositories => "repositories:write",
            Self::ReadJobs => "jobs:read",
            Self::WriteJobs => "jobs:write",
            Self::AdminKeys => "keys:admin",
            Self::ReadTenant => "tenant:read",
            Self::AdminTenant => "tenant:admin",
        }
    }
}

/// A key to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// For people, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")]
    pub name: String,
    /// What it may do: some of what you may.
    #[schema(min_items = 1)]
    pub scopes: Vec<KeyScope>,
    /// The repositories that it may see, by UUID or `owner/name`: some of yours. Default: those that you are limited to, or all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repositories: Option<Vec<String>>,
    /// When its time is over. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// How a key is rotated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRotation {
    /// For how long both are valid, in seconds: at most 2,592,000, which is 30 days. Default: a day.
    #[serde(default)]
    #[schema(maximum = 2_592_000)]
    pub overlap_seconds: Option<u32>,
}

/// A key, without what opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKeyInfo {
    /// UUID.
    #[schema(format = Uuid)]
    pub id: String,
    /// For people.
    pub name: String,
    /// Its first and last characters.
    pub display: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// UUIDs of the repositories that it may see; `null`: all.
    pub repositories: Option<Vec<String>>,
    /// UUID of the member who made it: it can do no more than that member, and ends with the membership. `null`: an operator.
    #[schema(format = Uuid)]
    pub member: Option<String>,
    /// UUID of the key that follows it.
    #[schema(format = Uuid)]
    pub successor: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its time is over; `null`: never.
    pub expires_at: Option<Timestamp>,
    /// Since when it opens nothing; `null`: it does, until it expires.
    pub revoked_at: Option<Timestamp>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// A new key with what opens, which is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuedApiKey {
    /// What is kept of it.
    #[serde(flatten)]
    pub info: ApiKeyInfo,
    /// The key itself: send it as `Authorization: Bearer KEY`.
    pub key: String,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Whoami {
    /// UUID of the tenant.
    #[schema(format = Uuid)]
    pub tenant: String,
    /// UUID of the key; `null`: a member who signed in.
    #[schema(format = Uuid)]
    pub key: Option<String>,
    /// UUID of the member who asks, or who made the key.
    #[schema(format = Uuid)]
    pub member: Option<String>,
    /// The member's role: `owner`, `maintainer` or `reader`.
    pub role: Option<String>,
    /// What may be done.
    pub scopes: Vec<String>,
    /// UUIDs of the repositories that key and member are limited to; `null`: they are not.
    pub repositories: Option<Vec<String>>,
    /// How many repositories are seen.
    pub n_repositories: u64,
}

impl From<KeyRow> for ApiKeyInfo {
    fn from(row: KeyRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name,
            display: row.display,
            scopes: row.scopes,
            repositories: row.repositories.map(texts),
            member: row.member.map(|id| id.to_string()),
            successor: row.successor.map(|id| id.to_string()),
            created_at: Timestamp(row.created_at),
            expires_at: row.expires_at.map(Timestamp),
            revoked_at: row.revoked_at.map(Timestamp),
            last_used_at: row.last_used_at.map(Timestamp),
        }
    }
}

pub(super) fn texts(ids: Vec<RepositoryId>) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::keys::SCOPES;

    #[test]
    fn every_scope_is_written_as_it_is_stored() {
        for text in SCOPES {
            let scope: KeyScope = serde_json::from_value(text.into()).unwrap();
            assert_eq!(scope.as_str(), text);
        }
    }
}
