//! A job is interrupted at every single operation on store, database and disk, one after the other until a run has none
//! left: the operation fails, loses its answer, or is the last thing that the worker did. Then a fresh worker drains, and
//! all is as after an undisturbed run.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use kotadb_core::db::Db;
use kotadb_core::db::jobs::{JobState, Spend};
use kotadb_core::id::RepositoryId;
use kotadb_core::operations::{Fate, Operations};
use kotadb_core::store::{SharedMemory, Store};
use kotadb_indexer::credentials::Stored;
use kotadb_indexer::error::IndexError;
use kotadb_indexer::halt::Halt;
use kotadb_indexer::held_cache::HeldCache;
use kotadb_indexer::inspect::Inspected;
use kotadb_indexer::job::Indexer;
use kotadb_indexer::runner::Worker;
use kotadb_indexer::{clock, disk, gc, resolve};

use crate::support::service::Service;
use crate::support::{Remote, Repository};

/// Runs side by side: much of each is waiting for git.
const LANES: usize = 6;
const HOUR: u64 = 3600 * 1000;

/// Interruptions that are still to be tried.
type Todo = Arc<Mutex<Vec<(usize, Fate)>>>;

/// One after the other, in a database and a folder of its own.
struct Lane {
    service: Service,
    id: RepositoryId,
    /// What the store held before the push.
    before: SharedMemory,
    _remote: Remote,
}

impl Lane {
    /// A repository of which the first commit is indexed, and the second one pushed.
    async fn new() -> Self {
        let repository = Repository::new();
        for nth in 0..6 {
            repository.write(&format!("src/file_{nth}.rs"), format!("fn file_{nth}() {{}}\n"));
        }
        repository.commit();
        repository.git(&["branch", "side"]);
        let remote = Remote::of(&repository);
        let service = Service::start().await;
        let id = service.register("acme/a", &remote, &["main", "side"]).await;
        let before = SharedMemory::default();
        let lane = Self { service, id, before, _remote: remote };
        lane.service.enqueue(id).await;
        lane.drain(&lane.before).await;
        for nth in 3..8 {
            repository.write(&format!("src/file_{nth}.rs"), format!("fn renewed_{nth}() {{}}\n"));
        }
        repository.commit();
        lane._remote.push(&repository, "main");
        lane
    }

    fn indexer(&self, db: Db, store: Store) -> Indexer {
        Indexer {
            db,
            store,
            data_dir: self.service.data_dir().to_owned(),
            allowed_origins: vec![self.service.git.origin()],
            direct_url: None,
            resolver: Arc::new(resolve::System),
            credentials: Arc::new(Stored {
                db: self.service.database.db.clone(),
                master_key: None,
                installations: None,
            }),
            askpass: PathBuf::from("/bin/false"),
            lease: Duration::from_secs(60),
            held: HeldCache::default(),
            program: None,
        }
    }

    /// A worker that nothing happens to.
    async fn drain(&self, memory: &SharedMemory) {
        let indexer = self.indexer(self.service.database.db.clone(), memory.sender(1, 0).0);
        drain(&indexer, &Halt::default()).await.unwrap();
    }

    /// A worker whose operations are planned, until it ends or is dead.
    async fn drain_interrupted(&self, memory: &SharedMemory, operations: &Arc<Operations>) {
        let guard = {
            let operations = Arc::clone(operations);
            Arc::new(move |what| operations.now(what).map_err(io::Error::other))
        };
        let _guarded = disk::guard(self.service.data_dir(), guard);
        let indexer = self.indexer(self.service.database.db.counted(operations), memory.counted(operations));
        let halt = Halt::default();
        tokio::select! {
            biased;
            () = operations.died() => {}
            // An error ends the worker; what it leaves is for the next one.
            _ended = drain(&indexer, &halt) => {}
        }
    }

