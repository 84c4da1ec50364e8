//! The local index as the command line uses it.

use kotadb_indexer::local::{self, LocalError, LocalOptions};

use crate::support::{Repository, facts, index, short_facts};

#[test]
fn worktrees_share_one_index() {
    let repository = Repository::new();
    repository.write("a.rs", "1");
    repository.commit();
    let other = tempfile::tempdir().unwrap();
    let tree = other.path().join("tree");
    repository.git(&["worktree", "add", "--quiet", "-b", "side", tree.to_str().unwrap()]);
    index(&tree);
    assert!(repository.path().join(".git/kotadb").is_dir());
    assert_eq!(facts(repository.path()), facts(&tree));
    assert!(facts(&tree).contains("refs/heads/side"));
}

#[test]
fn plain_folder_is_indexed_as_a_tree() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("plain");
    std::fs::create_dir_all(root.join("src")).unwrap();
    std::fs::write(root.join("src/a.rs"), "fn a() {}\n").unwrap();
    std::fs::write(root.join(".kotadbignore"), "*.log\n").unwrap();
    std::fs::write(root.join("b.log"), "x").unwrap();
    std::os::unix::fs::symlink("src/a.rs", root.join("link")).unwrap();
    let expected =
        ["Source text .kotadbignore", "Source rust src/a.rs", "skipped ignored b.log", "skipped symlink link"];

    index(&root);
    assert_eq!(short_facts(&root), expected);
    let repository = Repository::new();
    repository.write("src/a.rs", "fn a() {}\n");
    repository.commit();
    let blob = repository.git(&["rev-parse", "HEAD:src/a.rs"]);
    assert!(facts(&root).contains(&blob));

    assert!(index(&root).unchanged);
    std::fs::write(root.join("c.py"), "x\n").unwrap();
    assert_eq!(index(&root).new_documents, 1);
    assert_eq!(facts(&root).matches("\nfile ").count(), 3);
    assert_eq!(local::dirty(&root).unwrap(), 0);
}

#[test]
fn repository_without_a_commit_has_an_empty_index() {
    let repository = Repository::new();
    assert!(matches!(local::open(repository.path()), Err(LocalError::NotIndexed(_))));
    let summary = index(repository.path());
    assert_eq!((summary.files, summary.refs), (0, 0));
    assert_eq!(facts(repository.path()), "");
}

#[test]
fn differences_from_the_indexed_commit_are_counted() {
    let repository = Repository::new();
    repository.write("a", "1").write("b", "2").write(".gitignore", "ignored\n");
    repository.commit();
    index(repository.path());
    assert_eq!(local::dirty(repository.path()).unwrap(), 0);
    repository.write("a", "changed").write("ignored", "x").write("new/c", "untracked").write("new/d", "untracked");
    std::fs::remove_file(repository.path().join("b")).unwrap();
    assert_eq!(local::dirty(repository.path()).unwrap(), 4);
    repository.commit();
    assert_eq!(local::dirty(repository.path()).unwrap(), 5, "the commit moved on, and took what git ignores with it");
}

#[test]
fn refusals_say_what_to_do() {
    let sha256 = Repository::with(&["--object-format=sha256"]);
    let error = local::index(sha256.path(), &LocalOptions::default(), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("SHA-256 repositories are not supported"), "{error}");
    let repository = Repository::new();
    repository.commit();
    let options = LocalOptions { reference: Some("nowhere".into()) };
    let error = local::index(repository.path(), &options, &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("`nowhere` names no commit"), "{error}");
    let missing = repository.path().join("missing");
    assert!(matches!(local::open(&missing), Err(LocalError::NoFolder(_))));
}

#[test]
fn missing_blob_leaves_one_path_out() {
    let repository = Repository::new();
    repository.write("a.rs", "one").write("b.rs", "two");
    repository.commit();
    let blob = repository.git(&["rev-parse", "HEAD:a.rs"]);
    std::fs::remove_file(repository.path().join(format!(".git/objects/{}/{}", &blob[..2], &blob[2..]))).unwrap();
    index(repository.path());
    assert_eq!(short_facts(repository.path()), ["Source rust b.rs", "skipped unreadable a.rs"]);
}
