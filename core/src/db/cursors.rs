//! How far a log that belongs to no repository has been read. Scope: worker.

use super::tx::{Statement, column};
use super::{DbError, Tx};

/// Where the reading of a log stands; 0 before the first time.
pub async fn position(tx: &mut Tx, name: &str) -> Result<i64, DbError> {
    let select = Statement::new("SELECT position FROM kotadb.cursors WHERE name = $1").bind(name.to_owned());
    tx.row(select).await?.map_or(Ok(0), |row| column(&row, "position"))
}

/// Moves it on; never back.
pub async fn move_to(tx: &mut Tx, name: &str, position: i64) -> Result<(), DbError> {
    let upsert = Statement::new(
        "INSERT INTO kotadb.cursors AS c (name, position) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET position = greatest(c.position, excluded.position), moved_at = now()",
    );
    tx.run(upsert.bind(name.to_owned()).bind(position)).await.map(|_| ())
}
