//! The time of day, for deadlines that outlive a process: of the database where two machines compare it, of the machine
//! where there is but one. Tests move it by giving another.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, by this machine's clock.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A clock that was told the time once and counts on by itself, so that setting this machine's clock changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    told_ms: u64,
    since: Instant,
}

impl Clock {
    /// It is `now_ms` now.
    pub fn told(now_ms: u64) -> Self {
        Self { told_ms: now_ms, since: Instant::now() }
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.told_ms.saturating_add(u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}
