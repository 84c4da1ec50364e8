//! One deployment in small, of real processes: Postgres and pgbouncer, the S3 double, git over HTTP, the router, and
//! indexers as they are asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use kotadb_core::http::git_backend::GitServer;
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::testing::fake_github::{FakeGithub, OPERATOR_TOKEN};
use kotadb_core::testing::s3::{BUCKET, ROUTER, S3, WORKER};
use kotadb_indexer::admin;
use tempfile::TempDir;
use tokio::process::Command;
use uuid::Uuid;

use crate::api::{Ack, Api, Hook};
use crate::gate::{API, Gate};
use crate::history;
use crate::postgres::Postgres;
use crate::program::Program;
use crate::repository::Repository;

/// 32 bytes for tests.
pub const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Variables of the programs.
pub type Settings = Vec<(&'static str, String)>;

/// How a fault is tried.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Folder with the programs.
    pub bin: PathBuf,
    /// Where chances begin.
    pub seed: u64,
    /// As often and as long as was promised, or as is quick.
    pub long: bool,
}

/// A customer.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// With a key of its own.
    pub api: Api,
}

/// A registered repository.
#[derive(Debug)]
pub struct Registered {
    /// What is pushed to.
    pub repository: Repository,
    /// Its owner.
    pub tenant: Tenant,
    /// As the service knows it.
    pub id: RepositoryId,
    /// Where pushes are delivered.
    pub hook: Hook,
}

/// The deployment.
#[derive(Debug)]
pub struct Stage {
    /// How it is tried.
    pub plan: Plan,
    /// The database.
    pub postgres: Postgres,
    /// The object store.
    pub s3: S3,
    /// Serves repositories.
    pub git: GitServer,
    /// What stands before that.
    pub gate: Gate,
    /// The first router.
    pub router: Program,
    url: String,
    /// Lease of the indexers.
    pub lease: Duration,
    /// What all programs are told beside the usual.
    settings: Settings,
    folder: TempDir,
    hooks: std::sync::atomic::AtomicI64,
}

impl Stage {
    /// Starts all but the indexers.
    pub async fn start(plan: &Plan, lease: Duration) -> anyhow::Result<Arc<Self>> {
        Ok(Arc::new(Self::open(plan, lease).await?))
    }

    /// The same, for whoever changes it.
    pub async fn open(plan: &Plan, lease: Duration) -> anyhow::Result<Self> {
        Self::open_with(plan, lease, Vec::new()).await
    }

    /// The same beside a GitHub, whose repositories are those of the git server.
    pub async fn start_with_github(plan: &Plan, lease: Duration, github: &FakeGithub) -> anyhow::Result<Arc<Self>> {
        let gate = Gate::default();
        gate.answer_api_by(&github.url())?;
        let git = GitServer::start_with(BTreeMap::new(), None, |router| gate.before(router)).await?;
        // Whoever takes the port meanwhile spoils the run, which says so.
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let settings = vec![
            ("KOTADB_GITHUB_API_URL", format!("{}{API}", git.origin())),
            ("GITHUB_WEBHOOK_TOKEN", OPERATOR_TOKEN.to_owned()),
            ("KOTADB_WEBHOOK_BASE_URL", format!("http://127.0.0.1:{port}")),
            ("PORT", port.to_string()),
        ];
        Ok(Arc::new(Self::open_before(plan, lease, settings, (git, gate)).await?))
    }

    /// The same with these settings.
    pub async fn open_with(plan: &Plan, lease: Duration, settings: Settings) -> anyhow::Result<Self> {
        let gate = Gate::default();
        let git = GitServer::start_with(BTreeMap::new(), None, |router| gate.before(router)).await?;
        Self::open_before(plan, lease, settings, (git, gate)).await
    }

    async fn open_before(
        plan: &Plan,
        lease: Duration,
        settings: Settings,
        (git, gate): (GitServer, Gate),
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("kotadb-chaos-").tempdir()?;
        let postgres = Postgres::start(folder.path()).await?;
        history::watch(&postgres).await?;
        let s3 = S3::start(plan.seed).await?;
        let around = Around { s3: &s3, git: &git, data: folder.path(), settings: &settings };
        let mut command = around.router(plan, &postgres);
        let mut router = Program::start(command.stdout(Stdio::piped()), &folder.path().join("router.log"))?;
        let address = tokio::time::timeout(Duration::from_secs(30), router.address()).await;
        let url = address.context("the router does not listen")??;
        let hooks = std::sync::atomic::AtomicI64::new(1);
        Ok(Self { plan: plan.clone(), postgres, s3, git, gate, router, url, lease, settings, folder, hooks })
    }

    /// Another router, not started yet.
    pub fn router(&self) -> Command {
        self.around(self.folder.path()).router(&self.plan, &self.postgres)
    }

