//! Years in seconds: writers, readers, compactors, collectors and deletions at once over a store that loses requests, each
//! of them dying at any request, and a clock that moves. Whatever a root names can be read for 20 hours, and says what was
//! written; in the end nothing is left that nothing names, and no text that only what was deleted held.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use git2::{ObjectType, Oid};
use kotadb_core::id::{ObjectId, RepositoryId, TenantId};
use kotadb_core::segment::Segment;
use kotadb_core::store::{Kind, ObjectKey, Root, SharedMemory, Store};
use kotadb_indexer::advance::Advance;
use kotadb_indexer::compact::{Compaction, Extent, Touched};
use kotadb_indexer::contents::Source;
use kotadb_indexer::error::IndexError;
use kotadb_indexer::folder;
use kotadb_indexer::forget::Forget;
use kotadb_indexer::gc;
use kotadb_indexer::graphs::{Graphs, footing};
use kotadb_indexer::halt::Halt;
use kotadb_indexer::held_cache::HeldCache;
use kotadb_indexer::inspect::edges;
use kotadb_indexer::layers::Bases;
use kotadb_indexer::pipeline::{Listings, Pipeline};
use kotadb_indexer::tips::Tips;
use uuid::Uuid;

use crate::support::names_of_graph;

const TENANT: TenantId = TenantId::LOCAL;
const HOUR: u64 = 3600 * 1000;
const REPOSITORIES: u64 = 3;
const REFS: u64 = 4;
/// Of 1,000 requests, how many fail or lose their answer.
const FAULTS: u32 = 2;
/// Steps of the clock that a seed takes at least.
const STEPS: usize = 12;
/// Steps between two times of peace.
const PEACE_EVERY: usize = 2;
/// Steps after which enough must have happened, however unlucky a seed and slow a machine is.
const MOST_STEPS: usize = 240;

type Files = BTreeMap<String, String>;

/// What is true, and what everybody shares.
struct World {
    memory: SharedMemory,
    chance: AtomicU64,
    now_ms: AtomicU64,
    /// What each commit holds, whether or not it was published.
    commits: Mutex<HashMap<ObjectId, Files>>,
    /// Commits that were deleted, once that was confirmed.
    forgotten: Mutex<BTreeSet<ObjectId>>,
    /// Repositories that were deleted. Whoever is pushing to one may still publish.
    deleted: Mutex<BTreeSet<RepositoryId>>,
    /// How often each repository was deleted and registered anew, with another id.
    generations: Vec<AtomicU64>,
    /// Publishes, merges, objects deleted, commits and repositories forgotten.
    done: [AtomicU64; 4],
    /// One writer a repository, as the leases of jobs have it: the generation that it writes, and its refs.
    writing: Vec<tokio::sync::Mutex<(u64, HashMap<u64, Files>)>>,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            memory: SharedMemory::default(),
            chance: AtomicU64::new(seed),
            now_ms: AtomicU64::new(kotadb_indexer::clock::now_ms()),
            commits: Mutex::default(),
            forgotten: Mutex::default(),
            deleted: Mutex::default(),
            generations: (0..REPOSITORIES).map(|_| AtomicU64::default()).collect(),
            done: Default::default(),
            writing: (0..REPOSITORIES).map(|_| tokio::sync::Mutex::default()).collect(),
        }
    }

    fn random(&self, below: u64) -> u64 {
        let mut mixed = self.chance.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % below
    }

    fn count(&self, what: usize, n: u64) {
        self.done[what].fetch_add(n, Ordering::SeqCst);
    }

    fn done(&self) -> [u64; 4] {
        [0, 1, 2, 3].map(|what| self.done[what].load(Ordering::SeqCst))
    }

    /// Whether there was anything for the others to hold against.
    fn is_eventful(&self) -> bool {
        let done = self.done();
        done[0] > 20 && done[1] > 0 && done[2] > 100 && done[3] > 5
    }

    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    /// The store of a process that may die.
    fn mortal(&self) -> Store {
        let (store, faults) = self.memory.sender(self.random(u64::MAX), FAULTS);
        if self.random(3) == 0 {
            faults.die_after(1 + self.random(60));
        }
        store
    }

    fn sound(&self) -> Store {
        self.memory.sender(self.random(u64::MAX), 0).0
    }
}

fn repository(nth: u64, generation: u64) -> RepositoryId {
    RepositoryId(Uuid::from_u128((u128::from(generation) << 64) + u128::from(nth) + 1))
}

impl World {
    /// The repository as it is registered now.
    fn repository(&self, nth: u64) -> RepositoryId {
        repository(nth, self.generations[nth as usize].load(Ordering::SeqCst))
    }

