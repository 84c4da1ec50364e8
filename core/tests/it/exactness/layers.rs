//! Refs that are deltas on one snapshot, and a working tree over one of them, against whole snapshots and a plain scan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use kotadb_core::id::ObjectId;
use kotadb_core::search::{Overlay, OverlayFile, SearchRequest, SearchResult, Searcher};
use kotadb_core::segment::Class;
use kotadb_core::store::{Kind, Refs, SnapshotDelta, Store, StoreOptions, Tip};
use kotadb_core::text::Language;
use proptest::prelude::*;
use uuid::Uuid;

use super::index::{File, Index, Repository};
use super::{CACHE, block_on};

const DEFAULT: &str = "refs/heads/main";

/// Files of one commit.
type Files = BTreeMap<Vec<u8>, File>;

/// Words of which texts are made.
const WORDS: [&str; 6] = ["kernel", "class", "fn", "alpha beta", "nowhere", "x9"];

fn file() -> impl Strategy<Value = (Vec<u8>, File)> {
    let path =
        prop::sample::select(vec!["a.rs", "b.c", "src/a.rs", "src/b/c.rs", "tests/x.rs", "vendor/v.c", "doc.md"]);
    let content = prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..4);
    (path, content, prop::sample::select(Class::ALL.to_vec())).prop_map(|(path, words, class)| {
        let language = Language::detect(path.as_bytes(), b"");
        let content = words.into_iter().flat_map(|word| [word, "\n"]).collect::<String>().into_bytes();
        (path.as_bytes().to_vec(), File { path: path.as_bytes().to_vec(), content, class, language })
    })
}

fn files() -> impl Strategy<Value = Files> {
    prop::collection::vec(file(), 0..7).prop_map(|files| files.into_iter().collect())
}

/// A change of a commit: files written, and paths that go.
fn change() -> impl Strategy<Value = (Files, Vec<usize>)> {
    (files(), prop::collection::vec(0usize..7, 0..3))
}

fn changed(base: &Files, (written, gone): &(Files, Vec<usize>)) -> Files {
    let mut files = base.clone();
    for nth in gone {
        if let Some(path) = base.keys().nth(*nth) {
            files.remove(path);
        }
    }
    files.extend(written.clone());
    files
}

/// Turns every ref but the default one into a delta on it.
async fn layer(index: &Index) {
    let (mut root, tag) = index.store.head(index.tenant).await.unwrap();
    let entry = root.repositories.values_mut().next().unwrap();
    let default = entry.default.clone().unwrap();
    let base = index.store.snapshot(index.tenant, &default).await.unwrap();
    let Some(refs) = entry.refs else { return };
    let mut tips = Vec::new();
    for (nth, tip) in index.store.refs(index.tenant, refs).await.unwrap().tips.into_iter().enumerate() {
        let whole = index.store.snapshot(index.tenant, &tip).await.unwrap();
        let delta = SnapshotDelta::between(default.snapshot, &base, &whole).encode();
        let id = Uuid::from_u128(900_000 + nth as u128);
        let snapshot = index.store.put(index.tenant, Kind::Snapshot, id, delta).await.unwrap();
        tips.push(Tip { snapshot, base: Some(default.snapshot), ..tip });
    }
    let bytes = Refs { tips, ..Refs::default() }.encode();
    entry.refs = Some(index.store.put(index.tenant, Kind::Refs, Uuid::from_u128(800_000), bytes).await.unwrap());
    root.version += 1;
    index.store.swap_head(index.tenant, &tag, &root).await.unwrap();
}

fn overlay(index: &Index, ref_name: &str, base: &Files, now: &Files) -> Overlay {
    let of = |file: &File| OverlayFile {
        path: file.path.clone(),
        mode: 0o100_644,
        class: file.class,
        language: file.language,
        content: Bytes::from(file.content.clone()),
        names: Vec::new(),
    };
    let same = |a: &File, b: &File| (&a.content, a.class) == (&b.content, b.class);
    let differs = |file: &&File| base.get(&file.path).is_none_or(|old| !same(old, file));
    Overlay {
        repository: index.visible[0].id,
        ref_name: ref_name.to_owned(),
        removed: base.keys().filter(|path| !now.contains_key(*path)).cloned().collect(),
        files: now.values().filter(differs).map(of).collect(),
    }
}

/// Ref, path and matching line numbers.
type Lines = BTreeSet<(String, Vec<u8>, u64)>;

