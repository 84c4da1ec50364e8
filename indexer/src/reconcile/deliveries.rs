//! Deliveries that failed are asked for again. The log is read from where it was left; what failed is taken in the order of
//! its happening, so that a run that has to stop half-way is continued by the next.

use std::collections::{BTreeMap, BTreeSet};

use kotadb_core::db::{Scope, cursors};
use kotadb_core::github::client::{Delivery, GithubError, Session};

use super::Run;
use crate::error::IndexError;

/// Redeliveries of one log in one run.
const MOST: usize = 200;
/// Name of the App's log.
const APP_LOG: &str = "app_deliveries";

/// Whose log.
#[derive(Clone, Copy, Debug)]
pub(super) enum Log<'a> {
    App { session: &'a Session },
    Hook { session: &'a Session, name: &'a str, hook: i64 },
}

impl Log<'_> {
    async fn since(self, since: i64) -> Result<Vec<Delivery>, GithubError> {
        let listed = match self {
            Self::App { session } => session.app_deliveries(since).await,
            Self::Hook { session, name, hook } => session.hook_deliveries(name, hook, since).await,
        };
        listed.map(|listed| listed.items)
    }

    async fn again(self, delivery: i64) -> Result<(), GithubError> {
        match self {
            Self::App { session } => session.redeliver_app(delivery).await,
            Self::Hook { session, name, hook } => session.redeliver(name, hook, delivery).await,
        }
    }
}

impl Run<'_> {
    /// Up to where the log has been dealt with, and what stopped it there.
    pub(super) async fn redeliver(&mut self, log: Log<'_>, since: i64) -> (i64, Option<GithubError>) {
        let deliveries = match log.since(since).await {
            Ok(deliveries) => deliveries,
            Err(error) => return (since, Some(error)),
        };
        let newest = deliveries.iter().map(|one| one.id).max().unwrap_or(since).max(since);
        let lost = lost(&deliveries);
        for (n, &delivery) in lost.iter().enumerate() {
            // Up to the one before: this one is still to be done.
            let before = delivery - 1;
            if n == MOST {
                return (before, None);
            }
            match log.again(delivery).await {
                Ok(()) => self.done.redelivered += 1,
                // Too old, or of a webhook that is gone.
                Err(GithubError::NotFound(_) | GithubError::Invalid(_)) => {}
                Err(error) => return (before, Some(error)),
            }
        }
        (newest, None)
    }

    /// The log of the App's own webhook.
    pub(super) async fn app_deliveries(&mut self) -> Result<(), IndexError> {
        let session = match self.with.github.app() {
            Ok(session) if !self.is_down() => session,
            _ => return Ok(()),
        };
        let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
        let since = cursors::position(&mut tx, APP_LOG).await?;
        tx.commit().await?;
        let (seen, failure) = self.redeliver(Log::App { session: &session }, since).await;
        if seen > since {
            let mut tx = self.with.indexer.db.begin(Scope::Worker).await?;
            cursors::move_to(&mut tx, APP_LOG, seen).await?;
            tx.commit().await?;
        }
        match failure {
            // An App without a webhook has no log.
            None | Some(GithubError::NotFound(_)) => Ok(()),
            Some(error) => self.note(error.into(), "deliveries of the App"),
        }
    }
}

/// The last attempt of each delivery that never arrived and may do so now, oldest first. What happened to a repository itself
/// was just seen by comparison: told late and in any order, it would undo that.
fn lost(deliveries: &[Delivery]) -> Vec<i64> {
    let arrived: BTreeSet<&str> = deliveries.iter().filter(|one| one.is_ok()).map(|one| one.guid.as_str()).collect();
    let mut last: BTreeMap<&str, &Delivery> = BTreeMap::new();
    for one in deliveries.iter().filter(|one| !arrived.contains(one.guid.as_str())) {
        let known = last.entry(&one.guid).or_insert(one);
        if known.id < one.id {
            *known = one;
        }
    }
    let mut lost: Vec<i64> =
        last.values().filter(|one| one.is_worth_another() && one.event != "repository").map(|one| one.id).collect();
    lost.sort_unstable();
    lost
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(id: i64, guid: &str, status_code: u16) -> Delivery {
        let (guid, delivered_at, event) = (guid.to_owned(), String::new(), "push".to_owned());
        Delivery { id, guid, delivered_at, status_code, event }
    }

    #[test]
    fn only_the_last_attempt_of_what_never_arrived_is_made_again() {
        let log = [
            delivery(9, "c", 503),
            delivery(8, "a", 202),
            delivery(7, "b", 0),
            delivery(6, "b", 500),
            delivery(5, "d", 403),
            delivery(4, "e", 401),
            delivery(3, "a", 0),
        ];
        assert_eq!(lost(&log), [4, 7, 9]);
        assert_eq!(lost(&[]), [0; 0]);
        assert_eq!(lost(&[Delivery { event: "repository".to_owned(), ..delivery(1, "f", 0) }]), [0; 0]);
    }
}
