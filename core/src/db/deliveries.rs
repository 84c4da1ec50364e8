//! Webhook deliveries, written in the transaction of what they cause: unique on (hook, delivery id), those to the App's own
//! hook on the delivery id alone. One that was ignored may be tried again, because what it is measured by (ref patterns, a
//! suspension) may have changed since; any other is seen once.

use uuid::Uuid;

use super::jobs::PRUNE_BATCH;
use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::{HookId, JobId, TenantId};

/// What is kept of a delivery: never its payload.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// `X-GitHub-Delivery`.
    pub delivery: Uuid,
    /// `X-GitHub-Event`.
    pub event: String,
    /// `action` of the payload.
    pub action: Option<String>,
    /// One word: `queued`, `applied`, `pong`, `ignored`.
    pub outcome: &'static str,
    /// The job that it queued or joined.
    pub job: Option<JobId>,
    /// SHA-256 of the body.
    pub body_sha256: [u8; 32],
}

/// Records a delivery to the hook of a repository; `false`: seen before, so roll back. Scope: the tenant of the hook.
pub async fn record(tx: &mut Tx, tenant: TenantId, hook: HookId, delivery: &NewDelivery) -> Result<bool, DbError> {
    let insert = Statement::new(
        "INSERT INTO kotadb.deliveries AS d (hook_id, delivery_id, tenant_id, event, action, outcome, job_id, body_sha256)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (hook_id, delivery_id) DO UPDATE SET outcome = excluded.outcome, job_id = excluded.job_id
         WHERE d.outcome = 'ignored'",
    )
    .bind(hook.0)
    .bind(delivery.delivery)
    .bind(tenant.0)
    .bind(delivery.event.clone())
    .bind(delivery.action.clone())
    .bind(delivery.outcome)
    .bind(delivery.job.map(|job| job.0))
    .bind(delivery.body_sha256.to_vec());
    Ok(tx.run(insert).await? == 1)
}

/// Records a delivery to the App's own hook; `false`: seen before, so roll back. Scope: the tenant of the installation, or
/// anonymous where there is none.
pub async fn record_app(tx: &mut Tx, installation: Option<i64>, delivery: &NewDelivery) -> Result<bool, DbError> {
    let record = Statement::new("SELECT kotadb.record_app_delivery($1, $2, $3, $4, $5, $6) AS is_new")
        .bind(delivery.delivery)
        .bind(installation)
        .bind(delivery.event.clone())
        .bind(delivery.action.clone())
        .bind(delivery.outcome)
        .bind(delivery.body_sha256.to_vec());
    tx.row(record).await?.map_or(Ok(false), |row| column(&row, "is_new"))
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
