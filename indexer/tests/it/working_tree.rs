//! What lies over the index of a working tree: together they hold just what is on the disk and may be indexed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use git2::{ObjectType, Oid};
use kotadb_core::store::SkipReason;
use kotadb_indexer::local::{self, LocalError, WorkingTree};

use crate::support::{Repository, block_on, facts, index, index_ref};

/// What `git` names of a content, and `class language`, by path.
type Files = BTreeMap<Vec<u8>, (String, String)>;

/// Looks at the working tree, and lays what differs over what is indexed.
fn look(root: &Path) -> (Files, WorkingTree) {
    let index = local::open(root).unwrap();
    let choice = block_on(index.choose(None)).unwrap().expect("something is indexed");
    let tree = block_on(index.look().unwrap().expect("it is not bare").end(&index.store, &choice.tip)).unwrap();
    let mut files = indexed(root, &choice.tip.commit.to_string());
    if let Some(overlay) = &tree.overlay {
        assert_eq!(overlay.ref_name, choice.tip.ref_name);
        assert!(overlay.removed.is_sorted() && overlay.files.is_sorted_by(|a, b| a.path < b.path));
        overlay.removed.iter().for_each(|path| _ = files.remove(path));
        for file in &overlay.files {
            let blob = Oid::hash_object(ObjectType::Blob, &file.content).unwrap().to_string();
            let facts = format!("{:?} {}", file.class, file.language.name());
            files.insert(file.path.clone(), (blob, facts));
        }
    }
    (files, tree)
}

fn indexed(root: &Path, commit: &str) -> Files {
    let (mut files, mut here) = (Files::new(), false);
    for line in facts(root).lines() {
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            ["commit", other] => here = *other == commit,
            ["file", _, blob, language, class, _, path @ ..] if here => {
                let path = path.join(" ").replace("\\n", "\n").into_bytes();
                files.insert(path, ((*blob).to_owned(), format!("{class} {language}")));
            }
            _ => {}
        }
    }
    files
}

/// What is on the disk, tracked or untracked, as far as git does not ignore it, without a word of KotaDB's in it.
fn on_disk(root: &Path) -> BTreeMap<Vec<u8>, String> {
    let list = std::process::Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .unwrap();
    let mut files = BTreeMap::new();
    for path in list.stdout.split(|&byte| byte == 0).filter(|path| !path.is_empty()) {
        let full = root.join(OsStr::from_bytes(path));
        let is_reached = full.parent().unwrap().canonicalize().is_ok_and(|real| real == full.parent().unwrap());
        if is_reached && full.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            let blob = Oid::hash_file(ObjectType::Blob, &full).unwrap().to_string();
            files.insert(path.to_vec(), blob);
        }
    }
    files
}

/// The index with what lies over it is what is on the disk; the look at it.
#[track_caller]
fn check(repository: &Repository) -> WorkingTree {
    let (files, tree) = look(repository.path());
    let seen: BTreeMap<_, _> = files.into_iter().map(|(path, (blob, _))| (path, blob)).collect();
    let root = repository.path().canonicalize().unwrap();
    let readable = |seen: BTreeMap<Vec<u8>, String>| {
        seen.into_iter().map(|(path, blob)| format!("{} {blob}", path.escape_ascii())).collect::<Vec<_>>()
    };
    assert_eq!(readable(seen), readable(on_disk(&root)));
    tree
}

fn repository() -> Repository {
    let repository = Repository::new();
    repository
        .write("src/a.rs", "fn a() {}\n")
        .write("src/b.rs", "fn b() {}\n")
        .write("docs/guide.md", "# Guide\n")
        .write(".gitignore", "*.o\ntarget/\n");
    repository.commit();
    index(repository.path());
    repository
}

#[test]
fn a_clean_tree_has_nothing_over_it() {
    let repository = repository();
    repository.write("a.o", "ignored").write("target/out.rs", "ignored");
    let tree = check(&repository);
    assert_eq!((tree.overlay, tree.n_changed, tree.behind), (None, 0, Some(0)));
}

