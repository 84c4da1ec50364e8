//! Many of everything: what a hundred branches cost that each differ in twenty files (the generator is `git fast-import`),
//! and what a tenant with many repositories costs, in its root and to search. In full: `scripts/bench.sh many refs`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::query;
use kotadb_core::search::{SearchRequest, SearchResult, Searcher, Visible};
use kotadb_core::store::{Kind, Latency, ObjectKey, Store, StoreOptions};
use kotadb_indexer::advance::Advance;
use kotadb_indexer::compact::{Extent, Touched};
use kotadb_indexer::contents::Source;
use kotadb_indexer::halt::Halt;
use kotadb_indexer::held_cache::HeldCache;
use kotadb_indexer::layers::Bases;
use kotadb_indexer::pipeline::{Listings, Pipeline};
use kotadb_indexer::tips::Tips;
use kotadb_indexer::upkeep::Upkeep;
use kotadb_indexer::{clock, folder};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::{Repository, block_on, index, index_ref};

const FILES: usize = 3000;
const REFS: usize = 100;
const CHANGED: usize = 20;
/// Versions of a file that branches have, beside the one of `main`: branches of one project share most of what they hold.
const VERSIONS: usize = 3;

/// Words as code has them, so that the text compresses and indexes as code does.
fn text(file: usize, version: usize) -> String {
    let mut seed = (file * 31 + version) as u64 + 1;
    let mut text = String::new();
    for line in 0..60 + file % 90 {
        let mut word = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ["result", "index", "segment", "offset", "read_page", "flush", "table", "lookup"][(seed >> 61) as usize]
        };
        let (a, b, c) = (word(), word(), word());
        writeln!(text, "    let {a}_{} = {b}.{c}({file}, {line});", (seed >> 40) % 500).unwrap();
    }
    text
}

fn path(file: usize) -> String {
    format!("src/part{:02}/module{:02}/file{file}.rs", file % 40, file % 13)
}

/// `main`, and branches on it that each replace files here and there.
fn generate(repository: &Repository) {
    let mut script = String::new();
    let mut commit = |branch: String, from: &str, files: &[(usize, usize)]| {
        writeln!(script, "commit refs/heads/{branch}\ncommitter t <t@example.invalid> 1600000000 +0000\ndata 1\nx")
            .unwrap();
        script.push_str(from);
        for (file, version) in files {
            let text = text(*file, *version);
            writeln!(script, "M 100644 inline {}\ndata {}\n{text}", path(*file), text.len()).unwrap();
        }
    };
    commit("main".into(), "", &(0..FILES).map(|file| (file, 0)).collect::<Vec<_>>());
    for nth in 0..REFS {
        let file = |i: usize| ((i * 151 + nth / 10 * 7) % 400, 1 + (i + nth) % VERSIONS);
        commit(format!("b{nth}"), "from refs/heads/main\n", &(0..CHANGED).map(file).collect::<Vec<_>>());
    }
    let mut import = Command::new("git");
    import.args(["fast-import", "--quiet"]).current_dir(repository.path()).stdin(Stdio::piped());
    let mut import = import.spawn().unwrap();
    import.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
}

/// Bytes of the segments that HEAD names, and of all else.
fn size(store: &Store) -> (u64, u64) {
    block_on(async {
        let (root, _) = store.head(TenantId::LOCAL).await.unwrap();
        let named = kotadb_indexer::gc::named(store, TenantId::LOCAL, &root).await.unwrap();
        let there = store.list(TenantId::LOCAL).await.unwrap();
        let there = there.into_iter().filter(|(kind, key, _)| named.contains(&(*kind, *key)));
        let (segments, others): (Vec<_>, Vec<_>) = there.partition(|(kind, ..)| *kind == Kind::Segment);
        let sum = |objects: Vec<(Kind, ObjectKey, u64)>| objects.into_iter().map(|(_, _, bytes)| bytes).sum::<u64>();
        (sum(segments), sum(others) + root.encode().len() as u64)
    })
}

