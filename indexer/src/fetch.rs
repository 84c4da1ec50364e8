//! Brings commits to this machine, into a bare scratch repository: either whole, or their trees first and then blobs by id.
//! Which of them is wanted is `partial.rs`.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use kotadb_core::id::ObjectId;
use kotadb_core::telemetry::events;
use tracing::warn;

use crate::error::IndexError;
use crate::git::{Call, Git};
use crate::halt::Halt;
use crate::remote::RemoteRef;
use crate::{complaint, fail_point, limits};

/// What every fetch of ours asks for. Nothing is told of what is here already (`noop` negotiation): the remote would take
/// blobs for held that a tree names, though only the tree is.
const ALWAYS: [&str; 5] = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"];

/// A ref and the commit that was fetched for it. The remote may have moved since it was listed: this is what is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Full name at the remote.
    pub name: String,
    /// The commit.
    pub commit: ObjectId,
}

/// One remote and the repository that it is fetched into.
#[derive(Clone, Copy, Debug)]
pub struct Fetcher<'a> {
    /// How it is called.
    pub git: &'a Git,
    /// The remote.
    pub url: &'a str,
    /// A folder, empty at first.
    pub folder: &'a Path,
    /// Tells to stop.
    pub halt: &'a Halt,
}

impl Fetcher<'_> {
    /// Fetches `refs`, with all blobs but those that are too large to be indexed.
    pub async fn whole(&self, refs: &[RemoteRef]) -> Result<Vec<Fetched>, IndexError> {
        self.init().await?;
        let wanted = refs.iter().zip(0..).map(|(r, i)| format!("+{}:{}", r.name, local_name(i)));
        self.fetch(&["--depth=1", &no_large_blobs()], wanted).await?;
        self.resolve(refs)
    }

    /// Fetches commits that are here already, with all blobs but those that are too large to be indexed.
    pub async fn whole_again(&self, commits: &BTreeSet<ObjectId>) -> Result<(), IndexError> {
        let wanted = commits.iter().zip(0..).map(|(commit, i)| format!("+{commit}:refs/kotadb/whole/{i}"));
        self.fetch(&["--depth=1", "--refetch", &no_large_blobs()], wanted).await
    }

    /// Fetches `refs` without blobs, and beside them `earlier` commits where the remote still has them: they share most of
    /// their trees, so it costs little to know what they held. A remote that knows no filters sends blobs, too.
    pub async fn trees(&self, refs: &[RemoteRef], earlier: &BTreeSet<ObjectId>) -> Result<Vec<Fetched>, IndexError> {
        self.init().await?;
        let wanted = || refs.iter().zip(0..).map(|(r, i)| format!("+{}:{}", r.name, local_name(i)));
        let both = wanted().chain(earlier.iter().map(ToString::to_string));
        match self.fetch(&["--depth=1", "--filter=blob:none"], both).await {
            Err(error) if complaint::refuses_ids(&error) => {
                self.fetch(&["--depth=1", "--filter=blob:none"], wanted()).await?;
            }
            outcome => outcome?,
        }
        self.resolve(refs)
    }

    /// Fetches blobs by id, in batches.
    pub async fn blobs(&self, ids: &BTreeSet<ObjectId>) -> Result<(), IndexError> {
        let all: Vec<_> = ids.iter().collect();
        let file = self.folder.join("kotadb-wants");
        for batch in all.chunks(limits::MAX_WANTS) {
            let lines = batch.iter().fold(String::new(), |mut lines, id| {
                let _infallible = writeln!(lines, "{id}");
                lines
            });
            std::fs::write(&file, lines).map_err(IndexError::io("cannot write the list of blobs to fetch"))?;
            let mut args: Vec<String> = ALWAYS.map(str::to_owned).to_vec();
            args.extend(["--filter=blob:none", "--stdin", "--", self.url].map(str::to_owned));
            self.run("fetch of blobs", args, Some(&file)).await?;
        }
        Ok(())
    }

    async fn init(&self) -> Result<(), IndexError> {
        let folder = self.folder;
        std::fs::create_dir_all(folder).map_err(IndexError::io(format!("cannot make `{}`", folder.display())))?;
        let args = ["init", "--quiet", "--bare", "--template=", "--object-format=sha1", "."].map(str::to_owned);
        self.run("init", args.to_vec(), None).await?;
        fail_point::hit("fetch.initialised");
        Ok(())
    }

    async fn fetch(&self, options: &[&str], wanted: impl Iterator<Item = String>) -> Result<(), IndexError> {
        let fixed = ALWAYS.iter().chain(options).copied().chain(["--", self.url]);
        let args = fixed.map(str::to_owned).chain(wanted).collect();
        self.run("fetch", args, None).await
    }

    async fn run(&self, what: &'static str, args: Vec<String>, input: Option<&Path>) -> Result<(), IndexError> {
        let call = Call { what, args, folder: self.folder, input, timeout: limits::FETCH_TIMEOUT };
        self.git.run(&call, self.halt).await.map(|_nothing| ())
    }

    /// Refs that name no commit (some tags name trees or blobs) are left out, not an error.
    fn resolve(&self, refs: &[RemoteRef]) -> Result<Vec<Fetched>, IndexError> {
        fail_point::hit("fetch.fetched");
        let repository = git2::Repository::open_bare(self.folder)?;
        let mut fetched = Vec::with_capacity(refs.len());
        for (r, i) in refs.iter().zip(0..) {
            match repository.find_reference(&local_name(i)).and_then(|reference| reference.peel_to_commit()) {
                Ok(commit) => {
                    fetched.push(Fetched { name: r.name.clone(), commit: crate::tree::object_id(commit.id()) });
                }
                Err(error) => warn!(name = r.name, error = error.message(), "{}", events::REF_LEFT_OUT),
            }
        }
        fail_point::hit("fetch.resolved");
        Ok(fetched)
    }
}

fn local_name(i: usize) -> String {
    format!("refs/kotadb/{i}")
}

/// Blobs of exactly the limit are still wanted.
fn no_large_blobs() -> String {
    format!("--filter=blob:limit={}", limits::MAX_BLOB_BYTES + 1)
}
