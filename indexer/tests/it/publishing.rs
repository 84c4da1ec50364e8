//! HEAD under several writers of one tenant.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use kotadb_core::id::{ObjectId, RepositoryId, TenantId};
use kotadb_core::store::{Kind, ObjectKey, SegmentEntry, SharedMemory, Store, StoreOptions, Tip};
use kotadb_indexer::halt::{Halt, Reason};
use kotadb_indexer::publish::{Publication, publish, raise_fence};
use kotadb_indexer::tips::Tips;
use uuid::Uuid;

async fn publication(store: &Store, repository: u128, fence: u64) -> Publication {
    let tenant = TenantId::LOCAL;
    let key =
        store.put(tenant, Kind::Segment, Uuid::now_v7(), Bytes::from(format!("{repository} {fence}"))).await.unwrap();
    let commit = ObjectId([u8::try_from(fence % 251).unwrap(); 20]);
    let tip = Tip { ref_name: "refs/heads/main".into(), commit, snapshot: key, base: None, graph: None };
    let repository = RepositoryId(Uuid::from_u128(repository));
    let before = store.head(tenant).await.unwrap().0.repositories.get(&repository).and_then(|it| it.default.clone());
    Publication {
        tenant,
        repository,
        fence,
        before: before.map(|tip| tips(tip, &[])).unwrap_or_default(),
        after: tips(tip, &[key]),
        new_segments: vec![SegmentEntry { key, bytes: 10, hot_bytes: 5, n_docs: 1, text_bytes: 9 }],
        docs: BTreeMap::new(),
        most_bytes: None,
        now_ms: 1,
    }
}

fn tips(tip: Tip, segments: &[ObjectKey]) -> Tips {
    Tips {
        default: Some(tip.ref_name.clone()),
        segments: BTreeMap::from([(tip.snapshot, segments.to_vec())]),
        by_name: BTreeMap::from([(tip.ref_name.clone(), tip)]),
        ..Tips::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishes_of_eight_repositories_at_once_are_all_kept() {
    let store = Store::open(&StoreOptions::Memory).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for repository in 1..=8 {
        let store = store.clone();
        tasks.spawn(async move {
            for fence in 1..=10 {
                let publication = publication(&store, repository, fence).await;
                publish(&store, &publication, &Halt::default()).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let (root, _) = store.head(TenantId::LOCAL).await.unwrap();
    assert_eq!((root.repositories.len(), root.segments.len(), root.version), (8, 8, 80));
    let named: BTreeSet<_> = root.repositories.values().flat_map(|entry| entry.segments.clone()).collect();
    assert_eq!(named, (0..8).collect());
    assert!(root.repositories.values().all(|entry| entry.fence == 10));
}

#[tokio::test]
async fn raised_fence_shuts_a_zombie_out() {
    let store = Store::open(&StoreOptions::Memory).unwrap();
    let old = publication(&store, 1, 3).await;
    raise_fence(&store, TenantId::LOCAL, old.repository, 7).await.unwrap();
    assert!(publish(&store, &old, &Halt::default()).await.unwrap_err().is_lease_lost());
    assert!(raise_fence(&store, TenantId::LOCAL, old.repository, 6).await.unwrap_err().is_lease_lost());
    let new = publication(&store, 1, 7).await;
    publish(&store, &new, &Halt::default()).await.unwrap();
}

#[tokio::test]
async fn halted_run_publishes_nothing() {
    let store = Store::open(&StoreOptions::Memory).unwrap();
    let halt = Halt::default();
    halt.halt(Reason::LeaseLost);
    let publication = publication(&store, 1, 1).await;
    assert!(publish(&store, &publication, &halt).await.unwrap_err().is_lease_lost());
    assert_eq!(store.head(TenantId::LOCAL).await.unwrap().0.version, 0);
}

/// Each from a process of its own, all at the same moment: a try reads HEAD and swaps it. Eight moments are one repetition,
/// and what is promised of 99 in 100 holds in every repetition.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_publishers_of_one_tenant_get_through_in_four_tries() {
    const REPETITIONS: u64 = 4;
    let memory = SharedMemory::default();
    for repetition in 0..REPETITIONS {
        let mut tries = Vec::new();
        for round in 1 + repetition * 8..=(repetition + 1) * 8 {
            tries.extend(publish_at_once(&memory, round).await);
        }
        tries.sort_unstable();
        println!("tries: median {}, p99 {}, most {}", tries[128], tries[253], tries[255]);
        assert!(tries[253] <= 4, "p99 {} of {tries:?}", tries[253]);
    }
    let (root, _) = memory.sender(0, 0).0.head(TenantId::LOCAL).await.unwrap();
    assert_eq!((root.repositories.len(), root.version), (32, 256 * REPETITIONS));
}

/// One publish of each of 32 repositories; how often each tried.
async fn publish_at_once(memory: &SharedMemory, round: u64) -> Vec<u64> {
    let mut tasks = tokio::task::JoinSet::new();
    for repository in 1..=32u64 {
        let (store, requests) = memory.sender(round << 8 | repository, 0);
        let publication = publication(&store, repository.into(), round).await;
        requests.take(Duration::from_millis(1));
        tasks.spawn(async move {
            let before = requests.requests();
            publish(&store, &publication, &Halt::default()).await.unwrap();
            (requests.requests() - before) / 2
        });
    }
    tasks.join_all().await
}
