//! How a worker gives a job back: done, failed, or untouched. Every statement names the fence. A repository is locked before
//! its job, as in a deletion, so that the two never wait for each other.

use serde_json::{Value, json};

use super::events::{self, Phase};
use super::policy::{Outcome, after_failure, leaves_doubt};
use super::queue::millis;
use super::{Claimed, ErrorClass, JobState, known};
use crate::db::once::Call;
use crate::db::tx::{Statement, column};
use crate::db::{Db, DbError, Scope, Tx};

/// Characters kept of an error.
const MOST_MESSAGE: usize = 2000;

/// Closes the job as done and copies `indexed_commit` to the repository for display (`kotadb.complete_job`), in one round
/// trip.
pub async fn complete(db: &Db, claimed: &Claimed, commit: Option<&str>, summary: &Value) -> Result<(), DbError> {
    let call = Call::new("complete_job AS closed", "kotadb.complete_job")
        .text(&claimed.job.to_string())
        .number(claimed.fence)
        .text(&claimed.repository.to_string())
        .optional_text(commit)
        .text(&summary.to_string());
    let rows = db.once(Scope::Worker, &call).await?;
    let closed = rows.first().map(|row| column(row, "closed")).transpose()?;
    if closed == Some(true) { Ok(()) } else { Err(DbError::LeaseLost) }
}

/// Records a failure: dead, snoozed or queued again with backoff, by class. Says where the job went. The last crash suspends
/// the repository.
pub async fn fail(tx: &mut Tx, claimed: &Claimed, class: ErrorClass, message: &str) -> Result<JobState, DbError> {
    if class == ErrorClass::Crash {
        let lock = "SELECT FROM kotadb.repositories WHERE id = $1 FOR NO KEY UPDATE";
        tx.run(Statement::new(lock).bind(claimed.repository.0)).await?;
    }
    let (attempt, crashes) = lock(tx, claimed).await?;
    let message: String = message.chars().filter(|&c| c != '\0').take(MOST_MESSAGE).collect();
    let detail = json!({ "class": class.as_str(), "message": message });
    events::add(tx, claimed.job, Phase::Failed, detail).await?;
    match after_failure(class, attempt, crashes) {
        Outcome::Dead { attempt, crashes } => {
            let bury = Statement::new(
                "UPDATE kotadb.jobs SET state = 'dead', finished_at = now(), lease_owner = NULL, lease_expires_at = NULL,
                     attempt = $2, crash_count = $3, rescued = rescued OR $6, error_class = $4::text,
                     errors = kotadb.last_errors(errors || jsonb_build_object('class', $4::text, 'message', $5::text, 'at', now()))
                 WHERE id = $1",
            );
            let bury = bury.bind(claimed.job.0).bind(attempt).bind(crashes).bind(class.as_str()).bind(message);
            tx.run(bury.bind(leaves_doubt(class))).await?;
            if class == ErrorClass::Crash {
                let suspend = Statement::new("SELECT kotadb.suspend_for_crashes($1)").bind(claimed.repository.0);
                tx.run(suspend).await?;
            }
            Ok(JobState::Dead)
        }
        Outcome::Again { attempt, crashes, pause, jitter } => {
            let requeue = Statement::new(
                "SELECT kotadb.put_back_job($1, now() + ($2::bigint + random() * $3::bigint) * interval '1 millisecond', $4, $5,
                     $8, jsonb_build_object('class', $6::text, 'message', $7::text, 'at', now())) AS state",
            );
            let requeue =
                requeue.bind(claimed.job.0).bind(millis(pause)).bind(millis(jitter)).bind(attempt).bind(crashes);
            went_to(tx, requeue.bind(class.as_str()).bind(message).bind(leaves_doubt(class))).await
        }
    }
}

/// Notes that a swap of HEAD was begun and may still take effect, whatever the run ends with: the next worker raises the
/// fence first. In the transaction that says how it ended, before that.
pub async fn doubt(tx: &mut Tx, claimed: &Claimed) -> Result<(), DbError> {
    let note = "UPDATE kotadb.jobs SET rescued = true WHERE id = $1 AND fence = $2 AND state = 'running'";
    match tx.run(Statement::new(note).bind(claimed.job.0).bind(claimed.fence)).await? {
        0 => Err(DbError::LeaseLost),
        _ => Ok(()),
    }
}

/// Gives the job back untouched (SIGTERM): queued, attempt unchanged. `may_publish`: a swap of HEAD was begun and may still
/// take effect, so the next worker raises the fence first.
pub async fn release(tx: &mut Tx, claimed: &Claimed, may_publish: bool) -> Result<(), DbError> {
    let (attempt, crashes) = lock(tx, claimed).await?;
    events::add(tx, claimed.job, Phase::Released, json!({})).await?;
    let requeue = Statement::new("SELECT kotadb.put_back_job($1, now(), $2, $3, $4, NULL) AS state");
    let requeue = requeue.bind(claimed.job.0).bind((attempt - 1).max(0)).bind(crashes).bind(may_publish);
    went_to(tx, requeue).await.map(|_| ())
}

/// Locks the row of a claim that still holds; its attempt and crash counts.
pub(super) async fn lock(tx: &mut Tx, claimed: &Claimed) -> Result<(i32, i32), DbError> {
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
