//! Pushes during a run: they join into one follow-up, after which every tracked branch is searchable at its new tip.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use kotadb_core::db::Scope;
use kotadb_core::db::jobs::{self, JobState};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::service::Service;
use crate::support::{Remote, Repository};

/// Stands before the git server: lets the first connection pass (the listing of refs) and holds the others (the fetch)
/// until it is opened.
struct Gate {
    address: SocketAddr,
    open: watch::Sender<bool>,
}

impl Gate {
    async fn before(origin: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (open, opened) = watch::channel(false);
        let target = origin.strip_prefix("http://").unwrap().to_owned();
        tokio::spawn(async move {
            for n in 0.. {
                let (mut client, _) = listener.accept().await.unwrap();
                let (target, mut opened) = (target.clone(), opened.clone());
                tokio::spawn(async move {
                    if n > 0 {
                        opened.wait_for(|&open| open).await.unwrap();
                    }
                    let mut server = TcpStream::connect(target).await.unwrap();
                    let _closed = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { address, open }
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn wait_running(service: &Service, id: kotadb_core::id::RepositoryId) {
    for _ in 0..200 {
        if service.job(id).await.state == JobState::Running {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the job never ran");
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
    drain.env("KOTADB_GIT_ALLOWED_ORIGINS", gate.origin()).env("KOTADB_LEASE_SECONDS", "10").arg("drain");
    let mut drain = drain.kill_on_drop(true).spawn().unwrap();
    wait_running(&service, id).await;
    for branch in ["main", "release"] {
        repository.git(&["checkout", "--quiet", branch]);
        repository.write("src/pushed.rs", format!("fn pushed_to_{branch}() {{}}\n"));
        repository.commit();
        remote.push(&repository, branch);
        service.enqueue(id).await;
    }
    gate.open.send(true).unwrap();
    let status = tokio::time::timeout(Duration::from_secs(60), drain.wait()).await.unwrap().unwrap();
    assert!(status.success());

    let mut tx = service.database.db.begin(Scope::Tenant(service.tenant)).await.unwrap();
    let rows = jobs::list(&mut tx, Some(id), None, 10).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(rows.iter().map(|row| row.state).collect::<Vec<_>>(), [JobState::Done, JobState::Done]);
    let facts = service.facts(id).await;
    for branch in ["main", "release"] {
        let tip = repository.git(&["rev-parse", branch]);
        assert!(facts.contains(&format!("ref refs/heads/{branch} {tip}")), "{facts}");
    }
}
