//! Whether an indexer is wanted, and who of many handlers wakes it.

use super::tx::{Statement, column};
use super::{DbError, Tx};

/// Whether the caller is the one to wake the indexer: in two seconds at most one is. Any scope of the API.
pub async fn claim(tx: &mut Tx) -> Result<bool, DbError> {
    let row = tx.row(Statement::new("SELECT kotadb.claim_wake() AS is_ours")).await?;
    row.map_or(Ok(false), |row| column(&row, "is_ours"))
}

/// Whether a job is due that may be taken, or the lease of one ran out. Any scope of the API.
pub async fn work_is_due(tx: &mut Tx) -> Result<bool, DbError> {
    let row = tx.row(Statement::new("SELECT kotadb.work_is_due() AS is_due")).await?;
    row.map_or(Ok(false), |row| column(&row, "is_due"))
}
