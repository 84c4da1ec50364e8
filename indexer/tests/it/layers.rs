//! Refs that differ little are deltas; what a ref leaves stays for a while; force-push, deleted and re-created branches.

use kotadb_core::id::TenantId;
use kotadb_core::store::{Kind, Store, StoreOptions};
use kotadb_indexer::local::{self, LocalOptions, REPOSITORY};
use kotadb_indexer::tips::Tips;

use crate::support::{Repository, facts, index};
use kotadb_core::query;
use kotadb_core::search::{SearchRequest, Searcher, Visible};

async fn load(repository: &Repository) -> (Store, Tips) {
    let store = Store::open(&StoreOptions::Folder(repository.path().join(".git/kotadb"))).unwrap();
    let (root, _) = store.head(TenantId::LOCAL).await.unwrap();
    let tips = Tips::load(&store, TenantId::LOCAL, &root, REPOSITORY).await.unwrap();
    (store, tips)
}

async fn add(repository: &Repository, reference: &str) {
    let (path, reference) = (repository.path().to_owned(), Some(reference.to_owned()));
    let run = move || local::index(&path, &LocalOptions { reference, ..LocalOptions::default() }, &mut |_| {}).unwrap();
    tokio::task::spawn_blocking(run).await.unwrap();
}

async fn index_again(repository: &Repository) {
    let path = repository.path().to_owned();
    tokio::task::spawn_blocking(move || index(&path)).await.unwrap();
}

/// A repository of 40 files.
fn repository() -> Repository {
    let repository = Repository::new();
    for nth in 0..40 {
        repository.write(&format!("src/{nth}.rs"), format!("fn f{nth}() {{}}\n"));
    }
    repository.commit();
    repository
}

