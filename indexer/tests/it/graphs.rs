//! Stored graphs: what pushes tell as deltas is what a graph made whole says, and what becomes of them when the store, the
//! history or the working tree changes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kotadb_core::id::{ObjectId, TenantId};
use kotadb_core::segment::Segment;
use kotadb_core::store::{Kind, Latency, Root, SegmentEntry, Store, StoreOptions, Tip, TipGraph, Traffic};
use kotadb_indexer::contents::Source;
use kotadb_indexer::forget::Forget;
use kotadb_indexer::graphs::{Graphs, footing};
use kotadb_indexer::halt::Halt;
use kotadb_indexer::held_cache::HeldCache;
use kotadb_indexer::inspect::{Inspected, edges};
use kotadb_indexer::layers::Bases;
use kotadb_indexer::local::{self, LocalCode, REPOSITORY};
use kotadb_indexer::pipeline::{Listings, Made, Pipeline};
use kotadb_indexer::tips::Tips;
use kotadb_indexer::{clock, folder, gc};

use crate::support::{Repository, block_on, facts, fresh_edges, index, index_ref, local_edges};

const HOUR: u64 = 3600 * 1000;

/// A project of some parts that hardly meet, in several languages.
fn write(repository: &Repository, part: u32, version: u32) {
    let (calls, extra) = (version % 3, version % 2);
    let python = format!(
        "from part{part}.base import Base{part}\n\nclass Pool{part}(Base{part}):\n    def acquire_{part}(self, n=0):\n        \
         return self.open_{part}()\n{}\ndef make_{part}():\n    return Pool{part}().{}()\n",
        format!("    def extra_{part}_{version}(self): pass\n").repeat(extra as usize),
        [format!("acquire_{part}"), format!("open_{part}"), format!("gone_{part}")][calls as usize],
    );
    repository.write(&format!("part{part}/pool.py"), python);
}

fn begin(repository: &Repository, parts: u32) {
    for part in 0..parts {
        write(repository, part, 0);
        repository.write(
            &format!("part{part}/base.py"),
            format!("class Base{part}:\n    def open_{part}(self):\n        return helper_{part}()\n\ndef helper_{part}(): pass\n"),
        );
        repository.write(
            &format!("part{part}/use.py"),
            format!("from part{part}.pool import make_{part}, Pool{part}\n\ndef run_{part}(pool: Pool{part}):\n    make_{part}()\n    pool.acquire_{part}(1)\n"),
        );
        repository.write(
            &format!("src/m{part}.rs"),
            format!("pub struct Item{part};\nimpl Item{part} {{\n    pub fn take_{part}(&self) {{ free_{part}() }}\n}}\nfn free_{part}() {{}}\n"),
        );
        repository.write(&format!("docs/{part}.md"), format!("# part {part}\n"));
    }
}

fn tip(path: &Path) -> Tip {
    let index = local::open(path).unwrap();
    block_on(index.store.head(index.tenant)).unwrap().0.repositories[&REPOSITORY].default.clone().unwrap()
}

fn graph(repository: &Repository) -> TipGraph {
    tip(repository.path()).graph.unwrap()
}

#[test]
fn pushes_are_deltas_that_say_what_a_whole_graph_says() {
    let repository = Repository::new();
    begin(&repository, 20);
    repository.commit();
    assert_eq!(index(repository.path()).graphs, 1);
    let base = graph(&repository);
    assert_eq!(base.base, None);
    assert!(local_edges(repository.path()).contains("part3/pool.py#make_3 call part3/pool.py#Pool3.acquire_3"));
    let mut random = 7u32;
    let (mut deltas, mut steps) = (0, Vec::new());
    for step in 1..12 {
        for _ in 0..1 + step % 2 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (part, version) = ((random >> 8) % 20, random >> 16);
            steps.push((part, version));
            match version % 7 {
                0 => drop(std::fs::remove_file(repository.path().join(format!("part{part}/base.py")))),
                1 => drop(repository.write(&format!("part{part}/new.py"), format!("def helper_{part}(): pass\n"))),
                _ => write(&repository, part, version),
            }
        }
        repository.commit();
        index(repository.path());
        deltas += u32::from(graph(&repository).base.is_some());
        assert_eq!(local_edges(repository.path()), fresh_edges(&repository), "after {steps:?}");
    }
    assert!(deltas >= 6, "{deltas} deltas");
}

