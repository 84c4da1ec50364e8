//! Webhook deliveries: unique on (hook, delivery id), written in the transaction that enqueues.

use uuid::Uuid;

use super::jobs::PRUNE_BATCH;
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

/// Forgets deliveries older than 30 days, to hooks and to the App; `true`: there may be more, call again. Scope: worker.
pub async fn prune(tx: &mut Tx) -> Result<bool, DbError> {
    let of_hooks = "DELETE FROM kotadb.deliveries WHERE (hook_id, delivery_id) IN (
             SELECT hook_id, delivery_id FROM kotadb.deliveries WHERE received_at < now() - interval '30 days'
             ORDER BY received_at LIMIT 1000 FOR UPDATE SKIP LOCKED
         )";
    let of_app = "DELETE FROM kotadb.app_deliveries WHERE delivery_id IN (
             SELECT delivery_id FROM kotadb.app_deliveries WHERE received_at < now() - interval '30 days'
             ORDER BY received_at LIMIT 1000 FOR UPDATE SKIP LOCKED
         )";
    let of_hooks = tx.run(Statement::new(of_hooks)).await?;
    let of_app = tx.run(Statement::new(of_app)).await?;
    Ok(of_hooks.max(of_app) == PRUNE_BATCH)
}
