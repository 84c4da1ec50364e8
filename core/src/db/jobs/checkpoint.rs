//! What an unfinished try of a job has in the object store already, so that the next one need not make it again. What it
//! says is the indexer's business; objects that no root names are collected after a day, so nothing here is older than half
//! of one.

use serde_json::Value;

use super::Claimed;
use crate::db::tx::{Statement, column};
use crate::db::{DbError, Tx};

/// Notes it, in the place of what was noted before. [`DbError::LeaseLost`] when the job is no longer held.
pub async fn save(tx: &mut Tx, claimed: &Claimed, checkpoint: &Value) -> Result<(), DbError> {
    let update = Statement::new(
        "UPDATE kotadb.jobs SET checkpoint = $3, checkpointed_at = now()
         WHERE id = $1 AND fence = $2 AND state = 'running'",
    );
    match tx.run(update.bind(claimed.job.0).bind(claimed.fence).bind(checkpoint.clone())).await? {
        0 => Err(DbError::LeaseLost),
        _ => Ok(()),
    }
}

/// The newest of a job, and of those that were merged into it.
pub async fn load(tx: &mut Tx, claimed: &Claimed) -> Result<Option<Value>, DbError> {
    let select = Statement::new(
        "SELECT checkpoint FROM kotadb.jobs
         WHERE (id = $1 OR superseded_by = $1) AND checkpointed_at > now() - interval '12 hours'
         ORDER BY checkpointed_at DESC LIMIT 1",
    );
    let row = tx.row(select.bind(claimed.job.0)).await?;
    row.map_or(Ok(None), |row| column(&row, "checkpoint"))
}
