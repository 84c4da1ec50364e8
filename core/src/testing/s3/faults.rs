//! What requests of the indexers meet: shares of them fail in several ways, one of them can be held up.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};
use tokio::sync::oneshot;

use super::lock;
use crate::testing::chance::Chance;

/// Of 1,000 requests, how many go wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shares {
    /// 500 before anything is done.
    pub internal: u64,
    /// 503 `SlowDown`.
    pub slow_down: u64,
    /// 412 to a PUT that was right, and not done.
    pub refused: u64,
    /// 409 to a PUT, and not done.
    pub conflict: u64,
    /// Done, and answered 500.
    pub lost: u64,
    /// The content of the answer ends half-way.
    pub cut: u64,
    /// Longest wait before an answer.
    pub delay: Duration,
}

/// What becomes of one request.
#[derive(Debug)]
pub(super) enum Fate {
    Pass,
    Refuse(StatusCode, &'static str),
    LoseAnswer,
    CutBody,
    Hold(oneshot::Receiver<()>),
}

/// Which request to hold up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// A read of HEAD.
    ReadHead,
    /// A swap of HEAD.
    SwapHead,
    /// A segment that is uploaded, or a part of one.
    PutSegment,
}

impl Hold {
    fn is(self, method: &Method, object: &str) -> bool {
        match self {
            Self::ReadHead => method == Method::GET && object.ends_with("/HEAD"),
            Self::SwapHead => method == Method::PUT && object.ends_with("/HEAD"),
            Self::PutSegment => method == Method::PUT && object.contains("/seg/"),
        }
    }
}

/// A request that will be held up.
#[derive(Debug)]
pub struct Held {
    reached: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

impl Held {
    /// Waits until the request is there; `false`: it did not come in time.
    pub async fn reached(&mut self, patience: Duration) -> bool {
        matches!(tokio::time::timeout(patience, &mut self.reached).await, Ok(Ok(())))
    }

    /// Lets it go.
    pub fn release(self) {
        // Whoever sent the request may be dead.
        let _gone = self.release.send(());
    }
}

#[derive(Debug)]
struct Waiting {
    what: Hold,
    skip: u32,
    reached: oneshot::Sender<()>,
    release: oneshot::Receiver<()>,
}

/// What requests meet.
#[derive(Debug)]
pub struct Faults {
    shares: Mutex<Shares>,
    chance: Chance,
    waiting: Mutex<Option<Waiting>>,
    met: AtomicU64,
}

impl Faults {
    pub(super) fn new(seed: u64) -> Self {
        Self { shares: Mutex::default(), chance: Chance::new(seed), waiting: Mutex::default(), met: AtomicU64::new(0) }
    }

    /// Sets what goes wrong from now on.
    pub fn set(&self, shares: Shares) {
        *lock(&self.shares) = shares;
    }

    /// How many requests went wrong so far.
    pub fn met(&self) -> u64 {
        self.met.load(Ordering::SeqCst)
    }

    pub(super) fn hold(&self, what: Hold, skip: u32) -> Held {
        let ((reached, was_reached), (release, released)) = (oneshot::channel(), oneshot::channel());
        *lock(&self.waiting) = Some(Waiting { what, skip, reached, release: released });
        Held { reached: was_reached, release }
    }

    pub(super) async fn meet(&self, method: &Method, object: &str) -> Fate {
        if let Some(release) = self.held(method, object) {
            return Fate::Hold(release);
        }
        let shares = *lock(&self.shares);
        let most = u64::try_from(shares.delay.as_micros()).unwrap_or(u64::MAX);
        if most > 0 {
            tokio::time::sleep(Duration::from_micros(self.chance.below(most))).await;
        }
        let fate = self.fate(shares, method);
        if !matches!(fate, Fate::Pass) {
            self.met.fetch_add(1, Ordering::SeqCst);
        }
        fate
    }

    fn held(&self, method: &Method, object: &str) -> Option<oneshot::Receiver<()>> {
        let mut waiting = lock(&self.waiting);
        let one = waiting.as_mut()?;
        if !one.what.is(method, object) {
            return None;
        }
        if one.skip > 0 {
            one.skip -= 1;
            return None;
        }
        let one = waiting.take()?;
        let _waits = one.reached.send(());
        Some(one.release)
    }

    fn fate(&self, shares: Shares, method: &Method) -> Fate {
        let is_put = method == Method::PUT;
        let refuse = |share, status, code| (share, Fate::Refuse(status, code));
        let only = |yes: bool, share: u64| if yes { share } else { 0 };
        let fates = [
            refuse(shares.internal, StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
            refuse(shares.slow_down, StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
            refuse(only(is_put, shares.refused), StatusCode::PRECONDITION_FAILED, "PreconditionFailed"),
            refuse(only(is_put, shares.conflict), StatusCode::CONFLICT, "ConditionalRequestConflict"),
            (shares.lost, Fate::LoseAnswer),
            (only(method == Method::GET, shares.cut), Fate::CutBody),
        ];
        let mut chance = self.chance.below(1000);
        for (share, fate) in fates {
            match chance.checked_sub(share) {
                None => return fate,
                Some(left) => chance = left,
            }
        }
        Fate::Pass
    }
}
