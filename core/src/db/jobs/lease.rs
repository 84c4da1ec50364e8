//! The side of a worker: to claim a job and to keep it ([`super::finish`]: to give it back). Every statement after the claim
//! names the fence, so a worker that lost its lease changes nothing. All clocks are the database's.

use std::time::Duration;

use sqlx::postgres::PgRow;

use super::Claimed;
use super::policy::MOST_CRASHES;
use super::queue::millis;
use crate::db::once::Call;
use crate::db::repositories::Credential;
use crate::db::tx::{Statement, column};
use crate::db::{Db, DbError, Scope, Tx};
use crate::id::{JobId, RepositoryId, TenantId};
use crate::trace::Traceparent;

/// Expired leases that one claim takes back at most.
const MOST_RESCUES: i32 = 8;

/// Whether a claim heeds the limits on the indexers' time of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spend {
    /// Nothing is taken for a tenant over its limit, nor for anybody once the sum is over the limit of all.
    Guarded,
    /// The sweeper's: what is left over is worked off, however much was used.
    Unguarded,
}

/// Rescues expired leases, then leases the best job of the tenant that is served least (`kotadb.claim_job`). One round
/// trip: idle indexers ask often, and while a claim waits for its worker it holds the tenant.
pub async fn claim(db: &Db, worker: &str, lease: Duration, spend: Spend) -> Result<Option<Claimed>, DbError> {
    let columns = "*, (extract(epoch FROM now()) * 1000)::bigint AS now_ms,
        (SELECT j.traceparent FROM kotadb.jobs j WHERE j.id = claim_job.id) AS traceparent";
    let call = Call::new(columns, "kotadb.claim_job")
        .text(worker)
        .number(millis(lease))
        .boolean(spend == Spend::Guarded)
        .number(MOST_RESCUES)
        .number(MOST_CRASHES);
    let rows = db.once(Scope::Worker, &call).await?;
    rows.first().map(read).transpose()
}

/// Prolongs the lease and counts the time used; says whether a cancel was asked for. [`DbError::LeaseLost`] when it is no
/// longer ours.
pub async fn heartbeat(tx: &mut Tx, claimed: &Claimed, lease: Duration) -> Result<bool, DbError> {
    let prolong = Statement::new(
        "WITH held AS (
             SELECT j.id, j.tenant_id, j.charged_at, j.cancel_requested_at FROM kotadb.jobs j
             WHERE j.id = $1 AND j.fence = $2 AND j.state = 'running' FOR NO KEY UPDATE
         ), beat AS (
             UPDATE kotadb.jobs j SET lease_expires_at = now() + $3::bigint * interval '1 millisecond', charged_at = now()
             FROM held h WHERE j.id = h.id
         )
         SELECT h.cancel_requested_at IS NOT NULL AS cancelled, kotadb.charge(h.tenant_id, h.charged_at, now()) FROM held h",
    );
    let prolong = prolong.bind(claimed.job.0).bind(claimed.fence).bind(millis(lease));
    let row = tx.row(prolong).await?.ok_or(DbError::LeaseLost)?;
    column(&row, "cancelled")
}

/// Gives a held job a new fence above `floor`, the fence that HEAD was found to have: after the database was restored from
/// a backup, all its fences may lie below those of HEAD. Returns the new fence. [`DbError::LeaseLost`] for a worker that is
/// behind because somebody else took its job.
pub async fn raise_fence(tx: &mut Tx, claimed: &Claimed, floor: i64) -> Result<i64, DbError> {
    super::finish::lock(tx, claimed).await?;
    // One at a time, so that the sequence never goes back.
    tx.run(Statement::new("SELECT pg_advisory_xact_lock(hashtext('kotadb.job_fences'))")).await?;
    let advance = "SELECT setval('kotadb.job_fences', $1::bigint) FROM kotadb.job_fences WHERE last_value < $1::bigint";
    tx.run(Statement::new(advance).bind(floor)).await?;
    let renew = "UPDATE kotadb.jobs SET fence = nextval('kotadb.job_fences') WHERE id = $1 RETURNING fence";
    let row = tx.row(Statement::new(renew).bind(claimed.job.0)).await?.ok_or(DbError::LeaseLost)?;
    column(&row, "fence")
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
        now_ms: u64::try_from(column::<i64>(row, "now_ms")?).unwrap_or_default(),
        rescued: column(row, "rescued")?,
        traceparent: column::<Option<&str>>(row, "traceparent")?.and_then(Traceparent::parse),
    })
}
