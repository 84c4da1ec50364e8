//! Keeps the lease of a running job: heartbeats on the database's clock, and a trust window on ours. If no heartbeat
//! succeeded for two thirds of the lease, the job stops before anybody else may take it.

use std::time::Duration;

use kotadb_core::db::jobs::{self, Claimed};
use kotadb_core::db::{Db, DbError, Scope};
use kotadb_core::telemetry::{events, fields};
use tokio::task::JoinHandle;
use tracing::warn;

use crate::clock;
use crate::halt::{Halt, Reason};

/// The heartbeat task of one job; dropped, it ends.
#[derive(Debug)]
pub struct Lease {
    task: JoinHandle<()>,
}

impl Lease {
    /// Starts heartbeats for a job whose claim was asked for at `since`, a time since boot.
    pub fn keep(db: Db, claimed: Claimed, lease: Duration, since: Duration, halt: Halt) -> Self {
        halt.trust_until(since + trusted(lease));
        let task = tokio::spawn(beat_on(db, claimed, lease, halt));
        Self { task }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn trusted(lease: Duration) -> Duration {
    lease * 2 / 3
}

async fn beat_on(db: Db, claimed: Claimed, lease: Duration, halt: Halt) {
    let mut since = clock::since_boot();
    let mut pause = lease / 4;
    while halt.check().is_ok() {
        tokio::time::sleep(pause).await;
        let begun = clock::since_boot();
        let left = trusted(lease).saturating_sub(begun - since);
        match tokio::time::timeout(left, beat(&db, &claimed, lease)).await {
            Ok(Ok(cancelled)) => {
                since = begun;
                pause = lease / 4;
                halt.trust_until(begun + trusted(lease));
                if cancelled {
                    halt.halt(Reason::Cancelled);
                }
            }
            Ok(Err(DbError::LeaseLost)) => halt.halt(Reason::LeaseLost),
            Ok(Err(error)) => {
                warn!({ fields::JOB_ID } = %claimed.job, %error, "{}", events::DATABASE_UNREACHABLE);
                pause = lease / 20;
            }
            Err(_late) => halt.halt(Reason::LeaseLost),
        }
    }
}

async fn beat(db: &Db, claimed: &Claimed, lease: Duration) -> Result<bool, DbError> {
    let mut tx = db.begin(Scope::Worker).await?;
    let cancelled = jobs::heartbeat(&mut tx, claimed, lease).await?;
    tx.commit().await?;
    Ok(cancelled)
}
