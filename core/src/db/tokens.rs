//! Stored OAuth tokens, sealed with context `token:<id>`.

use uuid::Uuid;

use super::tx::{Statement, column};
use super::{DbError, Tx};

/// A sealed token; `None`: there is none, or it was revoked. Scope: worker.
pub async fn sealed(tx: &mut Tx, id: Uuid) -> Result<Option<Vec<u8>>, DbError> {
    let select = Statement::new("SELECT sealed FROM kotadb.github_tokens WHERE id = $1 AND revoked_at IS NULL");
    tx.row(select.bind(id)).await?.map(|row| column(&row, "sealed")).transpose()
}
