//! The time of day, for names and deadlines that outlive a process, which tests move by giving another; and the time
//! since the machine started, for what processes of one machine agree on.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

/// Goes on while the machine is suspended, so that a lease is not trusted for as long as its holder slept.
#[cfg(target_os = "linux")]
const SINCE_BOOT: ClockId = ClockId::CLOCK_BOOTTIME;
#[cfg(not(target_os = "linux"))]
const SINCE_BOOT: ClockId = ClockId::CLOCK_MONOTONIC;

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Time since the machine started, the same in all of its processes.
pub fn since_boot() -> Duration {
    clock_gettime(SINCE_BOOT).map(Duration::from).unwrap_or_default()
}
