//! Counts of the job queue for the health report, over all tenants, by a SECURITY DEFINER function.

use super::tx::{Statement, column};
use super::{DbError, Tx};

/// How the job queue stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobQueue {
    /// Jobs that wait.
    pub queued: i64,
    /// Jobs that are leased.
    pub in_progress: i64,
    /// Jobs that died within the last hour by our fault.
    pub failed_recent: i64,
    /// Jobs that died within the last hour by the repository's own fault.
    pub failed_recent_tenant: i64,
    /// For how long the oldest due job has waited, in seconds.
    pub oldest_queued_seconds: i64,
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
    })
}
