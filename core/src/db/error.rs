//! Why the database refused, told apart by what the caller can do about it. Never shows a password or a bound value.

use sqlx::error::DatabaseError;

use crate::metrics;

/// Why the database refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// No connection in time, or it broke: the caller answers 503 or retries.
    #[error("cannot reach Postgres: {0}")]
    Unreachable(String),
    /// A unique or check rule was broken (`23…`), by constraint name.
    #[error("row refused by `{constraint}`")]
    Constraint {
        /// Name of the constraint.
        constraint: String,
    },
    /// The lease is no longer ours: stop at once and publish nothing.
    #[error("the lease of this job was lost to another worker")]
    LeaseLost,
    /// The URL is not one.
    #[error("DATABASE_URL: {0}")]
    Options(String),
    /// Any other failure of a statement.
    #[error("database statement failed: {0}")]
    Statement(String),
    /// A private Postgres could not be prepared, started or stopped.
    #[error("private Postgres: {0}")]
    Cluster(String),
}

impl DbError {
    /// Classifies an error of sqlx; `endpoint` is `host:port`, for the message.
    pub(super) fn from_sqlx(error: &sqlx::Error, endpoint: &str) -> Self {
        let error = Self::classify(error, endpoint);
        if matches!(error, Self::Unreachable(_)) {
            metrics::database_unreachable();
        }
        error
    }

    fn classify(error: &sqlx::Error, endpoint: &str) -> Self {
        match error {
            sqlx::Error::Database(database) => Self::from_server(database.as_ref(), endpoint),
            sqlx::Error::PoolTimedOut => Self::Unreachable(format!("no connection to `{endpoint}` in time")),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Unreachable(format!("`{endpoint}`: {error}")),
            sqlx::Error::Configuration(_) => Self::Options(error.to_string()),
            _ => Self::Statement(error.to_string()),
        }
    }

    fn from_server(error: &dyn DatabaseError, endpoint: &str) -> Self {
        let code = error.code().unwrap_or_default();
        match code.as_ref() {
            code if code.starts_with("23") => {
                Self::Constraint { constraint: error.constraint().unwrap_or(code).to_owned() }
            }
            code if is_passing(code) => Self::Unreachable(format!("`{endpoint}`: {} ({code})", error.message())),
            code => Self::Statement(format!("{} ({code})", error.message())),
        }
    }
}

/// Whether the same statements may succeed in a while, by SQLSTATE (PostgreSQL manual, appendix A).
fn is_passing(code: &str) -> bool {
    // Connection lost or refused (08), wrong login (28), no such database (3D), a deadlock or a conflict (40), out of
    // connections, memory or disk (53), cancelled by a timeout or shut down (57).
    matches!(code.get(..2), Some("08" | "28" | "3D" | "40" | "53" | "57"))
        // A replica that was just failed over to, an idle transaction ended, a lock not had in time.
        || matches!(code, "25006" | "25P03" | "55P03")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_stays() {
        for code in ["08006", "28P01", "40P01", "40001", "53300", "57014", "57P01", "57P03", "55P03", "25006"] {
            assert!(is_passing(code), "{code}");
        }
        for code in ["42501", "42P01", "22021", "25001", "XX000", ""] {
            assert!(!is_passing(code), "{code}");
        }
    }
}