#[test]
fn edits_deletions_renames_and_new_files_are_seen_and_taken_back() {
    let repository = repository();
    repository.write("src/a.rs", "fn edited() {}\n").write("new/deep/c.py", "c = 1\n").write("b.o", "ignored");
    fs::remove_file(repository.path().join("docs/guide.md")).unwrap();
    fs::rename(repository.path().join("src/b.rs"), repository.path().join("src/new name\n.rs")).unwrap();
    let tree = check(&repository);
    assert_eq!(tree.n_changed, 5);
    repository.git(&["add", "--all"]);
    assert_eq!(check(&repository).n_changed, 5, "staged or not is all the same");
    repository.write("src/a.rs", "fn edited_again() {}\n");
    check(&repository);
    repository.git(&["stash", "--quiet"]);
    assert_eq!(check(&repository).n_changed, 0);
    repository.git(&["stash", "pop", "--quiet"]);
    check(&repository);
    repository.git(&["reset", "--quiet", "--hard"]);
    assert_eq!(check(&repository).overlay, None);
}

#[test]
fn an_index_that_is_behind_is_made_up_for() {
    let repository = repository();
    repository.write("src/a.rs", "fn second() {}\n").write("c.c", "int c;\n");
    repository.commit();
    repository.git(&["rm", "--quiet", "docs/guide.md"]);
    repository.commit();
    repository.write("c.c", "int dirty;\n");
    let tree = check(&repository);
    assert_eq!((tree.n_changed, tree.behind), (1, Some(2)));
    repository.git(&["reset", "--quiet", "--hard", "HEAD~2"]);
    assert_eq!(check(&repository).overlay, None);
    repository.git(&["checkout", "--quiet", "--orphan", "other"]);
    repository.git(&["rm", "--quiet", "-rf", "src"]);
    repository.write("other.rb", "other = 1\n");
    assert_eq!(check(&repository).behind, None, "nothing is checked out before the first commit");
    repository.commit();
    assert_eq!(check(&repository).behind, Some(1));
}

#[test]
fn an_indexed_commit_that_is_gone_is_named() {
    let repository = repository();
    repository.write("src/a.rs", "fn amended() {}\n");
    repository.git(&["commit", "--quiet", "--all", "--amend", "-m", "amended"]);
    repository.git(&["reflog", "expire", "--expire=now", "--all"]);
    repository.git(&["gc", "--quiet", "--prune=now"]);
    let index = local::open(repository.path()).unwrap();
    let choice = block_on(index.choose(None)).unwrap().unwrap();
    let error = block_on(index.look().unwrap().unwrap().end(&index.store, &choice.tip)).unwrap_err();
    assert!(matches!(&error, LocalError::CommitGone(_)), "{error}");
}

#[test]
fn each_worktree_is_looked_at_by_itself() {
    let repository = repository();
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other");
    repository.git(&["worktree", "add", "--quiet", "-b", "side", other.to_str().unwrap()]);
    fs::write(other.join("src/a.rs"), "fn other() {}\n").unwrap();
    fs::write(other.join("only.rs"), "fn only() {}\n").unwrap();
    assert_eq!(check(&repository).overlay, None);
    let (files, tree) = look(&other);
    assert_eq!(tree.n_changed, 2);
    assert!(files.contains_key(&b"only.rs"[..]));
}

#[test]
fn what_is_no_text_file_is_left_out_by_name() {
    let repository = repository();
    let at = |path: &str| repository.path().join(path);
    fs::remove_file(at("src/a.rs")).unwrap();
    symlink("b.rs", at("src/a.rs")).unwrap();
    repository.write("src/b.rs", "now\0binary");
    repository.write("large.txt", vec![b'a'; (8 << 20) + 1]);
    repository.write("nested/inner.rs", "fn inner() {}\n");
    for args in [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "--message", "inner"]] {
        repository.git(&[&["-C", "nested"], args].concat());
    }
    nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let (files, tree) = look(repository.path());
    assert_eq!(
        files.into_keys().map(|path| String::from_utf8(path).unwrap()).collect::<Vec<_>>(),
        [".gitignore", "docs/guide.md"]
    );
    let left: Vec<_> = tree.left_out.iter().map(|left| (left.path.as_slice(), left.reason)).collect();
    let expected = [
        (&b"large.txt"[..], SkipReason::TooLarge),
        (b"nested", SkipReason::Submodule),
        (b"src/a.rs", SkipReason::Symlink),
        (b"src/b.rs", SkipReason::Binary),
    ];
    assert_eq!(left, expected);
}

