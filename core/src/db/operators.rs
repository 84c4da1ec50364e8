//! What operators do to the queue: look at the jobs of all tenants, move many at once, stop claims, set limits. Scope: worker.
//! What changes something is written into the audit log, in the same transaction.

use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::jobs::{self, ErrorClass, JobRow, JobState, Moved, PRUNE_BATCH};
use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::{JobId, TenantId};

/// Jobs that one call of [`cancel_many`] cancels at most.
const CANCEL_BATCH: i64 = 1000;

/// Which jobs are meant: all that every given part fits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection {
    /// Of this tenant.
    pub tenant: Option<TenantId>,
    /// Whose last error is of this class.
    pub class: Option<ErrorClass>,
    /// In this state.
    pub state: Option<JobState>,
}

/// A job as an operator sees it.
#[derive(Clone, Debug)]
pub struct OperatorJob {
    /// As its owner sees it.
    pub job: JobRow,
    /// Name of its tenant.
    pub tenant: String,
    /// Name of its repository.
    pub repository: String,
    /// Lower runs first.
    pub priority: i16,
    /// Crashes so far.
    pub crash_count: i32,
    /// Who holds it.
    pub lease_owner: Option<String>,
}

/// Limits on what indexers work for one UTC day, in seconds. `None`: no limit (of a tenant: that of the settings).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// All tenants together.
    pub total: Option<i64>,
    /// Each tenant without a limit of its own.
    pub each_tenant: Option<i64>,
}

/// What one tenant may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantLimits {
    /// Seconds of indexers a UTC day; `None`: those of the settings.
    pub seconds: Option<i64>,
    /// Jobs at once.
    pub running: i32,
}

/// Newest jobs of all tenants, or one of them by its id.
pub async fn list(tx: &mut Tx, which: Selection, job: Option<JobId>, limit: i64) -> Result<Vec<OperatorJob>, DbError> {
    let select = Statement::new(
        "SELECT j.id, j.repository_id, j.state, j.trigger, j.attempt, j.coalesced, j.error_class,
             j.errors -> -1 ->> 'message' AS error, j.summary, j.created_at, j.run_at, j.started_at, j.finished_at,
             t.name AS tenant, r.name::text AS repository, j.priority, j.crash_count, j.lease_owner
         FROM kotadb.jobs j JOIN kotadb.tenants t ON t.id = j.tenant_id JOIN kotadb.repositories r ON r.id = j.repository_id
         WHERE ($1::uuid IS NULL OR j.tenant_id = $1) AND ($2::text IS NULL OR j.error_class = $2)
             AND ($3::text IS NULL OR j.state = $3) AND ($4::uuid IS NULL OR j.id = $4)
         ORDER BY j.id DESC LIMIT $5",
    )
    .bind(which.tenant.map(|tenant| tenant.0))
    .bind(which.class.map(ErrorClass::as_str))
    .bind(which.state.map(JobState::as_str))
    .bind(job.map(|job| job.0))
    .bind(limit);
    tx.rows(select).await?.iter().map(read).collect()
}

/// Retries one job. `None`: no such job.
pub async fn retry(tx: &mut Tx, job: JobId, actor: &str) -> Result<Option<Moved>, DbError> {
    let moved = jobs::retry(tx, job).await?;
    if moved.is_some_and(|moved| moved.moved) {
        audit(tx, actor, Deed::to_job("jobs.retry", job)).await?;
    }
    Ok(moved)
}

/// Retries all dead jobs of a tenant or class; how many.
pub async fn retry_many(tx: &mut Tx, which: Selection, actor: &str) -> Result<i64, DbError> {
    let retry = Statement::new("SELECT kotadb.retry_dead_jobs($1, $2)::bigint AS moved");
    let retry = retry.bind(which.class.map(ErrorClass::as_str)).bind(which.tenant.map(|tenant| tenant.0));
    let moved = count(tx, retry).await?;
    audit(tx, actor, Deed::to_many("jobs.retry", which, json!({ "jobs": moved }))).await?;
    Ok(moved)
}

