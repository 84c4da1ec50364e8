//! The row that is kept of a delivery.

use kotadb_core::crypto;
use kotadb_core::db::deliveries::NewDelivery;
use kotadb_core::github::Payload;
use kotadb_core::id::JobId;
use kotadb_core::wire::DeliveryAnswer;

use crate::headers::Headers;

/// Most characters kept of an action.
const MOST_ACTION: usize = 100;

/// What is kept of a delivery and what became of it.
pub fn row(headers: &Headers, payload: &Payload, body: &[u8], answer: &DeliveryAnswer) -> NewDelivery {
    let job = match answer {
        DeliveryAnswer::Queued { job, .. } => job.parse().map(JobId).ok(),
        _ => None,
    };
    let plain = |action: &String| action.chars().filter(|c| !c.is_control()).take(MOST_ACTION).collect();
    NewDelivery {
        delivery: headers.delivery,
        event: headers.event.clone(),
        action: payload.action.as_ref().map(plain),
        outcome: answer.status(),
        job,
        body_sha256: crypto::sha256(body),
    }
}
