//! From `DATABASE_URL` to what sqlx wants. TLS follows `sslmode` of the URL.

use std::fmt;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use super::DbError;

/// How to reach Postgres. `Debug` prints no secret.
#[derive(Clone)]
pub struct DbOptions {
    /// `DATABASE_URL`: the transaction pooler.
    pub url: String,
    /// Most connections of this process.
    pub max_connections: u32,
    /// Longest wait for a connection, and then for its transaction to begin.
    pub acquire_timeout: Duration,
}

impl fmt::Debug for DbOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url: _, max_connections, acquire_timeout } = self;
        let mut shown = f.debug_struct("DbOptions");
        shown
            .field("max_connections", max_connections)
            .field("acquire_timeout", acquire_timeout)
            .finish_non_exhaustive()
    }
}

/// Reads a URL; also `host:port` for messages. Errors never show the URL, because it holds the password.
pub(super) fn parse(url: &str) -> Result<(PgConnectOptions, String), DbError> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(DbError::Options("must begin with `postgres://`".to_owned()));
    }
    let options: PgConnectOptions = url.parse().map_err(|error: sqlx::Error| DbError::Options(error.to_string()))?;
    // Poolers refuse start-up parameters that they do not track, and a cache of named statements is unsound there.
    let options = options.extra_float_digits(None).statement_cache_capacity(0).application_name("kotadb");
    let endpoint = format!("{}:{}", options.get_host(), options.get_port());
    Ok((options, endpoint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_supavisor_url_is_understood() {
        let (options, endpoint) =
            parse("postgres://postgres.abcdefgh:p%40ss@aws-0-eu-west-1.pooler.supabase.com:6543/postgres").unwrap();
        assert_eq!(options.get_username(), "postgres.abcdefgh");
        assert_eq!(options.get_database(), Some("postgres"));
        assert_eq!(endpoint, "aws-0-eu-west-1.pooler.supabase.com:6543");
    }

    #[test]
    fn errors_never_show_the_password() {
        for url in [
            "mysql://u:secret@h/d",
            "postgres://u:secret@h:port/d",
            "postgres://u:secret@h/d?sslmode=secret2",
            "secret",
        ] {
            let error = parse(url).unwrap_err().to_string();
            assert!(error.starts_with("DATABASE_URL: ") && !error.contains("u:secret"), "{error}");
        }
    }
}
