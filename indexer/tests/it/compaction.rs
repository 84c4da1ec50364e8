//! Compaction and collection of a local index: the same facts in fewer segments, and in the end only what is named.

use std::collections::BTreeSet;

use kotadb_core::id::{ObjectId, TenantId};
use kotadb_core::store::{Kind, Store, StoreOptions};
use kotadb_indexer::clock;
use kotadb_indexer::compact::{Compacted, Compaction, Extent};
use kotadb_indexer::forget::Forget;
use kotadb_indexer::gc;
use kotadb_indexer::halt::{Halt, Reason};
use kotadb_indexer::local::REPOSITORY;

use crate::support::{Repository, block_on, facts, index, index_ref, names_of_graph};

const HOUR: u64 = 3600 * 1000;
const TENANT: TenantId = TenantId::LOCAL;

fn store(repository: &Repository) -> Store {
    Store::open(&StoreOptions::Folder(repository.path().join(".git/kotadb"))).unwrap()
}

fn compact_at(store: &Store, now_ms: u64) -> Compacted {
    let folder = tempfile::tempdir().unwrap();
    let halt = Halt::default();
    let compaction =
        Compaction { store, tenant: TENANT, folder: folder.path(), extent: Extent::All, now_ms, halt: &halt };
    let done = block_on(compaction.run()).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing stays behind");
    done
}

fn collect_at(store: &Store, now_ms: u64) -> gc::Collected {
    block_on(gc::collect(store, TENANT, now_ms, &Halt::default())).unwrap()
}

/// The names of all objects, and of those that HEAD names.
fn objects(store: &Store) -> (BTreeSet<String>, BTreeSet<String>) {
    block_on(async {
        let name = |(kind, key): (Kind, kotadb_core::store::ObjectKey)| format!("{kind:?} {key}");
        let there = store.list(TENANT).await.unwrap().into_iter().map(|(kind, key, _)| name((kind, key)));
        let (root, _) = store.head(TENANT).await.unwrap();
        (there.collect(), gc::named(store, TENANT, &root).await.unwrap().into_iter().map(name).collect())
    })
}

/// Whether any object, unpacked, holds these bytes.
fn holds(store: &Store, canary: &str) -> bool {
    block_on(async {
        for (kind, key, bytes) in store.list(TENANT).await.unwrap() {
            let content = store.get(TENANT, kind, key).await.unwrap();
            let mut parts = vec![content.to_vec()];
            match kind {
                Kind::Segment => {
                    let hot = kotadb_core::segment::Segment::hot_range(&content, bytes).unwrap();
                    let hot = content.slice(hot.start as usize..);
                    let segment = kotadb_core::segment::Segment::open(hot, bytes).unwrap();
                    parts.extend((0..segment.n_docs()).map(|doc| {
                        let frame = segment.frame_range(doc);
                        segment.decode_frame(doc, &content[frame.start as usize..frame.end as usize]).unwrap()
                    }));
                }
                Kind::Snapshot => {
                    if let Ok(snapshot) = kotadb_core::store::Snapshot::decode(&content) {
                        parts.extend(snapshot.entries().map(|entry| entry.path.to_vec()));
                    } else {
                        let delta = kotadb_core::store::SnapshotDelta::decode(&content).unwrap();
                        parts.extend(delta.removed);
                        parts.extend(delta.entries.into_iter().map(|entry| entry.path));
                    }
                }
                Kind::Graph => parts.extend(names_of_graph(store, TENANT, content.clone()).await),
                Kind::Refs | Kind::Scip => {}
            }
            if parts.iter().any(|part| part.windows(canary.len()).any(|window| window == canary.as_bytes())) {
                return true;
            }
        }
        false
    })
}

