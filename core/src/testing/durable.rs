//! A Postgres that keeps its promises (fsync on) behind pgbouncer, for measurements: each its own, stopped when dropped.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use tempfile::TempDir;

use super::pgbouncer::{PgBouncer, PgBouncerOptions};
use super::services::LOGIN;
use crate::db::cluster::{Cluster, ClusterOptions};
use crate::db::direct::Direct;
use crate::db::{Db, DbError, DbOptions};

/// Name of its database.
const DATABASE: &str = "kotadb";

/// A migrated, empty database. Fields are dropped in this order.
#[derive(Debug)]
pub struct Durable {
    /// As programs reach it: through pgbouncer in transaction mode.
    pub pooled_url: String,
    /// The same login, a session.
    pub login_url: String,
    /// The superuser, a session.
    pub direct_url: String,
    _pgbouncer: PgBouncer,
    _cluster: Cluster,
    _folder: TempDir,
}

impl Durable {
    /// Starts both; `connections` is how many pgbouncer keeps to Postgres.
    pub async fn start(connections: u32) -> Result<Self, DbError> {
        let failed = |error: std::io::Error| DbError::Cluster(format!("temporary folder: {error}"));
        let folder = tempfile::Builder::new().prefix("kotadb-durable-").tempdir().map_err(failed)?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).map_err(failed)?;
        let data_dir = folder.path().join("postgres");
        let cluster = Cluster::start(ClusterOptions { data_dir, durable: true, max_connections: 50 }).await?;
        let login_url = cluster.provision(DATABASE, LOGIN).await?;
        let password = cluster.password().unwrap_or_default();
        let postgres_port = cluster.port();
        let options = PgBouncerOptions { postgres_port, login: LOGIN, password, pool_size: connections };
        let pgbouncer = PgBouncer::start(folder.path(), &options)?;
        Ok(Self {
            pooled_url: format!("postgres://{LOGIN}@127.0.0.1:{}/{DATABASE}?sslmode=disable", pgbouncer.port()),
            login_url,
            direct_url: cluster.superuser_url(DATABASE),
            _pgbouncer: pgbouncer,
            _cluster: cluster,
            _folder: folder,
        })
    }

    /// A pool of connections through pgbouncer.
    pub fn db(&self) -> Result<Db, DbError> {
        let acquire_timeout = Duration::from_secs(20);
        Db::new(&DbOptions { url: self.pooled_url.clone(), max_connections: 8, acquire_timeout })
    }

    /// The first column of every row, cast to text by the query, as the superuser.
    pub async fn texts(&self, sql: &str) -> Result<Vec<String>, DbError> {
        let mut direct = Direct::connect(&self.direct_url).await?;
        let texts = direct.texts(sql).await;
        direct.close().await;
        texts
    }
}
