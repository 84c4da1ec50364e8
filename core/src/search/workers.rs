//! The threads that search texts: as many as there are processors, where the work is worth their start.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use futures::future;

use super::reader::offload;

/// Text up to which the executor's own thread does the work, in bytes: a fraction of a millisecond.
const INLINE_BYTES: u64 = 128 << 10;
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
    if bytes <= INLINE_BYTES {
        return vec![work()];
    }
    let processors = processors();
    let worthwhile = usize::try_from(bytes.div_ceil(THREAD_BYTES)).unwrap_or(usize::MAX);
    let work = Arc::new(work);
    let threads = (0..processors.min(worthwhile)).map(|_| {
        let work = Arc::clone(&work);
        offload(usize::MAX, move || work())
    });
    future::join_all(threads).await
}

/// Asked once: the answer takes a dozen reads of files of the kernel.
fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}
