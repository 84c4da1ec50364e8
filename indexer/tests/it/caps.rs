//! The caps of a fetch, against servers that send more than they should.

use std::path::Path;

use kotadb_core::db::jobs::ErrorClass;
use kotadb_indexer::contents::Source;
use kotadb_indexer::error::IndexError;
use kotadb_indexer::fetch::Fetcher;
use kotadb_indexer::git::Git;
use kotadb_indexer::halt::Halt;
use kotadb_indexer::remote::RemoteRef;
use kotadb_indexer::scratch::bytes_below;
use kotadb_indexer::watch::Caps;

use crate::support::service::Service;
use crate::support::{Remote, Repository};

/// Fetches `main` of a repository from a server that ignores filters.
async fn fetch(repository: &Repository, caps: Caps, into: &Path) -> Result<(), IndexError> {
    let service = Service::start().await;
    service.gate.know_no_filter();
    let remote = Remote::of(repository);
    service.register("acme/caps", &remote, &[]).await;
    let id = repository.git(&["rev-parse", "HEAD"]).parse().unwrap();
    let git = Git::new(into.to_owned(), None).with_caps(caps);
    let url = service.git.url("acme/caps");
    let folder = into.join("repository");
    let fetcher = Fetcher { git: &git, url: &url, folder: &folder, halt: &Halt::default() };
    fetcher.whole(&[RemoteRef { name: "refs/heads/main".to_owned(), id }]).await.map(|_fetched| ())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_bytes_or_objects_are_too_large() {
    let repository = Repository::new();
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(40 << 20)
    .collect();
    repository.write("noise", noise);
    for i in 0..50 {
        repository.write(&format!("file_{i}"), format!("{i}\n"));
    }
    repository.commit();
    for (caps, word) in
        [(Caps { bytes: 1 << 20, ..Caps::default() }, "GiB"), (Caps { objects: 40, ..Caps::default() }, "objects")]
    {
        let into = tempfile::tempdir().unwrap();
        let error = fetch(&repository, caps, into.path()).await.unwrap_err();
        assert!(matches!(error, IndexError::TooLarge(_)) && error.class() == ErrorClass::Permanent, "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
    // The limit of the process ends it also where the watch sleeps.
    let into = tempfile::tempdir().unwrap();
    let _refused = fetch(&repository, Caps { bytes: 1 << 20, ..Caps::default() }, into.path()).await.unwrap_err();
    assert!(bytes_below(into.path()) < 20 << 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_that_inflates_beyond_memory_is_never_held_in_it() {
    let repository = Repository::new();
    let len = 600_u64 << 20;
    std::fs::File::create(repository.path().join("zeros")).unwrap().set_len(len).unwrap();
    repository.commit();
    let blob = repository.git(&["rev-parse", "HEAD:zeros"]).parse().unwrap();
    let into = tempfile::tempdir().unwrap();
    let caps = Caps { memory: 400 << 20, bytes: 8 << 20, ..Caps::default() };
    fetch(&repository, caps, into.path()).await.unwrap();
    let source = Source::Repository(into.path().join("repository"));
    assert_eq!(source.open().unwrap().size(blob), Some(len));
}
