//! Names are used once, ranges are what slicing gives, what is missing is an error, and HEAD is swapped only by who
//! read it last.

use std::slice::from_ref;

use bytes::Bytes;
use kotadb_core::crypto;
use kotadb_core::id::TenantId;
use kotadb_core::store::{Kind, ObjectKey, Refs, RepositoryEntry, Root, Snapshot, Store, StoreError, StoreOptions};
use uuid::Uuid;

use super::backends::{Backend, s3_options};

const TENANT: TenantId = TenantId(Uuid::from_u128(7));
const OTHER: TenantId = TenantId(Uuid::from_u128(8));

#[tokio::test]
async fn memory_conforms() {
    let store = Backend::memory().store;
    // Servers run the store on many threads, so its futures must be able to move between them.
    tokio::spawn(async move { conforms(&store).await }).await.unwrap();
}

#[tokio::test]
async fn folder_conforms() {
    conforms(&Backend::folder().store).await;
}

#[tokio::test]
async fn s3_conforms() {
    let backend = Backend::s3().await;
    conforms(&backend.store).await;
    large_files_go_in_parts(&backend.store).await;
    let StoreOptions::S3 { endpoint, .. } = &backend.options else { panic!("{:?}", backend.options) };
    let nowhere = Store::open(&s3_options(endpoint.as_deref().unwrap(), "kotadb-no-such-bucket")).unwrap();
    assert!(nowhere.probe().await.is_err(), "a missing bucket is no healthy store");
}

/// TLS needs more than plain HTTP does (roots, a provider of ciphers), and its lack would show in production only.
#[tokio::test]
async fn tls_is_ready_for_use() {
    let store = Store::open(&s3_options("https://127.0.0.1:1", "bucket")).unwrap();
    let error = store.probe().await.unwrap_err();
    assert!(matches!(error, StoreError::Backend { .. }), "{error}");
}

async fn conforms(store: &Store) {
    store.probe().await.unwrap();
    objects_are_written_once_and_read_back(store).await;
    files_are_written_once_and_read_back(store).await;
    ranges_are_what_slicing_gives(store).await;
    what_is_missing_or_damaged_is_named(store).await;
    lists_hold_names_and_lengths(store).await;
    what_is_deleted_is_gone_and_may_be_deleted_again(store).await;
    head_is_swapped_by_who_read_it_last(store).await;
    change_may_say_no_or_fail(store).await;
}

async fn objects_are_written_once_and_read_back(store: &Store) {
    for kind in Kind::ALL {
        let key = store.put(TENANT, kind, Uuid::from_u128(1), Bytes::from_static(b"object")).await.unwrap();
        assert_eq!(key, ObjectKey::new(Uuid::from_u128(1), crypto::sha256(b"object")));
        assert_eq!(store.get(TENANT, kind, key).await.unwrap(), "object");
        let again = store.put(TENANT, kind, Uuid::from_u128(1), Bytes::from_static(b"object")).await;
        assert!(matches!(again, Err(StoreError::Exists(name)) if name.ends_with(&key.to_string())));
        assert!(matches!(store.get(OTHER, kind, key).await, Err(StoreError::NotFound(_))));
    }
    let empty = store.put(TENANT, Kind::Refs, Uuid::from_u128(2), Bytes::new()).await.unwrap();
    assert_eq!(store.get(TENANT, Kind::Refs, empty).await.unwrap(), "");
}

async fn what_is_deleted_is_gone_and_may_be_deleted_again(store: &Store) {
    let object = Bytes::from_static(b"short-lived");
    for kind in Kind::ALL {
        let key = store.put(OTHER, kind, Uuid::from_u128(77), object.clone()).await.unwrap();
        let stays = store.put(OTHER, kind, Uuid::from_u128(78), object.clone()).await.unwrap();
        store.delete(OTHER, kind, key).await.unwrap();
        store.delete(OTHER, kind, key).await.unwrap();
        assert!(matches!(store.get(OTHER, kind, key).await, Err(StoreError::NotFound(_))));
        assert_eq!(store.get(OTHER, kind, stays).await.unwrap(), object);
        assert!(!store.list(OTHER).await.unwrap().iter().any(|(_, other, _)| *other == key));
        store.delete(OTHER, kind, stays).await.unwrap();
    }
    store.delete(TenantId(Uuid::from_u128(9)), Kind::Segment, ObjectKey::from_bytes([1; 24])).await.unwrap();
}

async fn files_are_written_once_and_read_back(store: &Store) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("segment");
    std::fs::write(&file, b"from a file").unwrap();
    let key = store.put_file(TENANT, Kind::Segment, Uuid::from_u128(3), &file).await.unwrap();
    assert_eq!(key.hash, crypto::sha256(b"from a file")[..8]);
    assert_eq!(store.get(TENANT, Kind::Segment, key).await.unwrap(), "from a file");
    let again = store.put_file(TENANT, Kind::Segment, Uuid::from_u128(3), &file).await;
    assert!(matches!(again, Err(StoreError::Exists(_))));
    let missing = store.put_file(TENANT, Kind::Segment, Uuid::from_u128(4), &folder.path().join("none")).await;
    assert!(matches!(missing, Err(StoreError::Backend { .. })));
}

