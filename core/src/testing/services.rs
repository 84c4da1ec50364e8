//! Postgres and pgbouncer for tests: those of the test run where it names them, else this process's own.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Weak};

use tempfile::TempDir;
use tokio::sync::Mutex;

use super::pgbouncer::{PgBouncer, PgBouncerOptions};
use crate::db::DbError;
use crate::db::cluster::{Cluster, ClusterOptions};

/// The login of programs in tests: neither superuser nor owner, and without the rights of its roles until it takes one.
pub(super) const LOGIN: &str = "kotadb_login";

/// Where the two listen, both on 127.0.0.1 and without passwords.
#[derive(Debug)]
pub(super) struct Services {
    postgres_port: u16,
    pgbouncer_port: u16,
    /// Present if this process started them.
    own: Option<Own>,
}

/// Dropped in this order.
#[derive(Debug)]
struct Own {
    _pgbouncer: PgBouncer,
    _cluster: Cluster,
    _folder: TempDir,
}

static OF_THIS_PROCESS: Mutex<Weak<Services>> = Mutex::const_new(Weak::new());

impl Services {
    /// The services of this process, started if need be.
    pub(super) async fn shared() -> Result<Arc<Self>, DbError> {
        let mut shared = OF_THIS_PROCESS.lock().await;
        if let Some(services) = shared.upgrade() {
            return Ok(services);
        }
        let services = Arc::new(match (port("KOTADB_TEST_POSTGRES_PORT"), port("KOTADB_TEST_PGBOUNCER_PORT")) {
            (Some(postgres_port), Some(pgbouncer_port)) => Self { postgres_port, pgbouncer_port, own: None },
            _ => Self::start().await?,
        });
        *shared = Arc::downgrade(&services);
        Ok(services)
    }

    async fn start() -> Result<Self, DbError> {
        let failed = |error: std::io::Error| DbError::Cluster(format!("temporary folder: {error}"));
        let folder = tempfile::Builder::new().prefix("kotadb-test-").tempdir().map_err(failed)?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).map_err(failed)?;
        let data_dir = folder.path().join("postgres");
        let cluster = Cluster::start(ClusterOptions { data_dir, durable: false, max_connections: 200 }).await?;
        let options = PgBouncerOptions { postgres_port: cluster.port(), login: LOGIN, password: "", pool_size: 4 };
        let pgbouncer = PgBouncer::start(folder.path(), &options)?;
        Ok(Self {
            postgres_port: cluster.port(),
            pgbouncer_port: pgbouncer.port(),
            own: Some(Own { _pgbouncer: pgbouncer, _cluster: cluster, _folder: folder }),
        })
    }

    /// The superuser's URL of a database, not through pgbouncer.
    pub(super) fn direct_url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable", self.postgres_port)
    }

    /// The login's URL of a database, through pgbouncer.
    pub(super) fn pooled_url(&self, database: &str) -> String {
        format!("postgres://{LOGIN}@127.0.0.1:{}/{database}?sslmode=disable", self.pgbouncer_port)
    }

    /// Whether the services go away with this process, and databases with them.
    pub(super) fn are_own(&self) -> bool {
        self.own.is_some()
    }
}

fn port(variable: &str) -> Option<u16> {
    env::var(variable).ok()?.parse().ok()
}
