//! One attempt at a job that was claimed: its lease is kept, it runs, and its row is closed in one way or another. Failures
//! end in the row or in the log, never in the loop that called.

use std::time::Duration;

use kotadb_core::db::jobs::{self, Claimed, ErrorClass, JobState, checkpoint};
use kotadb_core::db::{DbError, Scope, deletions, scip, tenants};
use kotadb_core::store::ObjectKey;
use kotadb_core::telemetry::{events, fields};
use tracing::{info, warn};

use crate::assignment::Assignment;
use crate::child::parent;
use crate::diary::{self, Diary};
use crate::error::IndexError;
use crate::graphs::Import;
use crate::halt::{Halt, Reason};
use crate::job::{self, Indexer, Outcome, Told};
use crate::lease::Lease;
use crate::patience::{PATIENCE, RELEASE_PATIENCE, patiently_for};
use crate::{fail_point, limits};

/// Runs a job whose claim was asked for at `since`, a time since boot.
pub async fn attempt(indexer: &Indexer, claimed: &Claimed, since: Duration, stop: &Halt) {
    info!({ fields::JOB_ID } = %claimed.job, { fields::REPOSITORY_ID } = %claimed.repository, { fields::JOB_ATTEMPT } = claimed.attempt,
        { fields::JOB_FENCE } = claimed.fence, "{}", events::JOB_CLAIMED);
    let claimed = &match above_head(indexer, claimed).await {
        Ok(claimed) => claimed,
        Err(error) => return warn!({ fields::JOB_ID } = %claimed.job, %error, "{}", row_event(&error)),
    };
    let halt = Halt::default();
    let _lease = Lease::keep(indexer.db.clone(), claimed.clone(), indexer.lease, since, halt.clone());
    let forward = tokio::spawn(forward(stop.clone(), halt.clone()));
    let result = match assign(indexer, claimed).await {
        Ok(assignment) => {
            let diary = Diary::begin(indexer.db.clone(), claimed.clone(), &assignment.uploaded);
            let result = run(indexer, &assignment, &halt, &diary).await;
            diary.end().await;
            if result.is_ok() {
                note_imports(indexer, &assignment).await;
            }
            result
        }
        Err(error) => Err(error),
    };
    forward.abort();
    if let Err(error) = settle(indexer, claimed, &halt, result).await {
        warn!({ fields::JOB_ID } = %claimed.job, %error, "{}", row_event(&error));
    }
}

/// The claim with a fence above that of HEAD. It is below after the database was restored from a backup; without this,
/// nothing could be published for as long as the fences need to grow past it. A HEAD that cannot be read fails the job later.
async fn above_head(indexer: &Indexer, claimed: &Claimed) -> Result<Claimed, DbError> {
    let Ok((root, _)) = indexer.store.head(claimed.tenant).await else {
        return Ok(claimed.clone());
    };
    let found = root.repositories.get(&claimed.repository).map_or(0, |entry| entry.fence);
    let found = i64::try_from(found).unwrap_or(i64::MAX);
    if found < claimed.fence {
        return Ok(claimed.clone());
    }
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    let fence = jobs::raise_fence(&mut tx, claimed, found).await?;
    tx.commit().await?;
    warn!({ fields::JOB_ID } = %claimed.job, fence, head = found, "{}", events::FENCE_RAISED);
    Ok(Claimed { fence, ..claimed.clone() })
}

async fn forward(stop: Halt, halt: Halt) {
    halt.halt(stop.wait().await);
}

/// What the run must know of the database, and the token that it needs.
async fn assign(indexer: &Indexer, claimed: &Claimed) -> Result<Assignment, IndexError> {
    let token = indexer.credentials.token(claimed.tenant, claimed.credential).await?;
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    let hidden = deletions::hidden(&mut tx, claimed.repository).await?;
    let checkpoint = checkpoint::load(&mut tx, claimed).await?;
    let most_bytes = tenants::most_stored(&mut tx, claimed.tenant).await?;
    let sent = scip::of_repository(&mut tx, claimed.repository).await?;
    tx.commit().await?;
    let uploaded = diary::uploaded(checkpoint, claimed.now_ms);
    let imports = sent.iter().filter_map(|row| {
        let key = ObjectKey::parse(&row.object)?;
        Some(Import { commit: row.commit, key, is_new: row.is_new })
    });
    Ok(Assignment { most_bytes, imports: imports.collect(), ..Assignment::new(claimed, token, hidden, uploaded) })
}

