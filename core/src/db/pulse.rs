//! Whether a connection that lay idle still leads to Postgres. One of a machine that was suspended may lead nowhere without
//! anybody having said so: what is written to it is lost, and an answer never comes.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnectionMetadata;
use sqlx::{Connection, PgConnection};

/// What lay idle for longer is asked before it is used: a pooler may have closed it.
const IDLE: Duration = Duration::from_secs(1);
/// Until the answer must be there. Far more than a round trip takes, and little of what a request may wait for a connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// Of the connections of one pool.
#[derive(Clone, Debug, Default)]
pub(super) struct Pulse {
    /// When one did not answer: what was last used before is not waited for again, one after the other.
    lost_at: Arc<Mutex<Option<Instant>>>,
}

impl Pulse {
    /// Fails for a connection that leads nowhere.
    pub(super) async fn feel(&self, connection: &mut PgConnection, meta: PoolConnectionMetadata) -> sqlx::Result<()> {
        if meta.idle_for <= IDLE {
            return Ok(());
        }
        if self.is_lost(Instant::now(), meta.idle_for) {
            return Err(lost());
        }
        let Ok(answer) = tokio::time::timeout(PATIENCE, connection.ping()).await else {
            *self.lost_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            return Err(lost());
        };
        answer
    }

    fn is_lost(&self, now: Instant, idle_for: Duration) -> bool {
        let lost_at = *self.lost_at.lock().unwrap_or_else(PoisonError::into_inner);
        lost_at.is_some_and(|lost_at| now.duration_since(lost_at) < idle_for)
    }
}

fn lost() -> sqlx::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no answer on a connection that lay idle").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_since_is_not_given_up() {
        let (pulse, now) = (Pulse::default(), Instant::now());
        let later = |seconds| now + Duration::from_secs(seconds);
        assert!(!pulse.is_lost(later(100), Duration::from_secs(100)));
        *pulse.lost_at.lock().unwrap() = Some(later(10));
        assert!(pulse.is_lost(later(13), Duration::from_secs(5)), "idle since before that");
        assert!(!pulse.is_lost(later(13), Duration::from_secs(2)), "used after it");
    }
}