/// A repository with 7 commits, each indexed by itself, and two branches: 9 segments, of which each ref touches fewer.
fn busy() -> Repository {
    let repository = Repository::new();
    for nth in 0..30 {
        repository.write(&format!("src/{nth}.rs"), format!("fn common{nth}() {{}}\n"));
    }
    for nth in 0..7 {
        repository.write(&format!("src/{nth}.rs"), format!("fn changed{nth}() {{}}\n"));
        repository.write("docs/notes.md", format!("version {nth}\n"));
        repository.commit();
        index(repository.path());
    }
    for branch in ["one", "two"] {
        repository.git(&["branch", branch, "HEAD~3"]);
    }
    for branch in ["two", "one"] {
        repository.git(&["checkout", "--quiet", branch]);
        repository.write("src/1.rs", format!("fn of_branch_{branch}() {{}}\n"));
        repository.commit();
    }
    index_ref(repository.path(), "one");
    index_ref(repository.path(), "two");
    repository.git(&["checkout", "--quiet", "main"]);
    repository
}

#[test]
fn a_compacted_index_has_the_same_facts_in_fewer_segments() {
    let repository = busy();
    let (store, before) = (store(&repository), facts(repository.path()));
    let n_segments = || block_on(store.head(TENANT)).unwrap().0.segments.len();
    assert!(n_segments() > 8);
    let now = clock::now_ms();
    let done = compact_at(&store, now);
    assert!(done.merges >= 1 && done.given_up == 0, "{done:?}");
    assert!(n_segments() <= 8, "{} segments", n_segments());
    assert_eq!(facts(repository.path()), before);
    assert_eq!(compact_at(&store, now), Compacted::default(), "nothing is due any more");
    assert!(index(repository.path()).unchanged);

    // A day later only what HEAD names is left, and the facts are what they were.
    collect_at(&store, now + HOUR);
    assert!(objects(&store).0.len() > objects(&store).1.len());
    collect_at(&store, now + 25 * HOUR);
    let (there, named) = objects(&store);
    assert_eq!(there, named);
    assert_eq!(facts(repository.path()), before);
    repository.write("src/new.rs", "fn after() {}\n");
    repository.commit();
    assert_eq!(index(repository.path()).new_documents, 1);
}

#[test]
fn what_a_deleted_commit_alone_had_leaves_storage() {
    let repository = busy();
    repository.write("src/secret.rs", "fn canary_of_the_leak() {}\n");
    let leaked = repository.commit();
    index(repository.path());
    repository.git(&["checkout", "--quiet", "-b", "later"]);
    repository.write("src/1.rs", "fn on_the_leak() {}\n");
    std::fs::remove_file(repository.path().join("src/secret.rs")).unwrap();
    repository.commit();
    index_ref(repository.path(), "later");
    repository.git(&["checkout", "--quiet", "main"]);
    repository.git(&["reset", "--quiet", "--hard", "HEAD~"]);
    repository.write("src/2.rs", "fn clean() {}\n");
    repository.commit();
    index(repository.path());
    let store = store(&repository);
    let now = clock::now_ms();
    compact_at(&store, now);
    assert!(holds(&store, "canary_of_the_leak"));

    let facts_before = facts(repository.path());
    let halt = Halt::default();
    let forget = Forget { store: &store, tenant: TENANT, now_ms: now, halt: &halt };
    let commits = BTreeSet::from([leaked.parse::<ObjectId>().unwrap()]);
    assert_eq!(block_on(forget.commits(REPOSITORY, &commits)).unwrap(), 1);
    assert_eq!(block_on(forget.commits(REPOSITORY, &commits)).unwrap(), 0);
    compact_at(&store, now);
    assert!(block_on(store.head(TENANT)).unwrap().0.purge.is_empty());
    collect_at(&store, now + 24 * HOUR);
    collect_at(&store, now + 25 * HOUR);
    assert!(!holds(&store, "canary_of_the_leak") && !holds(&store, "secret.rs"));
    assert_eq!(facts(repository.path()), facts_before);
}

#[test]
fn a_merge_that_is_told_to_stop_changes_nothing() {
    let repository = busy();
    let store = store(&repository);
    let halt = Halt::default();
    halt.halt(Reason::Stopped);
    let folder = tempfile::tempdir().unwrap();
    let compaction = Compaction {
        store: &store,
        tenant: TENANT,
        folder: folder.path(),
        extent: Extent::All,
        now_ms: 1,
        halt: &halt,
    };
    let version = block_on(store.head(TENANT)).unwrap().0.version;
    assert!(block_on(compaction.run()).is_err());
    assert_eq!(block_on(store.head(TENANT)).unwrap().0.version, version);
}
