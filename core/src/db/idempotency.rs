//! Requests with an `Idempotency-Key`: one of those that meet in a slot is done, and its answer kept for 24 hours.

use uuid::Uuid;

use super::jobs::PRUNE_BATCH;
use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::TenantId;

/// One of the requests that meet in a slot.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// Whose.
    pub tenant: TenantId,
    /// SHA-256 of who asks, method, path and key.
    pub slot: [u8; 32],
    /// SHA-256 of query and body.
    pub request: [u8; 32],
    /// Made for this attempt.
    pub id: Uuid,
}

/// What a slot holds for an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Nothing: this attempt is to be done.
    Ours,
    /// Another request.
    Another,
    /// The same request, which is being answered.
    InFlight,
    /// The answer.
    Answered {
        /// Its status.
        status: u16,
        /// All else of it, sealed.
        answer: Vec<u8>,
    },
}

/// Takes the slot, or tells what is in it: two statements at most. One that was in flight for a minute is taken over, since a
/// request is answered or given up by then. Scope: the tenant.
pub async fn claim(tx: &mut Tx, attempt: &Attempt) -> Result<Slot, DbError> {
    let take = Statement::new(
        "INSERT INTO kotadb.idempotent_requests AS held (tenant_id, slot, request_sha256, attempt) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, slot) DO UPDATE
         SET request_sha256 = excluded.request_sha256, attempt = excluded.attempt, began_at = now(), status = NULL, answer = NULL
         WHERE held.began_at < now() - interval '24 hours'
            OR (held.status IS NULL AND held.began_at < now() - interval '60 seconds')",
    );
    let take = take.bind(attempt.tenant.0).bind(attempt.slot.to_vec()).bind(attempt.request.to_vec()).bind(attempt.id);
    if tx.run(take).await? == 1 {
        return Ok(Slot::Ours);
    }
    let look =
        "SELECT request_sha256, status, answer FROM kotadb.idempotent_requests WHERE tenant_id = $1 AND slot = $2";
    let look = Statement::new(look).bind(attempt.tenant.0).bind(attempt.slot.to_vec());
    // Given up between the two statements: the caller tries again, as while it is in flight.
    let Some(row) = tx.row(look).await? else { return Ok(Slot::InFlight) };
    if column::<Vec<u8>>(&row, "request_sha256")? != attempt.request {
        return Ok(Slot::Another);
    }
    let (status, answer): (Option<i16>, Option<Vec<u8>>) = (column(&row, "status")?, column(&row, "answer")?);
    let answered = status.and_then(|status| u16::try_from(status).ok()).zip(answer);
    Ok(answered.map_or(Slot::InFlight, |(status, answer)| Slot::Answered { status, answer }))
}

/// Keeps the answer of an attempt that still holds its slot. Scope: the tenant.
pub async fn keep(tx: &mut Tx, attempt: &Attempt, status: u16, answer: Vec<u8>) -> Result<(), DbError> {
    let keep = "UPDATE kotadb.idempotent_requests SET status = $4, answer = $5
                WHERE tenant_id = $1 AND slot = $2 AND attempt = $3";
    let status = i16::try_from(status).unwrap_or(i16::MAX);
    tx.run(of(keep, attempt).bind(status).bind(answer)).await.map(|_| ())
}

/// Gives the slot of an attempt back. Scope: the tenant.
pub async fn give_back(tx: &mut Tx, attempt: &Attempt) -> Result<(), DbError> {
    let delete = "DELETE FROM kotadb.idempotent_requests WHERE tenant_id = $1 AND slot = $2 AND attempt = $3";
    tx.run(of(delete, attempt)).await.map(|_| ())
}

/// Forgets what is a day old; `true`: there may be more, call again. Scope: worker.
pub async fn prune(tx: &mut Tx) -> Result<bool, DbError> {
    let delete = "DELETE FROM kotadb.idempotent_requests WHERE (tenant_id, slot) IN (
             SELECT tenant_id, slot FROM kotadb.idempotent_requests
             WHERE began_at < now() - interval '24 hours' ORDER BY began_at LIMIT 1000
         )";
    Ok(tx.run(Statement::new(delete)).await? == PRUNE_BATCH)
}

fn of(text: &'static str, attempt: &Attempt) -> Statement {
    Statement::new(text).bind(attempt.tenant.0).bind(attempt.slot.to_vec()).bind(attempt.id)
}
