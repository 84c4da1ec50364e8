//! Repositories whose schedule is due. Schedules are read by [`crate::schedule`]; here is only when each fires next.

use time::OffsetDateTime;
use uuid::Uuid;

use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::{RepositoryId, TenantId};

/// A repository whose schedule has fired.
#[derive(Clone, Debug)]
pub struct Due {
    /// Which.
    pub repository: RepositoryId,
    /// Its owner.
    pub tenant: TenantId,
    /// Its schedule.
    pub schedule: String,
    /// The time of the database.
    pub now: OffsetDateTime,
}

/// Repositories that are due, the longest first, at most `most`; they are locked until the transaction ends, and those that
/// another one has locked are left to it. Scope: worker.
pub async fn due(tx: &mut Tx, most: i64) -> Result<Vec<Due>, DbError> {
    let select = Statement::new(
        "SELECT id, tenant_id, schedule, now() AS now FROM kotadb.repositories
         WHERE next_run_at <= now() AND deleted_at IS NULL
         ORDER BY next_run_at LIMIT $1 FOR UPDATE SKIP LOCKED",
    );
    let rows = tx.rows(select.bind(most)).await?;
    let read = |row| {
        let (id, tenant): (Uuid, Uuid) = (column(row, "id")?, column(row, "tenant_id")?);
        let (repository, tenant) = (RepositoryId(id), TenantId(tenant));
        Ok(Due { repository, tenant, schedule: column(row, "schedule")?, now: column(row, "now")? })
    };
    rows.iter().map(read).collect()
}

/// Says when the schedule of a repository fires next; `None`: never again.
pub async fn set_next(tx: &mut Tx, repository: RepositoryId, next: Option<OffsetDateTime>) -> Result<(), DbError> {
    let update = Statement::new("UPDATE kotadb.repositories SET next_run_at = $2 WHERE id = $1");
    tx.run(update.bind(repository.0).bind(next)).await.map(|_| ())
}
