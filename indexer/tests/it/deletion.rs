//! What owners delete, from the row to the last byte: repositories whose segments others share, and commits, tips too.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use kotadb_core::db::jobs::Spend;
use kotadb_core::db::{Scope, deletions, jobs, repositories, tenants};
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::segment::Segment;
use kotadb_core::store::{Kind, StoreError};
use kotadb_indexer::assignment::Assignment;
use kotadb_indexer::compact::Extent;
use kotadb_indexer::halt::Halt;
use kotadb_indexer::held_cache::HeldCache;
use kotadb_indexer::job::{self, Workplace};
use kotadb_indexer::resolve;
use kotadb_indexer::tips::Tips;
use kotadb_indexer::upkeep::Upkeep;
use kotadb_indexer::{clock, gc, retention};

use crate::support::service::{Service, run};
use crate::support::{Remote, Repository, names_of_graph};

const HOUR: u64 = 3600 * 1000;

/// A repository with files of its own, and some that all have.
pub fn repository(canary: &str) -> Repository {
    let repository = Repository::new();
    for nth in 0..4 {
        repository.write(&format!("own/{nth}.rs"), format!("fn {canary}_{nth}() {{}}\n"));
        repository.write(&format!("shared/{nth}.rs"), format!("fn shared_{nth}() {{}}\n"));
    }
    repository.commit();
    repository
}

