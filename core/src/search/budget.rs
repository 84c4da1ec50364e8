//! When a search ends early: its deadline, its bytes, and an asker who has gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::answer::StopReason;
use super::reader::Reader;
use super::request::Budget;

impl Budget {
    /// Why a search that has cost what `reader` counted must stop; `None`: it may go on.
    pub(super) fn passed(&self, reader: &Reader<'_>) -> Option<StopReason> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Some(StopReason::Deadline);
        }
        self.bytes.filter(|bytes| reader.stats().bytes >= *bytes).map(|_| StopReason::Bytes)
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
    /// Looked at before each document.
    pub(super) fn is_true(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