fn found(result: &SearchResult) -> Lines {
    let of = |file: &kotadb_core::search::FileMatch| {
        let refs = file.refs.iter();
        let lines = |name: &String| {
            file.lines.iter().map(|line| (name.clone(), file.path.clone(), line.line)).collect::<Vec<_>>()
        };
        refs.flat_map(lines).collect::<Vec<_>>()
    };
    result.files.iter().flat_map(of).collect()
}

fn scanned(refs: &[(String, Files)], word: &str) -> Lines {
    let mut lines = Lines::new();
    for (name, files) in refs {
        for file in files.values() {
            let text = String::from_utf8_lossy(&file.content).into_owned();
            let matching = (1..).zip(text.lines()).filter(|(_, line)| line.contains(word));
            lines.extend(matching.map(|(number, _)| (name.clone(), file.path.clone(), number)));
        }
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn layers_answer_like_whole_snapshots(
        base in files(),
        changes in prop::collection::vec(change(), 0..6),
        dirty in change(),
        over in any::<prop::sample::Index>(),
        docs in 1usize..6,
    ) {
        let mut refs = vec![(DEFAULT.to_owned(), base.clone())];
        refs.extend(changes.iter().enumerate().map(|(nth, one)| (format!("refs/heads/b{nth}"), changed(&base, one))));
        let listed = |(name, files): &(String, Files)| (name.clone(), files.values().cloned().collect());
        let repository = Repository { name: "acme/one".to_owned(), refs: refs.iter().map(listed).collect() };
        block_on(async {
            let store = Store::open(&StoreOptions::Memory).unwrap();
            let index = Index::publish(store, &[repository], docs).await;
            layer(&index).await;
            let over = over.index(refs.len());
            let now = changed(&refs[over].1, &dirty);
            let overlay = Arc::new(overlay(&index, &refs[over].0, &refs[over].1, &now));
            let mut dirty_refs = refs.clone();
            dirty_refs[over].1 = now;
            let searcher = Searcher::new(index.store.clone(), CACHE);
            for word in WORDS {
                let request = index.request(&format!("\"{word}\" ref:*"), None).unwrap();
                let clean = searcher.search(&request).await.unwrap();
                assert_eq!(found(&clean), scanned(&refs, word), "{word}");
                let distinct: BTreeSet<_> = clean.files.iter().map(|file| (&file.path, file.class, texts(file))).collect();
                assert_eq!(distinct.len(), clean.files.len(), "a hit is answered once: {:?}", clean.files);
                let over = SearchRequest { overlay: Some(Arc::clone(&overlay)), count: true, ..request };
                let with_overlay = searcher.search(&over).await.unwrap();
                assert_eq!(found(&with_overlay), scanned(&dirty_refs, word), "{word} over {}", overlay.ref_name);
                assert_eq!(with_overlay.totals.files, with_overlay.files.len() as u64);
            }
        });
    }
}

fn texts(file: &kotadb_core::search::FileMatch) -> Vec<(u64, Vec<u8>)> {
    // Files differ, too, in lines that do not match; the ref that is named tells those apart.
    let lines = file.lines.iter().map(|line| (line.line, line.text.clone()));
    lines.chain(file.refs.first().map(|name| (0, name.clone().into_bytes()))).collect()
}

#[test]
fn ids_of_commits_are_those_of_the_first_ref() {
    let one = |content: &str| File {
        path: b"a.c".to_vec(),
        content: content.as_bytes().to_vec(),
        class: Class::Source,
        language: Language::TEXT,
    };
    let refs = vec![
        (DEFAULT.to_owned(), vec![one("alpha\n")]),
        ("refs/heads/b".to_owned(), vec![one("alpha beta\n")]),
        ("refs/heads/c".to_owned(), vec![one("alpha beta\n")]),
    ];
    block_on(async {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let index = Index::publish(store, &[Repository { name: "acme/one".to_owned(), refs }], 2).await;
        layer(&index).await;
        let searcher = Searcher::new(index.store.clone(), CACHE);
        let result = index.search(&searcher, "alpha ref:*").await;
        let named: Vec<(Vec<String>, ObjectId)> =
            result.files.iter().map(|file| (file.refs.clone(), file.commit)).collect();
        assert_eq!(named.len(), 2);
        assert!(named.iter().any(|(refs, _)| *refs == [DEFAULT]));
        assert!(named.iter().any(|(refs, _)| *refs == ["refs/heads/b", "refs/heads/c"]));
        assert_ne!(named[0].1, named[1].1);
    });
}