    /// Texts that several repositories have, and texts that one generation of one repository has.
    fn text(&self, nth: u64, generation: u64) -> String {
        match self.random(2) {
            0 => format!("pub fn content_{}() {{}}\n", self.random(200)),
            _ => format!("{}{}() {{}}\n", canary(nth, generation), self.random(200)),
        }
    }
}

/// How texts begin that only this generation of a repository holds.
fn canary(nth: u64, generation: u64) -> String {
    format!("pub fn canary_{nth}_{generation}_")
}

fn ref_name(nth: u64) -> String {
    format!("refs/heads/r{nth}")
}

/// A push: some files of one ref change, or a ref takes another one's files, or a ref goes.
async fn push(world: &World, nth: u64) -> Result<(), IndexError> {
    let mut writing = world.writing[nth as usize].lock().await;
    let generation = world.generations[nth as usize].load(Ordering::SeqCst);
    if writing.0 != generation {
        *writing = (generation, HashMap::new());
    }
    let refs = &mut writing.1;
    let mut next = refs.clone();
    let which = world.random(REFS);
    match world.random(6) {
        0 => drop(next.remove(&which)),
        1 => drop(next.insert(which, refs.get(&world.random(REFS)).cloned().unwrap_or_default())),
        _ => {
            let files = next.entry(which).or_insert_with(|| refs.get(&0).cloned().unwrap_or_default());
            for _ in 0..=world.random(3) {
                let path = format!("d{}/f{}.rs", world.random(3), world.random(12));
                match world.random(8) {
                    0 => drop(files.remove(&path)),
                    _ => drop(files.insert(path, world.text(nth, generation))),
                }
            }
        }
    }
    let store = world.mortal();
    let outcome = publish(world, &store, repository(nth, generation), &next).await;
    // Whether or not the answer was lost: what HEAD holds now is what the next push starts from.
    if outcome.is_ok() {
        *refs = next;
        world.count(0, 1);
    }
    outcome
}

async fn publish(world: &World, store: &Store, id: RepositoryId, refs: &HashMap<u64, Files>) -> Result<(), IndexError> {
    let (root, _) = store.head(TENANT).await?;
    let before = Tips::load(store, TENANT, &root, id).await?;
    let folder = tempfile::tempdir().unwrap();
    let mut after = Tips { default: Some(ref_name(0)).filter(|_| refs.contains_key(&0)), ..Tips::default() };
    let mut made_all = kotadb_indexer::pipeline::Made::default();
    let mut bases = Bases::load(store, TENANT, &before).await?;
    let mut held = HeldCache::default().load(store, TENANT, &root, &[]).await?;
    for (number, files) in refs {
        let tree = folder.path().join(format!("{number}"));
        write_tree(&tree, files);
        let (listing, blobs) = folder::list(&tree).unwrap();
        let commit = listing.commit;
        world.commits.lock().unwrap().insert(commit, files.clone());
        if world.forgotten.lock().unwrap().contains(&commit) {
            continue;
        }
        let name = ref_name(*number);
        let known = before.at(commit).map(|tip| kotadb_core::store::Tip { ref_name: name.clone(), ..tip.clone() });
        let tip = match known.or_else(|| made_all.tip(&name, commit)) {
            Some(tip) => tip,
            None => {
                let whole = BTreeSet::from_iter((*number == 0).then_some(commit));
                let source = Source::Files(blobs);
                let segments = folder.path().join("segments");
                std::fs::create_dir_all(&segments).unwrap();
                let (folder, halt) = (segments.as_path(), Halt::default());
                let pipeline = Pipeline { store, tenant: TENANT, source: &source, folder, whole: &whole, halt: &halt };
                let listings = Listings::Ready(Some(listing));
                let made = pipeline.run(listings, held.clone(), bases.clone(), &mut |_| {}).await?;
                let tip = made.tip(&name, commit).unwrap();
                made_all.segments.extend(made.segments);
                kotadb_indexer::publish::unite_docs(&mut made_all.docs, made.docs.into_iter());
                made_all.snapshots.extend(made.snapshots);
                held = HeldCache::default().load(store, TENANT, &root, &made_all.segments).await?;
                bases = bases.clone();
                tip
            }
        };
        after.by_name.insert(name, tip);
    }
    after.default = after.default.filter(|name| after.by_name.contains_key(name));
    // A run that builds everything anew keeps no history: what it leaves is dead at once.
    let (usable, halt) = (world.random(6) > 0, Halt::default());
    let before_graphs = usable.then_some(&before);
    let graphs =
        Graphs { store, tenant: TENANT, folder: folder.path(), before: before_graphs, imports: &[], halt: &halt };
    graphs.complete(&mut after, &mut made_all, &mut BTreeMap::new()).await?;
    let advance = Advance {
        store,
        tenant: TENANT,
        repository: id,
        fence: 0,
        before: &before,
        usable,
        most_bytes: None,
        now_ms: world.now_ms(),
        halt: &Halt::default(),
    };
    if after.same_commits(&before) && after.same_graphs(&before) {
        return Ok(());
    }
    advance.publish(after, made_all).await.map(drop)
}

