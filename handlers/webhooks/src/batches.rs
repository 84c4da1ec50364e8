//! Deliveries that wait while others are being committed are committed together: the disk takes one write for all of them.
//! Each is answered only after its own commit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kotadb_core::db::deliveries::{self, Acceptance, PlainDelivery};
use kotadb_core::db::{Db, DbError, Scope};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::effects::DEBOUNCE;

/// Deliveries of one transaction.
const MOST: usize = 100;
/// Longest time of a transaction: whoever is in it must still be able to go alone, and who waits behind it be answered.
const LIMIT: Duration = Duration::from_secs(2);

/// What became of one delivery of a batch.
type Fate = Result<Acceptance, DbError>;

/// The batches of one process. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Batches(Arc<Mutex<Line>>);

/// Who waits.
#[derive(Default)]
struct Line {
    waiting: Vec<(PlainDelivery, oneshot::Sender<Fate>)>,
    is_served: bool,
}

impl Batches {
    /// Takes a delivery in the next batch. [`Acceptance::Refused`]: take it by itself. An error: there is no connection.
    pub(crate) async fn accept(&self, db: &Db, delivery: PlainDelivery) -> Fate {
        let (answer, answered) = oneshot::channel();
        let is_served = {
            let mut line = self.line();
            line.waiting.push((delivery, answer));
            std::mem::replace(&mut line.is_served, true)
        };
        if !is_served {
            // A task of its own: a sender that hangs up must not end the batch of others.
            tokio::spawn(Serving { batches: self.clone(), is_over: false }.serve(db.clone()));
        }
        answered.await.unwrap_or(Ok(Acceptance::Refused))
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one task that serves the line, one batch after the other.
struct Serving {
    batches: Batches,
    is_over: bool,
}

impl Serving {
    async fn serve(mut self, db: Db) {
        while let Some((batch, answers)) = self.next() {
            let refused = |_late| Ok(vec![Acceptance::Refused; answers.len()]);
            match timeout(LIMIT, commit(&db, &batch)).await.unwrap_or_else(refused) {
                // Whoever has hung up meanwhile is answered when it sends again: duplicate.
                Ok(fates) => answers.into_iter().zip(fates).for_each(|(answer, fate)| drop(answer.send(Ok(fate)))),
                Err(error) => {
                    let error = || DbError::Unreachable(error.to_string());
                    answers.into_iter().for_each(|answer| drop(answer.send(Err(error()))));
                }
            }
        }
    }

    /// Who is next, or the end of serving, in one step: whoever comes later starts it again.
    fn next(&mut self) -> Option<(Vec<PlainDelivery>, Vec<oneshot::Sender<Fate>>)> {
        let mut line = self.batches.line();
        line.waiting.retain(|(_, answer)| !answer.is_closed());
        let most = line.waiting.len().min(MOST);
        line.is_served = most > 0;
        self.is_over = most == 0;
        line.is_served.then(|| line.waiting.drain(..most).unzip())
    }
}

impl Drop for Serving {
    /// After a panic, too, others must be served: those in line have lost their turn and go alone.
    fn drop(&mut self) {
        if !self.is_over {
            let mut line = self.batches.line();
            line.waiting.clear();
            line.is_served = false;
        }
    }
}

/// An error only where there is no connection: what else fails may be the fault of one of them, so each goes alone.
async fn commit(db: &Db, batch: &[PlainDelivery]) -> Result<Vec<Acceptance>, DbError> {
    let mut tx = db.begin(Scope::Anonymous).await?;
    let accepted = match deliveries::accept(&mut tx, batch, DEBOUNCE).await {
        Ok(accepted) => tx.commit().await.map(|()| accepted),
        Err(error) => Err(error),
    };
    Ok(accepted.unwrap_or_else(|error| {
        tracing::warn!(deliveries = batch.len(), %error, "Deliveries are taken one by one: {error}");
        vec![Acceptance::Refused; batch.len()]
    }))
}
