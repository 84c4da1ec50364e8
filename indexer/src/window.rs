//! Work that is done in parallel and taken in order, within a bound of bytes: threads may run ahead of the taker only as
//! far as the window goes. The item that the taker waits for is always already being worked on, so it cannot stall.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Most items between the one being taken and the one begun last.
const MAX_ITEMS: usize = 2048;

/// Hands out item numbers in order and takes results back in order.
#[derive(Debug)]
pub struct Window<T> {
    n_items: usize,
    max_bytes: u64,
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    begun: usize,
    taken: usize,
    bytes: u64,
    done: BTreeMap<usize, T>,
    closed: bool,
}

impl<T> Window<T> {
    /// For items `0..n_items`, of which at most `max_bytes` (or one item) are begun and not taken.
    pub fn new(n_items: usize, max_bytes: u64) -> Self {
        let state = State { begun: 0, taken: 0, bytes: 0, done: BTreeMap::new(), closed: false };
        Self { n_items, max_bytes, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// The next item to work on, once the window has room for it; `None`: no more, or closed.
    pub fn begin(&self, bytes_of: impl Fn(usize) -> u64) -> Option<usize> {
        let mut state = self.lock();
        loop {
            let item = state.begun;
            if state.closed || item >= self.n_items {
                return None;
            }
            let ahead = item - state.taken;
            if ahead == 0 || (ahead < MAX_ITEMS && state.bytes + bytes_of(item) <= self.max_bytes) {
                state.begun += 1;
                state.bytes += bytes_of(item);
                return Some(item);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives the result of an item.
    pub fn put(&self, item: usize, result: T) {
        self.lock().done.insert(item, result);
        self.changed.notify_all();
    }

    /// Takes the next result in order; `None`: closed before it came.
    pub fn take(&self, bytes_of: impl Fn(usize) -> u64) -> Option<T> {
        let mut state = self.lock();
        loop {
            let item = state.taken;
            if let Some(result) = state.done.remove(&item) {
                state.taken += 1;
                state.bytes -= bytes_of(item);
                self.changed.notify_all();
                return Some(result);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets everybody go.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the window when dropped: held by threads and by the taker, so that an error or panic of one lets the others go.
#[derive(Debug)]
pub struct CloseOnDrop<'w, T> {
    /// The window.
    pub window: &'w Window<T>,
    /// Whether the holder came to its regular end, which closes nothing.
    pub finished: bool,
}

impl<T> Drop for CloseOnDrop<'_, T> {
    fn drop(&mut self) {
        if !self.finished {
            self.window.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_bound() {
        for max_bytes in [0, 7, 1000] {
            let window = Window::new(500, max_bytes);
            let bytes_of = |item: usize| (item % 11) as u64;
            let taken = std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        while let Some(item) = window.begin(bytes_of) {
                            window.put(item, item);
                        }
                    });
                }
                (0..500).map(|_| window.take(bytes_of).unwrap()).collect::<Vec<_>>()
            });
            assert_eq!(taken, (0..500).collect::<Vec<_>>());
        }
    }

    #[test]
    fn closing_lets_workers_and_taker_go() {
        let window = Window::<()>::new(10, 0);
        assert_eq!(window.begin(|_| 1), Some(0));
        window.close();
        assert_eq!(window.begin(|_| 1), None);
        assert_eq!(window.take(|_| 1), None);
    }
}
