//! A Postgres of our own behind pgbouncer, with a proxy before each: it can be stopped, started again, and lost sight of.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use kotadb_core::db::cluster::{Cluster, ClusterOptions};
use kotadb_core::db::direct::Direct;
use kotadb_core::db::{Db, DbOptions};
use kotadb_core::testing::{PgBouncer, PgBouncerOptions};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::proxy::Proxy;

/// The login of the programs.
const LOGIN: &str = "kotadb_login";
const DATABASE: &str = "kotadb";

/// Postgres, pgbouncer and the networks between.
#[derive(Debug)]
pub struct Postgres {
    cluster: Option<Cluster>,
    pooler: Option<PgBouncer>,
    folder: PathBuf,
    /// Between pgbouncer and Postgres.
    pub behind_pooler: Proxy,
    /// Between the indexers and pgbouncer.
    pub to_indexers: Proxy,
    /// Between the router and pgbouncer.
    pub to_router: Proxy,
}

impl Postgres {
    /// Starts all of it below a folder that everybody may enter.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        let cluster = start_cluster(folder).await?;
        cluster.provision(DATABASE, LOGIN).await?;
        // What was confirmed must be there after the processes of Postgres are killed; power is not cut here.
        let safe = format!("ALTER DATABASE {DATABASE} SET synchronous_commit = on");
        execute(&cluster.superuser_url(DATABASE), &safe).await?;
        let behind_pooler = Proxy::start(cluster.port()).await?;
        let pooler = PgBouncer::start(folder, &in_front_of(&behind_pooler))?;
        let (to_indexers, to_router) = (Proxy::start(pooler.port()).await?, Proxy::start(pooler.port()).await?);
        let (cluster, pooler, folder) = (Some(cluster), Some(pooler), folder.to_owned());
        Ok(Self { cluster, pooler, folder, behind_pooler, to_indexers, to_router })
    }

    /// The URL for the indexers.
    pub fn indexer_url(&self) -> String {
        pooled(self.to_indexers.port())
    }

    /// The URL for the router.
    pub fn router_url(&self) -> String {
        pooled(self.to_router.port())
    }

    /// The programs' own way in, for what operators do.
    pub fn db(&self) -> anyhow::Result<Db> {
        let url = pooled(self.pooler.as_ref().context("pgbouncer is away")?.port());
        Ok(Db::new(&DbOptions { url, max_connections: 4, acquire_timeout: Duration::from_secs(20) })?)
    }

    /// Runs statements as superuser, past pgbouncer.
    pub async fn execute(&self, sql: &str) -> anyhow::Result<()> {
        execute(&self.superuser_url()?, sql).await
    }

    /// The first column, which must be text, as superuser.
    pub async fn texts(&self, sql: &str) -> anyhow::Result<Vec<String>> {
        let mut direct = Direct::connect(&self.superuser_url()?).await?;
        let texts = direct.texts(sql).await;
        direct.close().await;
        texts.with_context(|| sql.to_owned())
    }

    /// A number, as superuser.
    pub async fn number(&self, sql: &str) -> anyhow::Result<i64> {
        let texts = self.texts(sql).await?;
        let text = texts.first().with_context(|| format!("no row: {sql}"))?;
        text.parse().with_context(|| format!("`{text}` is no number: {sql}"))
    }

    /// The superuser's URL, past pgbouncer.
    pub fn superuser_url(&self) -> anyhow::Result<String> {
        Ok(self.cluster.as_ref().context("Postgres is away")?.superuser_url(DATABASE))
    }

    /// Ends Postgres in order (fast), or as a crash would (immediate).
    pub async fn stop(&mut self, immediate: bool) -> anyhow::Result<()> {
        let cluster = self.cluster.take().context("Postgres is away already")?;
        if immediate {
            let id = Pid::from_raw(i32::try_from(cluster.process_id())?);
            kill(id, Signal::SIGQUIT)?;
            let asked = Instant::now();
            while kill(id, None).is_ok() && asked.elapsed() < Duration::from_secs(20) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Ok(cluster.stop().await?)
    }

    /// Starts Postgres again, on another port: the network leads there.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        let cluster = start_cluster(&self.folder).await?;
        self.behind_pooler.lead_to(cluster.port());
        self.cluster = Some(cluster);
        Ok(())
    }

    /// Ends pgbouncer and starts it again.
    pub fn restart_pooler(&mut self) -> anyhow::Result<()> {
        self.pooler = None;
        let pooler = PgBouncer::start(&self.folder, &in_front_of(&self.behind_pooler))?;
        self.to_indexers.lead_to(pooler.port());
        self.to_router.lead_to(pooler.port());
        self.pooler = Some(pooler);
        Ok(())
    }
}

async fn start_cluster(folder: &Path) -> anyhow::Result<Cluster> {
    let data_dir = folder.join("postgres");
    Ok(Cluster::start(ClusterOptions { data_dir, durable: false, max_connections: 200 }).await?)
}

fn pooled(port: u16) -> String {
    format!("postgres://{LOGIN}@127.0.0.1:{port}/{DATABASE}?sslmode=disable")
}

async fn execute(url: &str, sql: &str) -> anyhow::Result<()> {
    let mut direct = Direct::connect(url).await?;
    let done = direct.execute(sql).await;
    direct.close().await;
    done.with_context(|| sql.to_owned())
}

/// The login passes without a password, as Postgres lets it.
fn in_front_of(proxy: &Proxy) -> PgBouncerOptions<'static> {
    PgBouncerOptions { postgres_port: proxy.port(), login: LOGIN, password: "", pool_size: 4 }
}
