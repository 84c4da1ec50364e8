//! Takes jobs until none is left (`drain`) or until told to stop (`serve`), keeps their leases, and closes their rows.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use kotadb_core::db::jobs::{self, Claimed, ErrorClass, JobState, Spend};
use kotadb_core::db::{DbError, Scope};
use kotadb_core::telemetry::events;
use tracing::{info, warn};

use crate::error::IndexError;
use crate::halt::{Halt, Reason};
use crate::job::{self, Indexer, Outcome};
use crate::lease::Lease;
use crate::upkeep::{self, Part};
use crate::wakes::Wakes;
use crate::{fail_point, limits};

/// Pause between two looks at the job table.
const POLL: Duration = Duration::from_secs(1);
/// Time between two sweeps of a server that is not busy.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);
/// How long Postgres may be away before a drain gives up, and before the row of a finished job is left to its rescue.
const PATIENCE: Duration = Duration::from_secs(20);
/// The same for a job that is given back: whoever asked the process to end waits for it, and the rescue does as well.
const RELEASE_PATIENCE: Duration = Duration::from_secs(3);

/// Runs jobs until none is due and none is leased by anybody, or until `stop` halts; then looks after their tenants.
pub async fn drain(indexer: &Indexer, stop: &Halt) -> Result<(), IndexError> {
    let worker = worker_name();
    let wakes = Wakes::listen(indexer.direct_url.as_deref());
    let mut touched = BTreeSet::new();
    while stop.check().is_ok() {
        let since = Instant::now();
        if let Some(claimed) = patiently(|| claim(indexer, &worker)).await? {
            touched.insert(claimed.tenant);
            run_job(indexer, &claimed, since, stop).await;
        } else if patiently(|| outstanding(indexer)).await? == 0 {
            upkeep::after_jobs(indexer, &mut touched, stop).await;
            return Ok(());
        } else {
            wakes.pause(POLL, stop).await;
        }
    }
    Ok(())
}

/// Looks for jobs each second until `stop` halts. Postgres may come and go.
pub async fn serve(indexer: &Indexer, stop: &Halt) {
    let worker = worker_name();
    let wakes = Wakes::listen(indexer.direct_url.as_deref());
    let mut touched = BTreeSet::new();
    let mut swept = Instant::now();
    while stop.check().is_ok() {
        let since = Instant::now();
        match claim(indexer, &worker).await {
            Ok(Some(claimed)) => {
                touched.insert(claimed.tenant);
                run_job(indexer, &claimed, since, stop).await;
            }
            Ok(None) if swept.elapsed() >= SWEEP_EVERY => {
                swept = Instant::now();
                if let Err(error) = upkeep::sweep(indexer, Part::All, stop).await {
                    warn!(%error, "{}", events::UPKEEP_FAILED);
                }
            }
            Ok(None) => {
                upkeep::after_jobs(indexer, &mut touched, stop).await;
                wakes.pause(POLL, stop).await;
            }
            Err(error) => {
                warn!(%error, "{}", events::DATABASE_UNREACHABLE);
                wakes.pause(POLL, stop).await;
            }
        }
    }
}

fn worker_name() -> String {
    format!("{}-{}", std::process::id(), uuid::Uuid::now_v7())
}

async fn claim(indexer: &Indexer, worker: &str) -> Result<Option<Claimed>, DbError> {
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    let claimed = jobs::claim(&mut tx, worker, indexer.lease, Spend::Guarded).await?;
    tx.commit().await?;
    Ok(claimed)
}

async fn outstanding(indexer: &Indexer) -> Result<i64, DbError> {
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    let (count, _next) = jobs::outstanding(&mut tx, Spend::Guarded).await?;
    tx.commit().await?;
    Ok(count)
}