async fn sweep(service: &Service) {
    let output = run(service.indexer().arg("sweep")).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn collect_later(service: &Service, hours: u64) {
    let now_ms = clock::now_ms() + hours * HOUR;
    gc::collect(&service.store, service.tenant, now_ms, &Halt::default()).await.unwrap();
}

/// Whether the text of any document in any object holds these bytes.
pub async fn holds(service: &Service, canary: &str) -> bool {
    for (kind, key, bytes) in service.store.list(service.tenant).await.unwrap() {
        let content = service.store.get(service.tenant, kind, key).await.unwrap();
        let mut parts = vec![content.to_vec()];
        if kind == Kind::Segment {
            let hot = Segment::hot_range(&content, bytes).unwrap();
            let segment = Segment::open(content.slice(hot.start as usize..), bytes).unwrap();
            parts.extend((0..segment.n_docs()).map(|doc| {
                let frame = segment.frame_range(doc);
                segment.decode_frame(doc, &content[frame.start as usize..frame.end as usize]).unwrap()
            }));
        }
        if kind == Kind::Graph {
            parts.extend(names_of_graph(&service.store, service.tenant, content.clone()).await);
        }
        if parts.iter().any(|part| part.windows(canary.len()).any(|window| window == canary.as_bytes())) {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_deleted_repository_is_left_a_day_later() {
    let service = Service::start().await;
    let names: Vec<String> = (0..9).map(|nth| format!("canary{nth}")).collect();
    let mut ids = Vec::new();
    for name in &names {
        let remote = Remote::of(&repository(name));
        let id = service.register(&format!("acme/{name}"), &remote, &[]).await;
        service.enqueue(id).await;
        service.drain().await;
        ids.push((id, remote));
    }
    sweep(&service).await;
    let n_segments = service.store.head(service.tenant).await.unwrap().0.segments.len();
    assert!(n_segments < 9, "the repositories share segments: {n_segments}");
    let kept = service.facts(ids[1].0).await;

    let mut tx = service.database.db.begin(Scope::Tenant(service.tenant)).await.unwrap();
    assert!(repositories::delete(&mut tx, ids[0].0).await.unwrap());
    tx.commit().await.unwrap();
    sweep(&service).await;
    let (root, _) = service.store.head(service.tenant).await.unwrap();
    assert!(!root.repositories.contains_key(&ids[0].0) && root.purge.is_empty());
    assert!(holds(&service, "canary0_").await, "readers of earlier roots may still need it");
    collect_later(&service, 25).await;
    assert!(!holds(&service, "canary0_").await);
    assert!(holds(&service, "canary1_").await && holds(&service, "shared_3").await);
    assert_eq!(service.facts(ids[1].0).await, kept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_tip_is_not_indexed_again_until_its_ref_moves() {
    let service = Service::start().await;
    let repository = repository("common");
    repository.write("secret.rs", "fn leaked_canary() {}\n");
    let leaked = repository.commit();
    let remote = Remote::of(&repository);
    let id = service.register("acme/a", &remote, &[]).await;
    service.enqueue(id).await;
    service.drain().await;
    let mut tx = service.database.db.begin(Scope::Tenant(service.tenant)).await.unwrap();
    assert!(deletions::hide(&mut tx, service.tenant, id, leaked.parse().unwrap()).await.unwrap());
    tx.commit().await.unwrap();
    sweep(&service).await;
    service.enqueue(id).await;
    service.drain().await;
    assert_eq!(service.store.head(service.tenant).await.unwrap().0.repositories[&id].default, None);
    collect_later(&service, 25).await;
    assert!(!holds(&service, "leaked_canary").await);

    std::fs::remove_file(repository.path().join("secret.rs")).unwrap();
    repository.commit();
    remote.push(&repository, "main");
    service.enqueue(id).await;
    service.drain().await;
    let tip = service.store.head(service.tenant).await.unwrap().0.repositories[&id].default.clone().unwrap();
    assert_ne!(tip.commit.to_string(), leaked);
    let (store, tenant, folder, halt) = (&service.store, service.tenant, service.data_dir(), Halt::default());
    Upkeep { store, tenant, folder, now_ms: clock::now_ms(), halt: &halt }.compact(Extent::All).await.unwrap();
    assert!(!holds(&service, "leaked_canary").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_deleted_tenant_nothing_is_left_once_its_jobs_must_have_ended() {
    let service = Service::start().await;
    let remote = Remote::of(&repository("canary"));
    let id = service.register("acme/a", &remote, &[]).await;
    index(&service, id).await;
    sweep(&service).await;
    let stored = "SELECT (stored_bytes > 500)::text FROM kotadb.tenants";
    assert_eq!(service.database.texts(stored).await, ["true"], "what a plan limits is measured");
    let mut tx = service.database.db.begin(Scope::Worker).await.unwrap();
    let other = tenants::ensure(&mut tx, "other").await.unwrap();
    tx.commit().await.unwrap();
    service.store.update_head::<StoreError, _>(other, |root| Ok(root.purge.is_empty())).await.unwrap();
    let folder = |tenant: TenantId| service.data.path().join("objects/t").join(tenant.to_string());
    let mut tx = service.database.db.begin(Scope::Tenant(service.tenant)).await.unwrap();
    assert!(tenants::delete(&mut tx, service.tenant).await.unwrap());
    assert!(!tenants::delete(&mut tx, service.tenant).await.unwrap());
    tx.commit().await.unwrap();
    sweep(&service).await;
    assert!(folder(service.tenant).exists(), "a job may still be running");
    service.database.execute("UPDATE kotadb.tenants SET deleted_at = deleted_at - interval '3 hours'").await;
    for _ in 0..2 {
        sweep(&service).await;
        assert!(!folder(service.tenant).exists() && folder(other).exists());
    }
    let left = "SELECT (emptied_at IS NOT NULL)::text || stored_bytes FROM kotadb.tenants WHERE name = 'acme'";
    assert_eq!(service.database.texts(left).await, ["true0"]);
}

/// Indexes the tip of `main`.
async fn index(service: &Service, id: RepositoryId) {
    service.enqueue(id).await;
    service.drain().await;
}

async fn hide(service: &Service, id: RepositoryId, commit: &str) {
    let mut tx = service.database.db.begin(Scope::Tenant(service.tenant)).await.unwrap();
    assert!(deletions::hide(&mut tx, service.tenant, id, commit.parse().unwrap()).await.unwrap());
    tx.commit().await.unwrap();
}

/// Repositories whose purge was asked for and not closed.
async fn purges(service: &Service) -> usize {
    let mut tx = service.database.db.begin(Scope::Worker).await.unwrap();
    let deletions = deletions::of_tenant(&mut tx, service.tenant).await.unwrap();
    tx.commit().await.unwrap();
    assert!(deletions.now_ms.abs_diff(clock::now_ms()) < HOUR);
    deletions.purges.len()
}

/// Two repositories that share a segment, of which a third is text of the first alone.
async fn sharing(service: &Service) -> (Repository, Remote, RepositoryId) {
    let (leaky, other) = (repository("leaked_canary"), repository("other"));
    let (remote, other) = (Remote::of(&leaky), Remote::of(&other));
    let id = service.register("acme/leaky", &remote, &[]).await;
    index(service, id).await;
    let id_of_other = service.register("acme/other", &other, &[]).await;
    index(service, id_of_other).await;
    (leaky, remote, id)
}

/// The branch is gone from its remote, a job notices that, and the sweep comes last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_commit_whose_branch_went_before_the_sweep_is_purged() {
    let service = Service::start().await;
    let (leaky, remote, id) = sharing(&service).await;
    let commit = leaky.git(&["rev-parse", "HEAD"]);
    hide(&service, id, &commit).await;
    index(&service, id).await;
    leaky.git(&["checkout", "--quiet", "--orphan", "clean"]);
    leaky.git(&["rm", "--quiet", "-r", "--force", "."]);
    leaky.write("clean.rs", "fn clean() {}\n").commit();
    remote.push(&leaky, "clean");
    let at_remote = format!("--git-dir={}", remote.path().display());
    leaky.git(&[&at_remote, "symbolic-ref", "HEAD", "refs/heads/clean"]);
    leaky.git(&[&at_remote, "update-ref", "-d", "refs/heads/main"]);
    index(&service, id).await;
    assert!(holds(&service, "leaked_canary").await);
    sweep(&service).await;
    assert_eq!(purges(&service).await, 1, "a job that began before the deletion may still publish");
    collect_later(&service, 25).await;
    assert!(!holds(&service, "leaked_canary").await);
    assert!(holds(&service, "shared_3").await && holds(&service, "other_0").await);

    let earlier = "UPDATE kotadb.repositories SET purge_requested_at = now() - interval '3 hours'
                   WHERE purge_requested_at IS NOT NULL";
    service.database.execute(earlier).await;
    sweep(&service).await;
    assert_eq!(purges(&service).await, 0);
}

/// A commit is not searchable any more, and its owner remembers it then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_of_a_commit_that_left_the_history_is_purged_when_asked() {
    let service = Service::start().await;
    let (leaky, remote, id) = sharing(&service).await;
    for nth in 0..4 {
        std::fs::remove_file(leaky.path().join(format!("own/{nth}.rs"))).unwrap();
    }
    leaky.commit();
    remote.push(&leaky, "main");
    // A run that builds everything anew keeps no history.
    service.enqueue_run(id, true).await;
    service.drain().await;
    sweep(&service).await;
    collect_later(&service, 25).await;
    assert!(holds(&service, "leaked_canary").await, "dead text of what others share waits until it is worth a merge");
    let mut tx = service.database.db.begin(Scope::Tenant(service.tenant)).await.unwrap();
    deletions::request_purge(&mut tx, id).await.unwrap();
    tx.commit().await.unwrap();
    sweep(&service).await;
    collect_later(&service, 25).await;
    assert!(!holds(&service, "leaked_canary").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sweeps_end_histories_of_idle_repositories() {
    let service = Service::start().await;
    let idle = repository("idle");
    let remote = Remote::of(&idle);
    let id = service.register("acme/idle", &remote, &[]).await;
    index(&service, id).await;
    idle.write("own/0.rs", "fn later() {}\n").commit();
    remote.push(&idle, "main");
    index(&service, id).await;
    let history = async || {
        let (root, _) = service.store.head(service.tenant).await.unwrap();
        Tips::load(&service.store, service.tenant, &root, id).await.unwrap().history
    };
    let left_ms = history().await[0].left_ms;
    assert!(left_ms.abs_diff(clock::now_ms()) < HOUR);
    sweep(&service).await;
    assert_eq!(history().await.len(), 1);
    let (store, tenant, folder, halt) = (&service.store, service.tenant, service.data_dir(), Halt::default());
    let now_ms = left_ms + u64::try_from(retention::LONGEST.as_millis()).unwrap() + 1;
    assert_eq!(Upkeep { store, tenant, folder, now_ms, halt: &halt }.expire().await.unwrap(), 1);
    assert!(history().await.is_empty());
}

/// The machine that publishes and the one that collects may have clocks that differ: neither asks its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_publish_drops_is_dated_by_the_clock_of_the_database() {
    let service = Service::start().await;
    let source = repository("dated");
    let remote = Remote::of(&source);
    let id = service.register("acme/dated", &remote, &[]).await;
    index(&service, id).await;
    source.write("own/0.rs", "fn later() {}\n").commit();
    remote.push(&source, "main");
    // A run that keeps no history drops what there was.
    service.enqueue_run(id, true).await;
    let (db, lease) = (&service.database.db, Duration::from_secs(600));
    let mut claimed = jobs::claim(db, "test", lease, Spend::Guarded).await.unwrap().unwrap();
    assert!(claimed.now_ms.abs_diff(clock::now_ms()) < HOUR);
    // As if this machine's clock were ten days behind the database's.
    claimed.now_ms += 240 * HOUR;
    let (halt, store, held) = (Halt::default(), service.store.clone(), HeldCache::default());
    let (data_dir, origins) = (service.data_dir().to_owned(), vec![service.git.origin()]);
    let assignment = Assignment::new(&claimed, None, BTreeSet::new(), Vec::new());
    let runtime = tokio::runtime::Handle::current();
    let run = std::thread::scope(|scope| {
        let run = || {
            let workplace = Workplace {
                store: &store,
                data_dir: &data_dir,
                memory: None,
                allowed_origins: &origins,
                held: &held,
                resolver: &resolve::System,
                askpass: Path::new("/bin/false"),
            };
            runtime.block_on(job::run(workplace, &assignment, &halt, &|_| {}))
        };
        scope.spawn(run).join().unwrap()
    });
    run.unwrap();
    let (root, _) = service.store.head(service.tenant).await.unwrap();
    assert!(!root.dropped.is_empty());
    let is_theirs = |at_ms: u64| at_ms >= claimed.now_ms && at_ms - claimed.now_ms < HOUR;
    assert!(root.dropped.iter().all(|one| is_theirs(one.at_ms)), "{:?} after {}", root.dropped, claimed.now_ms);
}
