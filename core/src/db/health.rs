//! What the health report and the metrics tell of jobs, over all tenants, by SECURITY DEFINER functions.

use time::OffsetDateTime;

use super::tx::{Statement, column};
use super::{DbError, Tx};

/// How the job queue stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobQueue {
    /// Jobs that wait; of more than 10,000 what the last ANALYZE estimates.
    pub queued: i64,
    /// Jobs that are leased.
    pub in_progress: i64,
    /// Jobs that died within the last hour by our fault (crash, storage, database, deadline).
    pub failed_recent: i64,
    /// Jobs that died within the last hour by the fault of the repository or its host.
    pub failed_recent_tenant: i64,
    /// For how long the oldest due job has waited, in seconds.
    pub oldest_queued_seconds: i64,
    /// Whether an operator has paused all of it.
    pub paused: bool,
    /// Seconds that indexers have worked since midnight UTC.
    pub spent_seconds: i64,
    /// How many they may; above it only the sweeper works.
    pub spend_limit_seconds: Option<i64>,
    /// Tenants that are over a limit of their own.
    pub tenants_over: i64,
    /// When the last sweep that came to its end did so.
    pub last_sweep: Option<OffsetDateTime>,
}

/// How many jobs ever came to an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobTotal {
    /// `done`, `dead`, `cancelled`, or `retried` of a try that failed and is made again.
    pub outcome: String,
    /// Class of the error; empty where there is none.
    pub class: String,
    /// How many.
    pub jobs: i64,
}

/// Every end that jobs ever came to. Scope: anonymous.
pub async fn job_totals(tx: &mut Tx) -> Result<Vec<JobTotal>, DbError> {
    let rows = tx.rows(Statement::new("SELECT outcome, class, jobs FROM kotadb.job_totals()")).await?;
    let total = |row| {
        Ok(JobTotal { outcome: column(row, "outcome")?, class: column(row, "class")?, jobs: column(row, "jobs")? })
    };
    rows.iter().map(total).collect()
}

/// Notes that a sweep came to its end. Scope: worker.
pub async fn note_sweep(tx: &mut Tx) -> Result<(), DbError> {
    tx.run(Statement::new("SELECT kotadb.note_sweep()")).await.map(|_| ())
}

/// Counts the jobs. Scope: anonymous.
pub async fn job_queue(tx: &mut Tx) -> Result<JobQueue, DbError> {
    let Some(row) = tx.row(Statement::new("SELECT * FROM kotadb.health()")).await? else {
        return Ok(JobQueue::default());
    };
    Ok(JobQueue {
        queued: column(&row, "queued")?,
        in_progress: column(&row, "in_progress")?,
        failed_recent: column(&row, "failed_recent")?,
        failed_recent_tenant: column(&row, "failed_recent_tenant")?,
        oldest_queued_seconds: column(&row, "oldest_queued_seconds")?,
        paused: column(&row, "paused")?,
        spent_seconds: column(&row, "spent_seconds")?,
        spend_limit_seconds: column(&row, "spend_limit_seconds")?,
        tenants_over: column(&row, "tenants_over")?,
        last_sweep: column(&row, "last_sweep")?,
    })
}
