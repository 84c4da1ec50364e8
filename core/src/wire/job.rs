//! Jobs as their owners see them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;
use crate::db::jobs::{self, Enqueued, JobRow};

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// UUID.
    #[schema(format = Uuid)]
    pub id: String,
    /// UUID of its repository.
    #[schema(format = Uuid)]
    pub repository: String,
    /// `queued`, `running`, `done`, `dead`, `cancelled`, `superseded`.
    pub state: String,
    /// Who asked: `manual`, `push`, `register`, `sweep`.
    pub trigger: String,
    /// Tries so far.
    pub attempt: i32,
    /// Requests that joined it while it was queued.
    pub coalesced: i32,
    /// Class of the last error: `permanent`, `transient`, `rate_limited`, `crash`, …
    pub error_class: Option<String>,
    /// The last error.
    pub error: Option<String>,
    /// Counts of the finished run.
    #[schema(value_type = Option<Object>)]
    pub summary: Option<serde_json::Value>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Earliest start.
    pub run_at: Timestamp,
    /// Last start.
    pub started_at: Option<Timestamp>,
    /// End.
    pub finished_at: Option<Timestamp>,
    /// What happened to it, oldest first, the newest 200; only where one job is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<JobEvent>>,
}

/// A step of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobEvent {
    /// `claimed`, `listed`, `fetched`, `built`, `uploaded`, `published`, `done`, `failed`, `released`, `rescued`,
    /// `cancelled`, `retried`.
    pub phase: String,
    /// In which try.
    pub attempt: i32,
    /// Counts and reasons (`files`, `skipped`, `bytes_written`, `class`, …).
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
    /// When.
    pub at: Timestamp,
}

/// A job that was just asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueuedJob {
    /// UUID.
    #[schema(format = Uuid)]
    pub id: String,
    /// Always `queued`.
    pub state: String,
    /// Whether it was queued already and this request joined it.
    pub coalesced: bool,
}

/// An SCIP index that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportedIndex {
    /// The commit that it is of.
    pub commit: String,
    /// Documents in it.
    pub documents: u64,
    /// The job that makes graphs with it.
    pub job: QueuedJob,
}

impl From<Enqueued> for QueuedJob {
    fn from(enqueued: Enqueued) -> Self {
        Self { id: enqueued.job.to_string(), state: "queued".to_owned(), coalesced: enqueued.coalesced }
    }
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id.to_string(),
            repository: row.repository.to_string(),
            state: row.state.as_str().to_owned(),
            trigger: row.trigger.as_str().to_owned(),
            attempt: row.attempt,
            coalesced: row.coalesced,
            error_class: row.error_class,
            error: row.error,
            summary: row.summary,
            created_at: Timestamp(row.created_at),
            run_at: Timestamp(row.run_at),
            started_at: row.started_at.map(Timestamp),
            finished_at: row.finished_at.map(Timestamp),
            events: None,
        }
    }
}

impl From<jobs::JobEvent> for JobEvent {
    fn from(event: jobs::JobEvent) -> Self {
        Self {
            phase: event.phase.as_str().to_owned(),
            attempt: event.attempt,
            detail: event.detail,
            at: Timestamp(event.at),
        }
    }
}