#[test]
fn a_hundred_refs_that_differ_in_twenty_files_cost_little() {
    let repository = Repository::new();
    generate(&repository);
    index(repository.path());
    let store = Store::open(&StoreOptions::Folder(repository.path().join(".git/kotadb"))).unwrap();
    let (content, names) = size(&store);
    for nth in 0..REFS {
        index_ref(repository.path(), &format!("b{nth}"));
    }
    let halt = Halt::default();
    let folder = repository.path().join(".git/kotadb");
    let upkeep =
        Upkeep { store: &store, tenant: TenantId::LOCAL, folder: &folder, now_ms: clock::now_ms(), halt: &halt };
    block_on(upkeep.compact(Extent::All)).unwrap();
    let (all_content, all_names) = size(&store);
    // What branches hold anew costs what it costs; on this small tree that is a fifth of it. The rest is the refs' own.
    let percent = (all_names - names) as f64 * 100.0 / (content + names) as f64;
    println!(
        "`main` takes {content} + {names} bytes, with {REFS} branches {all_content} + {all_names}: {percent:.2} %"
    );
    assert!(percent <= 2.0, "{percent:.2} % more");
    let documents = block_on(store.head(TenantId::LOCAL)).unwrap().0.segments.iter().map(|it| it.n_docs).sum::<u32>();
    assert!(documents as usize <= FILES + 600, "each version once, whoever has it: {documents}");
}

/// Small repositories of one tenant.
struct Tenant {
    folder: TempDir,
    store: Store,
    held: HeldCache,
    visible: Vec<Visible>,
}

impl Tenant {
    fn new(repositories: usize) -> Self {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let visible =
            |nth| Visible { id: RepositoryId(Uuid::now_v7()), name: format!("acme/{nth:03}"), hidden: BTreeSet::new() };
        let visible = (0..repositories).map(visible).collect();
        Self { folder: tempfile::tempdir().unwrap(), store, held: HeldCache::default(), visible }
    }

    /// Three files: two that only this repository has, one that it shares with every fifth.
    async fn publish(&self, nth: usize) {
        self.publish_version(nth, 0).await;
    }

    /// The same, with other words in one of the files.
    async fn publish_version(&self, nth: usize, version: usize) {
        let tree = self.folder.path().join("tree");
        std::fs::create_dir_all(&tree).unwrap();
        std::fs::write(tree.join("a.rs"), format!("fn word{nth}_a() {{ everywhere() }}\n")).unwrap();
        std::fs::write(tree.join("b.rs"), format!("fn word{nth}_b{version}() {{}}\n")).unwrap();
        std::fs::write(tree.join("shared.rs"), format!("fn shared_{}() {{}}\n", nth % 5)).unwrap();
        let (listing, files) = folder::list(&tree).unwrap();
        let (store, tenant, commit, repository) = (&self.store, TenantId::LOCAL, listing.commit, self.visible[nth].id);
        let (root, _) = store.head(tenant).await.unwrap();
        let before = &Tips::load(store, tenant, &root, repository).await.unwrap();
        let (source, halt, folder) = (Source::Files(files), Halt::default(), self.folder.path());
        let whole = BTreeSet::from([commit]);
        let pipeline = Pipeline { store, tenant, source: &source, folder, whole: &whole, halt: &halt };
        let held = self.held.load(store, tenant, &root, &[]).await.unwrap();
        let listings = Listings::Ready(Some(listing));
        let made = pipeline.run(listings, held, Bases::default(), &mut |_| {}).await.unwrap();
        let name = "refs/heads/main".to_owned();
        let mut after = Tips { default: Some(name.clone()), ..Tips::default() };
        after.by_name.insert(name.clone(), made.tip(&name, commit).unwrap());
        let now_ms = clock::now_ms();
        let advance = Advance {
            store,
            tenant,
            repository,
            fence: 1,
            before,
            usable: true,
            most_bytes: None,
            now_ms,
            halt: &halt,
        };
        advance.publish(after, made).await.unwrap();
    }

    /// What all repositories answer, as paths with the names of their repositories, from far away and with nothing in
    /// memory.
    async fn search(&self, text: &str) -> (Vec<String>, SearchResult) {
        let request = SearchRequest::new(TenantId::LOCAL, self.visible.clone(), query::parse(text).unwrap());
        let (far, _) = self.store.far_away(Latency { p50: NOW, p90: NOW, slow: NOW, ..Latency::default() }).unwrap();
        let found = Searcher::new(far, 64 << 20).search(&request).await.unwrap();
        let file = |file: &kotadb_core::search::FileMatch| {
            format!("{}/{}", file.repository_name, String::from_utf8_lossy(&file.path))
        };
        (found.files.iter().map(file).collect(), found)
    }

