//! SIGKILL at every fail point of the upkeep, then one undisturbed sweep: what was deleted is gone, all else is as it was,
//! and two days later the store holds what HEAD names, and nothing else.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;

use bytes::Bytes;
use kotadb_core::db::{Scope, deletions};
use kotadb_core::id::RepositoryId;
use kotadb_core::store::{Kind, ObjectKey, StoreError};
use kotadb_indexer::halt::Halt;
use kotadb_indexer::{clock, fail_point, gc};
use uuid::{NoContext, Timestamp, Uuid};

use crate::support::service::{Service, run};
use crate::support::{Remote, Repository, fresh_facts};

const HOUR: u64 = 3600 * 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_fail_point_the_next_sweep_ends_what_was_begun() {
    for some in fail_point::UPKEEP_NAMES.chunks(4) {
        futures::future::join_all(some.iter().map(|point| killed_at(point))).await;
    }
}

async fn killed_at(point: &str) {
    let service = Service::start().await;
    let (repository, _remote, id) = with_a_deleted_commit(&service).await;
    let lost = garbage(&service).await;
    let killed = run(service.indexer().arg("sweep").env("KOTADB_FAIL_POINT", point)).await;
    assert_eq!(killed.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&killed.stderr));
    let sweep = run(service.indexer().arg("sweep")).await;
    assert!(sweep.status.success(), "{point}: {}", String::from_utf8_lossy(&sweep.stderr));

    assert_eq!(service.facts(id).await, fresh_facts(&repository), "{point}");
    let (root, _) = service.store.head(service.tenant).await.unwrap();
    assert!(root.purge.is_empty(), "{point}");
    let n_docs: u32 = root.segments.iter().map(|segment| segment.n_docs).sum();
    assert_eq!(n_docs, 2, "{point}: the deleted document was merged away");
    let there = async || {
        let objects = service.store.list(service.tenant).await.unwrap();
        objects.into_iter().map(|(kind, key, _)| (kind, key)).collect::<BTreeSet<_>>()
    };
    assert!(!there().await.contains(&(Kind::Segment, lost)), "{point}");
    for hours in [1, 26, 51] {
        let now_ms = clock::now_ms() + hours * HOUR;
        gc::collect(&service.store, service.tenant, now_ms, &Halt::default()).await.unwrap();
    }
    let (root, _) = service.store.head(service.tenant).await.unwrap();
    assert_eq!(there().await, gc::named(&service.store, service.tenant, &root).await.unwrap(), "{point}");
    assert!(root.dropped.is_empty(), "{point}");
}

/// Two commits are indexed, the first of which the owner deletes; a segment holds a document of it and one of both.
async fn with_a_deleted_commit(service: &Service) -> (Repository, Remote, RepositoryId) {
    let repository = Repository::new();
    repository.write("src/kept.rs", "fn kept() {}\n").write("src/old.rs", "fn deleted() {}\n");
    let first = repository.commit();
    let remote = Remote::of(&repository);
    let id = service.register("acme/a", &remote, &[]).await;
    service.enqueue(id).await;
    service.drain().await;
    repository.write("src/old.rs", "fn new() {}\n").commit();
    remote.push(&repository, "main");
    service.enqueue(id).await;
    service.drain().await;
    let mut tx = service.database.db.begin(Scope::Tenant(service.tenant)).await.unwrap();
    assert!(deletions::hide(&mut tx, service.tenant, id, first.parse().unwrap()).await.unwrap());
    tx.commit().await.unwrap();
    (repository, remote, id)
}

/// An object that was dropped days ago.
async fn garbage(service: &Service) -> ObjectKey {
    let at_ms = clock::now_ms() - 50 * HOUR;
    let id = Uuid::new_v7(Timestamp::from_unix(NoContext, at_ms / 1000, 0));
    let key = service.store.put(service.tenant, Kind::Segment, id, Bytes::from_static(b"garbage")).await.unwrap();
    let drop = |root: &mut kotadb_core::store::Root| {
        root.drop_objects([(Kind::Segment, key)], at_ms);
        Ok::<_, StoreError>(true)
    };
    service.store.update_head(service.tenant, drop).await.unwrap();
    key
}
