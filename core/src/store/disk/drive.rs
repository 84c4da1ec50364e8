//! The disk as it is, or as slow as a measurement wants it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a disk does at most, all its work one after the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriveSpeed {
    /// Bytes read or written in a second.
    pub bytes_per_second: u64,
    /// Reads or writes in a second.
    pub operations_per_second: u32,
}

#[derive(Debug)]
pub(super) struct Drive {
    /// `None`: as it is.
    speed: Option<DriveSpeed>,
    free: Mutex<Option<Instant>>,
}

impl DriveSpeed {
    /// The root disk of a Fly machine.
    pub const FLY_ROOT: Self = Self { bytes_per_second: 8 << 20, operations_per_second: 2_000 };

    /// How long one operation on `bytes` takes.
    pub(super) fn of(&self, bytes: u64) -> Duration {
        let seconds = 1.0 / f64::from(self.operations_per_second) + bytes as f64 / self.bytes_per_second as f64;
        Duration::from_secs_f64(seconds)
    }
}

impl Drive {
    pub(super) fn new(speed: Option<DriveSpeed>) -> Self {
        Self { speed, free: Mutex::new(None) }
    }

    /// Does `work` on `bytes` bytes; what it gave, and how long it took.
    pub(super) fn timed<T>(&self, bytes: u64, work: impl FnOnce() -> T) -> (T, Duration) {
        let start = Instant::now();
        let done = work();
        if let Some(speed) = self.speed {
            let until = self.book(start, speed.of(bytes));
            std::thread::sleep(until.saturating_duration_since(Instant::now()));
        }
        (done, start.elapsed())
    }

    fn book(&self, start: Instant, takes: Duration) -> Instant {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let until = free.map_or(start, |free| free.max(start)) + takes;
        *free = Some(until);
        until
    }
}
