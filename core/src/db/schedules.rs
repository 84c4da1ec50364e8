//! Repositories whose schedule is due. Schedules are read by [`crate::schedule`]; here is only when each fires next.

use time::OffsetDateTime;
use uuid::Uuid;

use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::{RepositoryId, TenantId};

/// A repository whose schedule has fired, or was just set.
#[derive(Clone, Debug)]
pub struct Due {
    /// Which.
    pub repository: RepositoryId,
    /// Its owner.
    pub tenant: TenantId,
    /// Its schedule.
    pub schedule: String,
    /// It was just set, and has not fired yet.
    pub is_new: bool,
    /// The time of the database.
    pub now: OffsetDateTime,
}

/// Repositories that are due, the longest first, after those whose schedule was just set; at most `most`; they are locked until the transaction ends, and those that
/// another one has locked are left to it. Scope: worker.
pub async fn due(tx: &mut Tx, most: i64) -> Result<Vec<Due>, DbError> {
    let select = Statement::new(
        "SELECT id, tenant_id, schedule, next_run_at IS NULL AS is_new, now() AS now FROM kotadb.repositories
         WHERE schedule IS NOT NULL AND deleted_at IS NULL AND coalesce(next_run_at, '-infinity') <= now()
         ORDER BY coalesce(next_run_at, '-infinity') LIMIT $1 FOR UPDATE SKIP LOCKED",
    );
    let rows = tx.rows(select.bind(most)).await?;
    let read = |row| {
        let (id, tenant): (Uuid, Uuid) = (column(row, "id")?, column(row, "tenant_id")?);
        let (repository, tenant) = (RepositoryId(id), TenantId(tenant));
        let (schedule, is_new) = (column(row, "schedule")?, column(row, "is_new")?);
        Ok(Due { repository, tenant, schedule, is_new, now: column(row, "now")? })
    };
    rows.iter().map(read).collect()
}

/// Says when the schedule of a repository fires next; `None`: never again.
pub async fn set_next(tx: &mut Tx, repository: RepositoryId, next: Option<OffsetDateTime>) -> Result<(), DbError> {
    let update = Statement::new("UPDATE kotadb.repositories SET next_run_at = coalesce($2, 'infinity') WHERE id = $1");
    tx.run(update.bind(repository.0).bind(next)).await.map(|_| ())
}