/// Neither a text of no language nor what stands behind the last name of a file changes what uses what.
#[test]
fn what_says_the_same_by_itself_leaves_the_graph_as_it_is() {
    let repository = Repository::new();
    begin(&repository, 10);
    repository.commit();
    index(repository.path());
    let first = graph(&repository);
    let pool = repository.path().join("part2/pool.py");
    let mut text = std::fs::read_to_string(&pool).unwrap();
    text.push_str("# the end\n");
    repository.write("part2/pool.py", &text).write("docs/3.md", "# another\n");
    repository.commit();
    assert_eq!(index(repository.path()).graphs, 0);
    assert_eq!(graph(&repository), first);
    assert_eq!(local_edges(repository.path()), fresh_edges(&repository));
    repository.write("part2/pool.py", format!("# the start\n{text}"));
    repository.commit();
    assert_eq!(index(repository.path()).graphs, 1);
    assert_eq!(graph(&repository).base, Some(first.key));
    assert_eq!(local_edges(repository.path()), fresh_edges(&repository), "places have moved");
}

#[test]
fn a_graph_is_whole_again_when_a_tenth_is_told_anew() {
    let repository = Repository::new();
    begin(&repository, 20);
    repository.commit();
    index(repository.path());
    let first = graph(&repository);
    let mut kinds = Vec::new();
    for part in 0..8 {
        write(&repository, part, 1);
        repository.commit();
        index(repository.path());
        kinds.push(graph(&repository).base);
    }
    assert_eq!(kinds[0], Some(first.key));
    let again = kinds.iter().position(Option::is_none).expect("ten files are a tenth");
    assert!(kinds[..again].iter().all(|base| *base == Some(first.key)), "{kinds:?}");
    assert!(kinds[again + 1..].iter().all(|base| base.is_some_and(|base| base != first.key)), "{kinds:?}");
    assert_eq!(local_edges(repository.path()), fresh_edges(&repository));
}

#[test]
fn refs_at_a_commit_share_a_graph_and_branches_are_deltas_on_it() {
    let repository = Repository::new();
    begin(&repository, 10);
    repository.commit();
    repository.git(&["branch", "same"]);
    index(repository.path());
    repository.git(&["checkout", "--quiet", "-b", "other"]);
    write(&repository, 4, 1);
    repository.commit();
    repository.git(&["checkout", "--quiet", "main"]);
    assert_eq!(index_ref(repository.path(), "same").graphs, 0);
    assert_eq!(index_ref(repository.path(), "other").graphs, 1);
    let (main, edges) = (graph(&repository), local_edges(repository.path()));
    let other = edges.split("ref ").find(|part| part.starts_with("refs/heads/other")).unwrap();
    assert!(other.contains("part4/pool.py#Pool4.extra_4_1") || other.contains("open_4"), "{other}");
    let index = local::open(repository.path()).unwrap();
    let tip = block_on(index.choose(Some("other"))).unwrap().unwrap().tip;
    assert_eq!(tip.graph.unwrap().base, Some(main.key));
    assert_eq!(block_on(index.choose(Some("same"))).unwrap().unwrap().tip.graph, Some(main));
}

#[test]
fn graphs_that_no_tip_names_leave_storage() {
    let repository = Repository::new();
    begin(&repository, 4);
    repository.commit();
    index(repository.path());
    let first = graph(&repository);
    for part in 0..4 {
        write(&repository, part, 1);
    }
    repository.commit();
    index(repository.path());
    let index = local::open(repository.path()).unwrap();
    let graphs = || {
        let listed = block_on(index.store.list(index.tenant)).unwrap().into_iter();
        listed.filter(|(kind, ..)| *kind == Kind::Graph).map(|(_, key, _)| key).collect::<BTreeSet<_>>()
    };
    assert!(graphs().contains(&first.key), "a reader of the earlier root may be asking it");
    let now = clock::now_ms() + 25 * HOUR;
    block_on(gc::collect(&index.store, index.tenant, now, &Halt::default())).unwrap();
    assert_eq!(graphs(), BTreeSet::from([graph(&repository).key]));
    let halt = Halt::default();
    let forget = Forget { store: &index.store, tenant: index.tenant, now_ms: now, halt: &halt };
    block_on(forget.repositories(&BTreeSet::from([REPOSITORY]))).unwrap();
    block_on(gc::collect(&index.store, index.tenant, now + 25 * HOUR, &Halt::default())).unwrap();
    assert_eq!(graphs(), BTreeSet::new());
}

