//! Repositories as they are registered and shown.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::Timestamp;
use crate::db::repositories::RepositoryRow;

/// What to register.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "url": "octocat/Hello-World", "refs": ["main", "release-*"], "schedule": "0 3 * * 1" }))]
pub struct NewRepository {
    /// `owner/name` on GitHub, or an http(s) clone URL of an allowed origin.
    #[schema(format = "clone-url")]
    pub url: String,
    /// Refs to track: names or patterns with `*` (`main`, `release-*`, `refs/tags/v*`). Default: the default branch.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub refs: Vec<String>,
    /// Of its automatic jobs, 0 (first) to 100. Default: by what asks for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100)]
    pub priority: Option<i16>,
    /// When it is indexed without being asked: five cron fields, in UTC. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
}

/// What to change of a repository: a field that is absent stays, `null` takes it away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "refs": ["main"], "priority": null }))]
pub struct ChangedRepository {
    /// Refs to track.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 100)]
    pub refs: Option<Vec<String>>,
    /// Of its automatic jobs.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i16>, minimum = 0, maximum = 100)]
    pub priority: Option<Option<i16>>,
    /// Five cron fields, in UTC.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub schedule: Option<Option<String>>,
}

/// Tells a field that is `null` from one that is absent.
pub(super) fn present<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// A registered repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Repository {
    /// UUID.
    #[schema(format = Uuid)]
    pub id: String,
    /// `owner/name`.
    pub name: String,
    /// Normalised clone URL.
    pub url: String,
    /// Patterns of tracked refs; empty: the default branch.
    pub refs: Vec<String>,
    /// Short name of the default branch, where it is known.
    #[serde(default)]
    pub default_branch: Option<String>,
    /// Of its automatic jobs; `null`: by what asks for them.
    #[serde(default)]
    pub priority: Option<i16>,
    /// Five cron fields, in UTC; `null`: it is not indexed by the clock.
    #[serde(default)]
    pub schedule: Option<String>,
    /// Why no automatic job of it runs (`owner`, `archived`, `transferred`, `installation`, `access`, `gone`, `crashes`);
    /// `null`: they do.
    #[serde(default)]
    pub suspended: Option<String>,
    /// What is wrong with its webhook at GitHub; `null`: nothing is known to be.
    #[serde(default)]
    pub webhook_fault: Option<String>,
    /// Commit of the default branch that the index holds; `null`: not indexed yet.
    pub indexed_commit: Option<String>,
    /// When it was published.
    pub indexed_at: Option<Timestamp>,
    /// When the repository was registered.
    pub created_at: Timestamp,
}

/// The answer to a registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegisteredRepository {
    /// The repository.
    #[serde(flatten)]
    pub repository: Repository,
    /// Where pushes are to be delivered; `null` where the repository was registered already.
    pub webhook: Option<IssuedWebhook>,
    /// Id of the first index job; `null` where the repository was registered already.
    #[schema(format = Uuid)]
    pub job: Option<String>,
}

/// A webhook with its secret, which is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuedWebhook {
    /// Payload URL; a path only, where the service has not been told its public base URL.
    pub url: String,
    /// Secret of the signature.
    pub secret: String,
    /// Whether it is at GitHub.
    #[serde(default)]
    pub state: WebhookState,
    /// What is left to do, in words.
    #[serde(default)]
    pub detail: String,
}

/// Whether a webhook is at GitHub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    /// Made there, or brought up to date.
    Active,
    /// There is no token for it: somebody sets URL and secret by hand.
    #[default]
    ByHand,
    /// The next sweep makes it.
    Pending,
    /// GitHub refused; the next sweep tries again.
    Faulty,
}

impl From<RepositoryRow> for Repository {
    fn from(row: RepositoryRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name,
            url: row.url,
            refs: row.ref_patterns,
            default_branch: row.default_branch,
            priority: row.priority,
            schedule: row.schedule,
            suspended: row.suspended_because,
            webhook_fault: row.hook_fault,
            indexed_commit: row.indexed_commit,
            indexed_at: row.indexed_at.map(Timestamp),
            created_at: Timestamp(row.created_at),
        }
    }
}
