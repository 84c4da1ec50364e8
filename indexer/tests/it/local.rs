//! The local index as the command line uses it.

use std::fs;
use std::path::Path;

use kotadb_core::query::parse;
use kotadb_core::search::{SearchRequest, Searcher};
use kotadb_core::store::{Kind, object_path};
use kotadb_indexer::local::{self, LocalError, LocalOptions};
use kotadb_indexer::scratch::bytes_below;

use crate::support::{Repository, block_on, facts, index, short_facts};

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
fn a_second_worktree_costs_next_to_nothing() {
    let repository = Repository::new();
    let mut state = 1u32;
    for file in 0..1500 {
        let mut text = String::new();
        while text.len() < 2000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.push_str(&format!("let value_{} = {};\n", state >> 20, state >> 8));
        }
        repository.write(&format!("src/folder_{}/file_{file}.rs", file % 40), text);
    }
    repository.commit();
    index(repository.path());
    let folder = repository.path().join(".git/kotadb");
    let before = bytes_below(&folder);
    let other = tempfile::tempdir().unwrap();
    let tree = other.path().join("tree");
    repository.git(&["worktree", "add", "--quiet", "-b", "side", tree.to_str().unwrap()]);
    index(&tree);
    let costs = || bytes_below(&folder) - before;
    assert!(costs() * 100 <= before, "{} bytes beside {before}", costs());

    for file in 0..20 {
        fs::write(tree.join(format!("src/folder_0/file_{}.rs", file * 40)), format!("fn other_{file}() {{}}\n"))
            .unwrap();
    }
    repository.git(&["-C", tree.to_str().unwrap(), "commit", "--quiet", "--all", "--message", "twenty files"]);
    index(&tree);
    assert!(costs() * 100 <= before, "{} bytes beside {before}", costs());
}

/// Searches of every branch that little tells from the last one read the same flat snapshot.
#[test]
fn branches_share_the_snapshot_that_lies_flat() {
    let repository = Repository::new();
    (0..40).for_each(|file| _ = repository.write(&format!("{file}.rs"), format!("fn f{file}() {{}}\n")));
    repository.commit();
    index(repository.path());
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    repository.write("0.rs", "fn side() {}\n");
    repository.commit();
    index(repository.path());
    let local = local::open(repository.path()).unwrap();
    let tip = |name| block_on(local.choose(Some(name))).unwrap().unwrap().tip;
    let (main, side) = (tip("main"), tip("side"));
    assert_eq!((side.base, main.base), (None, Some(side.snapshot)));
    assert_eq!(local.store.flat_snapshot(side.snapshot).unwrap().len(), 40);
    let cache = repository.path().join(".git/kotadb/cache");
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 1);
    assert!(facts(repository.path()).contains("refs/heads/main"));
    repository.git(&["checkout", "--quiet", "main"]);
    assert!(!index(repository.path()).unchanged, "main is the default again");
    let main = tip("main");
    assert_eq!((main.base, tip("side").base), (None, Some(main.snapshot)));
}

#[test]
fn a_damaged_or_deleted_flat_snapshot_is_made_again() {
    let repository = Repository::new();
    repository.write("a.rs", "1");
    repository.commit();
    index(repository.path());
    let folder = repository.path().join(".git/kotadb/cache");
    let only = || {
        let files = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>();
        assert_eq!(files.len(), 1, "of the default tip alone: {files:?}");
        files.into_iter().next().unwrap()
    };
    // The date and the inode in it may be others.
    let read = |path: &Path| fs::read(path).unwrap().split_off(24);
    let (path, whole) = (only(), fs::read(only()).unwrap());
    fs::write(&path, &whole[1..]).unwrap();
    assert!(index(repository.path()).unchanged);
    assert_eq!(read(&path), whole[24..]);
    fs::remove_dir_all(&folder).unwrap();
    index(repository.path());
    assert_eq!(read(&path), whole[24..]);
    repository.write("b.rs", "2");
    repository.commit();
    index(repository.path());
    assert_ne!(only(), path);
}

#[test]
fn plain_folder_is_indexed_as_a_tree() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("plain");
    fs::create_dir_all(root.join("src")).unwrap();
    fs::write(root.join("src/a.rs"), "fn a() {}\n").unwrap();
    fs::write(root.join(".kotadbignore"), "*.log\n").unwrap();
    fs::write(root.join("b.log"), "x").unwrap();
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
    fs::write(root.join("c.py"), "x\n").unwrap();
    assert_eq!(index(&root).new_documents, 1);
    assert_eq!(facts(&root).matches("\nfile ").count(), 3);
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
fn refusals_say_what_to_do() {
    let sha256 = Repository::with(&["--object-format=sha256"]);
    let error = local::index(sha256.path(), &LocalOptions::default(), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("SHA-256 repositories are not supported"), "{error}");
    let repository = Repository::new();
    repository.commit();
    let options = LocalOptions { reference: Some("nowhere".into()), ..LocalOptions::default() };
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
    fs::remove_file(repository.path().join(format!(".git/objects/{}/{}", &blob[..2], &blob[2..]))).unwrap();
    index(repository.path());
    assert_eq!(short_facts(repository.path()), ["Source rust b.rs", "skipped unreadable a.rs"]);
}

/// Checksums of a segment are looked at once, unless its file is touched.
#[test]
fn a_damaged_segment_is_noticed_beside_its_flat_table() {
    let repository = Repository::new();
    let mut state = 1u32;
    let mut text = String::new();
    while text.len() < 200_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push(char::from(33 + (state >> 24) as u8 % 90));
    }
    repository.write("noise.txt", text);
    repository.commit();
    index(repository.path());
    let local = local::open(repository.path()).unwrap();
    let objects = block_on(local.store.list(local.tenant)).unwrap();
    let (_, segment, _) = objects.into_iter().find(|(kind, ..)| *kind == Kind::Segment).unwrap();
    assert!(local.store.flat_documents(local.tenant, segment).is_some());

    let path = repository.path().join(".git/kotadb").join(object_path(local.tenant, Kind::Segment, segment));
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() - 10_000;
    bytes[at] ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    assert_eq!(local.store.flat_documents(local.tenant, segment), None);
    let request = SearchRequest::new(local.tenant, vec![local.visible()], parse("abcdef").unwrap());
    let error = block_on(Searcher::new(local.store.clone(), 1 << 20).search(&request)).unwrap_err();
    assert!(error.to_string().contains("is corrupt"), "{error}");
}
