//! Webhook deliveries, written in the transaction of what they cause: unique on (hook, delivery id), those to the App's own
//! hook on the delivery id alone. One that was ignored may be tried again, because what it is measured by (ref patterns, a
//! suspension) may have changed since; any other is seen once. Most deliveries come to a row and at most a job: those are
//! taken many at once ([`accept`]).

use std::time::Duration;

use uuid::Uuid;

use super::jobs::{PRUNE_BATCH, Trigger, millis, told_commits};
use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::{HookId, JobId, TenantId};
use crate::trace::Traceparent;

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

/// A delivery to the hook of a repository that comes to no more than a job, as its receiver found by what it knows.
#[derive(Clone, Debug)]
pub struct PlainDelivery {
    /// To which hook.
    pub hook: HookId,
    /// [`super::hooks::Hook::version`] of what the receiver knows.
    pub version: Vec<u8>,
    /// What is to be kept of it: `queued` with the id that a new job gets, or `ignored`.
    pub row: NewDelivery,
    /// Commits that it tells of on the default branch; `None`: it moved, and nobody has told by how many.
    pub commits: Option<u32>,
    /// Whose hook.
    pub tenant: TenantId,
    /// The trace of its request, which the job continues: many share a transaction.
    pub traceparent: Option<Traceparent>,
}

/// What became of a [`PlainDelivery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is written down, with the job that it queued or joined.
    Queued {
        /// Which.
        job: JobId,
        /// Whether it was queued already.
        coalesced: bool,
    },
    /// It is written down.
    Ignored,
    /// It was taken before.
    Duplicate,
    /// It is not written down, because the hook is not what its receiver knows, or its repository is locked.
    Refused,
}

/// Takes deliveries of any tenants in one statement (`kotadb.accept_deliveries`), in the same order. Scope: anonymous. An
/// error undoes all of them; one of them may be the cause, so take each by itself then. `delay`: of the jobs.
pub async fn accept(tx: &mut Tx, sent: &[PlainDelivery], delay: Duration) -> Result<Vec<Acceptance>, DbError> {
    let uuids = |of: fn(&PlainDelivery) -> Uuid| sent.iter().map(of).collect::<Vec<_>>();
    let accept = Statement::new(
        "SELECT * FROM kotadb.accept_deliveries($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(uuids(|one| one.hook.0))
    .bind(sent.iter().map(|one| one.version.clone()).collect::<Vec<_>>())
    .bind(uuids(|one| one.row.delivery))
    .bind(sent.iter().map(|one| one.row.event.clone()).collect::<Vec<_>>())
    .bind(sent.iter().map(|one| one.row.action.clone()).collect::<Vec<_>>())
    .bind(sent.iter().map(|one| one.row.outcome.to_owned()).collect::<Vec<_>>())
    .bind(sent.iter().map(|one| one.row.body_sha256.to_vec()).collect::<Vec<_>>())
    .bind(sent.iter().map(|one| one.row.job.map(|job| job.0)).collect::<Vec<_>>())
    .bind(Trigger::Push.priority())
    .bind(millis(delay))
    .bind(sent.iter().map(|one| one.traceparent.as_ref().map(ToString::to_string)).collect::<Vec<_>>())
    .bind(uuids(|one| one.tenant.0))
    .bind(sent.iter().map(|one| told_commits(one.commits)).collect::<Vec<_>>());
    let mut became = vec![Acceptance::Refused; sent.len()];
    for row in tx.rows(accept).await? {
        let nth = usize::try_from(column::<i64>(&row, "nth")? - 1).ok();
        let (outcome, job): (&str, Option<Uuid>) = (column(&row, "outcome")?, column(&row, "job_id")?);
        let Some((slot, sent)) = nth.and_then(|nth| became.get_mut(nth).zip(sent.get(nth))) else { continue };
        *slot = match (outcome, job.map(JobId)) {
            ("queued", Some(job)) => Acceptance::Queued { job, coalesced: Some(job) != sent.row.job },
            ("ignored", _) => Acceptance::Ignored,
            ("duplicate", _) => Acceptance::Duplicate,
            _ => Acceptance::Refused,
        };
    }
    Ok(became)
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
