//! The side of a worker: to claim a job, to keep it, and to give it back in one way or another. Every statement after the
//! claim names the fence, so a worker that lost its lease changes nothing. All clocks are the database's.

use std::time::Duration;

use sqlx::postgres::PgRow;

use super::policy::{MOST_CRASHES, Outcome, after_failure};
use super::queue::millis;
use super::{Claimed, ErrorClass, JobState, known};
use crate::db::repositories::Credential;
use crate::db::tx::{Statement, column};
use crate::db::{DbError, Tx};
use crate::id::{JobId, RepositoryId, TenantId};

/// Expired leases that one claim takes back at most.
const MOST_RESCUES: i32 = 20;
/// Characters kept of an error.
const MOST_MESSAGE: usize = 2000;

/// Rescues expired leases, then leases the next due job. Scope: worker. Commit even if there is none to lease: the rescues
/// are to last.
pub async fn claim(tx: &mut Tx, worker: &str, lease: Duration) -> Result<Option<Claimed>, DbError> {
    tx.run(Statement::new("SELECT kotadb.rescue_jobs($1, $2)").bind(MOST_RESCUES).bind(MOST_CRASHES)).await?;
    // A job of a repository whose last crash was final is rescued too: that last worker may still live.
    let claim = Statement::new(
        "WITH next AS (
             SELECT j.id, r.url, r.name, r.ref_patterns, r.installation_id, r.token_id
             FROM kotadb.jobs j JOIN kotadb.repositories r ON r.id = j.repository_id AND r.deleted_at IS NULL
             WHERE j.state = 'queued' AND j.run_at <= now() AND NOT EXISTS (
                 SELECT FROM kotadb.jobs running
                 WHERE running.repository_id = j.repository_id AND running.state = 'running'
             )
             ORDER BY j.priority, j.run_at, j.id LIMIT 1 FOR UPDATE OF j SKIP LOCKED
         )
         UPDATE kotadb.jobs j SET state = 'running', attempt = j.attempt + 1, fence = nextval('kotadb.job_fences'),
             lease_owner = $1, lease_expires_at = now() + $2::bigint * interval '1 millisecond', started_at = now(),
             rescued = j.rescued OR EXISTS (
                 SELECT FROM kotadb.jobs dead
                 WHERE dead.repository_id = j.repository_id AND dead.state = 'dead' AND dead.error_class = 'crash'
                     AND dead.finished_at > now() - interval '1 day'
             )
         FROM next WHERE j.id = next.id
         RETURNING j.id, j.fence, j.tenant_id, j.repository_id, next.url, next.name::text, next.ref_patterns,
             next.installation_id, next.token_id, j.rebuild, j.attempt, j.rescued",
    );
    let row = tx.row(claim.bind(worker.to_owned()).bind(millis(lease))).await?;
    row.as_ref().map(read).transpose()
}

/// Prolongs the lease; says whether a cancel was asked for. [`DbError::LeaseLost`] when it is no longer ours.
pub async fn heartbeat(tx: &mut Tx, claimed: &Claimed, lease: Duration) -> Result<bool, DbError> {
    let prolong = Statement::new(
        "UPDATE kotadb.jobs SET lease_expires_at = now() + $3::bigint * interval '1 millisecond'
         WHERE id = $1 AND fence = $2 AND state = 'running'
         RETURNING cancel_requested_at IS NOT NULL AS cancelled",
    );
    let prolong = prolong.bind(claimed.job.0).bind(claimed.fence).bind(millis(lease));
    let row = tx.row(prolong).await?.ok_or(DbError::LeaseLost)?;
    column(&row, "cancelled")
}

/// Closes the job as done and copies `indexed_commit` to the repository for display. The repository's row comes first, as
/// in its deletion: the other way round, the two would wait for each other. Do not commit after an error.
pub async fn complete(
    tx: &mut Tx,
    claimed: &Claimed,
    commit: Option<&str>,
    summary: serde_json::Value,
) -> Result<(), DbError> {
    if let Some(commit) = commit {
        let show = "UPDATE kotadb.repositories SET indexed_commit = $2, indexed_at = now() WHERE id = $1";
        tx.run(Statement::new(show).bind(claimed.repository.0).bind(commit.to_owned())).await?;
    }
    let close = Statement::new(
        "UPDATE kotadb.jobs SET state = 'done', finished_at = now(), summary = $3, error_class = NULL,
             lease_owner = NULL, lease_expires_at = NULL
         WHERE id = $1 AND fence = $2 AND state = 'running'",
    );
    match tx.run(close.bind(claimed.job.0).bind(claimed.fence).bind(summary)).await? {
        0 => Err(DbError::LeaseLost),
        _ => Ok(()),
    }
}

