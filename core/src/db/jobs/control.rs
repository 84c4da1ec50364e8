//! What stops a job, starts it again and forgets it. Scope: its tenant's, or worker.

use uuid::Uuid;

use super::{JobState, known};
use crate::db::tx::{Statement, column};
use crate::db::{DbError, Tx};
use crate::id::JobId;

/// Rows that one call of a `prune` deletes at most.
pub(in crate::db) const PRUNE_BATCH: u64 = 1000;

/// What became of a job that was to be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The job that stands for it now: itself, or the queued one that it was merged into.
    pub job: JobId,
    /// Where the asked one is.
    pub state: JobState,
    /// Whether it was in a state to be moved.
    pub moved: bool,
}

/// Cancels a queued job at once and asks the worker of a running one to end it. `None`: no such job.
pub async fn cancel(tx: &mut Tx, job: JobId) -> Result<Option<Moved>, DbError> {
    let cancel = Statement::new("SELECT $1::uuid AS id, state, moved FROM kotadb.cancel_job($1)");
    moved(tx, cancel.bind(job.0)).await
}

/// Queues a dead or cancelled job again, as a new one; a suspension of its repository for crashes ends. `None`: no such job.
pub async fn retry(tx: &mut Tx, job: JobId) -> Result<Option<Moved>, DbError> {
    moved(tx, Statement::new("SELECT id, state, moved FROM kotadb.retry_job($1)").bind(job.0)).await
}

/// Forgets jobs that ended more than 7 days ago, with their steps; `true`: there may be more, call again. Scope: worker.
pub async fn prune(tx: &mut Tx) -> Result<bool, DbError> {
    let delete = "DELETE FROM kotadb.jobs WHERE id IN (
             SELECT id FROM kotadb.jobs WHERE finished_at < now() - interval '7 days'
             ORDER BY finished_at LIMIT 1000 FOR UPDATE SKIP LOCKED
         )";
    Ok(tx.run(Statement::new(delete)).await? == PRUNE_BATCH)
}

async fn moved(tx: &mut Tx, statement: Statement) -> Result<Option<Moved>, DbError> {
    let Some(row) = tx.row(statement).await? else {
        return Ok(None);
    };
    let job = JobId(column::<Uuid>(&row, "id")?);
    let state = known(column(&row, "state")?, JobState::parse)?;
    Ok(Some(Moved { job, state, moved: column(&row, "moved")? }))
}
