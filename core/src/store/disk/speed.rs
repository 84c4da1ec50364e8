//! How long the disk will take, learned from how long it took: what decides whether it or the bucket is asked.
//!
//! A disk does its work one after the other, so what is asked of it waits for what was asked before. How much slower or
//! faster than [`DriveSpeed::FLY_ROOT`] it is follows from each read. One that was found slow is given another chance.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::drive::DriveSpeed;

/// How much of what one read says is believed.
const LEARNING: f64 = 0.1;
const FASTEST: f64 = 0.01;
const SLOWEST: f64 = 100.0;
/// After so long half of what was learned of a slow disk is forgotten.
const HALF_LIFE: Duration = Duration::from_secs(60);
/// A read that takes this share of the bucket's time is worth it: estimates err, and a slow disk costs more than a GET.
const WORTH: f64 = 0.7;

#[derive(Debug)]
pub(super) struct Speed {
    learned: Mutex<Learned>,
}

#[derive(Debug)]
struct Learned {
    /// Times as long as `FLY_ROOT` takes.
    slowness: f64,
    at: Instant,
    /// When it should have done what it was asked so far.
    free: Instant,
}

impl Default for Speed {
    fn default() -> Self {
        let now = Instant::now();
        Self { learned: Mutex::new(Learned { slowness: 1.0, at: now, free: now }) }
    }
}

impl Speed {
    /// How long an idle disk should take for `bytes`.
    pub(super) fn alone(&self, bytes: u64) -> Duration {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner).takes(bytes, Instant::now())
    }

    /// Asks for `bytes` if the disk should have them well within `bucket`; how long it should take.
    pub(super) fn ask(&self, bytes: u64, bucket: Duration) -> Option<Duration> {
        let (mut learned, now) = (self.learned.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        let done = learned.free.max(now) + learned.takes(bytes, now);
        let due = done - now;
        (due < bucket.mul_f64(WORTH)).then(|| {
            learned.free = done;
            due
        })
    }

    /// Work that is not waited for, but that later reads wait for.
    pub(super) fn book(&self, bytes: u64) -> Duration {
        self.ask(bytes, Duration::MAX / 2).unwrap_or_default()
    }

    /// What should have taken `due` took `took`.
    pub(super) fn learn(&self, due: Duration, took: Duration) {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        let ratio = took.as_secs_f64().max(1e-6) / due.as_secs_f64().max(1e-6);
        let now = Instant::now();
        let slowness = learned.slowness(now) * ratio.clamp(0.1, 10.0).powf(LEARNING);
        (learned.slowness, learned.at) = (slowness.clamp(FASTEST, SLOWEST), now);
    }
}

impl Learned {
    fn takes(&self, bytes: u64, now: Instant) -> Duration {
        DriveSpeed::FLY_ROOT.of(bytes).mul_f64(self.slowness(now))
    }

    fn slowness(&self, now: Instant) -> f64 {
        let age = now.saturating_duration_since(self.at).as_secs_f64() / HALF_LIFE.as_secs_f64();
        if self.slowness <= 1.0 { self.slowness } else { 1.0 + (self.slowness - 1.0) * 0.5f64.powf(age) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUCKET: Duration = Duration::from_millis(25);

    #[test]
    fn a_slow_disk_is_asked_for_little_and_for_no_more_than_it_has_in_time() {
        let speed = Speed::default();
        assert!(speed.ask(1 << 20, BUCKET).is_none(), "a mebibyte takes 125 ms");
        let asked = (0..100).filter(|_| speed.ask(4 << 10, BUCKET).is_some()).count();
        assert!((10..=20).contains(&asked), "1 ms each, 17 ms in all: {asked}");
    }

    #[test]
    fn a_fast_disk_is_recognised_and_so_is_one_that_turns_slow() {
        let speed = Speed::default();
        for _ in 0..100 {
            let due = speed.alone(4 << 10);
            speed.learn(due, due.mul_f64(0.1));
        }
        assert!(speed.ask(1 << 20, BUCKET).is_some());
        for _ in 0..200 {
            speed.learn(Duration::from_millis(1), Duration::from_millis(50));
        }
        assert!(speed.ask(4 << 10, BUCKET).is_none());
        let later = Instant::now() + HALF_LIFE * 20;
        let learned = speed.learned.lock().unwrap();
        assert!((learned.slowness(later) - 1.0).abs() < 0.01, "it is given another chance");
    }
}
