//! What OPERATIONS.md says to do when something is lost, done: the bucket, Postgres.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use kotadb_core::db::cluster::{Cluster, ClusterOptions};
use kotadb_core::db::jobs::JobState;
use kotadb_core::db::{Db, DbOptions, migrate};
use kotadb_core::id::RepositoryId;

use crate::support::service::{Service, run};
use crate::support::{Remote, Repository, fresh_facts};

/// Two repositories that are indexed, with what they are served from.
struct Indexed {
    service: Service,
    repositories: Vec<(RepositoryId, Repository, Remote)>,
}

impl Indexed {
    async fn start() -> Self {
        let service = Service::start().await;
        let mut repositories = Vec::new();
        for name in ["a", "b"] {
            let repository = Repository::new();
            repository.write("src/lib.rs", format!("fn {name}() {{}}\n")).write("README.md", name);
            repository.commit();
            let remote = Remote::of(&repository);
            let id = service.register(&format!("acme/{name}"), &remote, &[]).await;
            service.enqueue(id).await;
            repositories.push((id, repository, remote));
        }
        service.drain().await;
        Self { service, repositories }
    }

    /// What the scheduled machine does each hour.
    async fn sweep(&self) {
        let output = run(self.service.indexer().arg("sweep")).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// What `pg_dump` writes of the service's schemas.
    fn back_up(&self) -> PathBuf {
        let (file, url) = (self.service.data_dir().join("backup.sql"), &self.service.database.direct_url);
        let dump = ["--schema=kotadb", "--schema=supabase_migrations", "--file"];
        let backup = Command::new("pg_dump").args(dump).arg(&file).arg(url).output().unwrap();
        assert!(backup.status.success(), "{}", String::from_utf8_lossy(&backup.stderr));
        file
    }

    /// What comes after a backup: pushes, and fences that are higher than the backup knows.
    async fn go_on(&self) {
        for round in 0..2 {
            for (id, repository, remote) in &self.repositories {
                repository.write("src/later.rs", format!("fn later_{round}() {{}}\n"));
                repository.commit();
                remote.push(repository, "main");
                self.service.enqueue_run(*id, true).await;
            }
            self.service.drain().await;
        }
    }

    /// A push is published, whatever fences HEAD holds.
    async fn assert_goes_on(&self) {
        let (id, repository, remote) = &self.repositories[0];
        repository.write("src/last.rs", "fn last() {}\n");
        repository.commit();
        remote.push(repository, "main");
        self.service.enqueue(*id).await;
        self.service.drain().await;
        self.assert_whole().await;
    }

    /// Everything is searchable as if it had just been indexed, and Postgres says so.
    async fn assert_whole(&self) {
        for (id, repository, _) in &self.repositories {
            assert_eq!(self.service.job(*id).await.state, JobState::Done);
            assert_eq!(self.service.facts(*id).await, fresh_facts(repository));
            let head = repository.git(&["rev-parse", "HEAD"]);
            assert_eq!(self.service.indexed_commit(*id).await, Some(head));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_is_lost_is_built_again_by_the_next_sweep() {
    let with = Indexed::start().await;
    let objects = with.service.data_dir().join("objects");
    fs::remove_dir_all(&objects).unwrap();
    fs::create_dir(&objects).unwrap();
    with.sweep().await;
    with.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_is_restored_catches_up_by_the_next_sweep() {
    let with = Indexed::start().await;
    let backup = with.back_up();
    with.go_on().await;
    with.service.database.execute("DROP SCHEMA kotadb CASCADE; DROP SCHEMA supabase_migrations CASCADE").await;
    restore(&with.service.database.direct_url, &["-f", &backup.display().to_string()]).unwrap();
    with.sweep().await;
    with.assert_whole().await;
    with.assert_goes_on().await;
}

/// Roles belong to a cluster and are in no backup of a database: in a new one they come first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_is_restored_into_an_empty_cluster_has_its_roles_first() {
    let mut with = Indexed::start().await;
    let backup = with.back_up().display().to_string();
    with.go_on().await;
    // Reached by the account that Postgres runs as.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let data_dir = folder.path().join("postgres");
    let cluster = Cluster::start(ClusterOptions { data_dir, durable: false, max_connections: 50 }).await.unwrap();
    cluster.ensure_database("restored").await.unwrap();
    let url = cluster.superuser_url("restored");
    let refused = restore(&url, &["-f", &backup]).unwrap_err();
    assert!(refused.contains("role \"kotadb_owner\" does not exist"), "{refused}");
    let roles = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/20261123000001_roles.sql");
    restore(&url, &["-f", roles, "-c", "DROP SCHEMA kotadb", "-f", &backup]).unwrap();
    cluster.ensure_login("kotadb_login").await.unwrap();
    migrate::grant_login(&url, "kotadb_login").await.unwrap();
    with.service.database.pooled_url = cluster.url("kotadb_login", "restored");
    let options = DbOptions {
        url: with.service.database.pooled_url.clone(),
        max_connections: 4,
        acquire_timeout: Duration::from_secs(20),
    };
    with.service.database.db = Db::new(&options).unwrap();
    with.sweep().await;
    with.assert_whole().await;
    with.assert_goes_on().await;
}

/// All of it or nothing; what `psql` says of a failure.
fn restore(url: &str, parts: &[&str]) -> Result<(), String> {
    let mut psql = Command::new("psql");
    psql.args(["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1"]).args(parts).arg(url).stdout(Stdio::null());
    let done = psql.output().unwrap();
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
}
