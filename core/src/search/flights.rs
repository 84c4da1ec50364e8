//! Reads that are under way: whoever wants what another search is reading waits for it instead of reading it, too.
//!
//! Nothing is ever waited for while something that others wait for is held back: a batch first lands what it reads
//! itself, then waits for what others read. So batches never wait for each other in a circle.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Reads under way, by what they read.
#[derive(Debug)]
pub(super) struct Flights<K, V> {
    flying: Mutex<HashMap<K, watch::Receiver<Option<V>>>>,
}

/// One's part in a read.
pub(super) enum Seat<'a, K: Hash + Eq, V> {
    /// Nobody reads it: read it, and say what it was.
    Lead(Lead<'a, K, V>),
    /// Somebody else does.
    Follow(Follow<V>),
}

/// The duty to read. Dropped without an answer (an error, a search that was cancelled), it passes to whoever asks next.
pub(super) struct Lead<'a, K: Hash + Eq, V> {
    flights: &'a Flights<K, V>,
    key: K,
    sender: watch::Sender<Option<V>>,
}

/// The answer of somebody else's read.
pub(super) struct Follow<V>(watch::Receiver<Option<V>>);

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self { flying: Mutex::default() }
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Flights<K, V> {
    /// Joins the read of `key`, or begins it.
    pub(super) fn board(&self, key: K) -> Seat<'_, K, V> {
        match self.flying().entry(key) {
            Entry::Occupied(flying) => Seat::Follow(Follow(flying.get().clone())),
            Entry::Vacant(vacant) => {
                let (sender, receiver) = watch::channel(None);
                let key = vacant.key().clone();
                vacant.insert(receiver);
                Seat::Lead(Lead { flights: self, key, sender })
            }
        }
    }
}

impl<K: Hash + Eq, V> Flights<K, V> {
    fn flying(&self) -> MutexGuard<'_, HashMap<K, watch::Receiver<Option<V>>>> {
        self.flying.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq, V> Lead<'_, K, V> {
    /// Gives what was read to all who wait for it.
    pub(super) fn land(self, value: V) {
        self.sender.send_replace(Some(value));
    }
}

impl<K: Hash + Eq, V> Drop for Lead<'_, K, V> {
    fn drop(&mut self) {
        self.flights.flying().remove(&self.key);
    }
}

impl<V: Clone> Follow<V> {
    /// What was read; `None`: whoever read it gave up, so board again.
    pub(super) async fn wait(mut self) -> Option<V> {
        let landed = self.0.wait_for(Option::is_some).await;
        landed.ok()?.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;

    #[derive(Default)]
    struct Reads {
        flights: Flights<u32, u32>,
        sent: AtomicU32,
    }

    impl Reads {
        /// Reads a batch as a search does; what was read is not kept.
        async fn batch(&self, keys: &[u32]) -> Vec<u32> {
            let mut answers = HashMap::new();
            while answers.len() < keys.len() {
                let (mut led, mut followed) = (Vec::new(), Vec::new());
                for key in keys.iter().filter(|key| !answers.contains_key(*key)) {
                    match self.flights.board(*key) {
                        Seat::Lead(lead) => led.push((*key, lead)),
                        Seat::Follow(follow) => followed.push((*key, follow)),
                    }
                }
                if !led.is_empty() {
                    self.sent.fetch_add(led.len() as u32, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                for (key, lead) in led {
                    lead.land(key * 2);
                    answers.insert(key, key * 2);
                }
                for (key, follow) in followed {
                    if let Some(value) = follow.wait().await {
                        answers.insert(key, value);
                    }
                }
            }
            keys.iter().map(|key| answers[key]).collect()
        }
    }

    #[tokio::test]
    async fn what_many_want_is_read_once() {
        let reads = Arc::new(Reads::default());
        let batches = (0..50u32).map(|nth| {
            let reads = Arc::clone(&reads);
            // Each in another order, so that batches lead and follow each other.
            async move { reads.batch(&[nth % 4, (nth + 1) % 4, (nth + 2) % 4, (nth + 3) % 4]).await }
        });
        let answers = futures::future::join_all(batches).await;
        assert!(answers.iter().enumerate().all(|(nth, answer)| answer[0] == nth as u32 % 4 * 2));
        assert_eq!(reads.sent.load(Ordering::Relaxed), 4);
        assert!(reads.flights.flying().is_empty());
    }

    #[tokio::test]
    async fn a_leader_that_gives_up_strands_nobody() {
        let reads = Arc::new(Reads::default());
        let first = tokio::spawn({
            let reads = Arc::clone(&reads);
            async move { reads.batch(&[1, 2]).await }
        });
        tokio::time::sleep(Duration::from_millis(1)).await;
        let others: Vec<_> = (0..5)
            .map(|_| {
                let reads = Arc::clone(&reads);
                tokio::spawn(async move { reads.batch(&[2, 1]).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(1)).await;
        first.abort();
        for other in others {
            let answer = tokio::time::timeout(Duration::from_secs(1), other).await;
            assert_eq!(answer.expect("nobody waits for the one that is gone").unwrap(), [4, 2]);
        }
        assert_eq!(reads.sent.load(Ordering::Relaxed), 4, "the two reads were sent once more");
    }
}
