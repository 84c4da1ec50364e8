//! What a remote may be, and what is done about one that is not.

use kotadb_core::db::jobs::JobState;

use crate::support::service::Service;
use crate::support::{Remote, Repository, fresh_facts};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_remotes_are_dead_at_once_with_the_reason() {
    let service = Service::start().await;
    let sha256 = Repository::with(&["--object-format=sha256"]);
    sha256.write("a", "1");
    sha256.commit();
    let remote = Remote::of(&sha256);
    let sha256 = service.register("acme/sha256", &remote, &[]).await;
    let elsewhere = service.register_url("acme/elsewhere", "https://gitlab.example/a/b.git", &[]).await;
    let missing = service.register_url("acme/missing", &service.git.url("acme/missing"), &[]).await;
    for repository in [sha256, elsewhere, missing] {
        service.enqueue(repository).await;
    }
    service.drain().await;
    for (repository, reason) in [
        (sha256, "SHA-256 repositories are not supported"),
        (elsewhere, "`https://gitlab.example` is not an allowed origin"),
        (missing, "not found"),
    ] {
        let job = service.job(repository).await;
        let error = job.error.unwrap_or_default();
        assert!(job.state == JobState::Dead && error.contains(reason), "{:?}: {error}", job.state);
    }
    assert_eq!(service.root_version().await, 0);
    assert_eq!(service.scratch(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_repository_becomes_searchable_with_its_first_commit() {
    let service = Service::start().await;
    let repository = Repository::new();
    let remote = Remote::of(&repository);
    let id = service.register("acme/empty", &remote, &[]).await;
    service.enqueue(id).await;
    service.drain().await;
    assert_eq!(service.job(id).await.state, JobState::Done);
    assert_eq!(service.facts(id).await, "");
    assert_eq!(service.indexed_commit(id).await, None);

    repository.write("a.rs", "fn a() {}\n");
    let commit = repository.commit();
    remote.push(&repository, "main");
    service.enqueue(id).await;
    service.drain().await;
    assert_eq!(service.indexed_commit(id).await, Some(commit));
    assert_eq!(service.facts(id).await, fresh_facts(&repository));
}
