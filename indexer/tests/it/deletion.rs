//! What owners delete, from the row to the last byte: repositories whose segments others share, and commits, tips too.

use kotadb_core::db::{Scope, deletions, repositories};
use kotadb_core::segment::Segment;
use kotadb_core::store::Kind;
use kotadb_indexer::halt::Halt;
use kotadb_indexer::upkeep::Upkeep;
use kotadb_indexer::{clock, gc};

use crate::support::service::{Service, run};
use crate::support::{Remote, Repository};

const HOUR: u64 = 3600 * 1000;

/// A repository with files of its own, and some that all have.
fn repository(canary: &str) -> Repository {
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
async fn holds(service: &Service, canary: &str) -> bool {
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
    Upkeep { store, tenant, folder, now_ms: clock::now_ms(), halt: &halt }.compact(u64::MAX).await.unwrap();
    assert!(!holds(&service, "leaked_canary").await);
}