/// The base of a delta holds names of the commit that it was made of, whichever that was.
#[test]
fn with_a_deleted_commit_go_the_graphs_that_may_stand_on_its_own() {
    let repository = Repository::new();
    begin(&repository, 10);
    let leaked = repository.commit();
    index(repository.path());
    write(&repository, 1, 1);
    repository.commit();
    index(repository.path());
    let delta = graph(&repository);
    assert!(delta.base.is_some());
    let index_of = local::open(repository.path()).unwrap();
    let halt = Halt::default();
    let forget = Forget { store: &index_of.store, tenant: index_of.tenant, now_ms: clock::now_ms(), halt: &halt };
    let commits = BTreeSet::from([leaked.parse::<ObjectId>().unwrap()]);
    assert_eq!(block_on(forget.commits(REPOSITORY, &commits)).unwrap(), 1);
    assert_eq!(tip(repository.path()).graph, None);
    let now = clock::now_ms() + 25 * HOUR;
    block_on(gc::collect(&index_of.store, index_of.tenant, now, &halt)).unwrap();
    let left = block_on(index_of.store.list(index_of.tenant)).unwrap();
    assert!(left.iter().all(|(kind, ..)| *kind != Kind::Graph));
    // The next run makes another, although no ref has moved.
    assert_eq!(index(repository.path()).graphs, 1);
    assert_eq!(graph(&repository).base, None);
    assert!(index(repository.path()).unchanged);
    assert_eq!(local_edges(repository.path()), fresh_edges(&repository));
}

fn objects(repository: &Repository, kind: &str) -> Vec<PathBuf> {
    let folder = repository.path().join(format!(".git/kotadb/t/{}/{kind}", TenantId::LOCAL));
    let mut found: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// Writes another file in the place of an object: what is mapped of the old one stays what it was.
fn replace(path: &Path, bytes: &[u8]) {
    let beside = path.with_extension("beside");
    std::fs::write(&beside, bytes).unwrap();
    std::fs::rename(beside, path).unwrap();
}

#[test]
fn a_base_that_is_damaged_is_not_built_upon() {
    let repository = Repository::new();
    begin(&repository, 10);
    repository.commit();
    index(repository.path());
    let path = objects(&repository, "graph").pop().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() - 60;
    bytes[middle] ^= 1;
    replace(&path, &bytes);
    write(&repository, 1, 1);
    repository.commit();
    let summary = index(repository.path());
    assert_eq!((summary.graphs, summary.graphs_failed), (1, 0));
    assert_eq!(graph(&repository).base, None);
    assert_eq!(local_edges(repository.path()), fresh_edges(&repository));
}

#[test]
fn a_graph_of_an_old_version_is_made_anew_without_a_push() {
    let repository = Repository::new();
    begin(&repository, 2);
    repository.commit();
    index(repository.path());
    let path = objects(&repository, "graph").pop().unwrap();
    replace(&path, include_bytes!("../../../core/src/graph/golden/v1.graph"));
    let summary = index(repository.path());
    assert_eq!((summary.graphs, summary.unchanged), (1, false));
    assert_eq!(local_edges(repository.path()), fresh_edges(&repository));
    assert!(index(repository.path()).unchanged);
}

#[test]
fn a_commit_whose_graph_cannot_be_made_is_searchable() {
    let repository = Repository::new();
    begin(&repository, 10);
    repository.commit();
    index(repository.path());
    let path = objects(&repository, "seg").pop().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let len = bytes.len() as u64;
    let hot = Segment::hot_range(&bytes, len).unwrap();
    let segment = Segment::open(bytes[hot.start as usize..].to_vec().into(), len).unwrap();
    let frame = (0..segment.n_docs()).find_map(|doc| segment.facts_range(doc).unwrap()).unwrap();
    bytes[frame.end as usize - 1] ^= 1;
    replace(&path, &bytes);
    write(&repository, 1, 1);
    repository.commit();
    let summary = index(repository.path());
    assert_eq!((summary.graphs, summary.graphs_failed, summary.new_documents), (0, 1, 1));
    assert_eq!(tip(repository.path()).graph, None);
    assert!(facts(repository.path()).contains("part1/pool.py"));
    assert_eq!(local_edges(repository.path()).lines().count(), 1, "names only");
}

/// The edges of a working tree, and those of the same files once they are committed.
#[test]
fn a_working_tree_says_what_its_commit_would() {
    let repository = Repository::new();
    begin(&repository, 20);
    repository.commit();
    index(repository.path());
    write(&repository, 3, 1);
    repository.write("part3/new.py", "from part3.use import run_3\n\ndef later_3(): run_3(None)\n");
    std::fs::remove_file(repository.path().join("part5/base.py")).unwrap();
    let open = |path: &Path| {
        let index = local::open(path).unwrap();
        block_on(async {
            let tip = index.choose(None).await.unwrap().unwrap().tip;
            let tree = index.look().unwrap().unwrap().end(&index.store, &tip).await.unwrap();
            LocalCode::of(&index.store, &tip, tree.overlay.as_ref()).await.unwrap()
        })
    };
    let over = open(repository.path()).edges().unwrap();
    assert!(over.iter().any(|line| line.starts_with("edge part3/new.py#later_3 call part3/use.py#run_3")), "{over:?}");
    repository.commit();
    index(repository.path());
    assert_eq!(over, open(repository.path()).edges().unwrap());
    let text = over.into_iter().collect::<Vec<_>>().join("\n");
    let fresh = fresh_edges(&repository);
    let (_, fresh) = fresh.split_once('\n').unwrap();
    assert_eq!(text.trim(), fresh.trim());
}

#[test]
fn a_plain_folder_has_a_graph_as_well() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.py"), "def one(): pass\n\ndef two(): one()\n").unwrap();
    assert_eq!(index(folder.path()).graphs, 1);
    let local = local::open(folder.path()).unwrap();
    let inspected = Inspected { store: &local.store, tenant: local.tenant, repository: local.repository };
    let mut out = Vec::new();
    block_on(inspected.edges(&mut out)).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("edge a.py#two call a.py#one"));
}

