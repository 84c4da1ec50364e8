//! Tenants and their plans. Made by operators (`kotadb-indexer admin tenant`), with the worker's role.

use std::time::Duration;

use uuid::Uuid;

use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::TenantId;

/// A tenant as its members see it, with its plan and what it has used.
#[derive(Clone, Debug)]
pub struct TenantRow {
    /// Its id.
    pub id: TenantId,
    /// Its name.
    pub name: String,
    /// Row made.
    pub created_at: time::OffsetDateTime,
    /// Name of its plan.
    pub plan: String,
    /// Units that a key or member may use in a minute.
    pub units_per_minute: Option<i32>,
    /// Searches of a calendar month.
    pub searches: Gauge,
    /// Requests of this month.
    pub requests: i64,
    /// Registered repositories.
    pub repositories: Gauge,
    /// Bytes in the object store, as the sweep saw them last.
    pub stored_bytes: Gauge,
    /// When that was.
    pub stored_at: Option<time::OffsetDateTime>,
    /// Keys that open something.
    pub keys: Gauge,
    /// Jobs that run.
    pub running_jobs: Gauge,
}

/// How much of something is used, and how much may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gauge {
    /// Used.
    pub used: i64,
    /// `None`: any number.
    pub limit: Option<i64>,
}

/// Makes a tenant, or returns the one of that name. Scope: worker.
pub async fn ensure(tx: &mut Tx, name: &str) -> Result<TenantId, DbError> {
    let insert =
        "INSERT INTO kotadb.tenants (id, name) VALUES ($1, $2) ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING";
    tx.run(Statement::new(insert).bind(Uuid::now_v7()).bind(name.to_owned())).await?;
    let select = "SELECT id FROM kotadb.tenants WHERE name = $1 AND deleted_at IS NULL";
    let found = tx.row(Statement::new(select).bind(name.to_owned())).await?;
    let row = found.ok_or_else(|| DbError::Statement(format!("tenant `{name}` vanished")))?;
    column(&row, "id").map(TenantId)
}

/// All tenants by name: (id, name). Scope: worker.
pub async fn list(tx: &mut Tx) -> Result<Vec<(TenantId, String)>, DbError> {
    let select = "SELECT id, name FROM kotadb.tenants WHERE deleted_at IS NULL ORDER BY name";
    let rows = tx.rows(Statement::new(select)).await?;
    rows.iter().map(|row| Ok((TenantId(column(row, "id")?), column(row, "name")?))).collect()
}

/// Deleted tenants that still have objects and for which no job has run for `settled`. Scope: worker.
pub async fn left_over(tx: &mut Tx, settled: Duration) -> Result<Vec<TenantId>, DbError> {
    let select = Statement::new(
        "SELECT id FROM kotadb.tenants
         WHERE deleted_at < now() - $1::bigint * interval '1 second' AND emptied_at IS NULL ORDER BY deleted_at",
    );
    let seconds = i64::try_from(settled.as_secs()).unwrap_or(i64::MAX);
    tx.rows(select.bind(seconds)).await?.iter().map(|row| column(row, "id").map(TenantId)).collect()
}

/// The objects of a deleted tenant are gone. Scope: worker.
pub async fn emptied(tx: &mut Tx, tenant: TenantId) -> Result<(), DbError> {
    let update = "UPDATE kotadb.tenants SET emptied_at = now(), stored_bytes = 0, stored_at = now()
        WHERE id = $1 AND deleted_at IS NOT NULL";
    tx.run(Statement::new(update).bind(tenant.0)).await.map(|_| ())
}

/// Notes what a tenant has in the object store. Scope: worker.
pub async fn note_stored(tx: &mut Tx, tenant: TenantId, bytes: u64) -> Result<(), DbError> {
    let update = Statement::new("UPDATE kotadb.tenants SET stored_bytes = $2, stored_at = now() WHERE id = $1");
    tx.run(update.bind(tenant.0).bind(i64::try_from(bytes).unwrap_or(i64::MAX))).await.map(|_| ())
}

/// Most bytes that the plan of a tenant lets it have in the object store; `None`: any number. Scope: worker.
pub async fn most_stored(tx: &mut Tx, tenant: TenantId) -> Result<Option<u64>, DbError> {
    let select = Statement::new(
        "SELECT p.max_stored_bytes FROM kotadb.tenants t JOIN kotadb.plans p ON p.name = t.plan WHERE t.id = $1",
    );
    let Some(row) = tx.row(select.bind(tenant.0)).await? else { return Ok(None) };
    Ok(column::<Option<i64>>(&row, "max_stored_bytes")?.map(|bytes| u64::try_from(bytes).unwrap_or_default()))
}

/// Forgets the rates of those who have not asked for an hour. Scope: worker.
pub async fn forget_rates(tx: &mut Tx) -> Result<(), DbError> {
    tx.run(Statement::new("SELECT kotadb.forget_rate_limits()")).await.map(|_| ())
}

