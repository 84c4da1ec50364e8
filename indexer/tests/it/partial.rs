//! What a push transfers: the trees, and of the blobs those that are new, wanted and text; and that the index is the same
//! as that of the whole commit, whatever the server allows.

use std::fmt::Write;

use kotadb_core::db::jobs::JobState;
use kotadb_core::id::RepositoryId;

use crate::support::service::Service;
use crate::support::{Remote, Repository, fresh_facts};

/// Bytes that no compression makes fewer.
fn noise(len: usize, mut seed: u64) -> Vec<u8> {
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()
    };
    (0..len.div_ceil(8)).flat_map(|_| next()).take(len).collect()
}

/// Text that compresses about as source does.
fn prose(seed: u64) -> String {
    let mut text = String::new();
    for (line, bytes) in noise(160, seed + 1).chunks(8).enumerate() {
        let _ = writeln!(text, "let value_{line} = compute_{:02x}{:02x}({});", bytes[0], bytes[1], bytes[2]);
    }
    text
}

/// Text without a NUL that is `len` bytes long and does not compress well.
fn long_text(len: usize) -> Vec<u8> {
    noise(len, 99).into_iter().map(|byte| b'a' + byte % 26).collect()
}

async fn index(service: &Service, id: RepositoryId) -> (u64, u64, u64) {
    service.gate.take_bytes();
    service.enqueue(id).await;
    service.drain().await;
    let job = service.job(id).await;
    assert_eq!(job.state, JobState::Done, "{:?}", job.error);
    service.gate.take_bytes()
}

