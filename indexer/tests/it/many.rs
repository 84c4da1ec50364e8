//! Many refs: what a hundred branches cost that each differ in twenty files. The generator is `git fast-import`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use kotadb_core::id::TenantId;
use kotadb_core::store::{Kind, ObjectKey, Store, StoreOptions};
use kotadb_indexer::clock;
use kotadb_indexer::halt::Halt;
use kotadb_indexer::upkeep::Upkeep;

use crate::support::{Repository, block_on, index, index_ref};

const FILES: usize = 3000;
const REFS: usize = 100;
const CHANGED: usize = 20;
/// Versions of a file that branches have, beside the one of `main`: branches of one project share most of what they hold.
const VERSIONS: usize = 3;

/// Words as code has them, so that the text compresses and indexes as code does.
fn text(file: usize, version: usize) -> String {
    let mut seed = (file * 31 + version) as u64 + 1;
    let mut text = String::new();
    for line in 0..60 + file % 90 {
        let mut word = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ["result", "index", "segment", "offset", "read_page", "flush", "table", "lookup"][(seed >> 61) as usize]
        };
        let (a, b, c) = (word(), word(), word());
        writeln!(text, "    let {a}_{} = {b}.{c}({file}, {line});", (seed >> 40) % 500).unwrap();
    }
    text
}

fn path(file: usize) -> String {
    format!("src/part{:02}/module{:02}/file{file}.rs", file % 40, file % 13)
}

/// `main`, and branches on it that each replace files here and there.
fn generate(repository: &Repository) {
    let mut script = String::new();
    let mut commit = |branch: String, from: &str, files: &[(usize, usize)]| {
        writeln!(script, "commit refs/heads/{branch}\ncommitter t <t@example.invalid> 1600000000 +0000\ndata 1\nx")
            .unwrap();
        script.push_str(from);
        for (file, version) in files {
            let text = text(*file, *version);
            writeln!(script, "M 100644 inline {}\ndata {}\n{text}", path(*file), text.len()).unwrap();
        }
    };
    commit("main".into(), "", &(0..FILES).map(|file| (file, 0)).collect::<Vec<_>>());
    for nth in 0..REFS {
        let file = |i: usize| ((i * 151 + nth / 10 * 7) % 400, 1 + (i + nth) % VERSIONS);
        commit(format!("b{nth}"), "from refs/heads/main\n", &(0..CHANGED).map(file).collect::<Vec<_>>());
    }
    let mut import = Command::new("git");
    import.args(["fast-import", "--quiet"]).current_dir(repository.path()).stdin(Stdio::piped());
    let mut import = import.spawn().unwrap();
    import.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
}

/// Bytes of the segments that HEAD names, and of all else.
fn size(store: &Store) -> (u64, u64) {
    block_on(async {
        let (root, _) = store.head(TenantId::LOCAL).await.unwrap();
        let named = kotadb_indexer::gc::named(store, TenantId::LOCAL, &root).await.unwrap();
        let there = store.list(TenantId::LOCAL).await.unwrap();
        let there = there.into_iter().filter(|(kind, key, _)| named.contains(&(*kind, *key)));
        let (segments, others): (Vec<_>, Vec<_>) = there.partition(|(kind, ..)| *kind == Kind::Segment);
        let sum = |objects: Vec<(Kind, ObjectKey, u64)>| objects.into_iter().map(|(_, _, bytes)| bytes).sum::<u64>();
        (sum(segments), sum(others) + root.encode().len() as u64)
    })
}

#[test]
fn a_hundred_refs_that_differ_in_twenty_files_cost_little() {
    let repository = Repository::new();
    generate(&repository);
    index(repository.path());
    let store = Store::open(&StoreOptions::Folder(repository.path().join(".git/kotadb"))).unwrap();
    let (content, names) = size(&store);
    for nth in 0..REFS {
        index_ref(repository.path(), &format!("b{nth}"));
    }
    let halt = Halt::default();
    let folder = repository.path().join(".git/kotadb");
    let upkeep =
        Upkeep { store: &store, tenant: TenantId::LOCAL, folder: &folder, now_ms: clock::now_ms(), halt: &halt };
    block_on(upkeep.compact(u64::MAX)).unwrap();
    let (all_content, all_names) = size(&store);
    // What branches hold anew costs what it costs; on this small tree that is a fifth of it. The rest is the refs' own.
    let percent = (all_names - names) as f64 * 100.0 / (content + names) as f64;
    println!(
        "`main` takes {content} + {names} bytes, with {REFS} branches {all_content} + {all_names}: {percent:.2} %"
    );
    assert!(percent <= 2.0, "{percent:.2} % more");
    let documents = block_on(store.head(TenantId::LOCAL)).unwrap().0.segments.iter().map(|it| it.n_docs).sum::<u32>();
    assert!(documents as usize <= FILES + 600, "each version once, whoever has it: {documents}");
}