/// Cancels one job. `None`: no such job.
pub async fn cancel(tx: &mut Tx, job: JobId, actor: &str) -> Result<Option<Moved>, DbError> {
    let moved = jobs::cancel(tx, job).await?;
    if moved.is_some_and(|moved| moved.moved) {
        audit(tx, actor, Deed::to_job("jobs.cancel", job)).await?;
    }
    Ok(moved)
}

/// Cancels up to 1,000 queued and running jobs of a tenant or class; how many. Call again until it is 0.
pub async fn cancel_many(tx: &mut Tx, which: Selection, actor: &str) -> Result<i64, DbError> {
    let cancel = Statement::new(
        "SELECT count(*) FILTER (WHERE c.moved) AS moved FROM (
             SELECT j.id FROM kotadb.jobs j
             WHERE j.state IN ('queued', 'running') AND j.cancel_requested_at IS NULL
                 AND ($1::text IS NULL OR j.error_class = $1) AND ($2::uuid IS NULL OR j.tenant_id = $2)
             LIMIT $3
         ) AS open CROSS JOIN LATERAL kotadb.cancel_job(open.id) AS c",
    );
    let cancel = cancel.bind(which.class.map(ErrorClass::as_str)).bind(which.tenant.map(|tenant| tenant.0));
    let moved = count(tx, cancel.bind(CANCEL_BATCH)).await?;
    if moved > 0 {
        audit(tx, actor, Deed::to_many("jobs.cancel", which, json!({ "jobs": moved }))).await?;
    }
    Ok(moved)
}

/// Lets no job of a tenant, or of anybody, be taken, or lets them be taken again. Queueing goes on.
pub async fn pause(tx: &mut Tx, tenant: Option<TenantId>, paused: bool, actor: &str) -> Result<(), DbError> {
    match tenant {
        Some(tenant) => {
            let set = "UPDATE kotadb.tenants SET jobs_paused_at = CASE WHEN $1 THEN coalesce(jobs_paused_at, now()) END
                WHERE id = $2";
            tx.run(Statement::new(set).bind(paused).bind(tenant.0)).await?;
        }
        None => {
            let set = "UPDATE kotadb.queue_settings SET paused_at = CASE WHEN $1 THEN coalesce(paused_at, now()) END";
            tx.run(Statement::new(set).bind(paused)).await?;
        }
    }
    if !paused {
        tx.run(Statement::new("SELECT pg_notify('kotadb_jobs', '0')")).await?;
    }
    let action = if paused { "jobs.pause" } else { "jobs.resume" };
    audit(tx, actor, Deed::to_many(action, Selection { tenant, ..Selection::default() }, json!({}))).await
}

/// The limits of the settings.
pub async fn limits(tx: &mut Tx) -> Result<Limits, DbError> {
    let select = "SELECT daily_indexer_seconds, daily_tenant_seconds FROM kotadb.queue_settings";
    let Some(row) = tx.row(Statement::new(select)).await? else {
        return Ok(Limits::default());
    };
    Ok(Limits { total: column(&row, "daily_indexer_seconds")?, each_tenant: column(&row, "daily_tenant_seconds")? })
}

/// Sets the limits of the settings.
pub async fn set_limits(tx: &mut Tx, limits: Limits, actor: &str) -> Result<(), DbError> {
    let set = "UPDATE kotadb.queue_settings SET daily_indexer_seconds = $1, daily_tenant_seconds = $2";
    tx.run(Statement::new(set).bind(limits.total).bind(limits.each_tenant)).await?;
    let detail = json!({ "total_seconds": limits.total, "tenant_seconds": limits.each_tenant });
    audit(tx, actor, Deed::to_many("jobs.limits", Selection::default(), detail)).await
}

/// A tenant's own limits.
pub async fn tenant_limits(tx: &mut Tx, tenant: TenantId) -> Result<TenantLimits, DbError> {
    let select = "SELECT daily_indexer_seconds, max_running_jobs FROM kotadb.tenants WHERE id = $1";
    let row = tx.row(Statement::new(select).bind(tenant.0)).await?;
    let row = row.ok_or_else(|| DbError::Statement(format!("tenant `{tenant}` vanished")))?;
    Ok(TenantLimits { seconds: column(&row, "daily_indexer_seconds")?, running: column(&row, "max_running_jobs")? })
}

