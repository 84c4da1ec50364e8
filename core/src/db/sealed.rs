//! Everything that is sealed under the master key, so that it can be sealed anew when that key is changed. Scope: worker.

use uuid::Uuid;

use super::tx::{Statement, column};
use super::{DbError, Tx};

/// What is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A stored token, with context `token:<id>`.
    Token,
    /// What renews one, with context `refresh:<id>`.
    Refresh,
    /// The secret of a webhook, with context `hook:<id>`.
    Hook,
    /// The one before.
    PreviousHook,
}

impl Kind {
    /// Each.
    pub const ALL: [Self; 4] = [Self::Token, Self::Refresh, Self::Hook, Self::PreviousHook];

    /// What a secret of this kind is bound to.
    pub fn context(self, id: Uuid) -> String {
        match self {
            Self::Token => format!("token:{id}"),
            Self::Refresh => format!("refresh:{id}"),
            Self::Hook | Self::PreviousHook => format!("hook:{id}"),
        }
    }

    /// Reads a page, and writes one.
    fn statements(self) -> (&'static str, &'static str) {
        match self {
            Self::Token => (
                "SELECT id, sealed FROM kotadb.github_tokens
                 WHERE revoked_at IS NULL AND id > $1 ORDER BY id LIMIT $2",
                "UPDATE kotadb.github_tokens SET sealed = $3 WHERE id = $1 AND sealed = $2",
            ),
            Self::Refresh => (
                "SELECT id, sealed_refresh AS sealed FROM kotadb.github_tokens
                 WHERE revoked_at IS NULL AND sealed_refresh IS NOT NULL AND id > $1 ORDER BY id LIMIT $2",
                "UPDATE kotadb.github_tokens SET sealed_refresh = $3 WHERE id = $1 AND sealed_refresh = $2",
            ),
            Self::Hook => (
                "SELECT id, secret AS sealed FROM kotadb.hooks WHERE id > $1 ORDER BY id LIMIT $2",
                "UPDATE kotadb.hooks SET secret = $3 WHERE id = $1 AND secret = $2",
            ),
            Self::PreviousHook => (
                "SELECT id, previous_secret AS sealed FROM kotadb.hooks
                 WHERE previous_valid_until > now() AND id > $1 ORDER BY id LIMIT $2",
                "UPDATE kotadb.hooks SET previous_secret = $3 WHERE id = $1 AND previous_secret = $2",
            ),
        }
    }
}

/// Secrets of a kind behind `after`, by id.
pub async fn list(tx: &mut Tx, kind: Kind, after: Uuid, limit: i64) -> Result<Vec<(Uuid, Vec<u8>)>, DbError> {
    let rows = tx.rows(Statement::new(kind.statements().0).bind(after).bind(limit)).await?;
    rows.iter().map(|row| Ok((column(row, "id")?, column(row, "sealed")?))).collect()
}

/// Puts a secret that is sealed anew in the place of the one that was read, unless that has changed meanwhile.
pub async fn replace(tx: &mut Tx, kind: Kind, id: Uuid, former: &[u8], new: &[u8]) -> Result<bool, DbError> {
    let update = Statement::new(kind.statements().1).bind(id).bind(former.to_vec()).bind(new.to_vec());
    Ok(tx.run(update).await? == 1)
}
