//! What a commit holds: classes, languages, and every reason to leave a path out.

use crate::support::{Repository, facts, fresh_facts, index, index_ref, short_facts};

#[test]
fn every_kind_of_entry_is_held_or_left_out_by_name() {
    let repository = Repository::new();
    repository
        .write("src/crlf.rs", "fn main() {\r\n}\r\n")
        .write("src/latin.c", b"/* caf\xe9 */\n")
        .write("empty.txt", "")
        .write("late_nul.txt", [b"x".repeat(9000), vec![0], b"tail".to_vec()].concat())
        .write("image.png", b"\x89PNG\0\0")
        .write("large.txt", vec![b'a'; (8 << 20) + 1])
        .write("largest.txt", vec![b'a'; 8 << 20]);
    repository.git(&["add", "--all"]);
    repository.stage("120000", b"src/crlf.rs", "link");
    repository.stage("100755", b"#!/bin/sh\necho\n", "tool");
    let nowhere = "1111111111111111111111111111111111111111";
    repository.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{nowhere},module")]);
    repository.git(&["commit", "--quiet", "-m", "all kinds"]);

    let summary = index(repository.path());

    assert_eq!(
        short_facts(repository.path()),
        [
            "Source text empty.txt",
            "Source text largest.txt",
            "Source text late_nul.txt",
            "Source rust src/crlf.rs",
            "Source c src/latin.c",
            "Source bash tool",
            "skipped binary image.png",
            "skipped too_large large.txt",
            "skipped symlink link",
            "skipped submodule module",
        ]
    );
    assert_eq!((summary.files, summary.new_documents, summary.skipped), (6, 6, 4));
    assert!(facts(repository.path()).contains("file 100755 "));
}

#[test]
fn ignore_files_work_at_any_depth_and_are_read_at_the_commit() {
    let repository = Repository::new();
    repository
        .write(".kotadbignore", "*.log\n/build/\n")
        .write("a.log", "x")
        .write("build/out.rs", "x")
        .write("build/deep/out.rs", "x")
        .write("sub/.kotadbignore", "!keep.log\nlocal.rs\n")
        .write("sub/keep.log", "x")
        .write("sub/local.rs", "x")
        .write("sub/build/in.rs", "x")
        .write("local.rs", "x");
    repository.commit();
    repository.write(".kotadbignore", "*");

    index(repository.path());

    assert_eq!(
        short_facts(repository.path()),
        [
            "Source text .kotadbignore",
            "Source rust local.rs",
            "Source text sub/.kotadbignore",
            "Source rust sub/build/in.rs",
            "Source text sub/keep.log",
            "skipped ignored a.log",
            "skipped ignored build/deep/out.rs",
            "skipped ignored build/out.rs",
            "skipped ignored sub/local.rs",
        ]
    );
}

#[test]
fn attributes_and_paths_give_the_class() {
    let repository = Repository::new();
    repository
        .write(".gitattributes", "gen/** linguist-generated\n*.api linguist-vendored\n")
        .write("gen/a.c", "1")
        .write("gen/.gitattributes", "b.c -linguist-generated\n")
        .write("gen/b.c", "2")
        .write("x.api", "3")
        .write("vendor/v.c", "4")
        .write("tests/t.c", "5")
        .write("README.md", "6")
        .write("Cargo.lock", "7");
    repository.commit();
    index(repository.path());
    let facts = short_facts(repository.path());
    for expected in [
        "Generated c gen/a.c",
        "Source c gen/b.c",
        "Vendored text x.api",
        "Vendored c vendor/v.c",
        "Test c tests/t.c",
        "Docs markdown README.md",
    ] {
        assert!(facts.iter().any(|fact| fact == expected), "{expected} not in {facts:#?}");
    }
    assert!(facts.iter().any(|fact| fact.starts_with("Generated") && fact.ends_with("Cargo.lock")));
}

#[test]
fn one_blob_at_two_paths_with_two_languages_and_classes() {
    let repository = Repository::new();
    repository.write("src/a.py", "x = 1\n").write("tests/a.rb", "x = 1\n").write("vendor/a.py", "x = 1\n");
    repository.commit();
    let summary = index(repository.path());
    assert_eq!(summary.new_documents, 2);
    assert_eq!(
        short_facts(repository.path()),
        ["Source python src/a.py", "Test ruby tests/a.rb", "Vendored python vendor/a.py"]
    );
}

#[test]
fn rename_across_classes_builds_nothing() {
    let repository = Repository::new();
    repository.write("src/a.rs", "fn a() {}\n").write("src/run", "#!/usr/bin/env python3\n");
    repository.commit();
    index(repository.path());
    repository.git(&["mv", "src/a.rs", "b.rs"]);
    repository.git(&["mv", "src/run", "run"]);
    repository.write("tests/keep", "");
    repository.git(&["mv", "b.rs", "tests/b.rs"]);
    std::fs::remove_file(repository.path().join("tests/keep")).unwrap();
    repository.commit();

    let summary = index(repository.path());

    assert_eq!((summary.new_documents, summary.files), (0, 2));
    assert_eq!(short_facts(repository.path()), ["Source python run", "Test rust tests/b.rs"]);
}

#[test]
fn increments_and_a_fresh_index_have_the_same_facts() {
    let repository = Repository::new();
    for step in 0..6 {
        repository.write(&format!("src/{step}.rs"), format!("fn f{step}() {{}}\n"));
        repository.write("src/changing.rs", format!("const STEP: u32 = {step};\n"));
        repository.write("script", if step % 2 == 0 { "#!/bin/bash\n" } else { "plain\n" });
        repository.commit();
        index(repository.path());
    }
    assert_eq!(facts(repository.path()), fresh_facts(&repository));
}

#[test]
fn second_index_writes_nothing() {
    let repository = Repository::new();
    repository.write("a.rs", "fn a() {}\n");
    repository.commit();
    let first = index(repository.path());
    let second = index(repository.path());
    assert!(!first.unchanged && second.unchanged);
    assert_eq!((second.new_documents, second.bytes_written, second.files), (0, 0, 1));
}

#[test]
fn paths_that_are_not_utf8_are_kept() {
    let repository = Repository::new();
    repository.write("a.rs", "");
    repository.git(&["add", "--all"]);
    repository.commit();
    index(repository.path());
    let tree = repository.path();
    std::fs::write(tree.join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"caf\xe9.rs")), "x")
        .unwrap();
    repository.commit();
    index(tree);
    assert_eq!(short_facts(tree), ["Source rust a.rs", "Source rust caf\\xe9.rs"]);
}

#[test]
fn another_ref_is_added_beside_head() {
    let repository = Repository::new();
    repository.write("a.rs", "1");
    repository.commit();
    repository.git(&["branch", "old"]);
    repository.write("b.rs", "2");
    repository.commit();
    index(repository.path());
    let summary = index_ref(repository.path(), "old");
    assert_eq!((summary.new_documents, summary.refs), (0, 2));
    let facts = facts(repository.path());
    assert!(facts.contains("ref refs/heads/main ") && facts.contains("ref refs/heads/old "), "{facts}");
    assert_eq!(facts.matches(" default").count(), 1);
    repository.git(&["branch", "-D", "old"]);
    index(repository.path());
    assert!(!short_facts(repository.path()).is_empty());
}