/// Records a failure: dead, snoozed or queued again with backoff, by class. Says where the job went.
pub async fn fail(tx: &mut Tx, claimed: &Claimed, class: ErrorClass, message: &str) -> Result<JobState, DbError> {
    let (attempt, crashes) = lock(tx, claimed).await?;
    let message: String = message.chars().filter(|&c| c != '\0').take(MOST_MESSAGE).collect();
    match after_failure(class, attempt, crashes) {
        Outcome::Dead { attempt, crashes } => {
            let bury = Statement::new(
                "UPDATE kotadb.jobs SET state = 'dead', finished_at = now(), lease_owner = NULL, lease_expires_at = NULL,
                     attempt = $2, crash_count = $3, error_class = $4::text,
                     errors = kotadb.last_errors(errors || jsonb_build_object('class', $4::text, 'message', $5::text, 'at', now()))
                 WHERE id = $1",
            );
            let bury = bury.bind(claimed.job.0).bind(attempt).bind(crashes).bind(class.as_str()).bind(message);
            tx.run(bury).await.map(|_| JobState::Dead)
        }
        Outcome::Again { attempt, crashes, pause, jitter } => {
            let requeue = Statement::new(
                "SELECT kotadb.requeue_job($1, now() + ($2::bigint + random() * $3::bigint) * interval '1 millisecond', $4, $5,
                     false, jsonb_build_object('class', $6::text, 'message', $7::text, 'at', now())) AS state",
            );
            let requeue =
                requeue.bind(claimed.job.0).bind(millis(pause)).bind(millis(jitter)).bind(attempt).bind(crashes);
            went_to(tx, requeue.bind(class.as_str()).bind(message)).await
        }
    }
}

/// Gives the job back untouched (SIGTERM): queued, attempt unchanged.
pub async fn release(tx: &mut Tx, claimed: &Claimed) -> Result<(), DbError> {
    let (attempt, crashes) = lock(tx, claimed).await?;
    let requeue = Statement::new("SELECT kotadb.requeue_job($1, now(), $2, $3, false, NULL) AS state");
    let requeue = requeue.bind(claimed.job.0).bind((attempt - 1).max(0)).bind(crashes);
    went_to(tx, requeue).await.map(|_| ())
}

/// Locks the row of a claim that still holds; its attempt and crash counts.
async fn lock(tx: &mut Tx, claimed: &Claimed) -> Result<(i32, i32), DbError> {
    let lock = Statement::new(
        "SELECT attempt, crash_count FROM kotadb.jobs WHERE id = $1 AND fence = $2 AND state = 'running' FOR UPDATE",
    );
    let row = tx.row(lock.bind(claimed.job.0).bind(claimed.fence)).await?.ok_or(DbError::LeaseLost)?;
    Ok((column(&row, "attempt")?, column(&row, "crash_count")?))
}

async fn went_to(tx: &mut Tx, requeue: Statement) -> Result<JobState, DbError> {
    let row = tx.row(requeue).await?.ok_or(DbError::LeaseLost)?;
    known(column(&row, "state")?, JobState::parse)
}

fn read(row: &PgRow) -> Result<Claimed, DbError> {
    Ok(Claimed {
        job: JobId(column(row, "id")?),
        fence: column(row, "fence")?,
        tenant: TenantId(column(row, "tenant_id")?),
        repository: RepositoryId(column(row, "repository_id")?),
        url: column(row, "url")?,
        name: column(row, "name")?,
        credential: Credential::read(row)?,
        ref_patterns: column(row, "ref_patterns")?,
        full: column(row, "rebuild")?,
        attempt: column(row, "attempt")?,
        rescued: column(row, "rescued")?,
    })
}