    /// Where the first router listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn around<'a>(&'a self, data: &'a Path) -> Around<'a> {
        Around { s3: &self.s3, git: &self.git, data, settings: &self.settings }
    }

    /// Data of the indexers and what the programs logged.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// An indexer with all settings, not started yet. `scratch` names its own data folder.
    pub fn indexer(&self, mode: &str, scratch: &str) -> Command {
        let mut command = Command::new(self.plan.bin.join("kotadb-indexer"));
        self.settle(&mut command, mode, scratch);
        command
    }

    /// The same, started by another program that sets limits or clocks.
    pub fn indexer_under(&self, wrapper: &str, args: &[&str], mode: &str, scratch: &str) -> Command {
        let mut command = Command::new(wrapper);
        command.args(args).arg(self.plan.bin.join("kotadb-indexer"));
        self.settle(&mut command, mode, scratch);
        command
    }

    fn settle(&self, command: &mut Command, mode: &str, scratch: &str) {
        let data = self.folder.path().join(scratch);
        self.around(&data).settle(command.env_clear(), &self.postgres.indexer_url(), WORKER);
        command.env("KOTADB_LEASE_SECONDS", self.lease.as_secs().to_string()).arg(mode);
    }

    /// Starts an indexer.
    pub fn start_indexer(&self, command: &mut Command) -> anyhow::Result<Program> {
        Program::start(command, &self.folder.path().join("indexer.log"))
    }

    /// Drains; the process must end well.
    pub async fn drain(&self) -> anyhow::Result<()> {
        let mut program = self.start_indexer(&mut self.indexer("drain", "drain"))?;
        let status = program.wait(Duration::from_secs(300)).await?;
        anyhow::ensure!(status.success(), "drain ended with {status}: {}", self.last_log("indexer.log"));
        Ok(())
    }

    /// Drains until nothing is queued: a job that waits for its next try is made due.
    pub async fn settle_jobs(&self) -> anyhow::Result<()> {
        for _ in 0..60 {
            self.postgres
                .execute("UPDATE kotadb.jobs SET run_at = now() WHERE state = 'queued' AND run_at > now()")
                .await?;
            self.drain().await?;
            let left = "SELECT count(*)::text FROM kotadb.jobs WHERE state IN ('queued', 'running')";
            if self.postgres.number(left).await? == 0 {
                return Ok(());
            }
        }
        anyhow::bail!("jobs are left: {}", self.last_log("indexer.log"))
    }

    /// The last lines of a log.
    pub fn last_log(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }

    /// A tenant with a key.
    pub async fn tenant(&self, name: &str) -> anyhow::Result<Tenant> {
        let db = self.postgres.db()?;
        let id = admin::create_tenant(&db, name).await?;
        admin::set_plan(&db, name, "unlimited").await?;
        let (_, key) = admin::create_key(&db, name, "chaos", &[]).await?;
        db.close().await;
        Ok(Tenant { id, api: Api::new(&self.url, key.expose())? })
    }

    /// Serves and registers a repository, which queues its first job.
    pub async fn register(&self, tenant: &Tenant, name: &str) -> anyhow::Result<Registered> {
        self.register_refs(tenant, name, &[]).await
    }

    /// The same, tracking these refs.
    pub async fn register_refs(&self, tenant: &Tenant, name: &str, refs: &[&str]) -> anyhow::Result<Registered> {
        let github_id = self.hooks.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.register_as(tenant, name, refs, github_id).await
    }

    /// The same, with the number that it has at GitHub.
    pub async fn register_as(
        &self,
        tenant: &Tenant,
        name: &str,
        refs: &[&str],
        github_id: i64,
    ) -> anyhow::Result<Registered> {
        let repository = Repository::new(name)?;
        self.git.insert(name, repository.path());
        let (id, hook) = tenant.api.register(&self.git.url(name), refs, github_id).await?;
        Ok(Registered { repository, tenant: tenant.clone(), id: id.parse()?, hook })
    }
}

impl Registered {
    /// Commits the next generation and delivers that.
    pub async fn push(&mut self) -> anyhow::Result<Ack> {
        self.repository.push()?;
        Ok(self.deliver().await)
    }

    /// Delivers once more.
    pub async fn deliver(&self) -> Ack {
        self.tenant.api.deliver(&self.hook, Uuid::now_v7()).await
    }

    /// Pushes, and delivers again until that is accepted.
    pub async fn push_surely(&mut self) -> anyhow::Result<()> {
        let mut ack = self.push().await?;
        for _ in 0..50 {
            if ack.is_accepted() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            ack = self.deliver().await;
        }
        anyhow::bail!("no delivery was accepted: {ack:?}")
    }
}

/// What a program finds beside its database.
struct Around<'a> {
    s3: &'a S3,
    git: &'a GitServer,
    data: &'a Path,
    settings: &'a Settings,
}

impl Around<'_> {
    fn router(&self, plan: &Plan, postgres: &Postgres) -> Command {
        let mut command = Command::new(plan.bin.join("kotadb-api-server"));
        command.env_clear().env("PORT", "0").env("KOTADB_BIND", "127.0.0.1");
        self.settle(&mut command, &postgres.router_url(), ROUTER);
        command
    }

    fn settle(&self, command: &mut Command, database: &str, key: &str) {
        command
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("KOTADB_MODE", "local")
            .env("DATABASE_URL", database)
            .env("KOTADB_MASTER_KEY", MASTER_KEY)
            .env("KOTADB_DATA_DIR", self.data)
            .env("KOTADB_GIT_ALLOWED_ORIGINS", self.git.origin())
            .env("BUCKET_NAME", BUCKET)
            .env("AWS_ENDPOINT_URL_S3", self.s3.endpoint())
            .env("AWS_ACCESS_KEY_ID", key)
            .env("AWS_SECRET_ACCESS_KEY", key);
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
    }
}
