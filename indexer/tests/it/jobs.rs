//! Jobs over a real Postgres behind pgbouncer and git over HTTP, the indexer as a process.

use std::time::Duration;

use kotadb_core::db::jobs::JobState;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::service::Service;
use crate::support::{Remote, Repository, fresh_facts};

pub fn repository() -> Repository {
    let repository = Repository::new();
    repository.write("src/a.rs", "fn a() {}\n").write("README.md", "# read me\n").write("bin", "a\0b");
    repository.commit();
    repository
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_force_pushes_and_replays() {
    let service = Service::start().await;
    let repository = repository();
    let remote = Remote::of(&repository);
    let id = service.register("acme/a", &remote, &[]).await;
    service.enqueue(id).await;
    service.drain().await;
    let job = service.job(id).await;
    assert_eq!((job.state, job.attempt), (JobState::Done, 1), "{:?}", job.error);
    let summary = job.summary.unwrap();
    assert_eq!(
        (&summary["files"], &summary["documents_new"], &summary["skipped"]["binary"]),
        (&2.into(), &2.into(), &1.into())
    );
    assert_eq!(service.facts(id).await, fresh_facts(&repository));

    let version = service.root_version().await;
    assert_eq!(summary["root_version"], version);
    service.enqueue(id).await;
    service.drain().await;
    let summary = service.job(id).await.summary.unwrap();
    assert_eq!((&summary["unchanged"], &summary["root_version"]), (&true.into(), &version.into()));
    assert_eq!(service.root_version().await, version, "a job that finds nothing new leaves HEAD alone");

    repository.write("src/b.rs", "fn b() {}\n").write("src/a.rs", "fn changed() {}\n");
    repository.git(&["add", "--all"]);
    repository.git(&["commit", "--quiet", "--amend", "-m", "rewritten"]);
    remote.push(&repository, "main");
    service.enqueue(id).await;
    service.drain().await;
    assert_eq!(service.job(id).await.summary.unwrap()["documents_new"], 2);
    assert_eq!(service.facts(id).await, fresh_facts(&repository));
    assert_eq!(service.indexed_commit(id).await, Some(repository.git(&["rev-parse", "HEAD"])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_run_builds_everything_anew() {
    let service = Service::start().await;
    let repository = repository();
    let remote = Remote::of(&repository);
    let id = service.register("acme/a", &remote, &[]).await;
    service.enqueue(id).await;
    service.drain().await;
    for entry in std::fs::read_dir(service.data_dir().join(format!("objects/t/{}/seg", service.tenant))).unwrap() {
        std::fs::write(entry.unwrap().path(), "damaged").unwrap();
    }
    service.enqueue_run(id, true).await;
    service.drain().await;
    let job = service.job(id).await;
    assert_eq!(job.state, JobState::Done, "{:?}", job.error);
    assert_eq!(job.summary.unwrap()["documents_new"], 2);
    assert_eq!(service.facts(id).await, fresh_facts(&repository));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tracked_refs_come_move_and_go() {
    let service = Service::start().await;
    let repository = repository();
    repository.git(&["branch", "release-1"]);
    repository.git(&["branch", "unrelated"]);
    repository.git(&["tag", "-a", "v1", "-m", "one"]);
    repository.git(&["tag", "tree", "HEAD^{tree}"]);
    let remote = Remote::of(&repository);
    let id = service.register("acme/refs", &remote, &["main", "release-*", "refs/tags/*"]).await;
    service.enqueue(id).await;
    service.drain().await;
    let refs =
        |facts: &str| facts.lines().filter(|line| line.starts_with("ref ")).map(str::to_owned).collect::<Vec<_>>();
    let commit = repository.git(&["rev-parse", "HEAD"]);
    let expected = [
        format!("ref refs/heads/main {commit} default"),
        format!("ref refs/heads/release-1 {commit}"),
        format!("ref refs/tags/v1 {commit}"),
    ];
    assert_eq!(refs(&service.facts(id).await), expected);

    repository.git(&["checkout", "--quiet", "release-1"]);
    repository.write("src/fix.rs", "fn fix() {}\n");
    let fix = repository.commit();
    remote.push(&repository, "release-1");
    remote.push(&repository, "HEAD:refs/heads/main");
    remote.push(&repository, ":refs/tags/v1");
    service.enqueue(id).await;
    service.drain().await;
    let facts = service.facts(id).await;
    assert_eq!(refs(&facts), [format!("ref refs/heads/main {fix} default"), format!("ref refs/heads/release-1 {fix}")]);
    assert_eq!(service.job(id).await.summary.unwrap()["documents_new"], 1);

    remote.push(&repository, ":refs/heads/release-1");
    service.enqueue(id).await;
    service.drain().await;
    assert_eq!(refs(&service.facts(id).await), [format!("ref refs/heads/main {fix} default")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repositories_of_one_tenant_share_documents() {
    let service = Service::start().await;
    let (first, second) = (repository(), repository());
    second.write("only.rs", "fn only() {}\n");
    second.commit();
    let (first_remote, second_remote) = (Remote::of(&first), Remote::of(&second));
    let a = service.register("acme/a", &first_remote, &[]).await;
    let b = service.register("acme/b", &second_remote, &[]).await;
    service.enqueue(a).await;
    service.drain().await;
    service.enqueue(b).await;
    service.drain().await;
    assert_eq!(service.job(b).await.summary.unwrap()["documents_new"], 1);
    assert_eq!(service.facts(a).await, fresh_facts(&first));
    assert_eq!(service.facts(b).await, fresh_facts(&second));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_gives_its_job_back_when_told_to_stop() {
    let service = Service::start().await;
    let repository = repository();
    let remote = Remote::of(&repository);
    let id = service.register("acme/a", &remote, &[]).await;
    let mut serving = tokio::process::Command::from(service.indexer());
    let mut serving = serving.arg("serve").kill_on_drop(true).spawn().unwrap();
    service.enqueue(id).await;
    for _ in 0..1200 {
        if service.job(id).await.state == JobState::Done {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(service.job(id).await.state, JobState::Done);
    kill(Pid::from_raw(i32::try_from(serving.id().unwrap()).unwrap()), Signal::SIGTERM).unwrap();
    let status = tokio::time::timeout(Duration::from_secs(60), serving.wait()).await.unwrap().unwrap();
    assert!(status.success());
}

/// A backup knows nothing of the fences that were given out since; HEAD does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restore_of_the_database_publishing_goes_on() {
    let service = Service::start().await;
    let repository = repository();
    let remote = Remote::of(&repository);
    let id = service.register("acme/a", &remote, &[]).await;
    service.database.execute("SELECT setval('kotadb.job_fences', 50)").await;
    service.enqueue(id).await;
    service.drain().await;
    service.database.execute("ALTER SEQUENCE kotadb.job_fences RESTART 1").await;
    repository.write("src/b.rs", "fn b() {}\n");
    repository.commit();
    remote.push(&repository, "main");
    service.enqueue(id).await;
    service.drain().await;
    assert_eq!(service.job(id).await.state, JobState::Done);
    assert_eq!(service.indexed_commit(id).await, Some(repository.git(&["rev-parse", "HEAD"])));
    assert_eq!(service.store.head(service.tenant).await.unwrap().0.repositories[&id].fence, 52);
}

/// Deep nesting, one line of 8 MiB, a binary that is called a source: the job ends, and what is beside them is known.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parse_bomb_does_not_fail_the_job() {
    let service = Service::start().await;
    let repository = Repository::new();
    let deep = [b"fn a() { ".repeat(40_000), b"f(".repeat(200_000), b"{[".repeat(50_000)].concat();
    let line = b"var a=function(){return b.c(d[0],\"e\")};".repeat((8 << 20) / 40);
    let binary: Vec<u8> = (0..200_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    repository
        .write("deep.rs", deep.clone())
        .write("deep.py", [b"if x:\n ".as_slice(), &b"(".repeat(500_000)].concat())
        .write("deep.ts", b"x=>{`${".repeat(100_000))
        .write("minified.js", line)
        .write("binary.rs", binary)
        .write("late.rs", [b"fn early() {}\n".repeat(1000), vec![0xff; 300_000]].concat())
        .write("good.rs", "fn good() {}\n");
    repository.commit();
    let remote = Remote::of(&repository);
    let id = service.register("acme/bomb", &remote, &[]).await;
    service.enqueue(id).await;
    tokio::time::timeout(Duration::from_secs(240), service.drain()).await.expect("the job ends");
    let job = service.job(id).await;
    assert_eq!((job.state, job.attempt), (JobState::Done, 1), "{:?}", job.error);
    let summary = job.summary.unwrap();
    assert_eq!((&summary["files"], &summary["skipped"]["binary"]), (&6.into(), &1.into()), "{summary}");
    assert_eq!(service.facts(id).await, fresh_facts(&repository));
    let symbols = summary["symbols"].as_u64().unwrap_or_default();
    assert!(symbols > 1000 && summary["graphs_failed"] == 0, "what is beside them has its symbols: {summary}");
}
