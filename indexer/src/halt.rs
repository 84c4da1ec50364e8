//! The one signal by which a run is told to stop: seen by async code (it waits) and by build threads (they ask).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

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
}

/// Shared by everybody who works on one run. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Halt(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    reason: watch::Sender<Option<Reason>>,
    trusted_until: Mutex<Option<Instant>>,
    may_publish: AtomicBool,
}

impl Default for Halt {
    fn default() -> Self {
        Self(Arc::new(Inner {
            reason: watch::Sender::new(None),
            trusted_until: Mutex::new(None),
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

    /// Until when the lease may be trusted without another heartbeat.
    pub fn trust_until(&self, instant: Instant) {
        *self.0.trusted_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(instant);
    }

    /// Errs once the run has to stop. A process that slept through its lease learns it here, whatever its tasks did.
    pub fn check(&self) -> Result<(), IndexError> {
        let trusted = *self.0.trusted_until.lock().unwrap_or_else(PoisonError::into_inner);
        if trusted.is_some_and(|until| Instant::now() >= until) {
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
    fn lease_that_is_no_longer_trusted_halts() {
        let halt = Halt::default();
        halt.trust_until(Instant::now());
        assert!(matches!(halt.check(), Err(IndexError::Halted(Reason::LeaseLost))));
    }
}
