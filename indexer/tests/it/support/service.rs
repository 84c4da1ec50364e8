//! One deployment in small: a database behind pgbouncer, a folder as object store, git served over HTTP, and the indexer
//! as a process.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use kotadb_core::db::jobs::{self, JobKind, JobRow, NewJob, Trigger};
use kotadb_core::db::{Scope, repositories, tenants};
use kotadb_core::http::git_backend::GitServer;
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::store::{Store, StoreOptions};
use kotadb_core::testing::{GitGate, TestDb};
use kotadb_indexer::inspect::Inspected;
use tempfile::TempDir;

use super::Remote;

pub struct Service {
    pub database: TestDb,
    pub git: GitServer,
    pub gate: GitGate,
    pub data: TempDir,
    /// In memory.
    pub memory: TempDir,
    pub tenant: TenantId,
    pub store: Store,
}

impl Service {
    pub async fn start() -> Self {
        let database = TestDb::new().await;
        let mut tx = database.db.begin(Scope::Worker).await.unwrap();
        let tenant = tenants::ensure(&mut tx, "acme").await.unwrap();
        tx.commit().await.unwrap();
        let data = tempfile::tempdir().unwrap();
        let memory = tempfile::tempdir_in("/dev/shm").unwrap();
        let store = Store::open(&StoreOptions::Folder(data.path().join("objects"))).unwrap();
        let gate = GitGate::default();
        let git = gate.serve().await.unwrap();
        Self { database, git, gate, data, memory, tenant, store }
    }

    /// Serves and registers a repository; no job is queued.
    pub async fn register(&self, name: &str, remote: &Remote, patterns: &[&str]) -> RepositoryId {
        self.git.insert(name, &remote.path());
        self.register_url(name, &self.git.url(name), patterns).await
    }

    pub async fn register_url(&self, name: &str, url: &str, patterns: &[&str]) -> RepositoryId {
        let patterns: Vec<_> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        let mut tx = self.database.db.begin(Scope::Tenant(self.tenant)).await.unwrap();
        let (row, _) = repositories::register(&mut tx, self.tenant, name, url, &patterns).await.unwrap();
        tx.commit().await.unwrap();
        row.id
    }

    pub async fn enqueue(&self, repository: RepositoryId) {
        self.enqueue_run(repository, false).await;
    }

    pub async fn enqueue_run(&self, repository: RepositoryId, full: bool) {
        let job = NewJob {
            tenant: self.tenant,
            repository,
            kind: JobKind::Index,
            trigger: Trigger::Manual,
            full,
            delay: Duration::ZERO,
        };
        let mut tx = self.database.db.begin(Scope::Tenant(self.tenant)).await.unwrap();
        jobs::enqueue(&mut tx, &job).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The newest job of a repository.
    pub async fn job(&self, repository: RepositoryId) -> JobRow {
        let mut tx = self.database.db.begin(Scope::Tenant(self.tenant)).await.unwrap();
        let rows = jobs::list(&mut tx, Some(&[repository]), None, 10).await.unwrap();
        tx.commit().await.unwrap();
        rows.into_iter().next().unwrap()
    }

    pub async fn indexed_commit(&self, repository: RepositoryId) -> Option<String> {
        let mut tx = self.database.db.begin(Scope::Tenant(self.tenant)).await.unwrap();
        let row = repositories::get(&mut tx, repository).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        row.indexed_commit
    }

    pub async fn facts(&self, repository: RepositoryId) -> String {
        let inspected = Inspected { store: &self.store, tenant: self.tenant, repository };
        let mut out = Vec::new();
        inspected.facts(&mut out).await.unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Every edge of its stored graphs.
    pub async fn edges(&self, repository: RepositoryId) -> String {
        let inspected = Inspected { store: &self.store, tenant: self.tenant, repository };
        let mut out = Vec::new();
        inspected.edges(&mut out).await.unwrap();
        String::from_utf8(out).unwrap()
    }

    /// As if the leases of workers that died had run out: real ones are long, so that a slow machine loses none.
    pub async fn expire_leases(&self) {
        let expired = "UPDATE kotadb.jobs SET lease_expires_at = now() - interval '1 second' WHERE state = 'running'";
        self.database.execute(expired).await;
    }

    pub async fn root_version(&self) -> u64 {
        self.store.head(self.tenant).await.unwrap().0.version
    }

    /// The indexer as a process, with only the settings it needs.
    pub fn indexer(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kotadb-indexer"));
        command
            .env_clear()
            .env("KOTADB_MODE", "local")
            .env("DATABASE_URL", &self.database.pooled_url)
            .env("KOTADB_DATA_DIR", self.data.path())
            .env("KOTADB_SCRATCH_MEMORY", self.memory.path())
            .env("KOTADB_GIT_ALLOWED_ORIGINS", self.git.origin());
        command
    }

    /// Drains; the process must end well.
    pub async fn drain(&self) {
        let output = run(self.indexer().arg("drain")).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// What is in the scratch folders of jobs, on disk and in memory.
    pub fn scratch(&self) -> Vec<String> {
        let on_disk = std::fs::read_dir(self.data.path().join("scratch")).into_iter().flatten();
        let in_memory = std::fs::read_dir(self.memory.path()).unwrap();
        let in_memory = in_memory.flat_map(|own| std::fs::read_dir(own.unwrap().path()).unwrap());
        on_disk.chain(in_memory).map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// For a process to end, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(150);

/// Runs a process without blocking the runtime, which serves git to it.
pub async fn run(command: &mut Command) -> Output {
    let mut command = tokio::process::Command::from(std::mem::replace(command, Command::new("true")));
    tokio::time::timeout(PATIENCE, command.kill_on_drop(true).output()).await.unwrap().unwrap()
}
