//! Webhook deliveries: unique on (hook, delivery id), written in the transaction that enqueues.
#![allow(unused_variables, reason = "contract stub")]

use uuid::Uuid;

use super::{DbError, Tx};
use crate::id::{HookId, TenantId};

/// What is kept of a delivery: never its payload.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// The hook it came to.
    pub hook: HookId,
    /// Its owner.
    pub tenant: TenantId,
    /// `X-GitHub-Delivery`.
    pub delivery: Uuid,
    /// `X-GitHub-Event`.
    pub event: String,
    /// SHA-256 of the body.
    pub body_sha256: [u8; 32],
}

/// Records a delivery; `false`: seen before. Scope: the tenant of the hook.
pub async fn record(tx: &mut Tx, delivery: &NewDelivery) -> Result<bool, DbError> {
    unimplemented!()
}
