//! Somebody who asks all the time with what is current, which may be changed, and counts what is not answered as it should be.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

const PAUSE: Duration = Duration::from_millis(20);

/// How often it was asked, and how often in vain.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    /// In all.
    pub asked: u64,
    /// Not answered as it should be.
    pub failed: u64,
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.asked += other.asked;
        self.failed += other.failed;
    }
}

/// A load; dropped, it ends.
#[derive(Debug)]
pub struct Load<T> {
    current: Arc<Mutex<T>>,
    stop: Arc<AtomicBool>,
    task: JoinHandle<Count>,
}

impl<T: Clone + Send + 'static> Load<T> {
    /// Begins. `ask` says whether the answer is right.
    pub fn start<F>(first: T, ask: impl Fn(T) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send,
    {
        let (current, stop) = (Arc::new(Mutex::new(first)), Arc::<AtomicBool>::default());
        let (now, over) = (Arc::clone(&current), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            let mut count = Count::default();
            while !over.load(Ordering::SeqCst) {
                let with = now.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let is_right = ask(with).await;
                count += Count { asked: 1, failed: u64::from(!is_right) };
                tokio::time::sleep(PAUSE).await;
            }
            count
        });
        Self { current, stop, task }
    }

    /// From the next request on it asks with this.
    pub fn switch(&self, to: T) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = to;
    }

    /// Ends after the request that is going on.
    pub async fn stop(mut self) -> anyhow::Result<Count> {
        self.stop.store(true, Ordering::SeqCst);
        Ok(tokio::time::timeout(Duration::from_secs(60), &mut self.task).await??)
    }
}

impl<T> Drop for Load<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}
