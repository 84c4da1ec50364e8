//! Takes jobs, one at a time: until none is left (`drain`), or until told to stop (`serve`). What becomes of one is
//! [`attempt`](crate::attempt).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kotadb_core::db::jobs::{self, Claimed, Spend};
use kotadb_core::db::{DbError, Scope};
use kotadb_core::schedule::Schedule;
use kotadb_core::telemetry::events;
use kotadb_core::trace;
use time::OffsetDateTime;
use tokio::sync::Notify;
use tracing::{Instrument, warn};

use crate::assignment::job_span;
use crate::attempt::attempt;
use crate::error::IndexError;
use crate::halt::Halt;
use crate::job::Indexer;
use crate::patience::{PATIENCE, patiently_for};
use crate::reconcile::Reconciler;
use crate::upkeep::{self, Ran};
use crate::wakes::Wakes;
use crate::{clock, sweep, wake_listener};

/// Pause between two looks at the job table.
const POLL: Duration = Duration::from_secs(1);
/// A job that is due within this time is waited for by who was woken: that of a push is due a second after its delivery.
const SOON: Duration = Duration::from_secs(2);
/// Pause between two looks at schedules, which fire on the minute.
const LOOK_AT_SCHEDULES: Duration = Duration::from_secs(60);

/// Who takes jobs.
#[derive(Debug)]
pub struct Worker<'a> {
    indexer: &'a Indexer,
    stop: &'a Halt,
    /// Whether it heeds the limits on the indexers' time of a day.
    spend: Spend,
    wakes: Wakes,
    /// Its name in the rows that it holds.
    name: String,
    /// What it ran and has not looked after yet.
    ran: Ran,
    /// When it looks at schedules again.
    look_at_schedules: Instant,
}

impl<'a> Worker<'a> {
    /// `stop` ends its loops.
    pub fn new(indexer: &'a Indexer, stop: &'a Halt, spend: Spend) -> Self {
        let name = format!("{}-{}", std::process::id(), uuid::Uuid::now_v7());
        let wakes = Wakes::listen(indexer.direct_url.as_deref());
        Self { indexer, stop, spend, wakes, name, ran: Ran::new(), look_at_schedules: Instant::now() }
    }

    /// What ends its pause.
    pub fn word(&self) -> Arc<Notify> {
        self.wakes.word()
    }

    /// Drains and listens for wake-ups meanwhile. The listener is closed before the last look at the job table, so that no
    /// call that was answered is lost: if something is due then, all begins again.
    pub async fn drain_listening(&mut self, linger: Duration, mut address: SocketAddr) -> Result<(), IndexError> {
        loop {
            let listening = wake_listener::listen(address, self.word())
                .await
                .map_err(IndexError::io(format!("cannot listen on `{address}`")))?;
            // Port 0 is any free one, but only at first.
            address = listening.address;
            self.drain_until_idle(linger, SOON).await?;
            listening.close().await;
            self.queue_scheduled().await?;
            if self.stop.check().is_err() || !self.is_wanted(SOON).await? {
                return Ok(());
            }
        }
    }

    /// Runs jobs until for as long as `linger` none was due and none leased by anybody, or until stopped.
    pub async fn drain(&mut self, linger: Duration) -> Result<(), IndexError> {
        self.drain_until_idle(linger, Duration::ZERO).await
    }

    async fn drain_until_idle(&mut self, linger: Duration, soon: Duration) -> Result<(), IndexError> {
        let mut busy = Instant::now();
        while self.stop.check().is_ok() {
            if self.work().await? {
                busy = Instant::now();
                continue;
            }
            if self.is_wanted(soon).await? {
                busy = Instant::now();
            } else {
                upkeep::after_jobs(self.indexer, &mut self.ran, self.stop).await;
                if busy.elapsed() >= linger {
                    return Ok(());
                }
            }
            self.wakes.pause(POLL, self.stop).await;
        }
        Ok(())
    }

    /// Runs jobs as they come and sweeps by a schedule, until stopped. Postgres may come and go.
    pub async fn serve(&mut self, reconciler: &Reconciler<'_>, sweeps: &Schedule) {
        let mut next_sweep = sweeps.next_after(OffsetDateTime::now_utc());
        while self.stop.check().is_ok() {
            match self.work().await {
                Ok(true) => {}
                Ok(false) if next_sweep.is_some_and(|at| OffsetDateTime::now_utc() >= at) => {
                    next_sweep = sweeps.next_after(OffsetDateTime::now_utc());
                    sweep::sweep(reconciler, self.stop).await;
                }
                Ok(false) => {
                    upkeep::after_jobs(self.indexer, &mut self.ran, self.stop).await;
                    self.wakes.pause(POLL, self.stop).await;
                }
                Err(error) => {
                    warn!(%error, "{}", events::DATABASE_UNREACHABLE);
                    self.wakes.pause(POLL, self.stop).await;
                }
            }
        }
    }

    /// Takes the next job that is due and runs it; `false`: there is none.
    async fn work(&mut self) -> Result<bool, DbError> {
        if Instant::now() >= self.look_at_schedules {
            self.look_at_schedules = Instant::now() + LOOK_AT_SCHEDULES;
            self.queue_scheduled().await?;
        }
        let Some((claimed, since)) = patiently_for(PATIENCE, || self.claim()).await? else { return Ok(false) };
        self.ran.entry(claimed.tenant).or_default().insert(claimed.repository);
        let span = job_span(claimed.job, claimed.repository, claimed.traceparent.as_ref());
        let run = attempt(self.indexer, &claimed, since, self.stop).instrument(span);
        // What the job causes (a follow-up, a wake-up) belongs to its trace.
        trace::within(claimed.traceparent.clone(), run).await;
        Ok(true)
    }

    /// Also says when the claim was asked for, since boot: its lease is not shorter than from then.
    async fn claim(&self) -> Result<Option<(Claimed, Duration)>, DbError> {
        let since = clock::since_boot();
        let claimed = jobs::claim(&self.indexer.db, &self.name, self.indexer.lease, self.spend).await?;
        Ok(claimed.map(|claimed| (claimed, since)))
    }

    async fn queue_scheduled(&self) -> Result<usize, DbError> {
        patiently_for(PATIENCE, || sweep::queue_scheduled(self.indexer)).await
    }

    /// Whether a job is due or leased, or due within `soon`.
    async fn is_wanted(&self, soon: Duration) -> Result<bool, DbError> {
        let (count, next) = patiently_for(PATIENCE, || async {
            let mut tx = self.indexer.db.begin(Scope::Worker).await?;
            let outstanding = jobs::outstanding(&mut tx, self.spend).await?;
            tx.commit().await?;
            Ok(outstanding)
        })
        .await?;
        Ok(count > 0 || next.is_some_and(|next| next < soon))
    }
}
