//! What `/health` and `/health/ready` answer, in the shape that the operators' smoke tests read.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// `/health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// The whole in one word.
    pub status: HealthStatus,
    /// Version of the program.
    pub version: String,
    /// Commit it was built from, where the build was told.
    pub commit: Option<String>,
    /// Route families that this deployment has what it needs for.
    pub services_enabled: Vec<String>,
    /// Database and job queue.
    pub saas: Saas,
    /// Object store.
    pub store: StoreHealth,
    /// End of the last sweep; `null`: none yet.
    pub last_sweep: Option<Timestamp>,
    /// Newest applied migration.
    pub schema_version: Option<String>,
}

/// The whole in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// All is well.
    Healthy,
    /// Something failed once, or only some routes suffer. Answered with 200.
    Degraded,
    /// Postgres is away. Answered with 503.
    Unhealthy,
}

/// Database and job queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Saas {
    /// Whether Postgres answers.
    pub supabase_status: SaasStatus,
    /// Time of one short transaction, in milliseconds.
    pub supabase_latency_ms: Option<u64>,
    /// Counts; `null` where Postgres does not answer.
    pub job_queue: Option<JobQueue>,
}

/// Whether Postgres answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SaasStatus {
    /// Yes.
    Ok,
    /// No.
    Error,
    /// `DATABASE_URL` is not set.
    NotConfigured,
}

/// Counts of the job table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobQueue {
    /// Waiting.
    pub queued: i64,
    /// Leased.
    pub in_progress: i64,
    /// Given up within the last hour for a fault of ours (crash, storage, database, deadline).
    pub failed_recent: i64,
    /// Given up within the last hour for a fault of the repository or its host.
    pub failed_recent_tenant: i64,
    /// How long the oldest due job has waited; 0: none is due.
    pub oldest_queued_seconds: i64,
    /// Whether an operator has paused all of it: jobs are queued, none is taken.
    #[serde(default)]
    pub paused: bool,
    /// The limits on the indexers' time of a day.
    #[serde(default)]
    pub spend_guard: SpendGuard,
}

/// The limits on the indexers' time of a day (UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpendGuard {
    /// Whether the limit of all is reached: only the sweeper works.
    pub active: bool,
    /// Time used today.
    pub spent_seconds: i64,
    /// How much may be; `null`: no limit.
    pub limit_seconds: Option<i64>,
    /// Tenants whose own limit is reached.
    pub tenants_over: i64,
}

/// Object store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoreHealth {
    /// Whether it answers.
    pub status: SaasStatus,
    /// Time of one request, in milliseconds.
    pub latency_ms: Option<u64>,
}

/// `/health/ready`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether requests will be answered. Answered with 503 where not.
    pub ready: bool,
    /// Whether the process was asked to stop: for two more seconds it answers what comes.
    pub stopping: bool,
    /// Whether Postgres answers.
    pub postgres: SaasStatus,
    /// Whether the schema is the one that this program knows, or newer.
    pub schema_current: bool,
    /// Whether the object store answers.
    pub store: SaasStatus,
}