    fn upkeep<'a>(&'a self, store: &'a Store, halt: &'a Halt) -> Upkeep<'a> {
        Upkeep { store, tenant: TenantId::LOCAL, folder: self.folder.path(), now_ms: clock::now_ms(), halt }
    }

    async fn root_bytes(&self) -> usize {
        self.store.head(TenantId::LOCAL).await.unwrap().0.encode().len()
    }
}

const NOW: std::time::Duration = std::time::Duration::from_nanos(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_of_a_tenant_opens_what_its_lists_leave_and_the_root_stays_small() {
    const REPOSITORIES: usize = 60;
    let tenant = Tenant::new(REPOSITORIES);
    for nth in 0..REPOSITORIES {
        tenant.publish(nth).await;
    }
    assert!(tenant.root_bytes().await <= 120 * REPOSITORIES, "{} bytes", tenant.root_bytes().await);
    let asked = ["word17_a", "shared_3", "everywhere", "word17_a OR word33_b", "nowhere_at_all"];
    let mut before = Vec::new();
    for text in asked {
        before.push(tenant.search(text).await.0);
    }
    assert_eq!(before.iter().map(Vec::len).collect::<Vec<_>>(), [1, REPOSITORIES / 5, REPOSITORIES, 2, 0]);
    let (_, found) = tenant.search("word17_a").await;
    assert!(found.stats.gets as usize <= REPOSITORIES + 4, "a segment each, one snapshot: {:?}", found.stats);

    let halt = Halt::default();
    let upkeep = tenant.upkeep(&tenant.store, &halt);
    upkeep.compact(Extent::All).await.unwrap();
    upkeep.collect().await.unwrap();
    assert!(tenant.root_bytes().await <= 120 * REPOSITORIES, "{} bytes", tenant.root_bytes().await);
    for (text, before) in asked.into_iter().zip(before) {
        assert_eq!(tenant.search(text).await.0, before, "{text}");
    }
    let (_, found) = tenant.search("word17_a").await;
    println!("compacted, a rare word of {REPOSITORIES} repositories: {:?}", found.stats);
    assert!(found.stats.gets <= 16 && found.stats.round_trips <= 6, "{:?}", found.stats);
}

/// What the upkeep after each of some pushes to one repository asks of the store, one among so many: GETs and LISTs.
async fn upkeep_among(repositories: usize) -> (Vec<u64>, u64) {
    let (tenant, halt) = (Tenant::new(repositories), Halt::default());
    for nth in 0..repositories {
        tenant.publish(nth).await;
    }
    tenant.upkeep(&tenant.store, &halt).compact(Extent::All).await.unwrap();
    tenant.upkeep(&tenant.store, &halt).collect().await.unwrap();
    let touched = BTreeSet::from([tenant.visible[7].id]);
    let (mut gets, mut lists) = (Vec::new(), 0);
    for version in 1..=PUSHES {
        tenant.publish_version(7, version).await;
        let (far, traffic) =
            tenant.store.far_away(Latency { p50: NOW, p90: NOW, slow: NOW, ..Latency::default() }).unwrap();
        tenant.upkeep(&far, &halt).after_run(&touched).await.unwrap();
        gets.push(traffic.gets());
        lists += traffic.lists();
    }
    let (root, _) = tenant.store.head(TenantId::LOCAL).await.unwrap();
    let tips = Tips::load(&tenant.store, TenantId::LOCAL, &root, tenant.visible[7].id).await.unwrap();
    let touched = Touched::of(&root, &tips);
    assert!(!touched.iter().any(|one| one.is_too_many()), "{touched:?}");
    (gets, lists)
}

const PUSHES: usize = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upkeep_after_a_push_costs_the_same_in_a_tenant_of_any_size() {
    let (few, many) = (upkeep_among(100).await, upkeep_among(400).await);
    println!("among 100 repositories {few:?} GETs and LISTs, among 400 {many:?}");
    assert_eq!(few, many);
    assert_eq!(many.1, 0);
    assert!(many.0[0] <= 4, "{many:?}");
}