async fn ranges_are_what_slicing_gives(store: &Store) {
    // Farther apart than any store reads in vain.
    let object: Bytes = (0..3_000_000u32).map(|n| ((n * 31) >> 3) as u8).collect();
    let key = store.put(TENANT, Kind::Segment, Uuid::from_u128(5), object.clone()).await.unwrap();
    let asked = [2_999_000..3_000_000, 5..5, 0..10, 4..8, 10..20, 1_500_000..1_500_001, 0..10];
    let ranges = store.get_ranges(TENANT, Kind::Segment, key, &asked).await.unwrap();
    for (range, part) in asked.iter().zip(&ranges.parts) {
        assert_eq!(part, &object[range.start as usize..range.end as usize], "{range:?}");
    }
    assert_eq!((ranges.gets, ranges.bytes), (3, 1_021));
    let none = store.get_ranges(TENANT, Kind::Segment, key, &[]).await.unwrap();
    assert_eq!((none.parts.len(), none.gets), (0, 0));
    let beyond = store.get_ranges(TENANT, Kind::Segment, key, from_ref(&(2_999_990..3_000_001))).await;
    assert!(matches!(beyond, Err(StoreError::Corrupt { .. })), "{beyond:?}");
    assert!(store.get_ranges(TENANT, Kind::Segment, key, from_ref(&(4_000_000..4_000_001))).await.is_err());
    let absent = ObjectKey { id: Uuid::from_u128(99), ..key };
    let absent = store.get_ranges(TENANT, Kind::Segment, absent, from_ref(&(0..1))).await;
    assert!(matches!(absent, Err(StoreError::NotFound(_))));
}

async fn what_is_missing_or_damaged_is_named(store: &Store) {
    let key = ObjectKey { id: Uuid::from_u128(6), hash: [1; 8] };
    let error = store.whole_snapshot(TENANT, key).await.unwrap_err();
    let name = "t/00000000-0000-0000-0000-000000000007/snap/00000000-0000-0000-0000-000000000006-0101010101010101";
    assert_eq!(error.to_string(), format!("object `{name}` is not in the store"));
    let key = store.put(TENANT, Kind::Snapshot, Uuid::from_u128(6), Bytes::from_static(b"no snapshot")).await.unwrap();
    let error = store.whole_snapshot(TENANT, key).await.unwrap_err();
    assert!(matches!(&error, StoreError::Corrupt { object, .. } if object.ends_with(&key.to_string())), "{error}");
    let refs = Refs::default().encode();
    let key = store.put(TENANT, Kind::Refs, Uuid::from_u128(6), refs).await.unwrap();
    assert_eq!(store.refs(TENANT, key).await.unwrap(), Refs::default());
    assert!(Snapshot::decode(&store.get(TENANT, Kind::Refs, key).await.unwrap()).is_err());
}

async fn lists_hold_names_and_lengths(store: &Store) {
    let tenant = TenantId(Uuid::from_u128(10));
    assert_eq!(store.list(tenant).await.unwrap(), []);
    let mut expected = Vec::new();
    for (nth, kind) in Kind::ALL.into_iter().rev().enumerate() {
        let bytes = Bytes::from(vec![7; nth + 1]);
        let key = store.put(tenant, kind, Uuid::from_u128(nth as u128), bytes).await.unwrap();
        expected.push((kind, key, nth as u64 + 1));
    }
    expected.sort_unstable();
    store.update_head(tenant, |_| Ok::<_, StoreError>(true)).await.unwrap();
    assert_eq!(store.list(tenant).await.unwrap(), expected);
}

async fn head_is_swapped_by_who_read_it_last(store: &Store) {
    let (root, absent) = store.head(TENANT).await.unwrap();
    assert_eq!(root, Root::default());
    let first = Root { version: 1, ..Root::default() };
    assert!(matches!(store.swap_head(TENANT, &absent, &Root::default()).await, Err(StoreError::Version { .. })));
    let tag = store.swap_head(TENANT, &absent, &first).await.unwrap();
    let late = store.swap_head(TENANT, &absent, &first).await;
    assert!(matches!(late, Err(StoreError::Conflict(TENANT))), "the same change by another writer is no success");
    let (root, read) = store.head(TENANT).await.unwrap();
    assert_eq!(root, first);
    let second = Root { version: 2, ..Root::default() };
    store.swap_head(TENANT, &tag, &second).await.unwrap();
    assert!(matches!(store.swap_head(TENANT, &read, &second).await, Err(StoreError::Conflict(TENANT))));
    assert_eq!(store.head(TENANT).await.unwrap().0, second);
    assert_eq!(store.head(OTHER).await.unwrap().0, Root::default());
}

async fn change_may_say_no_or_fail(store: &Store) {
    let before = store.head(TENANT).await.unwrap().0;
    let same = store.update_head(TENANT, |root| {
        root.repositories.insert(kotadb_core::id::RepositoryId(Uuid::nil()), RepositoryEntry::default());
        Ok::<_, StoreError>(false)
    });
    same.await.unwrap();
    let failed = store.update_head(TENANT, |_| Err::<bool, _>(StoreError::Options("no".to_owned())));
    assert!(failed.await.is_err());
    assert_eq!(store.head(TENANT).await.unwrap().0, before);
}

async fn large_files_go_in_parts(store: &Store) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large");
    let content: Vec<u8> = (0..35_000_000u32).map(|n| ((n * 31) >> 7) as u8).collect();
    std::fs::write(&file, &content).unwrap();
    let key = store.put_file(TENANT, Kind::Segment, Uuid::from_u128(11), &file).await.unwrap();
    assert!(store.get(TENANT, Kind::Segment, key).await.unwrap() == content);
    let again = store.put_file(TENANT, Kind::Segment, Uuid::from_u128(11), &file).await;
    assert!(matches!(again, Err(StoreError::Exists(_))));
}
