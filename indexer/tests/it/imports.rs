//! SCIP indexes that were sent for a repository of a service: the job after one lays it over the graphs of the tips, each push does it
//! anew, and what has no row any more leaves the store.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use kotadb_core::db::Scope;
use kotadb_core::db::scip::{self, SentIndex};
use kotadb_core::id::{ObjectId, RepositoryId};
use kotadb_core::store::{GRACE, Kind, ObjectKey};
use kotadb_indexer::gc;
use kotadb_indexer::halt::Halt;
use uuid::Uuid;

use crate::support::service::Service;
use crate::support::{Remote, Repository};

/// `close` of two types: nothing but a compiler can tell what `thing` is.
const FILES: [(&str, &str); 4] = [
    ("app.py", "def run(thing):\n    thing.close()\n"),
    ("lock.py", "class Lock:\n    def close(self):\n        pass\n"),
    ("other.py", "def rest(thing):\n    thing.close()\n"),
    ("pool.py", "class Pool:\n    def close(self):\n        pass\n"),
];
const PRECISE: &str = "app.py#run call pool.py#Pool.close";

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()][..], bytes].concat()
}

fn document(path: &str, symbol: &str, range: [u8; 3], defines: bool) -> Vec<u8> {
    let role: &[u8] = if defines { &[0x18, 1] } else { &[] };
    let occurrence = [field(1, &range), field(2, symbol.as_bytes()), role.to_vec()].concat();
    field(2, &[field(1, path.as_bytes()), field(2, &occurrence)].concat())
}

/// Says that `app.py` closes the pool.
fn index() -> Vec<u8> {
    let close = "s p n 1 `pool`/Pool#close().";
    [document("pool.py", close, [1, 8, 13], true), document("app.py", close, [1, 10, 15], false)].concat()
}

async fn send(service: &Service, repository: RepositoryId, commit: ObjectId) -> ObjectKey {
    let index = Bytes::from(index());
    let key = service.store.put(service.tenant, Kind::Scip, Uuid::now_v7(), index).await.unwrap();
    let sent = SentIndex { tenant: service.tenant, repository, commit, object: key.to_string() };
    let mut tx = service.database.db.begin(Scope::Tenant(service.tenant)).await.unwrap();
    scip::record(&mut tx, &sent).await.unwrap();
    tx.commit().await.unwrap();
    key
}

/// A repository with its remote; pushes files, and gives the commit.
struct Pushed {
    repository: Repository,
    remote: Remote,
}

impl Pushed {
    fn new(files: &[(&str, &str)]) -> (Self, ObjectId) {
        let repository = Repository::new();
        let commit = commit(&repository, files);
        let remote = Remote::of(&repository);
        (Self { repository, remote }, commit)
    }

    fn push(&self, files: &[(&str, &str)]) -> ObjectId {
        let commit = commit(&self.repository, files);
        self.remote.push(&self.repository, "main");
        commit
    }
}

fn commit(repository: &Repository, files: &[(&str, &str)]) -> ObjectId {
    for (path, text) in files {
        repository.write(path, text);
    }
    repository.commit().parse().unwrap()
}

async fn run(service: &Service, repository: RepositoryId) -> String {
    service.enqueue(repository).await;
    service.drain().await;
    service.edges(repository).await
}

async fn new_rows(service: &Service) -> Vec<String> {
    service.database.texts("SELECT count(*)::text FROM kotadb.scip_indexes WHERE applied_at IS NULL").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_was_sent_is_laid_over_the_graphs_until_a_file_changes() {
    let service = Service::start().await;
    let (pushed, commit) = Pushed::new(&FILES);
    let repository = service.register("a/b", &pushed.remote, &[]).await;
    let before = run(&service, repository).await;
    assert!(!before.contains("precise"), "{before}");
    send(&service, repository, commit).await;
    let after = run(&service, repository).await;
    let of_app: Vec<_> = after.lines().filter(|line| line.contains("app.py#run call")).collect();
    assert!(matches!(of_app[..], [line] if line.contains(PRECISE) && line.contains("precise")), "{after}");
    assert!(after.lines().filter(|line| line.contains("other.py#rest call")).count() == 2, "{after}");
    assert_eq!(new_rows(&service).await, ["0"]);
    let version = service.root_version().await;
    assert_eq!(run(&service, repository).await, after, "nothing has changed");
    assert_eq!(service.root_version().await, version, "and nothing is published");
    // A push of something else keeps what the compiler said, one of the file does not.
    pushed.push(&[("more.py", "def more(): pass\n")]);
    assert!(run(&service, repository).await.contains("precise"));
    pushed.push(&[("app.py", "# changed\ndef run(thing):\n    thing.close()\n")]);
    let changed = run(&service, repository).await;
    assert!(!changed.contains("precise"), "{changed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_a_commit_that_is_not_there_yet_waits_for_it() {
    let service = Service::start().await;
    let (pushed, _) = Pushed::new(&FILES[1..]);
    let repository = service.register("a/b", &pushed.remote, &[]).await;
    run(&service, repository).await;
    let commit = pushed.push(&FILES[..1]);
    send(&service, repository, commit).await;
    assert!(run(&service, repository).await.contains("precise"), "the job that brings the commit brings both");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_what_was_deleted_leaves_the_store() {
    let service = Service::start().await;
    let (pushed, commit) = Pushed::new(&FILES);
    let repository = service.register("a/b", &pushed.remote, &[]).await;
    let (kept, hidden) =
        (send(&service, repository, commit).await, send(&service, repository, ObjectId([9; 20])).await);
    let hide = format!(
        "INSERT INTO kotadb.hidden_commits (tenant_id, repository_id, commit_id)
         SELECT tenant_id, id, '{}' FROM kotadb.repositories",
        ObjectId([9; 20])
    );
    service.database.execute(&hide).await;
    let mut tx = service.database.db.begin(Scope::Worker).await.unwrap();
    assert_eq!(scip::of_repository(&mut tx, repository).await.unwrap().len(), 1, "what is hidden is not used");
    let rows = scip::settle(&mut tx, service.tenant).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(rows, [kept.to_string()]);
    let rows: BTreeSet<_> = [kept].into();
    let collect = async |after: Duration| {
        let now_ms = kept.written_ms().unwrap() + u64::try_from(after.as_millis()).unwrap();
        gc::collect_imports(&service.store, service.tenant, &rows, now_ms, &Halt::default()).await.unwrap()
    };
    assert_eq!(collect(Duration::ZERO).await, 0, "it may have a row soon");
    assert_eq!(collect(GRACE + Duration::from_secs(60)).await, 1);
    let left = service.store.list_kind(service.tenant, Kind::Scip).await.unwrap();
    assert_eq!(left.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [kept]);
    assert_ne!(kept, hidden);
}
