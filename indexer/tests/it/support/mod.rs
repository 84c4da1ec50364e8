//! Repositories made by the `git` program, and the facts of their local index.

pub mod github;
pub mod service;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bytes::Bytes;
use kotadb_core::graph::Graph;
use kotadb_core::id::TenantId;
use kotadb_core::store::{Kind, ObjectKey, Store};
use kotadb_indexer::graphs::footing;
use kotadb_indexer::inspect::Inspected;
use kotadb_indexer::local::{self, LocalError, LocalOptions};
use kotadb_indexer::summary::Summary;
use tempfile::TempDir;

/// A repository with a working tree; goes away with the test.
pub struct Repository {
    folder: TempDir,
}

impl Repository {
    pub fn new() -> Self {
        Self::with(&[])
    }

    pub fn with(init: &[&str]) -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        repository.git(&[&["init", "--quiet", "--initial-branch=main"], init].concat());
        repository
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs git with fixed identity and dates, so that equal trees have equal commits.
    pub fn git(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Runs git with standard input; its standard output as it is.
    pub fn pipe(&self, args: &[&str], input: &[u8]) -> Vec<u8> {
        let mut child = self.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(input).unwrap());
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "git {args:?}");
            output.stdout
        })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.current_dir(self.path()).args(args);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "test").env(format!("GIT_{role}_EMAIL"), "test@example.invalid");
            command.env(format!("GIT_{role}_DATE"), "2020-01-02T03:04:05Z");
        }
        command
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    /// Commits everything in the working tree; its id.
    pub fn commit(&self) -> String {
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", "change"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Puts an entry into the index without a working tree file: modes and names that a file system may not have.
    pub fn stage(&self, mode: &str, content: &[u8], path: &str) {
        let mut child = self
            .command(&["hash-object", "-w", "--stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(content).unwrap();
        let blob = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        self.git(&["update-index", "--add", "--cacheinfo", &format!("{mode},{},{path}", blob.trim())]);
    }
}

/// Indexes locally.
pub fn index(path: &Path) -> Summary {
    local::index(path, &LocalOptions::default(), &mut |_| {}).unwrap()
}

/// Indexes another ref.
pub fn index_ref(path: &Path, reference: &str) -> Summary {
    try_index_ref(path, reference).unwrap()
}

/// Indexes another ref, if it can be.
pub fn try_index_ref(path: &Path, reference: &str) -> Result<Summary, LocalError> {
    local::index(path, &LocalOptions { reference: Some(reference.to_owned()), ..LocalOptions::default() }, &mut |_| {})
}

/// All facts of a local index.
pub fn facts(path: &Path) -> String {
    let index = local::open(path).unwrap();
    let inspected = Inspected { store: &index.store, tenant: index.tenant, repository: index.repository };
    let mut out = Vec::new();
    block_on(inspected.facts(&mut out)).unwrap();
    String::from_utf8(out).unwrap()
}

/// All edges of a local index.
pub fn local_edges(path: &Path) -> String {
    let index = local::open(path).unwrap();
    let inspected = Inspected { store: &index.store, tenant: index.tenant, repository: index.repository };
    let mut out = Vec::new();
    block_on(inspected.edges(&mut out)).unwrap();
    String::from_utf8(out).unwrap()
}

/// The paths and names that the object of a graph holds, and its base, if that is there.
pub async fn names_of_graph(store: &Store, tenant: TenantId, object: Bytes) -> Vec<Vec<u8>> {
    let len = object.len() as u64;
    let hot = Graph::hot_range(&object, len).unwrap();
    let base = Graph::open(&object[hot.start as usize..], len).unwrap().base_name().map(ObjectKey::from_bytes);
    let view = match base {
        None => footing::in_memory(object, None).unwrap(),
        Some(base) => match store.get(tenant, Kind::Graph, base).await {
            Ok(base) => footing::in_memory(base, Some(object)).unwrap(),
            Err(_) => return Vec::new(),
        },
    };
    let mut names = Vec::new();
    for file in view.files_under(b"") {
        names.push(view.path(file).to_vec());
        let labels = view.nodes_of(file).map(|node| view.node(node).unwrap().label().into_bytes());
        names.extend(labels);
    }
    names
}

/// The facts as lines `class language path`, without what depends on content.
pub fn short_facts(path: &Path) -> Vec<String> {
    short(&facts(path))
}

/// The same of facts that are there already.
pub fn short(facts: &str) -> Vec<String> {
    facts.lines().filter_map(shorten).collect()
}

fn shorten(line: &str) -> Option<String> {
    let words: Vec<_> = line.split(' ').collect();
    match words.as_slice() {
        ["file", _, _, language, class, _, path @ ..] => Some(format!("{class} {language} {}", path.join(" "))),
        ["skipped", reason, path @ ..] => Some(format!("skipped {reason} {}", path.join(" "))),
        _ => None,
    }
}

/// The facts of a fresh index of the same repository, made in another place. A thread of its own, because the local index
/// has a runtime of its own and callers may be inside one.
pub fn fresh_facts(repository: &Repository) -> String {
    std::thread::scope(|scope| scope.spawn(|| fresh_here(repository, facts)).join().unwrap())
}

/// The edges of such an index.
pub fn fresh_edges(repository: &Repository) -> String {
    std::thread::scope(|scope| scope.spawn(|| fresh_here(repository, local_edges)).join().unwrap())
}

fn fresh_here(repository: &Repository, of: fn(&Path) -> String) -> String {
    let folder = tempfile::tempdir().unwrap();
    let clone = folder.path().join("clone");
    repository.git(&["clone", "--quiet", "--bare", ".", clone.to_str().unwrap()]);
    index(&clone);
    of(&clone)
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

/// A bare repository that is pushed to and served.
pub struct Remote {
    folder: TempDir,
}

impl Remote {
    pub fn of(repository: &Repository) -> Self {
        let folder = tempfile::tempdir().unwrap();
        repository.git(&["clone", "--quiet", "--bare", ".", folder.path().join("remote.git").to_str().unwrap()]);
        Self { folder }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("remote.git")
    }

    pub fn push(&self, repository: &Repository, what: &str) {
        repository.git(&["push", "--quiet", "--force", self.path().to_str().unwrap(), what]);
    }
}
