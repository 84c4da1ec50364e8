//! A database for one test: a copy of a migrated template, removed at the end.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use uuid::Uuid;

use super::services::{LOGIN, Services};
use crate::db::direct::Direct;
use crate::db::{Db, DbError, DbOptions, migrate};

/// A migrated, empty database of one test. Dropped with it.
#[derive(Debug)]
pub struct TestDb {
    /// As programs reach it: through pgbouncer in transaction mode, as a login that is neither superuser nor owner.
    pub db: Db,
    /// As migrations reach it: the superuser, without pgbouncer.
    pub direct_url: String,
    /// The URL of `db`, for programs that a test starts.
    pub pooled_url: String,
    name: String,
    services: Arc<Services>,
}

impl TestDb {
    /// Makes the database. Panics if Postgres or pgbouncer cannot be had, because no test can go on then.
    pub async fn new() -> Self {
        match Self::make(true).await {
            Ok(database) => database,
            Err(error) => panic!("no test database: {error}"),
        }
    }

    /// As [`TestDb::new`], but without any migration: for tests of migrations.
    pub async fn empty() -> Self {
        match Self::make(false).await {
            Ok(database) => database,
            Err(error) => panic!("no test database: {error}"),
        }
    }

    async fn make(migrated: bool) -> Result<Self, DbError> {
        let services = Services::shared().await?;
        let template = template(&services).await?;
        let name = format!("kotadb_test_{}", Uuid::now_v7().simple());
        let template = if migrated { template.as_str() } else { "template0" };
        execute(&services.direct_url("postgres"), &format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
        let pooled_url = services.pooled_url(&name);
        let db = Db::new(&DbOptions {
            url: pooled_url.clone(),
            max_connections: 10,
            acquire_timeout: Duration::from_secs(20),
        })?;
        Ok(Self { db, direct_url: services.direct_url(&name), pooled_url, name, services })
    }

    /// Runs statements as the superuser, past all row level security. Panics if one fails.
    pub async fn execute(&self, sql: &str) {
        if let Err(error) = execute(&self.direct_url, sql).await {
            panic!("{sql}: {error}");
        }
    }

    /// The first column of every row, cast to text by the query, as the superuser. Panics if the query fails.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        match texts(&self.direct_url, sql).await {
            Ok(texts) => texts,
            Err(error) => panic!("{sql}: {error}"),
        }
    }

    /// Sessions of this database that sit in an open transaction without working.
    pub async fn idle_in_transaction(&self) -> usize {
        let sessions = "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() \
            AND state LIKE 'idle in transaction%'";
        self.texts(sessions).await.len()
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if self.services.are_own() {
            return;
        }
        let url = self.services.direct_url("postgres");
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A runtime of its own, because that of the test may be gone; a database left behind harms no other test.
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(execute(&url, &sql)).ok()
        });
        drop(dropped.join());
    }
}

/// The migrated template, made by the first process that asks; named by what the migrations hold.
async fn template(services: &Services) -> Result<String, DbError> {
    let mut hasher = DefaultHasher::new();
    migrate::texts().for_each(|text| text.hash(&mut hasher));
    let name = format!("kotadb_template_{:016x}", hasher.finish());
    let mut direct = Direct::connect(&services.direct_url("postgres")).await?;
    // Of the session: on the direct connection, released with it.
    direct.execute("SELECT pg_advisory_lock(118071307068515)").await?;
    if direct.texts(&format!("SELECT datname::text FROM pg_database WHERE datname = '{name}'")).await?.is_empty() {
        build_template(services, &mut direct, &name).await?;
    }
    direct.close().await;
    Ok(name)
}

async fn build_template(services: &Services, direct: &mut Direct, name: &str) -> Result<(), DbError> {
    let building = format!("{name}_building");
    direct.execute(&format!("DROP DATABASE IF EXISTS {building} WITH (FORCE)")).await?;
    direct.execute(&format!("CREATE DATABASE {building} TEMPLATE template0")).await?;
    migrate::run(&services.direct_url(&building)).await?;
    if direct.texts(&format!("SELECT rolname::text FROM pg_roles WHERE rolname = '{LOGIN}'")).await?.is_empty() {
        direct.execute(&format!("CREATE ROLE {LOGIN} LOGIN NOINHERIT")).await?;
    }
    migrate::grant_login(&services.direct_url(&building), LOGIN).await?;
    // Nobody may be connected to a template: the session of the migrations may still be on its way out.
    let gone = format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{building}'");
    direct.execute(&gone).await?;
    direct.execute(&format!("ALTER DATABASE {building} RENAME TO {name}")).await
}

async fn execute(url: &str, sql: &str) -> Result<(), DbError> {
    let mut direct = Direct::connect(url).await?;
    let done = direct.execute(sql).await;
    direct.close().await;
    done
}

async fn texts(url: &str, sql: &str) -> Result<Vec<String>, DbError> {
    let mut direct = Direct::connect(url).await?;
    let texts = direct.texts(sql).await;
    direct.close().await;
    texts
}