async fn facts_of(repository: &Repository) -> String {
    let path = repository.path().to_owned();
    tokio::task::spawn_blocking(move || facts(&path)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_differs_little_is_a_delta_and_reads_the_same() {
    let repository = repository();
    index_again(&repository).await;
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    repository.write("src/3.rs", "fn other() {}\n").write("src/new.rs", "fn new() {}\n");
    std::fs::remove_file(repository.path().join("src/4.rs")).unwrap();
    repository.commit();
    add(&repository, "side").await;
    let (store, tips) = load(&repository).await;
    let (main, side) = (&tips.by_name["refs/heads/main"], &tips.by_name["refs/heads/side"]);
    assert_eq!((main.base, side.base), (None, Some(main.snapshot)));
    let delta = store.delta(TenantId::LOCAL, side.snapshot).await.unwrap();
    assert_eq!((delta.removed.len(), delta.entries.len(), delta.segments.len()), (1, 2, 1));

    // Another index of the same commits, where the branch was made first and was whole, has the same facts.
    let layered = facts_of(&repository).await;
    std::fs::remove_dir_all(repository.path().join(".git/kotadb")).unwrap();
    index_again(&repository).await;
    repository.git(&["checkout", "--quiet", "main"]);
    index_again(&repository).await;
    let (_, tips) = load(&repository).await;
    let main = tips.by_name["refs/heads/main"].snapshot;
    assert_eq!(tips.by_name["refs/heads/side"].base, Some(main), "laid on what was indexed last");
    assert_eq!(facts_of(&repository).await, layered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ref_that_becomes_the_default_is_made_whole() {
    let repository = repository();
    index_again(&repository).await;
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    repository.write("src/3.rs", "fn other() {}\n");
    repository.commit();
    add(&repository, "side").await;
    index_again(&repository).await;
    let (store, tips) = load(&repository).await;
    assert_eq!(tips.default.as_deref(), Some("refs/heads/side"));
    let side = tips.default_tip().unwrap();
    assert_eq!(side.base, None);
    assert_eq!(store.whole_snapshot(TenantId::LOCAL, side.snapshot).await.unwrap().len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_ref_leaves_stays_readable_and_is_thin() {
    let repository = repository();
    let mut commits = Vec::new();
    for nth in 0..5 {
        repository.write("src/3.rs", format!("fn version_{nth}() {{}}\n"));
        commits.push(repository.commit());
        index_again(&repository).await;
    }
    let (store, tips) = load(&repository).await;
    let left: Vec<_> = tips.history.iter().map(|one| one.tip.commit.to_string()).collect();
    commits.pop();
    commits.reverse();
    assert_eq!(left, commits);
    let oldest = tips.history[3].tip.snapshot;
    let bases: Vec<_> = tips.history.iter().map(|one| one.tip.base).collect();
    assert_eq!(bases, [Some(oldest), Some(oldest), Some(oldest), None]);
    for one in &tips.history {
        let snapshot = store.snapshot(TenantId::LOCAL, &one.tip).await.unwrap();
        assert_eq!((snapshot.len(), snapshot.commit), (40, one.tip.commit));
    }
    let (root, _) = store.head(TenantId::LOCAL).await.unwrap();
    let dropped = root.dropped.iter().filter(|one| one.kind == Kind::Snapshot).count();
    assert_eq!(dropped, 3, "the whole snapshots that became deltas");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_push_back_builds_nothing_and_a_branch_comes_and_goes() {
    let repository = repository();
    let first = repository.git(&["rev-parse", "HEAD"]);
    index_again(&repository).await;
    repository.write("src/3.rs", "fn second() {}\n");
    let second = repository.commit();
    index_again(&repository).await;
    repository.git(&["reset", "--quiet", "--hard", &first]);
    let path = repository.path().to_owned();
    let summary = tokio::task::spawn_blocking(move || index(&path)).await.unwrap();
    assert_eq!(summary.new_documents, 0);
    let (_, tips) = load(&repository).await;
    let left: Vec<_> = tips.history.iter().map(|one| one.tip.commit.to_string()).collect();
    assert_eq!((tips.default_tip().unwrap().commit.to_string(), left), (first, vec![second.clone()]));

    repository.git(&["branch", "side", &second]);
    add(&repository, "side").await;
    let with_side = facts_of(&repository).await;
    repository.git(&["branch", "-D", "side"]);
    index_again(&repository).await;
    repository.write("src/5.rs", "fn third() {}\n");
    repository.commit();
    index_again(&repository).await;
    let (_, tips) = load(&repository).await;
    assert_eq!(tips.by_name.len(), 1, "the branch is gone");
    repository.git(&["reset", "--quiet", "--hard", "HEAD~"]);
    repository.git(&["branch", "side", &second]);
    index_again(&repository).await;
    add(&repository, "side").await;
    assert_eq!(facts_of(&repository).await, with_side);
}

/// (refs, path) of every file that a query finds.
async fn search(store: &Store, text: &str, hidden: &[&str]) -> Vec<(Vec<String>, String)> {
    let hidden = hidden.iter().map(|commit| commit.parse().unwrap()).collect();
    let visible = vec![Visible { id: REPOSITORY, name: "it".to_owned(), hidden }];
    let request = SearchRequest::new(TenantId::LOCAL, visible, query::parse(text).unwrap());
    let found = Searcher::new(store.clone(), 1 << 20).search(&request).await.unwrap();
    found.files.into_iter().map(|file| (file.refs, String::from_utf8(file.path).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_kept_commit_is_searched_by_its_name() {
    let repository = repository();
    let mut commits = Vec::new();
    for nth in 0..4 {
        repository.write("src/3.rs", format!("fn version_{nth}() {{}}\n"));
        commits.push(repository.commit());
        index_again(&repository).await;
    }
    let store = load(&repository).await.0;
    for (nth, commit) in commits.iter().enumerate() {
        let expected = vec![(vec![commit.clone()], "src/3.rs".to_owned())];
        for name in [&commit[..], &commit[..7]] {
            assert_eq!(search(&store, &format!("version_{nth} ref:{name}"), &[]).await, expected);
            assert_eq!(search(&store, &format!("version_{nth} ref:{name}"), &[commit]).await, []);
        }
        assert_eq!(search(&store, &format!("version_{nth} ref:{}", &commit[..6]), &[]).await, []);
        let refs = if nth == 3 { vec!["refs/heads/main".to_owned()] } else { Vec::new() };
        let tips: Vec<_> = refs.into_iter().map(|name| (vec![name], "src/3.rs".to_owned())).collect();
        assert_eq!(search(&store, &format!("version_{nth} ref:*"), &[]).await, tips);
    }
}
