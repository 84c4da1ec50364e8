//! Webhook deliveries: unique on (hook, delivery id), written in the transaction that enqueues.

use uuid::Uuid;

use super::tx::Statement;
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
    let insert = Statement::new(
        "INSERT INTO kotadb.deliveries (hook_id, delivery_id, tenant_id, event, body_sha256) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (hook_id, delivery_id) DO NOTHING",
    )
    .bind(delivery.hook.0)
    .bind(delivery.delivery)
    .bind(delivery.tenant.0)
    .bind(delivery.event.clone())
    .bind(delivery.body_sha256.to_vec());
    Ok(tx.run(insert).await? == 1)
}