async fn run(indexer: &Indexer, assignment: &Assignment, halt: &Halt, diary: &Diary) -> Result<Outcome, IndexError> {
    let tell = |told: Told<'_>| {
        if matches!(told, Told::Publishing) {
            halt.begin_publish();
        }
        diary.note(told);
    };
    if let Some(program) = &indexer.program {
        return parent::run(program, assignment, halt, &tell).await;
    }
    tokio::select! {
        biased;
        reason = halt.wait() => Err(IndexError::Halted(reason)),
        result = tokio::time::timeout(limits::JOB_DEADLINE, job::run(indexer.workplace(), assignment, halt, &tell)) => {
            result.unwrap_or(Err(IndexError::Deadline))
        }
    }
}

/// Graphs hold them now. Where that cannot be written down, the next job makes the graphs once more.
async fn note_imports(indexer: &Indexer, assignment: &Assignment) {
    let new = assignment.imports.iter().filter(|import| import.is_new);
    let objects: Vec<_> = new.map(|import| import.key.to_string()).collect();
    if objects.is_empty() {
        return;
    }
    let note = async {
        let mut tx = indexer.db.begin(Scope::Worker).await?;
        scip::applied(&mut tx, assignment.repository, &objects).await?;
        tx.commit().await
    };
    if let Err(error) = note.await {
        warn!({ fields::JOB_ID } = %assignment.job, %error, "{}", row_event(&error));
    }
}

fn row_event(error: &DbError) -> &'static str {
    match error {
        DbError::LeaseLost => events::LEASE_LOST,
        _ => events::DATABASE_UNREACHABLE,
    }
}

/// Closes the row. A row that cannot be closed is rescued when its lease ends; HEAD then says that its work is done.
async fn settle(
    indexer: &Indexer,
    claimed: &Claimed,
    halt: &Halt,
    result: Result<Outcome, IndexError>,
) -> Result<(), DbError> {
    match result {
        Ok(outcome) => {
            fail_point::hit("publish.before_row");
            patiently_for(PATIENCE, || complete(indexer, claimed, &outcome)).await?;
            fail_point::hit("publish.after_row");
            let summary = outcome.summary;
            info!({ fields::JOB_ID } = %claimed.job, { fields::REPOSITORY_ID } = %claimed.repository, %summary, "{}", events::JOB_DONE);
            Ok(())
        }
        Err(error) if error.is_lease_lost() => Err(DbError::LeaseLost),
        Err(IndexError::Halted(reason)) => {
            // Given back; a job whose owner asked for its end is closed as cancelled by that.
            patiently_for(RELEASE_PATIENCE, || release(indexer, claimed, halt.may_publish())).await?;
            let event = if reason == Reason::Cancelled { events::JOB_CANCELLED } else { events::JOB_RELEASED };
            info!({ fields::JOB_ID } = %claimed.job, "{event}");
            Ok(())
        }
        Err(error) => record(indexer, claimed, &error, halt.may_publish()).await,
    }
}

async fn record(indexer: &Indexer, claimed: &Claimed, error: &IndexError, may_publish: bool) -> Result<(), DbError> {
    let (class, message) = (error.class(), error.to_string());
    let state = patiently_for(PATIENCE, || fail(indexer, claimed, (class, &message), may_publish)).await?;
    let event = if state == JobState::Dead { events::JOB_DEAD } else { events::JOB_FAILED };
    warn!({ fields::JOB_ID } = %claimed.job, { fields::REPOSITORY_ID } = %claimed.repository, error = message, class = ?class, "{event}");
    Ok(())
}

async fn complete(indexer: &Indexer, claimed: &Claimed, outcome: &Outcome) -> Result<(), DbError> {
    let commit = outcome.commit.map(|commit| commit.to_string());
    jobs::complete(&indexer.db, claimed, commit.as_deref(), &outcome.summary).await
}

async fn fail(
    indexer: &Indexer,
    claimed: &Claimed,
    (class, message): (ErrorClass, &str),
    may_publish: bool,
) -> Result<JobState, DbError> {
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    if may_publish && class != ErrorClass::Crash {
        jobs::doubt(&mut tx, claimed).await?;
    }
    let state = jobs::fail(&mut tx, claimed, class, message).await?;
    tx.commit().await?;
    Ok(state)
}

async fn release(indexer: &Indexer, claimed: &Claimed, may_publish: bool) -> Result<(), DbError> {
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    jobs::release(&mut tx, claimed, may_publish).await?;
    tx.commit().await
}
