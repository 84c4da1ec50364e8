//! The threads that search texts: as many as there are processors, where the work is worth their start.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use futures::future;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::reader::offload;

/// Text up to which the executor's own thread does the work, in bytes: a fraction of a millisecond.
const INLINE_BYTES: u64 = 128 << 10;
/// The same where the executor has one thread, which nobody else waits for: a thread has to be started there first.
const ALONE_BYTES: u64 = 2 << 20;
/// Text from which another thread is worth its start, in bytes.
const THREAD_BYTES: u64 = 128 << 10;
/// Items that a thread takes at once.
const GRAIN: usize = 8;

/// Items that threads take from, each once.
#[derive(Debug, Default)]
pub(super) struct Queue {
    next: AtomicUsize,
}

impl Queue {
    /// Numbers below `len` that no other thread gets.
    pub(super) fn take(&self, len: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::from_fn(move || {
            let first = self.next.fetch_add(GRAIN, Ordering::Relaxed);
            (first < len).then(|| first..len.min(first + GRAIN))
        })
        .flatten()
    }
}

/// Runs `work` on the threads that `bytes` of text are worth; what each of them gave.
pub(super) async fn share<T, F>(bytes: u64, work: F) -> Vec<T>
where
    T: Send + 'static,
    F: Fn() -> T + Send + Sync + 'static,
{
    let is_alone = Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread;
    if bytes <= if is_alone { ALONE_BYTES } else { INLINE_BYTES } {
        return vec![work()];
    }
    let worthwhile = usize::try_from(bytes.div_ceil(THREAD_BYTES)).unwrap_or(usize::MAX);
    let threads = processors().min(worthwhile);
    let work = Arc::new(work);
    let others = (usize::from(is_alone)..threads).map(|_| {
        let work = Arc::clone(&work);
        offload(usize::MAX, move || work())
    });
    let mut others = pin!(future::join_all(others));
    if !is_alone {
        return others.await;
    }
    // The first poll starts them; they may have ended by then.
    let ended = futures::poll!(others.as_mut());
    let own = work();
    let mut all = match ended {
        Poll::Ready(all) => all,
        Poll::Pending => others.await,
    };
    all.push(own);
    all
}

/// Asked once: the answer takes a dozen reads of files of the kernel.
fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Work that takes no time may end at any moment: before, while and after the threads are waited for.
    #[test]
    fn what_each_thread_did_counts_once() {
        let alone = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let several = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        for round in 0..300 {
            for runtime in [&alone, &several] {
                let queue = Queue::default();
                let work = move || queue.take(round).collect::<Vec<_>>();
                let mut done = runtime.block_on(share(u64::MAX, work)).concat();
                done.sort_unstable();
                assert!(done.into_iter().eq(0..round), "{round} items");
            }
        }
    }
}
