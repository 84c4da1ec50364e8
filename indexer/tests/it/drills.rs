//! What OPERATIONS.md says to do when something is lost, done: the bucket, Postgres.

use std::fs;
use std::process::{Command, Stdio};

use kotadb_core::db::jobs::JobState;
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
    let url = &with.service.database.direct_url;
    let backup =
        Command::new("pg_dump").args(["--schema=kotadb", "--schema=supabase_migrations", url]).output().unwrap();
    assert!(backup.status.success(), "{}", String::from_utf8_lossy(&backup.stderr));
    // What came after the backup: pushes, and fences that are higher than the backup knows.
    for round in 0..2 {
        for (id, repository, remote) in &with.repositories {
            repository.write("src/later.rs", format!("fn later_{round}() {{}}\n"));
            repository.commit();
            remote.push(repository, "main");
            with.service.enqueue_run(*id, true).await;
        }
        with.service.drain().await;
    }
    with.service.database.execute("DROP SCHEMA kotadb CASCADE; DROP SCHEMA supabase_migrations CASCADE").await;
    let file = with.service.data_dir().join("backup.sql");
    fs::write(&file, &backup.stdout).unwrap();
    let mut restore = Command::new("psql");
    restore.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"]).arg(&file).arg(url).stdout(Stdio::null());
    let restored = restore.output().unwrap();
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    with.sweep().await;
    with.assert_whole().await;
    // And it goes on: a push after that is published, whatever fences HEAD holds.
    let (id, repository, remote) = &with.repositories[0];
    repository.write("src/last.rs", "fn last() {}\n");
    repository.commit();
    remote.push(repository, "main");
    with.service.enqueue(*id).await;
    with.service.drain().await;
    with.assert_whole().await;
}
