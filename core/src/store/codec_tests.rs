//! What HEAD, refs and snapshots have in common: they come back as they were, and damage is an error, never a panic.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::crypto;
use crate::id::{ObjectId, RepositoryId};
use crate::segment::Class;
use crate::text::Language;

fn key() -> impl Strategy<Value = ObjectKey> {
    any::<[u8; ObjectKey::LEN]>().prop_map(ObjectKey::from_bytes)
}

fn tip() -> impl Strategy<Value = Tip> {
    ("refs/(heads|tags)/[a-zé]{0,4}", any::<[u8; 20]>(), key()).prop_map(|(ref_name, commit, snapshot)| Tip {
        ref_name,
        commit: ObjectId(commit),
        snapshot,
    })
}

fn segment() -> impl Strategy<Value = SegmentEntry> {
    (key(), any::<u64>(), any::<u64>(), any::<u32>(), any::<u64>()).prop_map(
        |(key, bytes, hot_bytes, n_docs, text_bytes)| SegmentEntry { key, bytes, hot_bytes, n_docs, text_bytes },
    )
}

fn repository(n_segments: u32) -> impl Strategy<Value = RepositoryEntry> {
    let segments = vec(0..n_segments.max(1), 0..=n_segments.min(3) as usize);
    let parts = (any::<u64>(), proptest::option::of(tip()), proptest::option::of(key()), segments);
    parts.prop_map(|(fence, default, refs, segments)| RepositoryEntry { fence, default, refs, segments })
}

fn root() -> impl Strategy<Value = Root> {
    let segments = vec(segment(), 0..4);
    segments.prop_flat_map(|segments| {
        let repositories = btree_map(any::<u128>(), repository(segments.len() as u32), 0..5);
        (any::<u64>(), Just(segments), repositories).prop_map(|(version, segments, repositories)| {
            let id = |id| RepositoryId(Uuid::from_u128(id));
            let repositories = repositories.into_iter().map(|(nth, entry)| (id(nth), entry)).collect();
            Root { version, segments, repositories }
        })
    })
}

fn class() -> impl Strategy<Value = Class> {
    prop::sample::select(vec![Class::Source, Class::Test, Class::Docs, Class::Generated, Class::Vendored])
}

fn reason() -> impl Strategy<Value = SkipReason> {
    use SkipReason::*;
    prop::sample::select(vec![Binary, TooLarge, Ignored, Symlink, Submodule, PathTooLong, Unreadable])
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    let place = (any::<u32>(), 0u32..3, any::<u32>(), class(), any::<u16>());
    let entries = btree_map(vec(0u8..4, 0..6), place, 0..40);
    let skipped = btree_map(vec(any::<u8>(), 0..6), reason(), 0..6);
    (any::<[u8; 20]>(), vec(key(), 3), entries, skipped).prop_map(|(commit, segments, entries, skipped)| {
        let entry = |(path, (mode, segment, doc, class, language))| SnapshotEntry {
            path,
            mode,
            segment,
            doc,
            class,
            language: Language(language),
        };
        let skipped = skipped.into_iter().map(|(path, reason)| Skipped { path, reason }).collect();
        Snapshot::new(ObjectId(commit), segments, entries.into_iter().map(entry).collect(), skipped)
    })
}

proptest! {
    #[test]
    fn a_root_comes_back(root in root()) {
        prop_assert_eq!(&Root::decode(&root.encode()).unwrap(), &root);
        prop_assert_eq!(&Root::decode(&root.encode_marked([7; 16])).unwrap(), &root);
        prop_assert_ne!(root.encode_marked([7; 16]), root.encode_marked([8; 16]));
    }

    #[test]
    fn refs_come_back(tips in vec(tip(), 0..5)) {
        let refs = Refs { tips };
        prop_assert_eq!(Refs::decode(&refs.encode()).unwrap(), refs);
    }

    #[test]
    fn a_snapshot_comes_back(snapshot in snapshot()) {
        let read = Snapshot::decode(&snapshot.encode()).unwrap();
        prop_assert_eq!(&read, &snapshot);
        prop_assert_eq!(read.encode(), snapshot.encode());
        for (nth, entry) in read.entries().enumerate() {
            prop_assert_eq!(read.find(entry.path), Some(nth));
            let others = read.entries().enumerate().filter(|(_, other)| (other.segment, other.doc) == (entry.segment, entry.doc));
            let slow: Vec<usize> = others.map(|(other, _)| other).collect();
            prop_assert_eq!(read.entries_of(entry.segment, entry.doc).collect::<Vec<_>>(), slow);
        }
        prop_assert_eq!(read.find(b"\xff"), None);
        prop_assert_eq!(read.entries_of(9, 0).count(), 0);
    }

    #[test]
    fn any_bytes_under_a_right_checksum_are_read_or_refused(nth in 0usize..3, body in vec(any::<u8>(), 0..200)) {
        let magic = [b"KDBR", b"KDBF", b"KDBS"][nth];
        let bytes = sealed([&magic[..], &[1, 0, 1, 0], &body].concat());
        let _ = (Root::decode(&bytes), Refs::decode(&bytes), Snapshot::decode(&bytes));
    }
}

