//! The time of day, for deadlines that outlive a process: of the database where two machines compare it, of the machine
//! where there is but one. Tests move it by giving another. And the time since the machine started, for what processes of
//! one machine agree on.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

/// Goes on while the machine is suspended, so that a lease is not trusted for as long as its holder slept.
#[cfg(target_os = "linux")]
const SINCE_BOOT: ClockId = ClockId::CLOCK_BOOTTIME;
#[cfg(not(target_os = "linux"))]
const SINCE_BOOT: ClockId = ClockId::CLOCK_MONOTONIC;

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

/// Time since the machine started, the same in all of its processes.
pub fn since_boot() -> Duration {
    clock_gettime(SINCE_BOOT).map(Duration::from).unwrap_or_default()
}
