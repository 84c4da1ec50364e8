//! The one signal by which a run is told to stop: seen by async code (it waits) and by build threads (they ask).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock;
use crate::error::IndexError;

/// Why a run has to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Another worker holds the job, or may hold it: publish nothing.
    #[error("the lease of this job was lost")]
    LeaseLost,
    /// The process was asked to end.
    #[error("the indexer was asked to stop")]
    Stopped,
    /// The owner cancelled the job.
    #[error("the job was cancelled")]
    Cancelled,
    /// What the run writes does not fit into memory: it begins again on disk.
    #[error("the scratch of this run is larger than `KOTADB_SCRATCH_MEMORY_BYTES`")]
    ScratchFull,
}

/// Shared by everybody who works on one run. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Halt(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    reason: watch::Sender<Option<Reason>>,
    trusted_until: watch::Sender<Option<Duration>>,
    may_publish: AtomicBool,
}

impl Default for Halt {
    fn default() -> Self {
        Self(Arc::new(Inner {
            reason: watch::Sender::new(None),
            trusted_until: watch::Sender::new(None),
            may_publish: AtomicBool::new(false),
        }))
    }
}

impl Halt {
    /// Tells everybody to stop; the first reason stays.
    pub fn halt(&self, reason: Reason) {
        self.0.reason.send_if_modified(|current| {
            let first = current.is_none();
            current.get_or_insert(reason);
            first
        });
    }

    /// Until when the lease may be trusted without another heartbeat, as a time [since boot](clock::since_boot).
    pub fn trust_until(&self, since_boot: Duration) {
        self.0.trusted_until.send_replace(Some(since_boot));
    }

    /// What was given to [`Halt::trust_until`], now and whenever it is given.
    pub fn trusted(&self) -> watch::Receiver<Option<Duration>> {
        self.0.trusted_until.subscribe()
    }

    /// Errs once the run has to stop. A process that slept through its lease learns it here, whatever its tasks did.
    pub fn check(&self) -> Result<(), IndexError> {
        if self.0.trusted_until.borrow().is_some_and(|until| clock::since_boot() >= until) {
            self.halt(Reason::LeaseLost);
        }
        match *self.0.reason.borrow() {
            Some(reason) => Err(IndexError::Halted(reason)),
            None => Ok(()),
        }
    }

    /// Notes that a swap of HEAD is about to be sent: from now on it may take effect, whatever becomes of the run.
    pub fn begin_publish(&self) {
        self.0.may_publish.store(true, Ordering::SeqCst);
    }

    /// Whether a swap of HEAD may have been sent.
    pub fn may_publish(&self) -> bool {
        self.0.may_publish.load(Ordering::SeqCst)
    }

    /// As [`Halt::check`], but a process that was asked to end may still bring away what it has made: nothing that it
    /// writes is searchable before HEAD is swapped.
    pub fn check_writing(&self) -> Result<(), IndexError> {
        match self.check() {
            Err(IndexError::Halted(Reason::Stopped)) => Ok(()),
            other => other,
        }
    }

    /// Waits until the run has to stop.
    pub async fn wait(&self) -> Reason {
        let mut receiver = self.0.reason.subscribe();
        match receiver.wait_for(Option::is_some).await.map(|reason| *reason) {
            Ok(Some(reason)) => reason,
            _ => Reason::Stopped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_reason_stays() {
        let halt = Halt::default();
        assert!(halt.check().is_ok());
        halt.halt(Reason::Cancelled);
        halt.halt(Reason::LeaseLost);
        assert!(matches!(halt.check(), Err(IndexError::Halted(Reason::Cancelled))));
    }

    #[test]
    fn a_run_that_is_asked_to_end_may_still_write() {
        let halt = Halt::default();
        halt.halt(Reason::Stopped);
        assert!(halt.check().is_err() && halt.check_writing().is_ok());
        let halt = Halt::default();
        halt.halt(Reason::Cancelled);
        assert!(halt.check_writing().is_err());
    }

    #[test]
    fn lease_that_is_no_longer_trusted_halts() {
        let halt = Halt::default();
        halt.trust_until(clock::since_boot());
        assert!(matches!(halt.check(), Err(IndexError::Halted(Reason::LeaseLost))));
    }
}
