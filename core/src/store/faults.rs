//! A store in memory whose requests fail, lose their answers, or cease when their sender dies; for tests of what must
//! survive that. Every request gives way to other tasks first, so that those of several senders interleave.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use object_store::memory::InMemory;
use object_store::{Error, Result};

use crate::store::between::{Behind, Between, Request};
use crate::store::remote::Remote;
use crate::store::{Backend, Store};

/// "Lives for ever."
const IMMORTAL: u64 = u64::MAX;

/// Objects in memory that several senders share.
#[derive(Clone, Debug, Default)]
pub struct SharedMemory(Arc<InMemory>);

/// What may go wrong with the requests of one sender.
#[derive(Debug)]
pub struct Faults {
    /// Of 1,000 requests, how many fail before they take effect, and how many lose their answer after it.
    share: AtomicU32,
    chance: AtomicU64,
    /// Requests until the sender is dead.
    left: AtomicU64,
    sent: AtomicU64,
    /// What a request takes, in microseconds, give or take a half.
    micros: AtomicU64,
    /// Requests until none is answered any more.
    answered: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    Before,
    After,
}

impl SharedMemory {
    /// The same objects, for others to go on with.
    pub fn fork(&self) -> Self {
        Self(Arc::new(self.0.fork()))
    }

    pub(super) fn objects(&self) -> Arc<InMemory> {
        Arc::clone(&self.0)
    }

    /// The store as one sender sees it: of 1,000 of its requests `share` fail. The same `seed` and the same requests give
    /// the same faults.
    pub fn sender(&self, seed: u64, share: u32) -> (Store, Arc<Faults>) {
        let left = AtomicU64::new(IMMORTAL);
        let (share, chance, micros) = (AtomicU32::new(share), AtomicU64::new(seed), AtomicU64::new(0));
        let (sent, answered) = (AtomicU64::new(0), AtomicU64::new(IMMORTAL));
        let faults = Arc::new(Faults { share, chance, left, micros, sent, answered });
        let store = Behind::new(self.0.clone(), Arc::clone(&faults));
        (Store { backend: Backend::Remote(Remote::over(Arc::new(store))) }, faults)
    }
}

impl Faults {
    /// Lets the sender die after this many more requests: the last one takes effect, and nobody hears of it.
    pub fn die_after(&self, requests: u64) {
        self.left.store(requests, Ordering::SeqCst);
    }

    /// Lets each request take about so long, on tokio's clock.
    pub fn take(&self, time: Duration) {
        self.micros.store(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Lets the store keep silent after this many more requests, and answer again when it is called with `None`. What was
    /// sent meanwhile is never answered.
    pub fn stall_after(&self, requests: Option<u64>) {
        self.answered.store(requests.unwrap_or(IMMORTAL), Ordering::SeqCst);
    }

    fn is_stalled(&self) -> bool {
        let less = |left: u64| if left == IMMORTAL { None } else { left.checked_sub(1) };
        self.answered.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) == Err(0)
    }

    async fn half_a_request(&self) {
        let micros = self.micros.load(Ordering::SeqCst);
        if micros > 0 {
            tokio::time::sleep(Duration::from_micros(micros / 4 + self.random() % (micros / 2 + 1))).await;
        }
    }

    /// Requests sent so far.
    pub fn requests(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    fn next(&self) -> Fault {
        self.sent.fetch_add(1, Ordering::SeqCst);
        let left = self.left.load(Ordering::SeqCst);
        if left != IMMORTAL {
            self.left.store(left.saturating_sub(1), Ordering::SeqCst);
        }
        match left {
            0 => return Fault::Before,
            1 => return Fault::After,
            _ => {}
        }
        let chance = self.random() % 2000;
        let share = u64::from(self.share.load(Ordering::SeqCst));
        if chance < share {
            Fault::Before
        } else if chance < 2 * share {
            Fault::After
        } else {
            Fault::None
        }
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    fn random(&self) -> u64 {
        let mut mixed = self.chance.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Between for Faults {
    type Sent = Fault;

    async fn before(&self, _: Request) -> Result<Fault> {
        for _ in 0..self.random() % 4 {
            tokio::task::yield_now().await;
        }
        if self.is_stalled() {
            std::future::pending::<()>().await;
        }
        let fault = self.next();
        if fault == Fault::Before {
            return Err(lost());
        }
        self.half_a_request().await;
        Ok(fault)
    }

    async fn after(&self, fault: Fault, _: u64) -> Result<()> {
        self.half_a_request().await;
        if fault == Fault::After { Err(lost()) } else { Ok(()) }
    }
}

fn lost() -> Error {
    Error::Generic { store: "faulty", source: "the connection was lost".into() }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use uuid::Uuid;

    use super::*;
    use crate::id::TenantId;
    use crate::store::Kind;

    #[tokio::test]
    async fn the_dead_send_nothing_and_their_last_request_counts() {
        let memory = SharedMemory::default();
        let ((living, _), (dying, faults)) = (memory.sender(1, 0), memory.sender(2, 0));
        faults.die_after(1);
        for nth in 0..3 {
            let sent = dying.put(TenantId::LOCAL, Kind::Refs, Uuid::from_u128(nth), Bytes::from_static(b"x")).await;
            assert!(sent.is_err());
        }
        let there = living.list(TenantId::LOCAL).await.unwrap();
        assert_eq!(there.iter().map(|(_, key, _)| key.id.as_u128()).collect::<Vec<_>>(), [0]);
    }

    #[tokio::test]
    async fn about_the_asked_share_fails() {
        let (store, _) = SharedMemory::default().sender(7, 100);
        let mut failed = 0;
        for nth in 0..1000 {
            let sent = store.put(TenantId::LOCAL, Kind::Refs, Uuid::from_u128(nth), Bytes::from_static(b"x")).await;
            failed += u32::from(sent.is_err());
        }
        assert!((60..140).contains(&failed), "{failed} of 1000");
    }
}
