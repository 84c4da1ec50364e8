//! The side of a worker: to claim a job and to keep it ([`super::finish`]: to give it back). Every statement after the claim
//! names the fence, so a worker that lost its lease changes nothing. All clocks are the database's.

use std::time::Duration;

use serde_json::json;
use sqlx::postgres::PgRow;

use super::Claimed;
use super::events::{self, Phase};
use super::policy::MOST_CRASHES;
use super::queue::millis;
use crate::db::repositories::Credential;
use crate::db::tx::{Statement, column};
use crate::db::{DbError, Tx};
use crate::id::{JobId, RepositoryId, TenantId};

/// Expired leases that one claim takes back at most.
const MOST_RESCUES: i32 = 20;

/// Rescues expired leases, then leases the next due job. Scope: worker. Commit even if there is none to lease: the rescues
/// are to last.
pub async fn claim(tx: &mut Tx, worker: &str, lease: Duration) -> Result<Option<Claimed>, DbError> {
    tx.run(Statement::new("SELECT kotadb.rescue_jobs($1, $2)").bind(MOST_RESCUES).bind(MOST_CRASHES)).await?;
    // A job of a repository whose last crash was final is rescued too: that last worker may still live.
    let claim = Statement::new(
        "WITH next AS (
             SELECT j.id, r.url, r.name, r.ref_patterns, r.installation_id, r.token_id
             FROM kotadb.jobs j JOIN kotadb.repositories r ON r.id = j.repository_id AND r.deleted_at IS NULL
             WHERE j.state = 'queued' AND j.run_at <= now() AND NOT EXISTS (
                 SELECT FROM kotadb.jobs running
                 WHERE running.repository_id = j.repository_id AND running.state = 'running'
             )
             ORDER BY j.priority, j.run_at, j.id LIMIT 1 FOR UPDATE OF j SKIP LOCKED
         )
         UPDATE kotadb.jobs j SET state = 'running', attempt = j.attempt + 1, fence = nextval('kotadb.job_fences'),
             lease_owner = $1, lease_expires_at = now() + $2::bigint * interval '1 millisecond', started_at = now(),
             rescued = j.rescued OR EXISTS (
                 SELECT FROM kotadb.jobs dead
                 WHERE dead.repository_id = j.repository_id AND dead.state = 'dead' AND dead.error_class = 'crash'
                     AND dead.finished_at > now() - interval '1 day'
             )
         FROM next WHERE j.id = next.id
         RETURNING j.id, j.fence, j.tenant_id, j.repository_id, next.url, next.name::text, next.ref_patterns,
             next.installation_id, next.token_id, j.rebuild, j.attempt, j.rescued",
    );
    let row = tx.row(claim.bind(worker.to_owned()).bind(millis(lease))).await?;
    let Some(claimed) = row.as_ref().map(read).transpose()? else {
        return Ok(None);
    };
    events::add(tx, claimed.job, Phase::Claimed, json!({ "rescued": claimed.rescued })).await?;
    Ok(Some(claimed))
}

/// Prolongs the lease; says whether a cancel was asked for. [`DbError::LeaseLost`] when it is no longer ours.
pub async fn heartbeat(tx: &mut Tx, claimed: &Claimed, lease: Duration) -> Result<bool, DbError> {
    let prolong = Statement::new(
        "UPDATE kotadb.jobs SET lease_expires_at = now() + $3::bigint * interval '1 millisecond'
         WHERE id = $1 AND fence = $2 AND state = 'running'
         RETURNING cancel_requested_at IS NOT NULL AS cancelled",
    );
    let prolong = prolong.bind(claimed.job.0).bind(claimed.fence).bind(millis(lease));
    let row = tx.row(prolong).await?.ok_or(DbError::LeaseLost)?;
    column(&row, "cancelled")
}

fn read(row: &PgRow) -> Result<Claimed, DbError> {
    Ok(Claimed {
        job: JobId(column(row, "id")?),
        fence: column(row, "fence")?,
        tenant: TenantId(column(row, "tenant_id")?),
        repository: RepositoryId(column(row, "repository_id")?),
        url: column(row, "url")?,
        name: column(row, "name")?,
        credential: Credential::read(row)?,
        ref_patterns: column(row, "ref_patterns")?,
        full: column(row, "rebuild")?,
        attempt: column(row, "attempt")?,
        rescued: column(row, "rescued")?,
    })
}
