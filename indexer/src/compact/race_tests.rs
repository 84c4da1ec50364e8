//! What others do between the reading of a merge's inputs and its swap: none of it may leave deleted text in the outputs.

use std::collections::BTreeSet;

use kotadb_core::id::{ObjectId, RepositoryId, TenantId};
use kotadb_core::segment::Segment;
use kotadb_core::store::{Kind, ObjectKey, Root, Store, StoreOptions};
use uuid::Uuid;

use super::inputs::Inputs;
use super::{Compacted, Compaction, Extent};
use crate::advance::Advance;
use crate::contents::Source;
use crate::forget::Forget;
use crate::halt::Halt;
use crate::held_cache::HeldCache;
use crate::layers::Bases;
use crate::pipeline::{Listings, Pipeline};
use crate::tips::Tips;
use crate::{clock, folder, gc, retention};

const TENANT: TenantId = TenantId::LOCAL;
const HOUR: u64 = 3600 * 1000;
const A: RepositoryId = RepositoryId(Uuid::from_u128(1));
const B: RepositoryId = RepositoryId(Uuid::from_u128(2));
const MAIN: &str = "refs/heads/main";
const CANARY: &str = "canary_of_the_deleted";

/// What becomes of the commit that a push leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Earlier {
    /// It stays in the history.
    Kept,
    /// It is not searchable any more.
    Gone,
}

struct Tenant {
    store: Store,
    halt: Halt,
    now_ms: u64,
}

impl Tenant {
    /// `A` holds the canary and what it shares with `B`, in a segment that `B` touches, too.
    async fn start() -> Self {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let tenant = Self { store, halt: Halt::default(), now_ms: clock::now_ms() };
        tenant.push(A, &[&format!("fn {CANARY}() {{}}\n"), "fn shared() {}\n"], Earlier::Kept).await;
        tenant.push(B, &["fn of_b() {}\n", "fn shared() {}\n"], Earlier::Kept).await;
        tenant
    }

    async fn root(&self) -> Root {
        self.store.head(TENANT).await.unwrap().0
    }

    /// The main branch has these files from now on; its commit.
    async fn push(&self, id: RepositoryId, texts: &[&str], earlier: Earlier) -> ObjectId {
        let (tree, segments) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for text in texts {
            std::fs::write(tree.path().join(format!("{}.rs", &text[3..8])), text).unwrap();
        }
        let (listing, files) = folder::list(tree.path()).unwrap();
        let (store, halt, commit) = (&self.store, &self.halt, listing.commit);
        let root = self.root().await;
        let held = HeldCache::default().load(store, TENANT, &root, &[]).await.unwrap();
        let (source, whole) = (Source::Files(files), BTreeSet::from([commit]));
        let pipeline =
            Pipeline { store, tenant: TENANT, source: &source, folder: segments.path(), whole: &whole, halt };
        let listings = Listings::Ready(Some(listing));
        let made = pipeline.run(listings, held, Bases::default(), &mut |_| {}).await.unwrap();
        let mut after = Tips { default: Some(MAIN.to_owned()), ..Tips::default() };
        after.by_name.extend(made.tip(MAIN, commit).map(|tip| (MAIN.to_owned(), tip)));
        self.publish(id, after, made, earlier).await;
        commit
    }

    async fn publish(&self, id: RepositoryId, after: Tips, made: crate::pipeline::Made, earlier: Earlier) {
        let before = &Tips::load(&self.store, TENANT, &self.root().await, id).await.unwrap();
        let advance = Advance {
            store: &self.store,
            tenant: TENANT,
            repository: id,
            fence: 1,
            before,
            usable: earlier == Earlier::Kept,
            most_bytes: None,
            now_ms: self.now_ms,
            halt: &self.halt,
        };
        advance.publish(after, made).await.unwrap();
    }

    /// The branch is gone from its remote.
    async fn push_nothing(&self, id: RepositoryId) {
        self.publish(id, Tips::default(), crate::pipeline::Made::default(), Earlier::Kept).await;
    }

