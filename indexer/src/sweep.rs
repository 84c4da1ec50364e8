//! What is done once an hour, whoever asks for it: jobs of schedules that are due, what GitHub should have told, the upkeep
//! of every tenant, and forgetting what was kept long enough. Each part is safe to do twice and at the same time as anybody
//! else; one that fails does not stop the others.

use std::time::Duration;

use kotadb_core::db::jobs::{self, JobKind, NewJob, Trigger};
use kotadb_core::db::schedules::{self, Due};
use kotadb_core::db::{DbError, Scope, deliveries, health, idempotency, operators, tenants};
use kotadb_core::schedule::Schedule;
use kotadb_core::telemetry::events;
use tracing::{info, warn};

use crate::halt::Halt;
use crate::job::Indexer;
use crate::reconcile::Reconciler;
use crate::reseal;
use crate::upkeep::{self, Part};

/// Schedules that one transaction works off.
const BATCH: i64 = 100;

/// Batches of rows that one sweep forgets at most.
const MOST_BATCHES: usize = 100;

/// Sweeps; says whether all of it was done.
pub async fn sweep(reconciler: &Reconciler<'_>, stop: &Halt) -> bool {
    let indexer = reconciler.indexer;
    let scheduled = done(queue_scheduled(indexer).await);
    let reconciled = done(reconciler.run(stop).await);
    let looked_after = done(upkeep::sweep(indexer, Part::All, stop).await);
    let forgotten = done(forget(indexer).await);
    let resealed = done(reseal(reconciler).await);
    // A repository that cannot be compared is its owner's to see, not a fault of the sweep.
    let is_done = scheduled.is_some()
        && reconciled.is_some()
        && looked_after == Some(0)
        && forgotten.is_some()
        && resealed.is_some();
    // A part that fails again and again shows as a sweep that is long ago.
    if is_done {
        done(note(indexer).await);
    }
    is_done
}

/// For health and metrics.
async fn note(indexer: &Indexer) -> Result<(), DbError> {
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    health::note_sweep(&mut tx).await?;
    tx.commit().await
}

/// Once each hour is enough: the previous key is kept until an operator has seen a sweep.
async fn reseal(reconciler: &Reconciler<'_>) -> Result<(), DbError> {
    let Some(key) = reconciler.master_key.filter(|key| key.has_previous()) else { return Ok(()) };
    let resealed = reseal::reseal(&reconciler.indexer.db, key).await?;
    info!(secrets = resealed, "{}", events::RESEALED);
    Ok(())
}

/// `None`: the part failed, which is logged.
fn done<T, E: std::fmt::Display>(part: Result<T, E>) -> Option<T> {
    part.inspect_err(|error| warn!(%error, "{}: {error}", events::SWEEP_FAILED)).ok()
}

/// Forgets rates, jobs, deliveries, idempotent requests, deeds of operators and use of indexers that were kept long enough.
async fn forget(indexer: &Indexer) -> Result<(), DbError> {
    let mut tx = indexer.db.begin(Scope::Worker).await?;
    tenants::forget_rates(&mut tx).await?;
    tx.commit().await?;
    for _ in 0..MOST_BATCHES {
        let mut tx = indexer.db.begin(Scope::Worker).await?;
        let more = [
            jobs::prune(&mut tx).await?,
            deliveries::prune(&mut tx).await?,
            operators::prune(&mut tx).await?,
            idempotency::prune(&mut tx).await?,
        ];
        tx.commit().await?;
        if more == [false; 4] {
            break;
        }
    }
    Ok(())
}

/// Queues a job for each repository whose schedule has fired, however often it has since the last look; says how many.
pub async fn queue_scheduled(indexer: &Indexer) -> Result<usize, DbError> {
    let mut n_queued = 0;
    loop {
        let mut tx = indexer.db.begin(Scope::Worker).await?;
        let due = schedules::due(&mut tx, BATCH).await?;
        for one in &due {
            schedules::set_next(&mut tx, one.repository, next(one)).await?;
            if !one.is_new {
                jobs::enqueue(&mut tx, &job(one)).await?;
                n_queued += 1;
            }
        }
        tx.commit().await?;
        if due.is_empty() {
            if n_queued > 0 {
                info!(jobs = n_queued, "{}", events::SCHEDULED);
            }
            return Ok(n_queued);
        }
    }
}

/// A schedule that cannot be read any more fires no more.
fn next(due: &Due) -> Option<time::OffsetDateTime> {
    let schedule: Schedule = due.schedule.parse().ok()?;
    schedule.next_after(due.now)
}

fn job(due: &Due) -> NewJob {
    NewJob {
        tenant: due.tenant,
        repository: due.repository,
        kind: JobKind::Index,
        trigger: Trigger::Sweep,
        full: false,
        delay: Duration::ZERO,
    }
}
