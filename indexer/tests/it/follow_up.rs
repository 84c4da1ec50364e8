//! What happens during a run: pushes join into one follow-up, after which every tracked branch is searchable at its new
//! tip; and what a compaction rewrites meanwhile is not built again.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kotadb_core::db::Scope;
use kotadb_core::db::jobs::{self, JobState};
use kotadb_core::store::Kind;
use kotadb_indexer::clock;
use kotadb_indexer::compact::{Compaction, Extent};
use kotadb_indexer::forget::Forget;
use kotadb_indexer::halt::Halt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::service::Service;
use crate::support::{Remote, Repository, fresh_facts};

/// Stands before the git server: lets the listing of refs pass (one connection) and holds the fetch that follows, until
/// it is opened.
struct Gate {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    /// How many connections may pass.
    passing: watch::Sender<usize>,
}

impl Gate {
    async fn before(origin: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (passing, may_pass) = watch::channel(1);
        let accepted = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&accepted);
        let target = origin.strip_prefix("http://").unwrap().to_owned();
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let (target, mut may_pass) = (target.clone(), may_pass.clone());
                let nth = count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    may_pass.wait_for(|&passing| nth < passing).await.unwrap();
                    let mut server = TcpStream::connect(target).await.unwrap();
                    let _closed = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { address, accepted, passing }
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Lets one more connection pass than there were.
    fn close(&self) {
        self.passing.send(self.accepted() + 1).unwrap();
    }

    fn open(&self) {
        self.passing.send(usize::MAX).unwrap();
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Waits for what a process does, on a machine that has much else to do.
async fn wait_until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..3000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not {what} within a minute");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_to_two_branches_during_a_run_need_one_follow_up() {
    let service = Service::start().await;
    let repository = Repository::new();
    repository.write("src/a.rs", "fn a() {}\n");
    repository.commit();
    repository.git(&["branch", "release"]);
    let remote = Remote::of(&repository);
    service.git.insert("acme/a", &remote.path());
    let gate = Gate::before(&service.git.origin()).await;
    let id = service.register_url("acme/a", &format!("{}/acme/a", gate.origin()), &["main", "release"]).await;

    service.enqueue(id).await;
    let mut drain = tokio::process::Command::from(service.indexer());
    drain.env("KOTADB_GIT_ALLOWED_ORIGINS", gate.origin()).arg("drain");
    let mut drain = drain.kill_on_drop(true).spawn().unwrap();
    wait_until("running", async || service.job(id).await.state == JobState::Running).await;
    for branch in ["main", "release"] {
        repository.git(&["checkout", "--quiet", branch]);
        repository.write("src/pushed.rs", format!("fn pushed_to_{branch}() {{}}\n"));
        repository.commit();
        remote.push(&repository, branch);
        service.enqueue(id).await;
    }
    gate.open();
    let status = tokio::time::timeout(Duration::from_secs(100), drain.wait()).await.unwrap().unwrap();
    assert!(status.success());

    let mut tx = service.database.db.begin(Scope::Tenant(service.tenant)).await.unwrap();
    let rows = jobs::list(&mut tx, Some(&[id]), None, 10).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(rows.iter().map(|row| row.state).collect::<Vec<_>>(), [JobState::Done, JobState::Done]);
    let facts = service.facts(id).await;
    for branch in ["main", "release"] {
        let tip = repository.git(&["rev-parse", branch]);
        assert!(facts.contains(&format!("ref refs/heads/{branch} {tip}")), "{facts}");
    }
}

/// The document of a deleted commit is taken out of a segment that the run, which waits for its fetch, builds upon.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_a_compaction_overtakes_builds_nothing_twice() {
    let service = Service::start().await;
    let repository = Repository::new();
    repository.write("src/kept.rs", "fn kept() {}\n").write("src/old.rs", "fn old() {}\n");
    let first = repository.commit();
    let remote = Remote::of(&repository);
    service.git.insert("acme/a", &remote.path());
    let gate = Gate::before(&service.git.origin()).await;
    gate.open();
    let id = service.register_url("acme/a", &format!("{}/acme/a", gate.origin()), &[]).await;
    let push = async |path: &str| {
        repository.write(path, format!("fn of_{}() {{}}\n", path.len()));
        repository.commit();
        remote.push(&repository, "main");
        service.enqueue(id).await;
    };
    let drain = || {
        let mut drain = tokio::process::Command::from(service.indexer());
        drain.env("KOTADB_GIT_ALLOWED_ORIGINS", gate.origin()).arg("drain").kill_on_drop(true).spawn().unwrap()
    };
    service.enqueue(id).await;
    assert!(drain().wait().await.unwrap().success());
    push("src/old.rs").await;
    assert!(drain().wait().await.unwrap().success());

    push("src/new.rs").await;
    let before = gate.accepted();
    gate.close();
    let mut overtaken = drain();
    wait_until("fetching", async || gate.accepted() >= before + 2).await;
    let (store, tenant, now_ms, halt) = (&service.store, service.tenant, clock::now_ms(), Halt::default());
    let forget = Forget { store, tenant, now_ms, halt: &halt };
    assert_eq!(forget.commits(id, &BTreeSet::from([first.parse().unwrap()])).await.unwrap(), 1);
    let folder = tempfile::tempdir().unwrap();
    let compaction = Compaction { store, tenant, folder: folder.path(), extent: Extent::All, now_ms, halt: &halt };
    assert_eq!(compaction.run().await.unwrap().merges, 1);
    let segments = async || {
        let objects = store.list(tenant).await.unwrap();
        objects.into_iter().filter(|(kind, ..)| *kind == Kind::Segment).count()
    };
    let there = segments().await;
    gate.open();
    assert!(overtaken.wait().await.unwrap().success());

    let job = service.job(id).await;
    assert_eq!((job.state, job.attempt), (JobState::Done, 1), "{:?}", job.error);
    assert_eq!(job.summary.unwrap()["documents_new"], 1);
    assert_eq!(segments().await, there + 1, "the document that was new is in one segment");
    assert_eq!(service.facts(id).await, fresh_facts(&repository));
}