#[test]
fn a_file_that_may_not_be_read_is_left_out() {
    let repository = repository();
    repository.write("src/a.rs", "fn secret() {}\n");
    fs::set_permissions(repository.path().join("src/a.rs"), fs::Permissions::from_mode(0o000)).unwrap();
    let (files, tree) = look(repository.path());
    // Root reads it all the same.
    let is_root = nix::unistd::geteuid().is_root();
    assert_eq!(files.contains_key(&b"src/a.rs"[..]), is_root);
    assert_eq!(tree.left_out.len(), usize::from(!is_root));
}

#[test]
fn kinds_change_in_place() {
    let repository = repository();
    let at = |path: &str| repository.path().join(path);
    fs::remove_file(at("src/a.rs")).unwrap();
    repository.write("src/a.rs/inside.rs", "fn inside() {}\n");
    fs::remove_dir_all(at("docs")).unwrap();
    repository.write("docs", "a file now\n");
    check(&repository);
    fs::rename(at("src"), at("elsewhere")).unwrap();
    symlink("elsewhere", at("src")).unwrap();
    check(&repository);
    repository.git(&["add", "--all"]);
    repository.commit();
    check(&repository);
    index(repository.path());
    check(&repository);
}

#[test]
fn rule_files_of_the_working_tree_are_in_force() {
    let repository = repository();
    repository.write("tests/t.rs", "fn t() {}\n").write(".kotadbignore", "docs/\n");
    repository.commit();
    index(repository.path());
    let paths = |files: &Files| files.keys().map(|path| String::from_utf8_lossy(path).into_owned()).collect::<Vec<_>>();
    assert_eq!(
        paths(&look(repository.path()).0),
        [".gitignore", ".kotadbignore", "src/a.rs", "src/b.rs", "tests/t.rs"]
    );

    repository.write(".kotadbignore", "src/\n!src/b.rs\ntests/new.rs\n").write("tests/new.rs", "fn new() {}\n");
    repository.write("src/.gitattributes", "a.rs linguist-generated\n");
    repository.write("tests/.gitattributes", "*.rs linguist-generated\n");
    let (files, tree) = look(repository.path());
    assert_eq!(
        paths(&files),
        [".gitignore", ".kotadbignore", "docs/guide.md", "tests/.gitattributes", "tests/t.rs"],
        "a path below an ignored folder stays ignored"
    );
    assert_eq!(files[&b"tests/t.rs"[..]].1, "Generated rust");
    assert_eq!(files[&b"docs/guide.md"[..]].1, "Docs markdown");
    assert_eq!(tree.n_changed, 4);

    repository.commit();
    let before = look(repository.path()).0;
    index(repository.path());
    let (after, tree) = look(repository.path());
    assert_eq!((before, tree.overlay), (after, None), "the index decides just so");
}

#[test]
fn rule_files_that_git_ignores_say_nothing() {
    let repository = repository();
    fs::write(repository.path().join(".git/info/exclude"), ".kotadbignore\n").unwrap();
    repository.write(".kotadbignore", "*.rs\n").write("src/a.rs", "fn edited() {}\n");
    check(&repository);
}

#[test]
fn files_outside_a_sparse_checkout_are_not_there() {
    let repository = repository();
    repository.git(&["sparse-checkout", "set", "--no-cone", "/src/"]);
    assert!(!repository.path().join("docs/guide.md").exists());
    let (files, tree) = look(repository.path());
    assert_eq!(files.into_keys().collect::<Vec<_>>(), [&b"src/a.rs"[..], b"src/b.rs"]);
    assert_eq!(tree.n_changed, 0);
}

