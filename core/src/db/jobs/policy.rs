//! What becomes of a failed job: pure, so that it can be tested without a database.

use std::time::Duration;

use super::ErrorClass;

/// Tries of a transient failure before the job is dead.
const MOST_ATTEMPTS: i32 = 8;
/// Tries of a job that ran into its deadline: each may take two hours.
const MOST_DEADLINES: i32 = 2;
/// Crashes before the job is dead: the repository itself may be what kills its workers.
pub(super) const MOST_CRASHES: i32 = 3;
/// Backoff after the first failure; doubles with each.
const BACKOFF_BASE: Duration = Duration::from_secs(15);
/// No backoff is longer.
const BACKOFF_CAP: Duration = Duration::from_secs(3600);
/// How long a remote that asked to wait is left alone at least.
const SNOOZE: Duration = Duration::from_secs(60);

/// What to do with a job that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Given up, with these counts.
    Dead { attempt: i32, crashes: i32 },
    /// Queued again with these counts, `pause` plus a random part of `jitter` from now.
    Again { attempt: i32, crashes: i32, pause: Duration, jitter: Duration },
}

/// Decides by the class of the error. `attempt` counts this try; `crashes` does not count this crash yet.
pub(super) fn after_failure(class: ErrorClass, attempt: i32, crashes: i32) -> Outcome {
    let untried = (attempt - 1).max(0);
    let again = |attempt, crashes, pause, jitter| Outcome::Again { attempt, crashes, pause, jitter };
    match class {
        ErrorClass::Permanent => Outcome::Dead { attempt, crashes },
        ErrorClass::Deadline if attempt >= MOST_DEADLINES => Outcome::Dead { attempt, crashes },
        _ if attempt >= MOST_ATTEMPTS && is_retried(class) => Outcome::Dead { attempt, crashes },
        ErrorClass::Transient | ErrorClass::Storage | ErrorClass::Database | ErrorClass::Deadline => {
            again(attempt, crashes, Duration::ZERO, backoff(attempt))
        }
        ErrorClass::RateLimited => again(untried, crashes, SNOOZE, SNOOZE / 2),
        ErrorClass::Crash if crashes + 1 >= MOST_CRASHES => Outcome::Dead { attempt: untried, crashes: crashes + 1 },
        ErrorClass::Crash => again(untried, crashes + 1, Duration::ZERO, Duration::ZERO),
    }
}

/// Whether each try counts.
fn is_retried(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::Transient | ErrorClass::Storage | ErrorClass::Database | ErrorClass::Deadline)
}

/// Whether a run that ended so may have sent a swap of HEAD that still takes effect.
pub(super) fn leaves_doubt(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::Crash | ErrorClass::Storage | ErrorClass::Deadline)
}

/// Upper bound of the wait after this many tries. The wait itself is anything below: "full jitter" of
/// "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
fn backoff(attempt: i32) -> Duration {
    let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(16);
    (BACKOFF_BASE * 2_u32.pow(doublings)).min(BACKOFF_CAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transient_failure_waits_longer_each_time_and_dies_at_the_eighth() {
        for (attempt, seconds) in [(1, 15), (2, 30), (3, 60), (4, 120), (7, 960)] {
            let jitter = Duration::from_secs(seconds);
            let again = Outcome::Again { attempt, crashes: 1, pause: Duration::ZERO, jitter };
            assert_eq!(after_failure(ErrorClass::Transient, attempt, 1), again);
        }
        assert_eq!(after_failure(ErrorClass::Transient, 8, 1), Outcome::Dead { attempt: 8, crashes: 1 });
        assert_eq!(backoff(40), BACKOFF_CAP);
        for class in [ErrorClass::Storage, ErrorClass::Database] {
            assert_eq!(after_failure(class, 3, 0), after_failure(ErrorClass::Transient, 3, 0));
            assert_eq!(after_failure(class, 8, 0), Outcome::Dead { attempt: 8, crashes: 0 });
        }
        assert!(matches!(after_failure(ErrorClass::Deadline, 1, 0), Outcome::Again { attempt: 1, .. }));
        assert_eq!(after_failure(ErrorClass::Deadline, 2, 0), Outcome::Dead { attempt: 2, crashes: 0 });
    }

    #[test]
    fn only_crashes_count_as_crashes_and_only_tries_as_tries() {
        assert_eq!(after_failure(ErrorClass::Permanent, 1, 0), Outcome::Dead { attempt: 1, crashes: 0 });
        assert!(matches!(
            after_failure(ErrorClass::RateLimited, 8, 2),
            Outcome::Again { attempt: 7, crashes: 2, pause: SNOOZE, .. }
        ));
        assert!(matches!(after_failure(ErrorClass::Crash, 1, 1), Outcome::Again { attempt: 0, crashes: 2, .. }));
        assert_eq!(after_failure(ErrorClass::Crash, 1, 2), Outcome::Dead { attempt: 0, crashes: 3 });
    }
}
