//! What is done once an hour, whoever asks for it: jobs of schedules that are due, and the upkeep of every tenant. Each part
//! is safe to do twice and at the same time as anybody else; one that fails does not stop the others.

use std::time::Duration;

use kotadb_core::db::jobs::{self, JobKind, NewJob, Trigger};
use kotadb_core::db::schedules::{self, Due};
use kotadb_core::db::{DbError, Scope};
use kotadb_core::schedule::Schedule;
use kotadb_core::telemetry::events;
use tracing::{info, warn};

use crate::halt::Halt;
use crate::job::Indexer;
use crate::upkeep::{self, Part};

/// Schedules that one transaction works off.
const BATCH: i64 = 100;

/// Sweeps; says whether all of it was done.
pub async fn sweep(indexer: &Indexer, stop: &Halt) -> bool {
    let scheduled = queue_scheduled(indexer).await;
    match &scheduled {
        Ok(0) => {}
        Ok(jobs) => info!(jobs, "{}", events::SCHEDULED),
        Err(error) => warn!(%error, "{}", events::SWEEP_FAILED),
    }
    let failed = upkeep::sweep(indexer, Part::All, stop).await;
    if let Err(error) = &failed {
        warn!(%error, "{}", events::SWEEP_FAILED);
    }
    scheduled.is_ok() && failed.is_ok_and(|failed| failed == 0)
}

/// Queues a job for each repository whose schedule has fired, however often it has since the last look; says how many.
pub async fn queue_scheduled(indexer: &Indexer) -> Result<usize, DbError> {
    let mut n_queued = 0;
    loop {
        let mut tx = indexer.db.begin(Scope::Worker).await?;
        let due = schedules::due(&mut tx, BATCH).await?;
        for one in &due {
            schedules::set_next(&mut tx, one.repository, next(one)).await?;
            jobs::enqueue(&mut tx, &job(one)).await?;
        }
        tx.commit().await?;
        n_queued += due.len();
        if due.is_empty() {
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