#[test]
fn bytes_of_the_disk_count_where_git_converts_them() {
    let repository = repository();
    repository.git(&["config", "core.autocrlf", "true"]);
    repository.write("src/a.rs", "fn edited() {}\r\n");
    check(&repository);
}

#[test]
fn other_refs_are_no_part_of_a_working_tree() {
    let repository = repository();
    repository.git(&["branch", "old"]);
    repository.write("src/a.rs", "fn new() {}\n");
    repository.commit();
    index(repository.path());
    index_ref(repository.path(), "old");
    check(&repository);
    repository.git(&["checkout", "--quiet", "old"]);
    assert_eq!(check(&repository).overlay, None, "the branch that is checked out is indexed");
}

#[test]
fn a_commit_that_a_branch_has_left_is_not_searched_in_its_place() {
    let repository = repository();
    repository.git(&["branch", "old"]);
    repository.git(&["mv", "src/a.rs", "moved.rs"]);
    repository.commit();
    index(repository.path());
    repository.git(&["checkout", "--quiet", "old"]);
    let tree = check(&repository);
    assert_eq!((tree.n_changed, tree.behind, tree.overlay.is_some()), (0, Some(0), true));
}

#[test]
fn a_plain_folder_is_compared_with_what_was_indexed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("plain");
    fs::create_dir_all(root.join("src")).unwrap();
    fs::write(root.join("src/a.rs"), "fn a() {}\n").unwrap();
    fs::write(root.join("src/b.rs"), "fn b() {}\n").unwrap();
    fs::write(root.join("image"), "\0").unwrap();
    // A file whose inode changes within the tick of the clock in which the run begins counts as changed.
    std::thread::sleep(std::time::Duration::from_millis(20));
    index(&root);
    let (_, tree) = look(&root);
    assert_eq!((tree.overlay, tree.n_changed, tree.behind), (None, 0, None));

    fs::write(root.join("src/a.rs"), "fn edited() {}\n").unwrap();
    fs::remove_file(root.join("src/b.rs")).unwrap();
    fs::write(root.join("c.py"), "c = 1\n").unwrap();
    let (files, tree) = look(&root);
    assert_eq!(files.into_keys().collect::<Vec<_>>(), [&b"c.py"[..], b"src/a.rs"]);
    assert_eq!(tree.n_changed, 3);

    fs::write(root.join(".kotadbignore"), "src/\n").unwrap();
    assert_eq!(look(&root).0.into_keys().collect::<Vec<_>>(), [&b".kotadbignore"[..], b"c.py"]);
    std::thread::sleep(std::time::Duration::from_millis(20));
    index(&root);
    assert_eq!(look(&root).1.overlay, None);
}

/// Ignored, and tracked no more: whoever stops to track a file keeps it on the disk.
#[test]
fn a_file_that_git_does_not_track_any_more_is_not_there() {
    let repository = Repository::new();
    repository.write("kept.rs", "fn kept() {}\n").write("x.log", "a log\n");
    repository.commit();
    index(repository.path());
    repository.write(".gitignore", "*.log\n");
    repository.git(&["rm", "--quiet", "--cached", "x.log"]);
    check(&repository);
    assert!(!look(repository.path()).0.contains_key(&b"x.log"[..]), "it is staged");
    // All of it with `add --force`, as `commit` does, would take the ignored file in again.
    repository.git(&["add", ".gitignore"]);
    repository.git(&["commit", "--quiet", "-m", "dropped"]);
    check(&repository);
    assert!(!look(repository.path()).0.contains_key(&b"x.log"[..]), "it is committed, and the index is behind");
    repository.git(&["add", "--force", "x.log"]);
    check(&repository);
    assert!(look(repository.path()).0.contains_key(&b"x.log"[..]), "it is tracked again");
    repository.git(&["rm", "--quiet", "--cached", "x.log"]);
    fs::remove_file(repository.path().join(".gitignore")).unwrap();
    check(&repository);
    assert!(look(repository.path()).0.contains_key(&b"x.log"[..]), "nobody ignores it");
}
