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
    let graph = (key(), proptest::option::of(key())).prop_map(|(key, base)| TipGraph { key, base });
    let graph = proptest::option::of(graph);
    let parts = ("refs/(heads|tags)/[a-zé]{0,4}", any::<[u8; 20]>(), key(), proptest::option::of(key()), graph);
    parts.prop_map(|(ref_name, commit, snapshot, base, graph)| Tip {
        ref_name,
        commit: ObjectId(commit),
        snapshot,
        base,
        graph,
    })
}

fn segment() -> impl Strategy<Value = SegmentEntry> {
    (key(), any::<u64>(), any::<u64>(), any::<u32>(), any::<u64>()).prop_map(
        |(key, bytes, hot_bytes, n_docs, text_bytes)| SegmentEntry { key, bytes, hot_bytes, n_docs, text_bytes },
    )
}

fn repository(n_segments: u32) -> impl Strategy<Value = RepositoryEntry> {
    let segments = vec(0..n_segments.max(1), 0..=n_segments.min(3) as usize);
    let docs = proptest::option::of(vec(vec(any::<u32>(), 0..4), 3));
    let of_default = prop::collection::btree_set(0u32..3, 0..3);
    let past = prop::collection::btree_set(0..n_segments.max(1), 0..=n_segments.min(3) as usize);
    let tips = (any::<u64>(), proptest::option::of(tip()), proptest::option::of(key()));
    (tips, segments, docs, of_default, past).prop_map(|((fence, default, refs), segments, docs, of_default, past)| {
        let of_default = of_default.into_iter().filter(|place| (*place as usize) < segments.len()).collect();
        let docs = docs.into_iter().flatten().take(segments.len()).map(DocRanges::of).collect();
        RepositoryEntry { fence, default, refs, segments, docs, of_default, past: past.into_iter().collect() }
    })
}

fn dropped() -> impl Strategy<Value = Dropped> {
    (prop::sample::select(&Kind::ALL[..]), key(), any::<u64>()).prop_map(|(kind, key, at_ms)| Dropped {
        kind,
        key,
        at_ms,
    })
}

fn refs() -> impl Strategy<Value = Refs> {
    let tips = btree_map("refs/heads/[a-z]{1,3}", tip(), 0..5);
    let history = vec((tip(), any::<u64>()), 0..4);
    (tips, history, btree_map(key(), vec(key(), 0..3), 0..4)).prop_map(|(tips, history, segments)| Refs {
        tips: tips.into_iter().map(|(ref_name, tip)| Tip { ref_name, ..tip }).collect(),
        history: history
            .into_iter()
            .map(|(tip, left_ms)| Retained { tip: Tip { graph: None, ..tip }, left_ms })
            .collect(),
        segments,
    })
}