/// Runs one job and closes its row. Failures end in the row or in the log, never in the loop that called.
async fn run_job(indexer: &Indexer, claimed: &Claimed, since: Instant, stop: &Halt) {
    info!(job = %claimed.job, repository = %claimed.repository, attempt = claimed.attempt, fence = claimed.fence, "{}", events::JOB_CLAIMED);
    let claimed = &match above_head(indexer, claimed).await {
        Ok(claimed) => claimed,
        Err(error) => return warn!(job = %claimed.job, %error, "{}", row_event(&error)),
    };
    let halt = Halt::default();
    let _lease = Lease::keep(indexer.db.clone(), claimed.clone(), indexer.lease, since, halt.clone());
    let forward = tokio::spawn(forward(stop.clone(), halt.clone()));
    let result = tokio::select! {
        biased;
        reason = halt.wait() => Err(IndexError::Halted(reason)),
        result = tokio::time::timeout(limits::JOB_DEADLINE, job::run(indexer, claimed, &halt)) => {
            result.unwrap_or(Err(IndexError::Deadline))
        }
    };
    forward.abort();
    if let Err(error) = settle(indexer, claimed, &halt, result).await {
        warn!(job = %claimed.job, %error, "{}", row_event(&error));
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
    warn!(job = %claimed.job, fence, head = found, "{}", events::FENCE_RAISED);
    Ok(Claimed { fence, ..claimed.clone() })
}

async fn forward(stop: Halt, halt: Halt) {
    halt.halt(stop.wait().await);
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
            patiently(|| complete(indexer, claimed, &outcome)).await?;
            fail_point::hit("publish.after_row");
            let summary = outcome.summary.to_json();
            info!(job = %claimed.job, repository = %claimed.repository, %summary, "{}", events::JOB_DONE);
            Ok(())
        }
        Err(error) if error.is_lease_lost() => Err(DbError::LeaseLost),
        Err(IndexError::Halted(reason)) => {
            // Given back; a job whose owner asked for its end is closed as cancelled by that.
            patiently_for(RELEASE_PATIENCE, || release(indexer, claimed, halt.may_publish())).await?;
            let event = if reason == Reason::Cancelled { events::JOB_CANCELLED } else { events::JOB_RELEASED };
            info!(job = %claimed.job, "{event}");
            Ok(())
        }
        Err(error) => record(indexer, claimed, &error).await,
    }
}

async fn record(indexer: &Indexer, claimed: &Claimed, error: &IndexError) -> Result<(), DbError> {
    let (class, message) = (error.class(), error.to_string());
    let state = patiently(|| fail(indexer, claimed, class, &message)).await?;
    let event = if state == JobState::Dead { events::JOB_DEAD } else { events::JOB_FAILED };
    warn!(job = %claimed.job, repository = %claimed.repository, error = message, class = ?class, "{event}");
    Ok(())
}

async fn complete(indexer: &Indexer, claimed: &Claimed, outcome: &Outcome) -> Result<(), DbError> {
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    let commit = outcome.commit.map(|commit| commit.to_string());
    jobs::complete(&mut tx, claimed, commit.as_deref(), outcome.summary.to_json()).await?;
    tx.commit().await
}

async fn fail(indexer: &Indexer, claimed: &Claimed, class: ErrorClass, message: &str) -> Result<JobState, DbError> {
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    let state = jobs::fail(&mut tx, claimed, class, message).await?;
    tx.commit().await?;
    Ok(state)
}

async fn release(indexer: &Indexer, claimed: &Claimed, may_publish: bool) -> Result<(), DbError> {
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    jobs::release(&mut tx, claimed, may_publish).await?;
    tx.commit().await
}

/// Tries again while Postgres cannot be reached, for a while.
async fn patiently<T, F>(call: impl FnMut() -> F) -> Result<T, DbError>
where
    F: Future<Output = Result<T, DbError>>,
{
    patiently_for(PATIENCE, call).await
}

async fn patiently_for<T, F>(patience: Duration, mut call: impl FnMut() -> F) -> Result<T, DbError>
where
    F: Future<Output = Result<T, DbError>>,
{
    let since = Instant::now();
    loop {
        match call().await {
            Err(error @ DbError::Unreachable(_)) if since.elapsed() < patience => {
                warn!(%error, "{}", events::DATABASE_UNREACHABLE);
                tokio::time::sleep(POLL).await;
            }
            result => return result,
        }
    }
}