/// Sets a tenant's own limits.
pub async fn set_tenant_limits(
    tx: &mut Tx,
    tenant: TenantId,
    limits: TenantLimits,
    actor: &str,
) -> Result<(), DbError> {
    let set = "UPDATE kotadb.tenants SET daily_indexer_seconds = $2, max_running_jobs = $3 WHERE id = $1";
    tx.run(Statement::new(set).bind(tenant.0).bind(limits.seconds).bind(limits.running)).await?;
    let which = Selection { tenant: Some(tenant), ..Selection::default() };
    let detail = json!({ "seconds": limits.seconds, "running": limits.running });
    audit(tx, actor, Deed::to_many("jobs.limits", which, detail)).await
}

impl Selection {
    /// For the audit log.
    fn words(self) -> String {
        let tenant = self.tenant.map(|tenant| format!("tenant {tenant}"));
        let class = self.class.map(|class| format!("class {}", class.as_str()));
        let parts: Vec<String> = [tenant, class].into_iter().flatten().collect();
        if parts.is_empty() { "all".to_owned() } else { parts.join(", ") }
    }
}

async fn count(tx: &mut Tx, statement: Statement) -> Result<i64, DbError> {
    tx.row(statement).await?.map_or(Ok(0), |row| column(&row, "moved"))
}

/// What was done to what.
struct Deed {
    action: &'static str,
    target: String,
    tenant: Option<TenantId>,
    detail: Value,
}

impl Deed {
    fn to_job(action: &'static str, job: JobId) -> Self {
        Self { action, target: job.to_string(), tenant: None, detail: json!({}) }
    }

    fn to_many(action: &'static str, which: Selection, detail: Value) -> Self {
        Self { action, target: which.words(), tenant: which.tenant, detail }
    }
}

async fn audit(tx: &mut Tx, actor: &str, deed: Deed) -> Result<(), DbError> {
    let insert = "INSERT INTO kotadb.audit_log (actor, action, target, tenant_id, detail) VALUES ($1, $2, $3, $4, $5)";
    let insert = Statement::new(insert).bind(actor.to_owned()).bind(deed.action).bind(deed.target);
    tx.run(insert.bind(deed.tenant.map(|tenant| tenant.0)).bind(deed.detail)).await.map(|_| ())
}

/// Forgets what operators did more than 400 days ago, and what indexers worked more than 90 days ago; `true`: there may be
/// more, call again. Nothing younger can be deleted in this scope. Scope: worker.
pub async fn prune(tx: &mut Tx) -> Result<bool, DbError> {
    let deeds = "DELETE FROM kotadb.audit_log WHERE id IN (
             SELECT id FROM kotadb.audit_log WHERE at < now() - interval '400 days' ORDER BY at LIMIT 1000
         )";
    let usage = "DELETE FROM kotadb.indexer_usage WHERE (day, tenant_id) IN (
             SELECT day, tenant_id FROM kotadb.indexer_usage
             WHERE day < (now() AT TIME ZONE 'UTC')::date - 90 ORDER BY day, tenant_id LIMIT 1000
         )";
    let deeds = tx.run(Statement::new(deeds)).await?;
    let usage = tx.run(Statement::new(usage)).await?;
    Ok(deeds.max(usage) == PRUNE_BATCH)
}

fn read(row: &PgRow) -> Result<OperatorJob, DbError> {
    Ok(OperatorJob {
        job: jobs::read(row)?,
        tenant: column(row, "tenant")?,
        repository: column(row, "repository")?,
        priority: column(row, "priority")?,
        crash_count: column(row, "crash_count")?,
        lease_owner: column(row, "lease_owner")?,
    })
}

/// A tenant by its id or its name.
pub async fn tenant(tx: &mut Tx, text: &str) -> Result<Option<TenantId>, DbError> {
    let select = "SELECT id FROM kotadb.tenants WHERE id::text = $1 OR name = $1";
    let row = tx.row(Statement::new(select).bind(text.to_owned())).await?;
    row.map(|row| column::<Uuid>(&row, "id").map(TenantId)).transpose()
}
