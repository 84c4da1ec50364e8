//! Patterns of names that are registered, now and when they come.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;
use crate::db::registrations::RegistrationRow;
use crate::db::repositories::Credential;

/// What to register by a pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "pattern": "octocat/*" }))]
pub struct NewRegistration {
    /// `owner/name`, with `*` for any characters of the name. Default: all of the installation.
    #[serde(default)]
    #[schema(min_length = 3, max_length = 200)]
    pub pattern: Option<String>,
    /// The installation of the GitHub App that lists and fetches them. Default: that on the owner, if the tenant has one.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub installation: Option<i64>,
    /// Refs to track of each.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub refs: Vec<String>,
    /// Of the automatic jobs of each.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub priority: Option<i16>,
    /// When each is indexed without being asked: five cron fields, in UTC.
    #[serde(default)]
    pub schedule: Option<String>,
}

/// A registered pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Registration {
    /// UUID.
    #[schema(format = Uuid)]
    pub id: String,
    /// `owner/name`, with `*`.
    pub pattern: String,
    /// The installation of the GitHub App.
    pub installation: Option<i64>,
    /// Patterns of tracked refs of each; empty: the default branch.
    pub refs: Vec<String>,
    /// Of the automatic jobs of each.
    pub priority: Option<i16>,
    /// Five cron fields, in UTC.
    pub schedule: Option<String>,
    /// When the names were listed last.
    pub checked_at: Option<Timestamp>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// A repository that a pattern matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedRepository {
    /// `owner/name`
    pub name: String,
    /// Whether only some may see it.
    pub is_private: bool,
    /// `register`; or why not: `registered` (it is already), `archived`.
    pub action: String,
}

/// What a pattern does, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegistrationAnswer {
    /// The pattern; `null` in a preview.
    pub registration: Option<Registration>,
    /// What it matches, by name; 1,000 at most.
    pub repositories: Vec<PlannedRepository>,
    /// How many it matches.
    pub matched: u64,
    /// How many of them this request registered.
    pub registered: u64,
    /// How many are left to the next sweep.
    pub left: u64,
}

impl From<RegistrationRow> for Registration {
    fn from(row: RegistrationRow) -> Self {
        let installation = match row.credential {
            Credential::Installation(id) => Some(id),
            Credential::None | Credential::Token(_) => None,
        };
        Self {
            id: row.id.to_string(),
            pattern: row.pattern,
            installation,
            refs: row.ref_patterns,
            priority: row.priority,
            schedule: row.schedule,
            checked_at: row.checked_at.map(Timestamp),
            created_at: Timestamp(row.created_at),
        }
    }
}
