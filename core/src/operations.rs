//! Counts what a run asks of the world outside, and lets one of its operations fail, lose its answer, or be the last thing
//! that the run ever did; for tests of what must survive that.

use std::fmt;
use std::future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// What becomes of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is not done, and its caller is told so.
    Fails,
    /// It is done, and its caller is told that the connection was lost.
    LosesAnswer,
    /// It is done (on the disk: not done), and the run is dead: its caller waits for ever, and so does whoever asks next.
    Dies,
}

/// The operations of one run.
#[derive(Debug)]
pub struct Operations {
    /// The one that something happens to.
    plan: Option<(usize, Fate)>,
    passed: Mutex<Vec<&'static str>>,
    happened: AtomicBool,
    dead: watch::Sender<bool>,
}

/// An operation that may be done.
#[derive(Debug)]
pub struct Allowed(Option<Fate>);

/// Why an operation has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted by a test")
    }
}

impl std::error::Error for Interrupted {}

impl Operations {
    /// Only counts.
    pub fn all() -> Arc<Self> {
        Arc::new(Self::with(None))
    }

    /// Something happens to the `nth` operation, from 0.
    pub fn interrupted(nth: usize, fate: Fate) -> Arc<Self> {
        Arc::new(Self::with(Some((nth, fate))))
    }

    fn with(plan: Option<(usize, Fate)>) -> Self {
        let (passed, happened) = (Mutex::default(), AtomicBool::new(false));
        Self { plan, passed, happened, dead: watch::Sender::new(false) }
    }

    /// What was asked for so far, in order.
    pub fn passed(&self) -> Vec<&'static str> {
        self.lock().clone()
    }

    /// Whether what was planned has happened.
    pub fn happened(&self) -> bool {
        self.happened.load(Ordering::SeqCst)
    }

    /// Waits until the run is dead: then its future is to be dropped.
    pub async fn died(&self) {
        let mut dead = self.dead.subscribe();
        // The sender is ours, so it cannot be gone.
        let _dead = dead.wait_for(|dead| *dead).await;
    }

    /// Asks for an operation, which is then done.
    pub async fn before(&self, what: &'static str) -> Result<Allowed, Interrupted> {
        if self.is_dead() {
            return future::pending().await;
        }
        match self.count(what) {
            Some(Fate::Fails) => Err(Interrupted),
            fate => Ok(Allowed(fate)),
        }
    }

    /// Asks for the answer of an operation that was done.
    pub async fn after(&self, allowed: Allowed) -> Result<(), Interrupted> {
        match allowed.0 {
            Some(Fate::Dies) => {
                self.dead.send_replace(true);
                future::pending().await
            }
            // It was on its way when the run died: nobody hears of it.
            _ if self.is_dead() => future::pending().await,
            Some(Fate::LosesAnswer) => Err(Interrupted),
            Some(Fate::Fails) | None => Ok(()),
        }
    }

    /// The same where nobody can wait for ever: an error says that the operation must not be done.
    pub fn now(&self, what: &'static str) -> Result<(), Interrupted> {
        if self.is_dead() {
            return Err(Interrupted);
        }
        match self.count(what) {
            None => Ok(()),
            Some(fate) => {
                self.dead.send_if_modified(|dead| {
                    *dead |= fate == Fate::Dies;
                    *dead
                });
                Err(Interrupted)
            }
        }
    }

    fn is_dead(&self) -> bool {
        *self.dead.borrow()
    }

    fn count(&self, what: &'static str) -> Option<Fate> {
        let mut passed = self.lock();
        let nth = passed.len();
        passed.push(what);
        let fate = self.plan.filter(|(planned, _)| *planned == nth).map(|(_, fate)| fate);
        if fate.is_some() {
            self.happened.store(true, Ordering::SeqCst);
        }
        fate
    }

    fn lock(&self) -> MutexGuard<'_, Vec<&'static str>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn one_fails_and_the_others_pass() {
        let operations = Operations::interrupted(1, Fate::Fails);
        assert!(operations.before("a").await.is_ok());
        assert!(operations.before("b").await.is_err() && operations.happened());
        assert!(operations.now("c").is_ok());
        assert_eq!(operations.passed(), ["a", "b", "c"]);
    }

    #[tokio::test]
    async fn the_dead_do_nothing_more() {
        let operations = Operations::interrupted(0, Fate::Dies);
        let allowed = operations.before("a").await.unwrap();
        assert!(operations.after(allowed).now_or_never().is_none());
        operations.died().await;
        assert!(operations.before("b").now_or_never().is_none() && operations.now("c").is_err());
        assert_eq!(operations.passed(), ["a"]);
    }

    #[tokio::test]
    async fn an_answer_is_lost_after_the_operation() {
        let operations = Operations::interrupted(0, Fate::LosesAnswer);
        let allowed = operations.before("a").await.unwrap();
        assert_eq!(operations.after(allowed).await, Err(Interrupted));
    }
}
