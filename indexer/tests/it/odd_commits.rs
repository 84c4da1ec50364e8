//! Commits and refs that are not what most are: after each of them the index holds just what a fresh one would hold, on
//! this machine and over HTTP.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use kotadb_core::db::jobs::JobState;

use crate::support::service::Service;
use crate::support::{Remote, Repository, facts, fresh_facts, index, index_ref, short, short_facts, try_index_ref};

/// One change, and what the index holds afterwards as `class language path`.
struct Step {
    name: &'static str,
    change: fn(&Repository),
    holds: &'static [&'static str],
}

/// Each begins where the one before ended; all end on `main`.
const STEPS: [Step; 19] = [
    Step {
        name: "first commit, with one blob at many paths",
        change: |repository| {
            repository
                .write("a.rs", "fn a() {}\n")
                .write("copy/a.rs", "fn a() {}\n")
                .write("tests/a.rs", "fn a() {}\n");
            repository.write("tool", "#!/bin/sh\n");
            repository.commit();
        },
        holds: &["Source rust a.rs", "Source rust copy/a.rs", "Test rust tests/a.rs", "Source bash tool"],
    },
    Step {
        name: "nothing changed",
        change: |repository| _ = repository.commit(),
        holds: &["Source rust a.rs", "Source rust copy/a.rs", "Test rust tests/a.rs", "Source bash tool"],
    },
    Step {
        name: "mode only",
        change: |repository| {
            fs::set_permissions(repository.path().join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
            repository.commit();
        },
        holds: &["Source rust a.rs", "Source rust copy/a.rs", "Test rust tests/a.rs", "Source bash tool"],
    },
    Step {
        name: "rename only, by case",
        change: |repository| {
            repository.git(&["mv", "a.rs", "A.rs"]);
            repository.git(&["mv", "copy", "Copy"]);
            repository.commit();
        },
        holds: &["Source rust A.rs", "Source rust Copy/a.rs", "Test rust tests/a.rs", "Source bash tool"],
    },
    Step {
        name: "rename only, to another language and class",
        change: |repository| {
            repository.git(&["mv", "A.rs", "docs.md"]);
            repository.git(&["rm", "-rq", "Copy", "tests"]);
            repository.commit();
        },
        holds: &["Docs markdown docs.md", "Source bash tool"],
    },
    Step {
        name: "file becomes link",
        change: |repository| {
            fs::remove_file(path(repository, b"tool")).unwrap();
            symlink("docs.md", path(repository, b"tool")).unwrap();
            repository.commit();
        },
        holds: &["Docs markdown docs.md", "skipped symlink tool"],
    },
    Step {
        name: "link becomes file, and file becomes folder",
        change: |repository| {
            fs::remove_file(path(repository, b"tool")).unwrap();
            fs::remove_file(path(repository, b"docs.md")).unwrap();
            repository.write("tool", "plain\n").write("docs.md/part.c", "int a;\n");
            repository.commit();
        },
        holds: &["Source c docs.md/part.c", "Source text tool"],
    },
    Step {
        name: "folder becomes file",
        change: |repository| {
            fs::remove_dir_all(path(repository, b"docs.md")).unwrap();
            repository.write("docs.md", "# again\n");
            repository.commit();
        },
        holds: &["Docs markdown docs.md", "Source text tool"],
    },
    Step {
        name: "submodule added",
        change: |repository| gitlink(repository, "module"),
        holds: &["Docs markdown docs.md", "Source text tool", "skipped submodule module"],
    },
    Step {
        name: "submodule moved",
        change: |repository| {
            repository.git(&["update-index", "--force-remove", "module"]);
            fs::remove_dir_all(path(repository, b"module")).unwrap();
            gitlink(repository, "lib/module");
        },
        holds: &["Docs markdown docs.md", "Source text tool", "skipped submodule lib/module"],
    },
    Step {
        name: "submodule replaced by a file of its name",
        change: |repository| {
            repository.git(&["update-index", "--force-remove", "lib/module"]);
            fs::remove_dir_all(path(repository, b"lib/module")).unwrap();
            repository.write("lib/module", "ours now\n");
            repository.commit();
        },
        holds: &["Docs markdown docs.md", "Source text lib/module", "Source text tool"],
    },
    Step {
        name: "paths that are not UTF-8, and strange ones",
        change: |repository| {
            fs::write(path(repository, b"caf\xe9.rs"), "fn caf() {}\n").unwrap();
            fs::write(path(repository, b"new\nline \"quoted\".c"), "int b;\n").unwrap();
            repository.git(&["rm", "-rq", "lib"]);
            repository.commit();
        },
        holds: &[
            "Source rust caf\\xe9.rs",
            "Docs markdown docs.md",
            "Source c new\\nline \\\"quoted\\\".c",
            "Source text tool",
        ],
    },
    Step {
        name: "only attributes and ignore rules",
        change: |repository| {
            repository.write(".gitattributes", "*.rs linguist-generated\ndocs.md -linguist-documentation\n");
            repository.write(".kotadbignore", "tool\n*.c\n");
            repository.commit();
        },
        holds: &[
            "Source text .gitattributes",
            "Source text .kotadbignore",
            "Generated rust caf\\xe9.rs",
            "Source markdown docs.md",
            "skipped ignored new\\nline \\\"quoted\\\".c",
            "skipped ignored tool",
        ],
    },
    Step {
        name: "attributes and ignore rules taken back",
        change: |repository| {
            repository.git(&["rm", "-q", ".gitattributes", ".kotadbignore"]);
            repository.git(&["rm", "-q", "*.c", "*.rs"]);
            repository.commit();
        },
        holds: &["Docs markdown docs.md", "Source text tool"],
    },
    Step {
        name: "merge",
        change: |repository| {
            repository.git(&["checkout", "-q", "-b", "side"]);
            repository.write("side.py", "side = 1\n");
            repository.commit();
            repository.git(&["checkout", "-q", "main"]);
            repository.write("main.py", "main = 1\n");
            repository.commit();
            repository.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
            repository.git(&["branch", "-D", "side"]);
        },
        holds: &["Docs markdown docs.md", "Source python main.py", "Source python side.py", "Source text tool"],
    },
    Step {
        name: "empty tree",
        change: |repository| {
            repository.git(&["rm", "-rq", "."]);
            repository.commit();
        },
        holds: &[],
    },
    Step {
        name: "orphan takes the branch over",
        change: |repository| {
            repository.git(&["checkout", "-q", "--orphan", "fresh"]);
            repository.write("orphan.rb", "orphan = 1\n");
            repository.commit();
            repository.git(&["branch", "-M", "main"]);
        },
        holds: &["Source ruby orphan.rb"],
    },
    Step {
        name: "history rewritten",
        change: |repository| {
            repository.write("orphan.rb", "rewritten = 1\n");
            repository.git(&["commit", "-qa", "--amend", "-m", "rewritten"]);
        },
        holds: &["Source ruby orphan.rb"],
    },
    Step {
        name: "branch put back to an old commit",
        change: |repository| {
            let old = repository.git(&["rev-list", "--all", "--reflog", "--min-parents=2"]);
            repository.git(&["reset", "-q", "--hard", old.lines().next().unwrap()]);
        },
        holds: &["Docs markdown docs.md", "Source python main.py", "Source python side.py", "Source text tool"],
    },
];

fn path(repository: &Repository, path: &[u8]) -> PathBuf {
    repository.path().join(std::ffi::OsStr::from_bytes(path))
}

/// Commits a submodule whose commit is nowhere to be had, as is usual.
fn gitlink(repository: &Repository, path: &str) {
    fs::create_dir_all(repository.path().join(path)).unwrap();
    let nowhere = format!("160000,{},{path}", "1".repeat(40));
    repository.git(&["update-index", "--add", "--cacheinfo", &nowhere]);
    repository.git(&["commit", "-qm", "submodule"]);
}

#[test]
fn local_index_follows_every_kind_of_commit() {
    let repository = Repository::new();
    for Step { name, change, holds } in &STEPS {
        change(&repository);
        index(repository.path());
        assert_eq!(short_facts(repository.path()), *holds, "{name}");
        assert_eq!(facts(repository.path()), fresh_facts(&repository), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_follow_every_kind_of_commit() {
    let service = Service::start().await;
    let repository = Repository::new();
    let remote = Remote::of(&repository);
    let id = service.register("acme/odd", &remote, &[]).await;
    for Step { name, change, holds } in &STEPS {
        change(&repository);
        remote.push(&repository, "main");
        service.enqueue(id).await;
        service.drain().await;
        let job = service.job(id).await;
        assert_eq!(job.state, JobState::Done, "{name}: {:?}", job.error);
        let facts = service.facts(id).await;
        assert_eq!(short(&facts), *holds, "{name}");
        assert_eq!(facts, fresh_facts(&repository), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_follow_refs_that_come_go_and_come_back_elsewhere() {
    let service = Service::start().await;
    let repository = Repository::new();
    repository.write("a.rs", "fn a() {}\n");
    let first = repository.commit();
    odd_tags(&repository);
    let remote = Remote::of(&repository);
    let id = service.register("acme/refs", &remote, &["main", "side", "refs/tags/*"]).await;
    let refs = async || {
        service.enqueue(id).await;
        service.drain().await;
        let job = service.job(id).await;
        assert_eq!(job.state, JobState::Done, "{:?}", job.error);
        let facts = service.facts(id).await;
        facts.lines().filter(|line| line.starts_with("ref ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let (main, tag) = (format!("ref refs/heads/main {first} default"), format!("ref refs/tags/of-a-tag {first}"));
    let plain = format!("ref refs/tags/plain {first}");
    assert_eq!(refs().await, [main.clone(), tag.clone(), plain.clone()], "tags of trees and blobs are no commits");

    remote.push(&repository, "main:refs/heads/side");
    assert_eq!(refs().await, [main.clone(), format!("ref refs/heads/side {first}"), tag.clone(), plain.clone()]);
    remote.push(&repository, ":refs/heads/side");
    assert_eq!(refs().await, [main.clone(), tag.clone(), plain.clone()]);
    repository.git(&["checkout", "-q", "--orphan", "side"]);
    repository.write("elsewhere.rs", "fn elsewhere() {}\n");
    let elsewhere = repository.commit();
    remote.push(&repository, "side");
    assert_eq!(refs().await, [main, format!("ref refs/heads/side {elsewhere}"), tag.clone(), plain.clone()]);

    repository.git(&["-C", remote.path().to_str().unwrap(), "config", "receive.denyDeleteCurrent", "ignore"]);
    remote.push(&repository, ":refs/heads/main");
    let side = format!("ref refs/heads/side {elsewhere} default");
    assert_eq!(refs().await, [side, tag, plain], "HEAD leads nowhere, so the first tracked ref stands in");
}

/// A tag, a tag of that tag, and tags of a tree and of a blob.
fn odd_tags(repository: &Repository) {
    repository.git(&["tag", "-a", "-m", "plain", "plain"]);
    repository.git(&["tag", "-a", "-m", "again", "of-a-tag", "plain"]);
    repository.git(&["tag", "-a", "-m", "tree", "of-a-tree", "HEAD^{tree}"]);
    repository.git(&["tag", "of-a-blob", "HEAD:a.rs"]);
}

#[test]
fn tags_of_tags_are_commits_and_tags_of_trees_are_not() {
    let repository = Repository::new();
    repository.write("a.rs", "fn a() {}\n");
    let commit = repository.commit();
    odd_tags(&repository);
    index(repository.path());
    index_ref(repository.path(), "of-a-tag");
    assert!(facts(repository.path()).contains(&format!("ref refs/tags/of-a-tag {commit}\n")));
    for tag in ["of-a-tree", "of-a-blob", "HEAD^{tree}"] {
        let error = try_index_ref(repository.path(), tag).unwrap_err().to_string();
        assert!(error.contains("names no commit"), "{tag}: {error}");
    }
    assert_eq!(facts(repository.path()).matches("ref ").count(), 2);
}

#[test]
fn a_branch_that_goes_and_comes_back_elsewhere_is_indexed_there() {
    let repository = Repository::new();
    repository.write("a.rs", "fn a() {}\n");
    repository.commit();
    repository.git(&["branch", "side"]);
    index(repository.path());
    index_ref(repository.path(), "side");
    repository.git(&["branch", "-D", "side"]);
    index(repository.path());
    assert!(!facts(repository.path()).contains("refs/heads/side"), "a deleted branch leaves with the next run");

    repository.git(&["checkout", "-q", "--orphan", "side"]);
    repository.git(&["rm", "-rfq", "."]);
    repository.write("b.rs", "fn b() {}\n");
    let elsewhere = repository.commit();
    repository.git(&["checkout", "-q", "main"]);
    index_ref(repository.path(), "side");
    let facts = facts(repository.path());
    assert!(facts.contains(&format!("ref refs/heads/side {elsewhere}\n")), "{facts}");
    assert_eq!(short(&facts).len(), 2);
}

#[test]
fn head_may_be_unborn_again_or_detached() {
    let repository = Repository::new();
    repository.write("a.rs", "fn a() {}\n");
    let commit = repository.commit();
    index(repository.path());
    repository.git(&["checkout", "-q", "--orphan", "unborn"]);
    assert_eq!(index(repository.path()).files, 0);
    let unborn = facts(repository.path());
    assert!(!unborn.contains(" default"), "{unborn}");
    repository.git(&["checkout", "-q", "--detach", "main"]);
    index(repository.path());
    assert!(facts(repository.path()).contains(&format!("ref HEAD {commit} default")));
    assert_eq!(short_facts(repository.path()), ["Source rust a.rs"]);
}
