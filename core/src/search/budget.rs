//! When a search ends early: its deadline, its bytes, and an asker who has gone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::answer::StopReason;
use super::reader::Reader;
use super::request::Budget;

/// What texts are searched for at least, however late it is when the first of them is there: each page then comes to an
/// end of some text, if that can be done in this time.
const LEAST: Duration = Duration::from_secs(1);

impl Budget {
    /// When threads are to leave their texts.
    pub(super) fn patience(&self) -> Patience {
        Patience { deadline: self.deadline, until: OnceLock::new() }
    }

    /// What `reads` give, if that is there before the deadline.
    pub(super) async fn in_time<T>(&self, reads: impl Future<Output = T>) -> Option<T> {
        match self.deadline {
            None => Some(reads.await),
            Some(deadline) => tokio::time::timeout_at(deadline.into(), reads).await.ok(),
        }
    }

    /// Bytes that may still be read; none in particular without a limit.
    pub(super) fn bytes_left(&self, reader: &Reader<'_>) -> u64 {
        self.bytes.map_or(u64::MAX, |bytes| bytes.saturating_sub(reader.stats().bytes))
    }

    /// Why a search that has cost what `reader` counted must stop; `None`: it may go on.
    pub(super) fn passed(&self, reader: &Reader<'_>) -> Option<StopReason> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Some(StopReason::Deadline);
        }
        self.bytes.filter(|bytes| reader.stats().bytes >= *bytes).map(|_| StopReason::Bytes)
    }
}

/// How long threads search texts.
#[derive(Debug)]
pub(super) struct Patience {
    deadline: Option<Instant>,
    /// Set when the first text is searched.
    until: OnceLock<Instant>,
}

impl Patience {
    /// Notes that a text is there to be searched.
    pub(super) fn begin(&self) {
        if let Some(deadline) = self.deadline {
            self.until.get_or_init(|| deadline.max(Instant::now() + LEAST));
        }
    }

    /// Looked at before each text, and within those that take long.
    pub(super) fn is_over(&self) -> bool {
        self.until.get().is_some_and(|until| Instant::now() >= *until)
    }
}

/// Tells threads at work that nobody waits for them any more: dropped with the search, whether that is done or not.
#[derive(Debug, Default)]
pub(super) struct Waiting(Arc<AtomicBool>);

/// Whether somebody still waits, for a thread at work.
#[derive(Clone, Debug)]
pub(super) struct Abandoned(Arc<AtomicBool>);

impl Waiting {
    pub(super) fn abandoned(&self) -> Abandoned {
        Abandoned(Arc::clone(&self.0))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Abandoned {
    /// Looked at before each document, and within those that take long.
    pub(super) fn is_true(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
