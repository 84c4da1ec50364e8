//! The side of a job's owner: to queue it, to look at it, and to ask what is left to do.

use std::time::Duration;

use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{Enqueued, JobRow, JobState, NewJob, Spend, Trigger, known};
use crate::db::tx::{Statement, column};
use crate::db::{DbError, Tx};
use crate::id::{JobId, RepositoryId};

/// Queues a job, or joins the one that is queued for the same repository and kind. A push moves the start back to `delay`
/// from now, but never past 30 s after the first of the burst; a job that waits for a retry starts afresh. A manual one ends
/// a suspension for crashes. Listeners of `kotadb_jobs` hear of it where nobody works for the tenant.
pub async fn enqueue(tx: &mut Tx, job: &NewJob) -> Result<Enqueued, DbError> {
    if job.trigger == Trigger::Manual {
        let resume = "UPDATE kotadb.repositories SET suspended_at = NULL, suspended_because = NULL
            WHERE tenant_id = $1 AND id = $2 AND suspended_because = 'crashes'";
        tx.run(Statement::new(resume).bind(job.tenant.0).bind(job.repository.0)).await?;
    }
    let id = Uuid::now_v7();
    let enqueue = Statement::new("SELECT kotadb.enqueue_job($1, $2, $3, $4, $5, $6, $7, $8) AS id")
        .bind(id)
        .bind(job.tenant.0)
        .bind(job.repository.0)
        .bind(job.kind.as_str())
        .bind(job.trigger.as_str())
        .bind(job.trigger.priority())
        .bind(job.full)
        .bind(millis(job.delay));
    let queued: Option<Uuid> = tx.row(enqueue).await?.map_or(Ok(None), |row| column(&row, "id"))?;
    let no_repository = || DbError::Constraint { constraint: "jobs_repository_fkey".to_owned() };
    let queued = queued.ok_or_else(no_repository)?;
    Ok(Enqueued { job: JobId(queued), coalesced: queued != id })
}

/// Jobs that could be taken now, or are leased by anybody: `drain` waits for both; at most 1,000 are counted. Also the time
/// until the next is due, if any. What stands still (paused, suspended, for a guarded worker also over a limit) is not counted.
pub async fn outstanding(tx: &mut Tx, spend: Spend) -> Result<(i64, Option<Duration>), DbError> {
    let count = Statement::new(
        "WITH open AS (
             SELECT q.tenant_id FROM kotadb.queue_tenants q JOIN kotadb.tenants t ON t.id = q.tenant_id
             WHERE q.next_at < 'infinity' AND q.next_at <= now() AND t.jobs_paused_at IS NULL
                 AND NOT (SELECT kotadb.queue_is_closed($1))
                 AND NOT ($1 AND EXISTS (
                     SELECT FROM kotadb.indexer_usage u, kotadb.queue_settings s
                     WHERE u.day = (now() AT TIME ZONE 'UTC')::date AND u.tenant_id = q.tenant_id
                         AND u.seconds >= coalesce(t.daily_indexer_seconds, s.daily_tenant_seconds)
                 ))
         ), due AS (
             SELECT FROM open o CROSS JOIN LATERAL (
                 SELECT FROM kotadb.jobs j JOIN kotadb.repositories r ON r.id = j.repository_id
                 WHERE j.tenant_id = o.tenant_id AND j.state = 'queued' AND j.run_at <= now() AND r.deleted_at IS NULL
                     AND (r.suspended_at IS NULL OR j.trigger = 'manual')
                 LIMIT 1000
             ) AS of_tenant
             LIMIT 1000
         ), later AS (
             SELECT j.run_at FROM kotadb.jobs j JOIN kotadb.repositories r ON r.id = j.repository_id
             JOIN kotadb.tenants t ON t.id = j.tenant_id
             WHERE j.state = 'queued' AND j.run_at > now() AND r.deleted_at IS NULL AND t.jobs_paused_at IS NULL
                 AND (r.suspended_at IS NULL OR j.trigger = 'manual')
             ORDER BY j.run_at LIMIT 1
         )
         SELECT (SELECT count(*) FROM kotadb.jobs j WHERE j.state = 'running') + (SELECT count(*) FROM due) AS due,
             (SELECT ceil(extract(epoch FROM l.run_at - now()) * 1000)::bigint FROM later l) AS next",
    );
    let Some(row) = tx.row(count.bind(spend == Spend::Guarded)).await? else {
        return Ok((0, None));
    };
    let next: Option<i64> = column(&row, "next")?;
    Ok((column(&row, "due")?, next.and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis)))
}

/// One job of the tenant in scope.
pub async fn get(tx: &mut Tx, job: JobId) -> Result<Option<JobRow>, DbError> {
    let select = Statement::new(
        "SELECT id, repository_id, state, trigger, attempt, coalesced, error_class, errors -> -1 ->> 'message' AS error,
             summary, created_at, run_at, started_at, finished_at
         FROM kotadb.jobs WHERE id = $1",
    );
    tx.row(select.bind(job.0)).await?.as_ref().map(read).transpose()
}

/// Newest jobs of the tenant in scope, older than `before` and of `repositories` where given.
pub async fn list(
    tx: &mut Tx,
    repositories: Option<&[RepositoryId]>,
    before: Option<JobId>,
    limit: i64,
) -> Result<Vec<JobRow>, DbError> {
    let select = Statement::new(
        "SELECT id, repository_id, state, trigger, attempt, coalesced, error_class, errors -> -1 ->> 'message' AS error,
             summary, created_at, run_at, started_at, finished_at
         FROM kotadb.jobs
         WHERE ($1::uuid[] IS NULL OR repository_id = ANY ($1)) AND ($2::uuid IS NULL OR id < $2)
         ORDER BY id DESC LIMIT $3",
    );
    let repositories = repositories.map(|ids| ids.iter().map(|id| id.0).collect::<Vec<_>>());
    let before = before.map(|id| id.0);
    let rows = tx.rows(select.bind(repositories).bind(before).bind(limit)).await?;
    rows.iter().map(read).collect()
}

impl Trigger {
    /// Lower runs first.
    pub(in crate::db) fn priority(self) -> i16 {
        match self {
            Self::Manual => 0,
            Self::Push => 10,
            Self::Register => 20,
            Self::Sweep => 30,
        }
    }
}

/// For a bind as bigint.
pub(in crate::db) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// From the columns that [`get`] names.
pub(in crate::db) fn read(row: &PgRow) -> Result<JobRow, DbError> {
    Ok(JobRow {
        id: JobId(column(row, "id")?),
        repository: RepositoryId(column(row, "repository_id")?),
        state: known(column(row, "state")?, JobState::parse)?,
        trigger: known(column(row, "trigger")?, Trigger::parse)?,
        attempt: column(row, "attempt")?,
        coalesced: column(row, "coalesced")?,
        error_class: column(row, "error_class")?,
        error: column(row, "error")?,
        summary: column(row, "summary")?,
        created_at: column(row, "created_at")?,
        run_at: column(row, "run_at")?,
        started_at: column(row, "started_at")?,
        finished_at: column(row, "finished_at")?,
    })
}