fn root() -> impl Strategy<Value = Root> {
    let segments = vec(segment(), 0..4);
    segments.prop_flat_map(|segments| {
        let repositories = btree_map(any::<u128>(), repository(segments.len() as u32), 0..5);
        let purge = proptest::collection::btree_set(key(), 0..3);
        let lists = (purge, vec(dropped(), 0..4), proptest::option::of(key()));
        let parts = (any::<u64>(), Just(segments), repositories, lists);
        parts.prop_map(|(version, segments, repositories, (purge, mut dropped, dropped_before))| {
            dropped.sort_by_key(|one| one.kind);
            let id = |id| RepositoryId(Uuid::from_u128(id));
            let repositories = repositories.into_iter().map(|(nth, entry)| (id(nth), entry)).collect();
            Root { version, segments, repositories, purge, dropped, dropped_before }
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
    fn a_list_of_dropped_objects_comes_back(mut list in vec(dropped(), 0..9)) {
        list.sort_by_key(|one| one.kind);
        prop_assert_eq!(Dropped::decode_list(&Dropped::encode_list(&list)).unwrap(), list);
    }

    #[test]
    fn refs_come_back(refs in refs()) {
        prop_assert_eq!(Refs::decode(&refs.encode()).unwrap(), refs);
    }

    #[test]
    fn a_snapshot_comes_back(snapshot in snapshot()) {
        let read = Snapshot::decode(&snapshot.encode()).unwrap();
        prop_assert_eq!(&read, &snapshot);
        prop_assert_eq!(read.encode(), snapshot.encode());
        for (nth, entry) in read.entries().enumerate() {
            prop_assert_eq!(read.find(entry.path), Some(nth));
        }
        prop_assert_eq!(read.find(b"\xff"), None);
    }

    #[test]
    fn a_delta_comes_back_and_makes_its_snapshot_whole(base in snapshot(), target in snapshot(), name in key()) {
        let delta = SnapshotDelta::between(name, &base, &target);
        prop_assert_eq!(&SnapshotDelta::decode(&delta.encode()).unwrap(), &delta);
        let whole = base.with(&delta);
        prop_assert_eq!(files(&whole), files(&target));
        prop_assert_eq!((&whole.skipped, whole.commit), (&target.skipped, target.commit));
        prop_assert!(SnapshotDelta::between(name, &whole, &target).is_empty());
        prop_assert!(delta.entries.len() <= target.len() && delta.removed.len() <= base.len());
        let error = Snapshot::decode(&delta.encode()).unwrap_err().to_string();
        prop_assert!(error.contains("format 2 is newer"), "{error}");
        prop_assert!(SnapshotDelta::decode(&base.encode()).is_err());
    }

    #[test]
    fn a_delta_holds_no_more_than_what_differs(base in snapshot(), changes in vec((any::<prop::sample::Index>(), any::<u32>()), 0..4)) {
        let mut entries: Vec<SnapshotEntry> = base.entries().map(|entry| of_entry(&entry)).collect();
        for (at, doc) in changes.iter().filter(|_| !base.is_empty()) {
            entries[at.index(base.len())].doc = *doc;
        }
        let target = Snapshot::new(base.commit, base.segments.clone(), entries, base.skipped.clone());
        let delta = SnapshotDelta::between(ObjectKey::from_bytes([7; 24]), &base, &target);
        prop_assert!(delta.len() <= changes.len() && delta.removed.is_empty());
        prop_assert_eq!(files(&base.with(&delta)), files(&target));
    }

    #[test]
    fn any_bytes_under_a_right_checksum_are_read_or_refused(nth in 0usize..4, body in vec(any::<u8>(), 0..200)) {
        let magic = [b"KDBR", b"KDBF", b"KDBS", b"KDBD"][nth];
        let bytes = sealed([&magic[..], &[1, 0, 1, 0], &body].concat());
        let _ = Dropped::decode_list(&bytes);
        let _ = (Root::decode(&bytes), Refs::decode(&bytes), Snapshot::decode(&bytes), SnapshotDelta::decode(&bytes));
    }
}

/// Damage below the checksum reaches the decoders; damage under it must not get past the checksum.
#[test]
fn every_flipped_byte_and_every_cut_is_an_error_or_harmless() {
    let objects = [
        sample_root(3).encode_marked([9; 16]),
        sample_refs().encode(),
        sample_snapshot(40).encode(),
        sample_delta().encode(),
        Dropped::encode_list(&sample_root(3).dropped),
    ];
    for (nth, bytes) in objects.iter().enumerate() {
        let decode = |bytes: &[u8]| match nth {
            0 => Root::decode(bytes).map(drop),
            1 => Refs::decode(bytes).map(drop),
            2 => Snapshot::decode(bytes).map(drop),
            3 => SnapshotDelta::decode(bytes).map(drop),
            _ => Dropped::decode_list(bytes).map(drop),
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
    let bytes = with_docs(sample_root(1000)).encode().len();
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

/// The bytes of this version, of objects that later versions must read: what an earlier writer left in a store.
#[test]
fn golden_objects_still_open() {
    let golden = |name: &str| std::fs::read(format!("{}/src/store/golden/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let first = Root { dropped: Vec::new(), ..sample_root(3) };
    assert_eq!(Root::decode(&golden("v1.root")).unwrap(), first);
    assert_eq!(Root::decode(&golden("v1-dropped.root")).unwrap(), sample_root(3));
    assert_eq!(Root::decode(&golden("v1-dropped-before.root")).unwrap(), spilled_root());
    assert_eq!(Root::decode(&golden("v1-of-default.root")).unwrap(), layered_root());
    assert_eq!(Root::decode(&golden("v1-past.root")).unwrap(), root_with_past());
    assert_eq!(Dropped::decode_list(&golden("v1.dropped")).unwrap(), sample_root(3).dropped);
    assert_eq!(Root::decode(&golden("v1-graphs.root")).unwrap(), root_with_graphs());
    assert_eq!(Refs::decode(&golden("v1-graphs.refs")).unwrap(), refs_with_graphs());
    let first = Refs { tips: sample_refs().tips[..3].to_vec(), ..Refs::default() };
    assert_eq!(Refs::decode(&golden("v1.refs")).unwrap(), first);
    assert_eq!(Refs::decode(&golden("v1-history.refs")).unwrap(), sample_refs());
    assert_eq!(Snapshot::decode(&golden("v1.snapshot")).unwrap(), sample_snapshot(40));
    assert_eq!(SnapshotDelta::decode(&golden("v2.snapshot")).unwrap(), sample_delta());
}

/// What a snapshot holds, whatever the order of its table of segments.
fn files(snapshot: &Snapshot) -> Vec<(SnapshotEntry, ObjectKey)> {
    let file = |entry: Entry<'_>| {
        let key = snapshot.segments[entry.segment as usize];
        (SnapshotEntry { segment: 0, ..of_entry(&entry) }, key)
    };
    snapshot.entries().map(file).collect()
}

fn of_entry(entry: &Entry<'_>) -> SnapshotEntry {
    let Entry { path, mode, segment, doc, class, language } = *entry;
    SnapshotEntry { path: path.to_vec(), mode, segment, doc, class, language }
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
        base: None,
        graph: None,
    };
    let entry = |nth: usize| RepositoryEntry {
        fence: nth as u64 * 3,
        default: Some(tip(nth)),
        refs: nth.is_multiple_of(2).then(|| keys[2 * n + nth]),
        segments: vec![nth as u32],
        docs: Vec::new(),
        of_default: Vec::new(),
        past: Vec::new(),
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
        purge: std::collections::BTreeSet::new(),
        dropped: (1..3).map(|nth| Dropped { kind: Kind::ALL[nth], key: keys[nth], at_ms: 1_795_000_000_000 }).collect(),
        dropped_before: None,
    }
}

fn root_with_past() -> Root {
    let mut root = spilled_root();
    for (nth, entry) in root.repositories.values_mut().enumerate() {
        entry.past = (0..3).filter(|segment| *segment as usize != nth).take(nth).collect();
    }
    root
}

/// Default tips with a graph, with a delta, and with none; and a graph that was dropped.
fn root_with_graphs() -> Root {
    let mut root = root_with_past();
    let keys = sample_keys(4);
    for (nth, entry) in root.repositories.values_mut().enumerate() {
        let tip = entry.default.as_mut().expect("all have one");
        tip.graph = (nth < 2).then(|| TipGraph { key: keys[nth], base: (nth == 1).then(|| keys[2]) });
    }
    root.dropped.push(Dropped { kind: Kind::Graph, key: keys[3], at_ms: 1_795_000_000_001 });
    root
}

fn refs_with_graphs() -> Refs {
    let mut refs = sample_refs();
    let keys = sample_keys(3);
    refs.tips[0].graph = Some(TipGraph { key: keys[0], base: None });
    refs.tips[4].graph = Some(TipGraph { key: keys[1], base: Some(keys[2]) });
    refs
}

fn spilled_root() -> Root {
    Root { dropped_before: Some(sample_keys(1)[0]), ..with_docs(sample_root(3)) }
}

/// A repository whose default tip names two of its three segments.
fn layered_root() -> Root {
    let mut root = sample_root(3);
    let entry = root.repositories.values_mut().next().expect("there are three");
    (entry.segments, entry.of_default) = (vec![0, 1, 2], vec![0, 2]);
    root
}

/// As after a compaction: documents of a repository follow each other in a segment of many.
fn with_docs(mut root: Root) -> Root {
    for (nth, entry) in (0..).zip(root.repositories.values_mut()) {
        entry.docs = vec![DocRanges::closed(vec![nth % 4..6, 100 + nth * 7..105 + nth * 7])];
    }
    root
}

fn sample_refs() -> Refs {
    let tip = |(nth, snapshot): (usize, ObjectKey)| Tip {
        ref_name: format!("refs/heads/release-{nth}"),
        commit: ObjectId([nth as u8; 20]),
        snapshot,
        base: (nth > 2).then(|| sample_keys(1)[0]),
        graph: None,
    };
    let keys = sample_keys(5);
    let tips: Vec<Tip> = keys.iter().copied().enumerate().map(tip).collect();
    let history = tips.iter().skip(2).map(|tip| Retained { tip: tip.clone(), left_ms: 1_795_000_000_000 }).collect();
    Refs { tips, history, segments: keys.iter().map(|key| (*key, keys[..2].to_vec())).collect() }
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

fn sample_delta() -> SnapshotDelta {
    let base = sample_snapshot(40);
    let mut entries = sample_entries(44);
    entries.retain(|entry| !entry.doc.is_multiple_of(20));
    let skipped = vec![Skipped { path: b"logo9.png".to_vec(), reason: SkipReason::TooLarge }];
    SnapshotDelta::between(
        sample_keys(1)[0],
        &base,
        &Snapshot::new(ObjectId([4; 20]), sample_keys(3), entries, skipped),
    )
}

fn sample_snapshot(n: usize) -> Snapshot {
    let skipped = |nth: usize| Skipped { path: format!("logo{nth}.png").into_bytes(), reason: SkipReason::Binary };
    Snapshot::new(ObjectId([3; 20]), sample_keys(2), sample_entries(n), (0..4).map(skipped).collect())
}
