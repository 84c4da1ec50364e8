//! Postgres as in production, with fsync on, behind pgbouncer: for benches, whose figures would mean nothing without.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use tempfile::TempDir;

use super::pgbouncer::PgBouncer;
use super::services::LOGIN;
use crate::db::cluster::{Cluster, ClusterOptions};
use crate::db::{Db, DbError, DbOptions};

/// A migrated, empty database. Dropped with its server, in this order.
#[derive(Debug)]
pub struct DurableDb {
    /// Through pgbouncer, as a login that is neither superuser nor owner.
    pub db: Db,
    /// The URL of `db`.
    pub pooled_url: String,
    /// The superuser's, without pgbouncer.
    pub direct_url: String,
    _pgbouncer: PgBouncer,
    _cluster: Cluster,
    _folder: TempDir,
}

impl DurableDb {
    /// Starts both; `pool_size`: connections of pgbouncer to Postgres.
    pub async fn start(pool_size: u32) -> Result<Self, DbError> {
        let failed = |error: std::io::Error| DbError::Cluster(format!("temporary folder: {error}"));
        let folder = tempfile::Builder::new().prefix("kotadb-bench-").tempdir().map_err(failed)?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).map_err(failed)?;
        let data_dir = folder.path().join("postgres");
        let cluster = Cluster::start(ClusterOptions { data_dir, durable: true, max_connections: 100 }).await?;
        let url = cluster.provision("kotadb", LOGIN).await?;
        let password = url.split_once("://").and_then(|(_, rest)| rest.split_once('@')?.0.split_once(':'));
        let password = password.map_or("", |(_, password)| password);
        let pgbouncer = PgBouncer::start_with(folder.path(), cluster.port(), &[(LOGIN, password)], pool_size)?;
        let pooled_url = format!("postgres://{LOGIN}@127.0.0.1:{}/kotadb?sslmode=disable", pgbouncer.port());
        let options =
            DbOptions { url: pooled_url.clone(), max_connections: 8, acquire_timeout: Duration::from_secs(20) };
        Ok(Self {
            db: Db::new(&options)?,
            pooled_url,
            direct_url: cluster.superuser_url("kotadb"),
            _pgbouncer: pgbouncer,
            _cluster: cluster,
            _folder: folder,
        })
    }

    /// The first column of every row, cast to text by the query, as the superuser.
    pub async fn texts(&self, sql: &str) -> Result<Vec<String>, DbError> {
        let mut direct = crate::db::direct::Direct::connect(&self.direct_url).await?;
        let texts = direct.texts(sql).await;
        direct.close().await;
        texts
    }
}