/// Puts a tenant on a plan; [`DbError::Constraint`] `tenants_plan_fkey`: there is no such plan. Scope: worker.
pub async fn set_plan(tx: &mut Tx, tenant: TenantId, plan: &str) -> Result<(), DbError> {
    let update = Statement::new("UPDATE kotadb.tenants SET plan = $2 WHERE id = $1");
    tx.run(update.bind(tenant.0).bind(plan.to_owned())).await.map(|_| ())
}

/// The tenant in scope, unless it is deleted.
pub async fn get(tx: &mut Tx) -> Result<Option<TenantRow>, DbError> {
    let select = Statement::new(
        "SELECT t.id, t.name, t.created_at, t.plan, p.units_per_minute, p.searches_per_month, p.max_repositories,
             p.max_stored_bytes, p.max_keys, t.stored_bytes, t.stored_at, t.max_running_jobs,
             coalesce(u.requests, 0) AS requests, coalesce(u.searches, 0) AS searches,
             (SELECT count(*) FROM kotadb.repositories r WHERE r.tenant_id = t.id AND r.deleted_at IS NULL) AS repositories,
             (SELECT count(*) FROM kotadb.api_keys k WHERE k.tenant_id = t.id AND k.revoked_at IS NULL
                 AND (k.expires_at IS NULL OR k.expires_at > now())) AS keys,
             (SELECT count(*) FROM kotadb.jobs j WHERE j.tenant_id = t.id AND j.state = 'running') AS running_jobs
         FROM kotadb.tenants t JOIN kotadb.plans p ON p.name = t.plan
             LEFT JOIN kotadb.usage_months u
                 ON u.tenant_id = t.id AND u.month = date_trunc('month', now() AT TIME ZONE 'UTC')::date
         WHERE t.deleted_at IS NULL",
    );
    let Some(row) = tx.row(select).await? else { return Ok(None) };
    let gauge = |used: &str, limit: Option<i64>| Ok::<_, DbError>(Gauge { used: column(&row, used)?, limit });
    let small = |name: &str| Ok::<_, DbError>(column::<Option<i32>>(&row, name)?.map(i64::from));
    Ok(Some(TenantRow {
        id: TenantId(column(&row, "id")?),
        name: column(&row, "name")?,
        created_at: column(&row, "created_at")?,
        plan: column(&row, "plan")?,
        units_per_minute: column(&row, "units_per_minute")?,
        searches: gauge("searches", column(&row, "searches_per_month")?)?,
        requests: column(&row, "requests")?,
        repositories: gauge("repositories", small("max_repositories")?)?,
        stored_bytes: gauge("stored_bytes", column(&row, "max_stored_bytes")?)?,
        stored_at: column(&row, "stored_at")?,
        keys: gauge("keys", small("max_keys")?)?,
        running_jobs: gauge("running_jobs", small("max_running_jobs")?)?,
    }))
}

/// Gives the tenant in scope another name; `false`: it is deleted. [`DbError::Constraint`] `tenants_name_key`: another has it.
pub async fn rename(tx: &mut Tx, name: &str) -> Result<bool, DbError> {
    let update = "UPDATE kotadb.tenants SET name = $1 WHERE deleted_at IS NULL";
    Ok(tx.run(Statement::new(update).bind(name.to_owned())).await? == 1)
}

/// Deletes the tenant in scope: its keys and members are gone, its repositories hidden, its jobs end; `false`: it was deleted
/// before. Its objects are the sweep's to delete.
pub async fn delete(tx: &mut Tx, tenant: TenantId) -> Result<bool, DbError> {
    let delete = Statement::new(
        "WITH deleted AS (
             UPDATE kotadb.tenants SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL RETURNING id
         ), keys AS (
             UPDATE kotadb.api_keys k SET revoked_at = now() FROM deleted d WHERE k.tenant_id = d.id AND k.revoked_at IS NULL
         ), access AS (
             DELETE FROM kotadb.github_access a USING deleted d WHERE a.tenant_id = d.id
         ), members AS (
             DELETE FROM kotadb.members m USING deleted d WHERE m.tenant_id = d.id
         ), patterns AS (
             UPDATE kotadb.registrations r SET deleted_at = now() FROM deleted d
             WHERE r.tenant_id = d.id AND r.deleted_at IS NULL
         ), tokens AS (
             UPDATE kotadb.github_tokens t SET revoked_at = now() FROM deleted d
             WHERE t.tenant_id = d.id AND t.revoked_at IS NULL
         ), repositories AS (
             UPDATE kotadb.repositories r SET deleted_at = now() FROM deleted d
             WHERE r.tenant_id = d.id AND r.deleted_at IS NULL
         ), jobs AS (
             UPDATE kotadb.jobs j SET cancel_requested_at = coalesce(j.cancel_requested_at, now()),
                 state = CASE j.state WHEN 'queued' THEN 'cancelled' ELSE j.state END,
                 finished_at = CASE j.state WHEN 'queued' THEN now() END
             FROM deleted d WHERE j.tenant_id = d.id AND j.state IN ('queued', 'running')
         )
         SELECT FROM deleted",
    );
    Ok(tx.row(delete.bind(tenant.0)).await?.is_some())
}
