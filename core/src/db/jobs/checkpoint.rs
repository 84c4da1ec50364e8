//! What an unfinished try of a job has in the object store already, so that the next one need not make it again. What it
//! says is the indexer's business. Where text is to be purged from a repository, no try builds on what an earlier one made.

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

/// The newest of a job, and of those that were merged into it; none while a purge is asked for, see [`purged`].
///
/// [`purged`]: crate::db::deletions::purged
pub async fn load(tx: &mut Tx, claimed: &Claimed) -> Result<Option<Value>, DbError> {
    let select = Statement::new(
        "SELECT j.checkpoint FROM kotadb.jobs j JOIN kotadb.repositories r ON r.id = j.repository_id
         WHERE (j.id = $1 OR j.superseded_by = $1) AND j.checkpointed_at > now() - interval '12 hours'
             AND r.purge_requested_at IS NULL
         ORDER BY j.checkpointed_at DESC LIMIT 1",
    );
    let row = tx.row(select.bind(claimed.job.0)).await?;
    row.map_or(Ok(None), |row| column(&row, "checkpoint"))
}