/// Damage below the checksum reaches the decoders; damage under it must not get past the checksum.
#[test]
fn every_flipped_byte_and_every_cut_is_an_error_or_harmless() {
    let objects = [sample_root(3).encode_marked([9; 16]), sample_refs().encode(), sample_snapshot(40).encode()];
    for (nth, bytes) in objects.iter().enumerate() {
        let decode = |bytes: &[u8]| match nth {
            0 => Root::decode(bytes).map(drop),
            1 => Refs::decode(bytes).map(drop),
            _ => Snapshot::decode(bytes).map(drop),
        };
        decode(bytes).unwrap();
        for at in 0..bytes.len() {
            let mut damaged = bytes.to_vec();
            for flip in [1, 0x80, 0xff] {
                damaged[at] = bytes[at] ^ flip;
                assert!(matches!(decode(&damaged), Err(StoreError::Corrupt { .. })), "byte {at} of object {nth}");
                let _ = decode(&sealed(damaged[..damaged.len() - 4].to_vec()));
            }
            assert!(matches!(decode(&bytes[..at]), Err(StoreError::Corrupt { .. })), "cut at {at} of object {nth}");
            let _ = decode(&sealed(bytes[..at].to_vec()));
        }
    }
}

#[test]
fn a_root_takes_at_most_120_bytes_a_repository() {
    let bytes = sample_root(1000).encode().len();
    println!("1,000 repositories, a segment each, every other with a refs object: {bytes} bytes");
    assert!(bytes <= 120 * 1000, "{bytes} bytes");
}

#[test]
fn entries_of_unsorted_parts_are_put_in_path_order() {
    let mut entries: Vec<SnapshotEntry> = sample_entries(100);
    entries.reverse();
    let snapshot = Snapshot::new(ObjectId([1; 20]), sample_keys(2), entries, Vec::new());
    assert!(snapshot.entries().map(|entry| entry.path).is_sorted());
    assert_eq!(Snapshot::decode(&snapshot.encode()).unwrap(), snapshot);
}

#[test]
fn an_entry_outside_the_segment_table_is_corrupt() {
    let snapshot = Snapshot::new(ObjectId([1; 20]), sample_keys(1), sample_entries(10), Vec::new());
    let error = Snapshot::decode(&snapshot.encode()).unwrap_err();
    assert!(error.to_string().contains("segment of an entry is not in the table"), "{error}");
}

/// Bytes whose checksum is made right again.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

/// Names as a service makes them: UUIDs of version 7, of the last days, and hashes.
fn sample_keys(n: usize) -> Vec<ObjectKey> {
    let key = |nth: usize| {
        let noise = crypto::sha256(&nth.to_le_bytes());
        let millis = 1_795_000_000_000 + 86_400 * nth as u64;
        let mut random = [0; 10];
        random.copy_from_slice(&noise[8..18]);
        ObjectKey::new(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid(), noise)
    };
    (0..n).map(key).collect()
}

fn sample_root(n: usize) -> Root {
    let keys = sample_keys(4 * n);
    let tip = |nth: usize| Tip {
        ref_name: if nth.is_multiple_of(3) { "refs/heads/master" } else { "refs/heads/main" }.to_owned(),
        commit: ObjectId(crypto::sha256(&(nth as u64 + 1_000_000).to_be_bytes())[..20].try_into().unwrap()),
        snapshot: keys[n + nth],
    };
    let entry = |nth: usize| RepositoryEntry {
        fence: nth as u64 * 3,
        default: Some(tip(nth)),
        refs: nth.is_multiple_of(2).then(|| keys[2 * n + nth]),
        segments: vec![nth as u32],
    };
    let segment = |nth: usize| SegmentEntry {
        key: keys[3 * n + nth],
        bytes: 4_000_000 + nth as u64 * 977,
        hot_bytes: 40_000 + nth as u64,
        n_docs: 1000 + nth as u32,
        text_bytes: 16_000_000 + nth as u64 * 1009,
    };
    Root {
        version: 123_456,
        segments: (0..n).map(segment).collect(),
        repositories: (0..n).map(|nth| (RepositoryId(keys[nth].id), entry(nth))).collect(),
    }
}

fn sample_refs() -> Refs {
    let tip = |(nth, snapshot): (usize, ObjectKey)| Tip {
        ref_name: format!("refs/heads/release-{nth}"),
        commit: ObjectId([nth as u8; 20]),
        snapshot,
    };
    Refs { tips: sample_keys(5).into_iter().enumerate().map(tip).collect() }
}

fn sample_entries(n: usize) -> Vec<SnapshotEntry> {
    let entry = |nth: usize| SnapshotEntry {
        path: format!("drivers/group-{:03}/module_{}/file_{nth:06}.c", nth / 200, nth / 20).into_bytes(),
        mode: if nth.is_multiple_of(50) { 0o100_755 } else { 0o100_644 },
        segment: u32::from(nth.is_multiple_of(7)),
        doc: nth as u32 * 2,
        class: if nth % 100 > 80 { Class::Docs } else { Class::Source },
        language: Language((nth / 30 % 3) as u16),
    };
    (0..n).map(entry).collect()
}

fn sample_snapshot(n: usize) -> Snapshot {
    let skipped = |nth: usize| Skipped { path: format!("logo{nth}.png").into_bytes(), reason: SkipReason::Binary };
    Snapshot::new(ObjectId([3; 20]), sample_keys(2), sample_entries(n), (0..4).map(skipped).collect())
}