/// A repository of 20,000 files in 400 folders, made by `git fast-import`.
fn large() -> Repository {
    let repository = Repository::new();
    let mut stream = String::from("commit refs/heads/main\ncommitter t <t@example.invalid> 0 +0000\ndata 3\none\n");
    for file in 0..20_000 {
        let text = prose(file);
        let folder = file % 400;
        let _ = write!(
            stream,
            "M 100644 inline part_{}/folder_{folder}/file_{file}.rs\ndata {}\n{text}\n",
            folder % 20,
            text.len()
        );
    }
    repository.pipe(&["fast-import", "--quiet"], stream.as_bytes());
    repository.git(&["reset", "--quiet", "--hard"]);
    repository
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_of_20_of_20000_files_transfers_trees_and_what_changed() {
    let service = Service::start().await;
    let repository = large();
    let remote = Remote::of(&repository);
    let id = service.register("acme/large", &remote, &[]).await;
    let (_, first, _) = index(&service, id).await;

    let mut changed = 0;
    for i in 0..20 {
        let (file, text) = (i * 997, format!("{}\n// changed\n", prose(i * 997)));
        changed += text.len() as u64;
        repository.write(&format!("part_{}/folder_{}/file_{file}.rs", file % 400 % 20, file % 400), text);
    }
    repository.commit();
    remote.push(&repository, "main");
    let (received, sent, requests) = index(&service, id).await;
    assert_eq!(service.job(id).await.summary.unwrap()["documents_new"], 20);
    assert_eq!(service.facts(id).await, fresh_facts(&repository));

    let objects = repository.git(&["rev-list", "--objects", "--no-walk", "--filter=blob:none", "HEAD"]);
    let ids: String = objects.lines().map(|line| format!("{}\n", line.split(' ').next().unwrap())).collect();
    let trees = repository.pipe(&["pack-objects", "--quiet", "--stdout"], ids.as_bytes()).len() as u64;
    println!(
        "first {first} B; push {received} + {sent} B in {requests} requests; changed {changed} B, trees {trees} B"
    );
    assert!(received + sent <= 3 * changed + trees, "{received} + {sent} > 3 x {changed} + {trees}");
}

/// Files of every kind that is left out or needs its content seen.
fn mixed() -> Repository {
    let repository = Repository::new();
    repository.write(".kotadbignore", "/data/\n").write(".gitattributes", "*.gen linguist-generated\n");
    repository.write("data/noise", noise(300_000, 1)).write("image.png", noise(300_000, 2));
    repository
        .write("run", "#!/bin/sh\necho run\n")
        .write("a.gen", "generated\n")
        .write("deep/.gitattributes", "*.x linguist-vendored\n");
    repository.write("long.txt", long_text((8 << 20) + 1)).write("deep/y.x", "vendored\n");
    for i in 0..30 {
        repository.write(&format!("src/{i}.rs"), prose(i));
    }
    repository.commit();
    repository
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_out_is_not_transferred() {
    let service = Service::start().await;
    let repository = mixed();
    let remote = Remote::of(&repository);
    let id = service.register("acme/mixed", &remote, &[]).await;
    let (_, first, _) = index(&service, id).await;
    assert!(first < 1_000_000, "{first} B: what is too large stays away");
    assert_eq!(service.facts(id).await, fresh_facts(&repository));

    repository.write("data/more", noise(300_000, 3)).write("src/0.rs", "fn changed() {}\n").write("b.gen", "more\n");
    repository.commit();
    remote.push(&repository, "main");
    let (_, sent, _) = index(&service, id).await;
    assert!(sent < 20_000, "{sent} B: neither the ignored file nor the image, which is known to be binary");
    assert_eq!(service.facts(id).await, fresh_facts(&repository));

    // What is ignored no longer has to come now.
    repository.write(".kotadbignore", "# nothing\n").write("image2.png", noise(100_000, 4));
    repository.commit();
    remote.push(&repository, "main");
    let (_, sent, _) = index(&service, id).await;
    assert!(sent > 700_000 && sent < 800_000, "{sent} B");
    assert_eq!(service.facts(id).await, fresh_facts(&repository));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_the_remote_no_longer_has_is_done_without() {
    let service = Service::start().await;
    let repository = mixed();
    let remote = Remote::of(&repository);
    let id = service.register("acme/mixed", &remote, &[]).await;
    index(&service, id).await;
    let before = repository.git(&["rev-parse", "HEAD"]);
    repository.write("src/0.rs", "fn rewritten() {}\n");
    repository.git(&["add", "--all", "--force"]);
    repository.git(&["commit", "--quiet", "--amend", "-m", "rewritten"]);
    let remote = Remote::of(&repository);
    let folder = remote.path();
    repository.git(&["-C", folder.to_str().unwrap(), "gc", "--quiet", "--prune=now"]);
    let all = repository.git(&["-C", folder.to_str().unwrap(), "cat-file", "--batch-all-objects", "--batch-check"]);
    assert!(!all.contains(&before));
    service.git.insert("acme/mixed", &folder);
    let (_, sent, requests) = index(&service, id).await;
    assert!(sent > 300_000 && requests >= 6, "{sent} B: the image had to be looked at again");
    assert_eq!(service.facts(id).await, fresh_facts(&repository));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_allow_less_give_the_same_index() {
    for limit in [kotadb_core::testing::GitGate::know_no_filter, kotadb_core::testing::GitGate::refuse_ids] {
        let service = Service::start().await;
        limit(&service.gate);
        let repository = mixed();
        let remote = Remote::of(&repository);
        let id = service.register("acme/mixed", &remote, &[]).await;
        index(&service, id).await;
        assert_eq!(service.facts(id).await, fresh_facts(&repository));
        repository.write("src/0.rs", "fn changed() {}\n").write("more", "#!/usr/bin/env python3\n");
        repository.commit();
        remote.push(&repository, "main");
        let (_, sent, _) = index(&service, id).await;
        assert!(sent > 300_000, "{sent} B: the whole commit had to come");
        assert_eq!(service.facts(id).await, fresh_facts(&repository));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fork_of_what_is_held_transfers_trees() {
    let service = Service::start().await;
    let repository = mixed();
    let remote = Remote::of(&repository);
    let id = service.register("acme/mixed", &remote, &[]).await;
    index(&service, id).await;
    // Without what has to be looked at again in each repository.
    repository.git(&["rm", "-r", "--quiet", "data", "image.png", "long.txt", "run"]);
    repository.commit();
    let forked = Remote::of(&repository);
    let fork = service.register("zeta/mixed", &forked, &[]).await;
    let (_, sent, _) = index(&service, fork).await;
    assert!(sent < 10_000, "{sent} B");
    assert_eq!(service.facts(fork).await, fresh_facts(&repository));
}