/// Commits of a folder, indexed into a store in memory.
struct Far {
    near: Store,
    far: Store,
    traffic: Arc<Traffic>,
    tree: tempfile::TempDir,
    folder: tempfile::TempDir,
    segments: Vec<SegmentEntry>,
}

impl Far {
    fn new() -> Self {
        let near = Store::open(&StoreOptions::Memory).unwrap();
        let (far, traffic) = near.far_away(Latency::default()).unwrap();
        let folder = || tempfile::tempdir().unwrap();
        Self { near, far, traffic, tree: folder(), folder: folder(), segments: Vec::new() }
    }

    fn write(&self, nth: u32, text: String) {
        std::fs::write(self.tree.path().join(format!("m{nth:03}.py")), text).unwrap();
    }

    /// What a run makes of the folder as it is.
    async fn index(&mut self) -> Tips {
        let (listing, blobs) = folder::list(self.tree.path()).unwrap();
        let (commit, source, halt) = (listing.commit, Source::Files(blobs), Halt::default());
        let (tenant, whole) = (TenantId::LOCAL, BTreeSet::from([commit]));
        let held = HeldCache::default().load(&self.near, tenant, &Root::default(), &self.segments).await.unwrap();
        let (store, folder) = (&self.near, self.folder.path());
        let pipeline = Pipeline { store, tenant, source: &source, folder, whole: &whole, halt: &halt };
        let made = pipeline.run(Listings::Ready(Some(listing)), held, Bases::default(), &mut |_| {}).await.unwrap();
        let tip = made.tip("main", commit).unwrap();
        self.segments.extend(made.segments);
        Tips { default: Some("main".into()), by_name: [("main".to_owned(), tip)].into(), ..Tips::default() }
    }

    async fn graph(&self, store: &Store, before: Option<&Tips>, after: &Tips) -> Tips {
        let (mut after, halt) = (after.clone(), Halt::default());
        let mut made = Made { segments: self.segments.clone(), ..Made::default() };
        let graphs =
            Graphs { store, tenant: TenantId::LOCAL, folder: self.folder.path(), before, imports: &[], halt: &halt };
        graphs.complete(&mut after, &mut made, &mut BTreeMap::new()).await.unwrap();
        assert_eq!((made.summary.graphs, made.summary.graphs_failed), (1, 0));
        after
    }

    async fn edges(&self, tips: &Tips) -> BTreeSet<String> {
        let graph = tips.default_tip().unwrap().graph.unwrap();
        edges::lines(&footing::view(&self.far, TenantId::LOCAL, graph).await.unwrap()).unwrap()
    }
}

/// Rows of files are fetched from a bucket, and single ones; what they say is what near ones say.
#[test]
fn a_graph_from_far_away_is_the_same() {
    let text = |nth: u32, called: u32| {
        format!("from m{called:03} import f_{called}\n\ndef f_{nth}():\n    return f_{called}()\n")
    };
    let mut far = Far::new();
    (0..600).for_each(|nth| far.write(nth, text(nth, (nth * 7 + 1) % 600)));
    block_on(async {
        let first = far.index().await;
        let (here, there) = (far.graph(&far.near, None, &first).await, far.graph(&far.far, None, &first).await);
        assert_eq!(far.edges(&here).await, far.edges(&there).await);
        // Of the texts a third has a name that begins so.
        far.write(599, "def f_1(): pass\n".into());
        far.write(5, text(5, 9));
        let second = far.index().await;
        let whole = far.graph(&far.near, None, &second).await;
        let before = far.traffic.gets();
        let delta = far.graph(&far.far, Some(&there), &second).await;
        let gets = far.traffic.gets() - before;
        assert!(gets < 150, "what may mention a touched name comes together: {gets}");
        assert!(delta.default_tip().unwrap().graph.unwrap().base.is_some());
        assert_eq!(far.edges(&delta).await, far.edges(&whole).await);
    });
}
