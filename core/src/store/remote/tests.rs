//! Swaps of HEAD whose answer is lost, and those that were never made, behind a store that fails on command.

use std::sync::atomic::{AtomicU32, Ordering};

use object_store::Result;

use super::*;
use crate::store::between::{Behind, Between, Request};

/// What becomes of a PUT: `true`, it is carried out; `false`, it is not. Either way its answer is an error.
#[derive(Debug)]
struct Failing {
    carried_out: bool,
    failures_left: AtomicU32,
    sendings: AtomicU32,
}

impl Between for Failing {
    /// Whether the request fails.
    type Sent = bool;

    async fn before(&self, request: Request) -> Result<bool> {
        if request != Request::Put {
            return Ok(false);
        }
        self.sendings.fetch_add(1, Ordering::Relaxed);
        let left = self.failures_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_ok() && !self.carried_out { Err(lost()) } else { Ok(left.is_ok()) }
    }

    async fn after(&self, fails: bool, _: u64) -> Result<()> {
        if fails { Err(lost()) } else { Ok(()) }
    }
}

fn lost() -> Error {
    Error::Generic { store: "failing", source: "the connection broke".into() }
}

/// Whether the first `failures` swaps are carried out, and the store they meet.
fn failing(carried_out: bool, failures: u32) -> (Remote, Arc<Failing>) {
    let inner = Arc::new(InMemory::new());
    let (failures_left, sendings) = (AtomicU32::new(failures), AtomicU32::new(0));
    let failing = Arc::new(Failing { carried_out, failures_left, sendings });
    let swapper = Arc::new(Behind::new(inner.clone(), Arc::clone(&failing)));
    (Remote::new(swapper, inner, Waste::NONE), failing)
}

#[tokio::test]
async fn a_swap_whose_answer_is_lost_counts() {
    let (remote, failures) = failing(true, 1);
    let first = remote.swap("HEAD", None, "one".into()).await.unwrap();
    assert!(first.is_some());
    assert_eq!(failures.sendings.load(Ordering::Relaxed), 1);
    failures.failures_left.store(1, Ordering::Relaxed);
    let second = remote.swap("HEAD", first.clone(), "two".into()).await.unwrap();
    assert!(second.is_some());
    assert!(remote.swap("HEAD", first, "three".into()).await.unwrap().is_none());
    assert!(remote.swap("HEAD", second, "three".into()).await.unwrap().is_some(), "the tag that was looked up is good");
}

#[tokio::test]
async fn a_swap_that_was_not_made_is_sent_again() {
    let (remote, failures) = failing(false, 2);
    assert!(remote.swap("HEAD", None, "one".into()).await.unwrap().is_some());
    assert_eq!(failures.sendings.load(Ordering::Relaxed), 3);
    assert_eq!(remote.read_head("HEAD").await.unwrap().unwrap().bytes, "one");
}

#[tokio::test]
async fn a_store_that_stays_down_is_an_error() {
    let (remote, failures) = failing(false, u32::MAX);
    assert!(matches!(remote.swap("HEAD", None, "one".into()).await, Err(StoreError::Backend { .. })));
    assert_eq!(failures.sendings.load(Ordering::Relaxed), MAX_SENDINGS);
}

#[tokio::test]
async fn a_lost_answer_beside_another_writer_is_an_error_not_a_success() {
    let (remote, _) = failing(false, 1);
    let other = remote.store.put_opts(&"HEAD".into(), "other".into(), PutMode::Create.into()).await;
    other.unwrap();
    assert!(matches!(remote.swap("HEAD", None, "one".into()).await, Err(StoreError::Backend { .. })));
    assert_eq!(remote.read_head("HEAD").await.unwrap().unwrap().bytes, "other");
}