    async fn facts(&self, memory: &SharedMemory) -> String {
        let store = memory.sender(1, 0).0;
        let inspected = Inspected { store: &store, tenant: self.service.tenant, repository: self.id };
        let mut out = Vec::new();
        inspected.facts(&mut out).await.unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Lets time pass: leases run out, pauses between tries are over.
    async fn later(&self) {
        self.service.expire_leases().await;
        let due = "UPDATE kotadb.jobs SET run_at = now() WHERE state = 'queued'";
        self.service.database.execute(due).await;
    }

    /// The push again, to a store that does not hold it yet, with one interruption and its repair.
    async fn run(&self, (nth, fate): (usize, Fate), undisturbed: &Undisturbed) {
        let memory = self.before.fork();
        self.service.enqueue(self.id).await;
        let operations = Operations::interrupted(nth, fate);
        self.drain_interrupted(&memory, &operations).await;
        let what = operations.passed().get(nth).copied().unwrap_or("none");
        let label = format!("{nth} {what} {fate:?}");
        assert!(operations.happened(), "{label}: the run had no such operation");
        self.later().await;
        self.drain(&memory).await;

        assert_eq!(self.facts(&memory).await, undisturbed.facts, "{label}");
        let job = self.service.job(self.id).await;
        assert_eq!(job.state, JobState::Done, "{label}: {:?}", job.error);
        let store = memory.sender(1, 0).0;
        let fence = |root: &kotadb_core::store::Root| root.repositories[&self.id].fence;
        let (before, _) = self.before.sender(1, 0).0.head(self.service.tenant).await.unwrap();
        let (after, _) = store.head(self.service.tenant).await.unwrap();
        assert!(fence(&after) > fence(&before), "{label}");
        self.nothing_is_left(&memory, &label).await;
    }

    /// Days later there is nothing in the store that no root names, and no folder of a dead run.
    async fn nothing_is_left(&self, memory: &SharedMemory, label: &str) {
        let (store, tenant) = (memory.sender(1, 0).0, self.service.tenant);
        for hours in [1, 26, 51] {
            gc::collect(&store, tenant, clock::now_ms() + hours * HOUR, &Halt::default()).await.unwrap();
        }
        let (root, _) = store.head(tenant).await.unwrap();
        let there: BTreeSet<_> =
            store.list(tenant).await.unwrap().into_iter().map(|(kind, key, _)| (kind, key)).collect();
        assert_eq!(there, gc::named(&store, tenant, &root).await.unwrap(), "{label}");
        if !self.scratch(&self.id.to_string()).is_empty() {
            // What could not be removed at the end of a job is removed by the next claim of its repository.
            self.service.enqueue(self.id).await;
            self.drain(memory).await;
            assert_eq!(self.scratch(&self.id.to_string()), [""; 0], "{label}");
        }
        for name in self.scratch("") {
            let folder = std::fs::File::open(self.service.data_dir().join("scratch").join(name)).unwrap();
            folder.set_modified(SystemTime::now() - Duration::from_secs(50 * 3600)).unwrap();
        }
        gc::clean_scratch(&self.service.data_dir().join("scratch"));
        assert_eq!(self.scratch(""), [""; 0], "{label}");
    }

    /// Scratch folders whose names begin so.
    fn scratch(&self, prefix: &str) -> Vec<String> {
        let folders = std::fs::read_dir(self.service.data_dir().join("scratch")).unwrap();
        let names = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(prefix)).collect()
    }
}

/// What a run comes to that nothing happens to.
struct Undisturbed {
    operations: Vec<&'static str>,
    facts: String,
}

async fn undisturbed(lane: &Lane) -> Undisturbed {
    let memory = lane.before.fork();
    lane.service.enqueue(lane.id).await;
    let operations = Operations::all();
    lane.drain_interrupted(&memory, &operations).await;
    assert_eq!(lane.service.job(lane.id).await.state, JobState::Done);
    Undisturbed { operations: operations.passed(), facts: lane.facts(&memory).await }
}

/// What can happen to an operation. One that changes nothing loses with its answer all that it is.
fn fates(what: &str) -> &'static [Fate] {
    match what {
        "store put" | "store delete" | "database commit" => &[Fate::Fails, Fate::LosesAnswer, Fate::Dies],
        _ => &[Fate::Fails, Fate::Dies],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interrupted_at_every_operation_the_next_worker_repairs_it() {
    let mut lanes = Vec::new();
    for _ in 0..LANES {
        lanes.push(Lane::new().await);
    }
    let undisturbed = undisturbed(&lanes[0]).await;
    let n = undisturbed.operations.len();
    for kind in ["store get", "store put", "database begin", "database statement", "database commit"] {
        assert!(undisturbed.operations.contains(&kind), "{kind}: {:?}", undisturbed.operations);
    }
    assert!(undisturbed.operations.iter().filter(|what| what.starts_with("disk ")).count() >= 10);
    let each = undisturbed.operations.iter().enumerate().rev();
    let todo: Todo =
        Arc::new(Mutex::new(each.flat_map(|(nth, what)| fates(what).iter().map(move |fate| (nth, *fate))).collect()));
    let undisturbed = Arc::new(undisturbed);
    let lanes = lanes.into_iter().map(|lane| work_off(Arc::new(lane), Arc::clone(&todo), Arc::clone(&undisturbed)));
    let done: Vec<Vec<Result<(), String>>> = futures::future::join_all(lanes).await;
    let done: Vec<_> = done.into_iter().flatten().collect();
    println!("{n} operations, {} interruptions", done.len());
    assert!(done.len() >= 2 * n);
    let failed: Vec<_> = done.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// As the program does.
async fn drain(indexer: &Indexer, halt: &Halt) -> Result<(), IndexError> {
    Worker::new(indexer, halt, Spend::Guarded).drain(Duration::ZERO).await
}

/// Takes interruptions until none is left; what came of each.
async fn work_off(lane: Arc<Lane>, todo: Todo, undisturbed: Arc<Undisturbed>) -> Vec<Result<(), String>> {
    let mut done = Vec::new();
    loop {
        let Some(next) = todo.lock().unwrap().pop() else { return done };
        let (lane, undisturbed) = (Arc::clone(&lane), Arc::clone(&undisturbed));
        let runtime = tokio::runtime::Handle::current();
        // On a thread of its own, because a build is no `Send` future.
        let run = tokio::task::spawn_blocking(move || runtime.block_on(lane.run(next, &undisturbed)));
        done.push(run.await.map_err(|error| format!("{next:?}: {error:?}")));
    }
}