fn write_tree(tree: &Path, files: &Files) {
    std::fs::create_dir_all(tree).unwrap();
    for (path, content) in files {
        let path = tree.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

async fn compact(world: &World) -> Result<(), IndexError> {
    let (store, folder, halt) = (world.mortal(), tempfile::tempdir().unwrap(), Halt::default());
    let now_ms = world.now_ms();
    let touched = BTreeSet::from([world.repository(world.random(REPOSITORIES))]);
    let extent = [Extent::All, Extent::Local, Extent::Touched(&touched)][world.random(3) as usize];
    let compaction = Compaction { store: &store, tenant: TENANT, folder: folder.path(), extent, now_ms, halt: &halt };
    compaction.run().await.map(|done| world.count(1, done.merges))
}

async fn collect(world: &World) -> Result<(), IndexError> {
    let (store, now_ms, halt) = (world.mortal(), world.now_ms(), Halt::default());
    let collected = match world.random(3) {
        0 => gc::collect_dropped(&store, TENANT, now_ms, &halt).await,
        _ => gc::collect(&store, TENANT, now_ms, &halt).await,
    };
    collected.map(|collected| world.count(2, collected.deleted))
}

/// Deletes a commit of the history or a tip, or a whole repository, whoever may be publishing it.
async fn delete(world: &World) -> Result<(), IndexError> {
    let (store, halt) = (world.mortal(), Halt::default());
    let nth = world.random(REPOSITORIES);
    let id = world.repository(nth);
    let forget = Forget { store: &store, tenant: TENANT, now_ms: world.now_ms(), halt: &halt };
    if world.random(4) == 0 {
        world.generations[nth as usize].fetch_add(1, Ordering::SeqCst);
        world.deleted.lock().unwrap().insert(id);
        let forgotten = forget.repositories(&BTreeSet::from([id])).await?;
        world.count(3, forgotten as u64);
        return Ok(());
    }
    let (root, _) = store.head(TENANT).await?;
    let tips = Tips::load(&store, TENANT, &root, id).await?;
    let all: Vec<ObjectId> = tips.named().map(|tip| tip.commit).collect();
    if all.is_empty() {
        return Ok(());
    }
    let commit = all[world.random(all.len() as u64) as usize];
    world.forgotten.lock().unwrap().insert(commit);
    let forgotten = forget.commits(id, &BTreeSet::from([commit])).await?;
    world.count(3, forgotten as u64);
    forget.purge(&BTreeSet::from([id])).await
}

/// A reader: takes a root, dawdles, and reads all that it names.
async fn read(world: &World) {
    let store = world.sound();
    let (root, _) = store.head(TENANT).await.unwrap();
    let since = world.now_ms();
    for _ in 0..world.random(200) {
        tokio::task::yield_now().await;
    }
    check(world, &store, &root).await;
    // The clock is moved by steps that are shorter than the time that a root may be held, less what this takes.
    assert!(world.now_ms() - since < 20 * HOUR);
}

/// Everything that a root names is there and is what was written.
async fn check(world: &World, store: &Store, root: &Root) {
    let mut segments: HashMap<ObjectKey, (Segment, bytes::Bytes)> = HashMap::new();
    for entry in &root.segments {
        let file = store.get(TENANT, Kind::Segment, entry.key).await.unwrap();
        assert_eq!(file.len() as u64, entry.bytes);
        let hot = file.slice((entry.bytes - entry.hot_bytes) as usize..);
        segments.insert(entry.key, (Segment::open(hot, entry.bytes).unwrap(), file));
    }
    for (id, entry) in &root.repositories {
        let named = entry.segments.iter().map(|nth| root.segments[*nth as usize].key);
        let docs: HashMap<_, _> = named.zip(entry.docs.clone()).collect();
        assert_eq!(docs.len(), entry.segments.len());
        let tips = Tips::load(store, TENANT, root, *id).await.unwrap();
        for graph in tips.by_name.values().filter_map(|tip| tip.graph) {
            let view = footing::view(store, TENANT, graph).await.unwrap();
            assert!(!edges::lines(&view).unwrap().is_empty() || view.n_nodes() == 0);
        }
        for tip in tips.named() {
            let snapshot = store.snapshot(TENANT, tip).await.unwrap();
            let mut files = Files::new();
            for entry in snapshot.entries() {
                let key = snapshot.segments[entry.segment as usize];
                assert!(docs[&key].meet(&[entry.doc]), "the root says where documents are: {docs:?}");
                let (segment, file) = &segments[&key];
                let frame = segment.frame_range(entry.doc);
                let frame = &file[frame.start as usize..frame.end as usize];
                let text = segment.decode_frame(entry.doc, frame).unwrap();
                let path = String::from_utf8(entry.path.to_vec()).unwrap();
                files.insert(path, String::from_utf8(text).unwrap());
            }
            assert_eq!(files, world.commits.lock().unwrap()[&tip.commit], "{}", tip.commit);
            assert_eq!(snapshot.commit, tip.commit);
        }
    }
}

/// One of everything, at once, again and again, until enough has happened; then the day after. Who dies when and overtakes
/// whom is up to chance and the machine, so a number of steps alone promises no merge.
async fn churn(seed: u64) {
    let world = Arc::new(World::new(seed));
    let mut steps = 0;
    while steps < STEPS || !world.is_eventful() {
        assert!(steps < MOST_STEPS, "too little happened: {:?}", world.done());
        step(&world).await;
        steps += 1;
        if steps.is_multiple_of(PEACE_EVERY) {
            // Later merges would wash out what a race left behind.
            settle(&world).await;
        }
    }
    settle(&world).await;
    println!("seed {seed}: {:?} publishes, merges, objects deleted, things forgotten", world.done());
}

async fn step(world: &Arc<World>) {
    let mut tasks = tokio::task::JoinSet::new();
    for nth in 0..REPOSITORIES {
        at_once(&mut tasks, world, async move |world| {
            for _ in 0..5 {
                tolerate(push(world, nth).await);
            }
        });
    }
    for _ in 0..2 {
        at_once(&mut tasks, world, async |world| {
            for _ in 0..2 {
                tolerate(compact(world).await);
                tolerate(collect(world).await);
            }
        });
    }
    at_once(&mut tasks, world, async |world| {
        read(world).await;
        read(world).await;
    });
    at_once(&mut tasks, world, async |world| {
        for _ in 0..world.random(4) {
            for _ in 0..world.random(500) {
                tokio::task::yield_now().await;
            }
            tolerate(delete(world).await);
        }
    });
    // A reader that holds on to its root for most of that time, while all the others go on.
    let store = world.sound();
    let (root, _) = store.head(TENANT).await.unwrap();
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    world.now_ms.fetch_add(world.random(19) * HOUR, Ordering::SeqCst);
    tolerate(collect(world).await);
    check(world, &store, &root).await;
}

/// On a thread of its own, because a build is no `Send` future.
fn at_once(tasks: &mut tokio::task::JoinSet<()>, world: &Arc<World>, work: impl AsyncFnOnce(&World) + Send + 'static) {
    let (world, runtime) = (Arc::clone(world), tokio::runtime::Handle::current());
    tasks.spawn_blocking(move || runtime.block_on(work(&world)));
}

/// Faults are what the store is made for; anything else is not.
fn tolerate(outcome: Result<(), IndexError>) {
    match outcome {
        Ok(()) | Err(IndexError::HeldGone) => {}
        Err(error) if error.to_string().contains("connection was lost") => {}
        Err(IndexError::Store(kotadb_core::store::StoreError::Conflict(_))) => {}
        Err(error) => panic!("{error}"),
    }
}

/// Peace: a sweep looks at every deletion once more, as long as one that ran before it might have published; what is dead
/// is merged away and collected, and nothing is left over.
async fn settle(world: &World) {
    let (store, folder, halt) = (world.sound(), tempfile::tempdir().unwrap(), Halt::default());
    let forgotten = world.forgotten.lock().unwrap().clone();
    let deleted = world.deleted.lock().unwrap().clone();
    let now_ms = world.now_ms();
    let forget = Forget { store: &store, tenant: TENANT, now_ms, halt: &halt };
    forget.repositories(&deleted).await.unwrap();
    let ids: BTreeSet<RepositoryId> = (0..REPOSITORIES).map(|nth| world.repository(nth)).collect();
    for id in &ids {
        forget.commits(*id, &forgotten).await.unwrap();
    }
    forget.purge(&ids).await.unwrap();
    let compaction =
        Compaction { store: &store, tenant: TENANT, folder: folder.path(), extent: Extent::All, now_ms, halt: &halt };
    compaction.run().await.unwrap();
    for hours in [0, 25] {
        gc::collect(&store, TENANT, now_ms + hours * HOUR, &halt).await.unwrap();
    }
    nothing_deleted_is_left(world, &store).await;
    gc::collect(&store, TENANT, now_ms + 50 * HOUR, &halt).await.unwrap();
    let (root, _) = store.head(TENANT).await.unwrap();
    let there: BTreeSet<_> = store.list(TENANT).await.unwrap().into_iter().map(|(kind, key, _)| (kind, key)).collect();
    assert_eq!(there, gc::named(&store, TENANT, &root).await.unwrap());
    assert!(root.dropped.is_empty() && root.dropped_before.is_none() && root.purge.is_empty(), "{root:?}");
    check(world, &store, &root).await;
    assert!(root.repositories.keys().all(|id| ids.contains(id)));
    for id in root.repositories.keys() {
        let tips = Tips::load(&store, TENANT, &root, *id).await.unwrap();
        assert!(tips.named().all(|tip| !forgotten.contains(&tip.commit)));
        let touched = Touched::of(&root, &tips);
        assert!(!touched.iter().any(|one| one.is_too_many()), "{touched:?}");
    }
    world.now_ms.fetch_add(51 * HOUR, Ordering::SeqCst);
}

/// No object holds a text of a deleted repository, or one of a deleted commit that no searchable commit of its repository
/// holds.
async fn nothing_deleted_is_left(world: &World, store: &Store) {
    let (root, _) = store.head(TENANT).await.unwrap();
    let (mut living, commits) = (BTreeSet::new(), world.commits.lock().unwrap().clone());
    for id in root.repositories.keys() {
        let tips = Tips::load(store, TENANT, &root, *id).await.unwrap();
        living.extend(tips.named().flat_map(|tip| commits[&tip.commit].values().cloned()));
    }
    let forgotten = world.forgotten.lock().unwrap().clone();
    let own = |text: &&String| text.starts_with("pub fn canary_") && !living.contains(*text);
    let mut gone: BTreeSet<String> =
        forgotten.iter().flat_map(|commit| commits[commit].values()).filter(own).cloned().collect();
    let before = (0..REPOSITORIES).flat_map(|nth| {
        let generation = world.generations[nth as usize].load(Ordering::SeqCst);
        (0..generation).map(move |generation| canary(nth, generation))
    });
    let before: Vec<String> = before.collect();
    let of_deleted = |text: &&String| before.iter().any(|canary| text.starts_with(canary.as_str()));
    gone.extend(commits.values().flat_map(Files::values).filter(of_deleted).cloned());
    for (kind, key, bytes) in store.list(TENANT).await.unwrap() {
        let file = store.get(TENANT, kind, key).await.unwrap();
        if kind == Kind::Graph {
            let names = names_of_graph(store, TENANT, file.clone()).await;
            let leaked = gone.iter().filter_map(|text| text.strip_prefix("pub fn ")?.split('(').next());
            let leaked: BTreeSet<&[u8]> = leaked.map(str::as_bytes).collect();
            let found = names.iter().find(|name| leaked.contains(name.as_slice()));
            assert!(
                found.is_none(),
                "{:?} was deleted and is in {key}",
                found.map(|name| name.escape_ascii().to_string())
            );
        }
        if kind != Kind::Segment {
            continue;
        }
        let segment = Segment::open(file.slice(Segment::hot_range(&file, bytes).unwrap().start as usize..), bytes);
        let segment = segment.unwrap();
        for doc in 0..segment.n_docs() {
            let frame = segment.frame_range(doc);
            let text = segment.decode_frame(doc, &file[frame.start as usize..frame.end as usize]).unwrap();
            let text = String::from_utf8(text).unwrap();
            assert!(!gone.contains(&text), "{text:?} was deleted and is in {key}");
        }
    }
}

/// Documents of segments that hold nothing deleted may wait for a merge; those of deleted commits are gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_leaks() {
    let seeds = std::env::var("KOTADB_CHURN_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    for seed in 0..seeds {
        churn(seed).await;
    }
}

/// The name that git gives to a content; here so that the model does not depend on the indexer's.
#[test]
fn names_of_blobs_are_gits() {
    let oid = Oid::hash_object(ObjectType::Blob, b"").unwrap().to_string();
    assert_eq!(oid, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}
