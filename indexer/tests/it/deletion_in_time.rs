//! The promise of 25 hours, kept by the schedule as it is: a sweep each hour, at a bad time for the deletion, one of them
//! missed, and a job that began before it and publishes at its deadline.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kotadb_core::db::jobs::{self, Claimed, Spend};
use kotadb_core::db::{Scope, deletions, repositories};
use kotadb_core::id::RepositoryId;
use kotadb_indexer::assignment::Assignment;
use kotadb_indexer::credentials::Stored;
use kotadb_indexer::halt::Halt;
use kotadb_indexer::held_cache::HeldCache;
use kotadb_indexer::job::{self, Indexer};
use kotadb_indexer::upkeep::{self, Part};
use kotadb_indexer::{limits, resolve};

use super::deletion::{holds, repository};
use crate::support::service::Service;
use crate::support::{Remote, Repository};

const HOUR: u64 = 3600 * 1000;
const MINUTE: u64 = 60 * 1000;

fn indexer(service: &Service) -> Indexer {
    Indexer {
        db: service.database.db.clone(),
        store: service.store.clone(),
        data_dir: service.data_dir().to_owned(),
        allowed_origins: vec![service.git.origin()],
        direct_url: None,
        resolver: Arc::new(resolve::System),
        credentials: Arc::new(Stored { db: service.database.db.clone(), master_key: None, installations: None }),
        askpass: PathBuf::from("/bin/false"),
        lease: Duration::from_secs(600),
        held: HeldCache::default(),
        program: None,
    }
}

/// Three repositories in one segment; the first has a canary.
async fn sharing(service: &Service) -> (RepositoryId, Vec<(Repository, Remote)>) {
    let mut all = Vec::new();
    let mut ids = Vec::new();
    for name in ["canary", "second", "third"] {
        let source = repository(name);
        let remote = Remote::of(&source);
        let id = service.register(&format!("acme/{name}"), &remote, &[]).await;
        service.enqueue(id).await;
        service.drain().await;
        ids.push(id);
        all.push((source, remote));
    }
    (ids[0], all)
}

async fn now_ms(service: &Service) -> u64 {
    let mut tx = service.database.db.begin(Scope::Worker).await.unwrap();
    let now_ms = deletions::now_ms(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    now_ms
}

async fn sweep_at(service: &Service, indexer: &Indexer, now_ms: u64) {
    let mut tx = service.database.db.begin(Scope::Worker).await.unwrap();
    let mut deletions = deletions::of_tenant(&mut tx, service.tenant).await.unwrap();
    tx.commit().await.unwrap();
    deletions.now_ms = now_ms;
    upkeep::look_after(indexer, service.tenant, (&deletions, Part::All), &Halt::default()).await.unwrap();
}

/// The claim of a job that has just begun.
async fn begin(service: &Service, id: RepositoryId) -> Claimed {
    service.enqueue_run(id, true).await;
    let lease = Duration::from_secs(600);
    jobs::claim(&service.database.db, "test", lease, Spend::Guarded).await.unwrap().unwrap()
}

/// Runs the job as who knows nothing of what was deleted since.
async fn publish(service: &Service, indexer: &Indexer, claimed: &Claimed) {
    let assignment = Assignment::new(claimed, None, BTreeSet::new(), Vec::new());
    let runtime = tokio::runtime::Handle::current();
    let run = std::thread::scope(|scope| {
        let run = || runtime.block_on(job::run(indexer.workplace(), &assignment, &Halt::default(), &|_| {}));
        scope.spawn(run).join().unwrap()
    });
    run.unwrap();
    assert!(holds(service, "canary_").await);
}

/// The sweeps of a day, less one, the hour of each up to half a minute off.
async fn a_day_after(service: &Service, indexer: &Indexer, requested_ms: u64, claimed: &Claimed) {
    let deadline_ms = u64::try_from(limits::JOB_DEADLINE.as_millis()).unwrap();
    let mut published = false;
    for hour in (1..=25).filter(|hour| *hour != 3) {
        let after_ms = hour * HOUR - MINUTE + hour * 7919 % MINUTE - MINUTE / 2;
        if after_ms > deadline_ms && !published {
            publish(service, indexer, claimed).await;
            published = true;
        }
        sweep_at(service, indexer, requested_ms + after_ms).await;
    }
    assert!(published);
    assert!(!holds(service, "canary_").await, "it is 25 hours since the deletion");
    assert!(holds(service, "second_0").await && holds(service, "shared_3").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_is_gone_25_hours_after_the_request() {
    let service = Service::start().await;
    let (id, _all) = sharing(&service).await;
    let indexer = indexer(&service);
    sweep_at(&service, &indexer, now_ms(&service).await).await;
    let claimed = begin(&service, id).await;
    let mut tx = service.database.db.begin(Scope::Tenant(service.tenant)).await.unwrap();
    assert!(repositories::delete(&mut tx, id).await.unwrap());
    tx.commit().await.unwrap();
    a_day_after(&service, &indexer, now_ms(&service).await, &claimed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_gone_25_hours_after_the_request() {
    let service = Service::start().await;
    let (id, all) = sharing(&service).await;
    let indexer = indexer(&service);
    sweep_at(&service, &indexer, now_ms(&service).await).await;
    let commit = all[0].0.git(&["rev-parse", "HEAD"]).parse().unwrap();
    let claimed = begin(&service, id).await;
    let mut tx = service.database.db.begin(Scope::Tenant(service.tenant)).await.unwrap();
    assert!(deletions::hide(&mut tx, service.tenant, id, commit).await.unwrap());
    tx.commit().await.unwrap();
    a_day_after(&service, &indexer, now_ms(&service).await, &claimed).await;
}
