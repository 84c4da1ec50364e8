//! What happened to a job, step by step, as its owner may read it. The newest 200 steps of a job are kept, with it.

use serde_json::Value;
use sqlx::postgres::PgRow;
use time::OffsetDateTime;

use super::{Claimed, known};
use crate::db::tx::{Statement, column};
use crate::db::{DbError, Tx};
use crate::id::JobId;

/// Bytes of a detail, as text, that are kept; a longer one is left out.
const MOST_DETAIL: usize = 8000;

/// A step of a job. The worker records those from `Listed` to `Published` by [`record`]; the others are recorded by what
/// moves the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A worker took it.
    Claimed,
    /// The refs of the remote are known.
    Listed,
    /// Commits and blobs are here.
    Fetched,
    /// Index files are built.
    Built,
    /// They are in the store.
    Uploaded,
    /// HEAD holds them.
    Published,
    /// Closed.
    Done,
    /// A try failed.
    Failed,
    /// Given back untouched.
    Released,
    /// Taken back from a worker whose lease expired.
    Rescued,
    /// Cancelled.
    Cancelled,
    /// Queued again by its owner or an operator.
    Retried,
}

/// A recorded step.
#[derive(Clone, Debug, PartialEq)]
pub struct JobEvent {
    /// Which step.
    pub phase: Phase,
    /// In which try.
    pub attempt: i32,
    /// An object of counts and reasons.
    pub detail: Value,
    /// When.
    pub at: OffsetDateTime,
}

/// Records a step of a job that is held; `detail` is an object. [`DbError::LeaseLost`] when the job is no longer held.
pub async fn record(tx: &mut Tx, claimed: &Claimed, phase: Phase, detail: Value) -> Result<(), DbError> {
    super::finish::lock(tx, claimed).await?;
    add(tx, claimed.job, phase, detail).await
}

/// Records a step of a job that the caller has locked.
pub(super) async fn add(tx: &mut Tx, job: JobId, phase: Phase, detail: Value) -> Result<(), DbError> {
    let fits = detail.is_object() && detail.to_string().len() <= MOST_DETAIL;
    let detail = if fits { detail } else { serde_json::json!({ "left_out": "the detail is longer than 8,000 bytes" }) };
    let insert = Statement::new("SELECT kotadb.add_job_event($1, $2, $3)");
    tx.run(insert.bind(job.0).bind(phase.as_str()).bind(detail)).await.map(|_| ())
}

/// The steps of a job of the tenant in scope, oldest first.
pub async fn events(tx: &mut Tx, job: JobId) -> Result<Vec<JobEvent>, DbError> {
    let select = "SELECT phase, attempt, detail, at FROM kotadb.job_events WHERE job_id = $1 ORDER BY nth";
    tx.rows(Statement::new(select).bind(job.0)).await?.iter().map(read).collect()
}

fn read(row: &PgRow) -> Result<JobEvent, DbError> {
    Ok(JobEvent {
        phase: known(column(row, "phase")?, Phase::parse)?,
        attempt: column(row, "attempt")?,
        detail: column(row, "detail")?,
        at: column(row, "at")?,
    })
}