    fn forget(&self) -> Forget<'_> {
        Forget { store: &self.store, tenant: TENANT, now_ms: self.now_ms, halt: &self.halt }
    }

    /// A merge of all segments, while `meanwhile` happens.
    async fn merge(&self, meanwhile: impl Future<Output = ()>) {
        let folder = tempfile::tempdir().unwrap();
        let compaction = self.compaction(folder.path());
        let keys: Vec<ObjectKey> = self.root().await.segments.iter().map(|entry| entry.key).collect();
        let inputs = Inputs::load(&compaction, &keys).await.unwrap().unwrap();
        meanwhile.await;
        let mut done = Compacted::default();
        compaction.merge_inputs(&inputs, &mut done).await.unwrap();
        assert_eq!((done.merges, done.given_up), (1, 0));
    }

    fn compaction<'a>(&'a self, folder: &'a std::path::Path) -> Compaction<'a> {
        let (store, now_ms, halt) = (&self.store, self.now_ms, &self.halt);
        Compaction { store, tenant: TENANT, folder, extent: Extent::All, now_ms, halt }
    }

    /// What a sweep does, and those of the day after; whether any document of any object holds the canary then.
    async fn holds_after_a_day(&self) -> bool {
        let folder = tempfile::tempdir().unwrap();
        self.compaction(folder.path()).run().await.unwrap();
        for hours in [0, 25, 50] {
            gc::collect(&self.store, TENANT, self.now_ms + hours * HOUR, &self.halt).await.unwrap();
        }
        assert!(self.root().await.purge.is_empty());
        self.holds().await
    }

    async fn holds(&self) -> bool {
        let mut holds = false;
        for (kind, key, bytes) in self.store.list(TENANT).await.unwrap() {
            if kind != Kind::Segment {
                continue;
            }
            let file = self.store.get(TENANT, kind, key).await.unwrap();
            let hot = Segment::hot_range(&file, bytes).unwrap();
            let segment = Segment::open(file.slice(hot.start as usize..), bytes).unwrap();
            for doc in 0..segment.n_docs() {
                let frame = segment.frame_range(doc);
                let text = segment.decode_frame(doc, &file[frame.start as usize..frame.end as usize]).unwrap();
                holds |= String::from_utf8(text).unwrap().contains(CANARY);
            }
        }
        holds
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_deleted_during_a_merge_is_not_in_its_output() {
    let tenant = Tenant::start().await;
    let delete = async { assert_eq!(tenant.forget().repositories(&BTreeSet::from([A])).await.unwrap(), 1) };
    tenant.merge(delete).await;
    assert!(tenant.holds().await, "readers of earlier roots may need it");
    assert!(!tenant.holds_after_a_day().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_deleted_during_a_merge_is_not_in_its_output() {
    let tenant = Tenant::start().await;
    let tips = Tips::load(&tenant.store, TENANT, &tenant.root().await, A).await.unwrap();
    let commits = BTreeSet::from([tips.default_tip().unwrap().commit]);
    let delete = async { assert_eq!(tenant.forget().commits(A, &commits).await.unwrap(), 1) };
    tenant.merge(delete).await;
    assert!(!tenant.holds_after_a_day().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_deletion_during_a_merge_counts_as_well() {
    let tenant = Tenant::start().await;
    let old = tenant.push(B, &["fn of_b() {}\n", "fn newer() {}\n"], Earlier::Kept).await;
    tenant.push(B, &["fn of_b() {}\n"], Earlier::Kept).await;
    // The segments are marked before the inputs are read.
    assert_eq!(tenant.forget().commits(B, &BTreeSet::from([old])).await.unwrap(), 1);
    tenant.forget().purge(&BTreeSet::from([A, B])).await.unwrap();
    let delete = async { assert_eq!(tenant.forget().repositories(&BTreeSet::from([A])).await.unwrap(), 1) };
    tenant.merge(delete).await;
    assert!(!tenant.holds_after_a_day().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_a_publish_dropped_first_is_purged_all_the_same() {
    let tenant = Tenant::start().await;
    let tips = Tips::load(&tenant.store, TENANT, &tenant.root().await, A).await.unwrap();
    let commits = BTreeSet::from([tips.default_tip().unwrap().commit]);
    tenant.push_nothing(A).await;
    assert_eq!(tenant.forget().commits(A, &commits).await.unwrap(), 0);
    assert!(tenant.holds_after_a_day().await, "`B` keeps the segment, of which too little is dead");
    tenant.forget().purge(&BTreeSet::from([A])).await.unwrap();
    assert!(!tenant.holds_after_a_day().await);
}

/// A commit that left the history is the base of later ones, so that its documents are alive.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_lives_on_as_a_base_is_purged() {
    const DAY: u64 = 24 * HOUR;
    let mut tenant = Tenant::start().await;
    let start = tenant.now_ms;
    let common: Vec<String> = (100..130).map(|nth| format!("fn w{nth}() {{}}\n")).collect();
    let texts = |own: &'static str| common.iter().map(String::as_str).chain([own]).collect::<Vec<_>>();
    let leak: &str = "fn canary_of_the_deleted() { first() }\n";
    for (day, own) in [(0, leak), (10, "fn later() {}\n"), (20, "fn latest() {}\n"), (41, "fn last() {}\n")] {
        tenant.now_ms = start + day * DAY;
        tenant.push(A, &texts(own), Earlier::Kept).await;
    }
    let tips = async |tenant: &Tenant| Tips::load(&tenant.store, TENANT, &tenant.root().await, A).await.unwrap();
    let adrift = tips(&tenant).await;
    assert_eq!(adrift.history.len(), 2);
    assert!(
        adrift.history.iter().any(|one| one.tip.base.is_some_and(|base| adrift.named().all(|it| it.snapshot != base)))
    );
    tenant.forget().purge(&BTreeSet::from([A])).await.unwrap();
    assert_eq!(tips(&tenant).await.history.len(), 2);
    assert!(!tenant.holds_after_a_day().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_that_a_repository_left_long_ago_goes_with_it() {
    let tenant = Tenant::start().await;
    tenant.push(A, &["fn later() {}\n"], Earlier::Gone).await;
    assert_eq!(tenant.forget().repositories(&BTreeSet::from([A])).await.unwrap(), 1);
    assert!(!tenant.holds_after_a_day().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_that_was_left_during_a_merge_goes_with_its_repository() {
    let tenant = Tenant::start().await;
    let push = async {
        tenant.push(A, &["fn later() {}\n"], Earlier::Gone).await;
    };
    tenant.merge(push).await;
    assert!(tenant.holds_after_a_day().await, "nobody asked for a deletion");
    assert_eq!(tenant.forget().repositories(&BTreeSet::from([A])).await.unwrap(), 1);
    assert!(!tenant.holds_after_a_day().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_in_peace_ends_the_past() {
    let tenant = Tenant::start().await;
    tenant.push(A, &["fn later() {}\n"], Earlier::Gone).await;
    let past = async || tenant.root().await.repositories[&A].past.len();
    assert_eq!(past().await, 1);
    tenant.merge(async {}).await;
    assert_eq!(past().await, 0);
    assert!(!tenant.holds_after_a_day().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_history_of_an_idle_repository_ends_in_its_time() {
    let mut tenant = Tenant::start().await;
    tenant.push(A, &["fn later() {}\n"], Earlier::Kept).await;
    let history =
        async |tenant: &Tenant| Tips::load(&tenant.store, TENANT, &tenant.root().await, A).await.unwrap().history.len();
    assert_eq!(tenant.forget().expire().await.unwrap(), 0);
    assert_eq!(history(&tenant).await, 1);
    tenant.now_ms += retention::LONGEST.as_millis() as u64 + 1;
    assert_eq!(tenant.forget().expire().await.unwrap(), 1);
    assert_eq!((history(&tenant).await, tenant.forget().expire().await.unwrap()), (0, 0));
    assert_eq!(tenant.root().await.repositories[&A].past.len(), 1, "a deletion still finds its text");
}
