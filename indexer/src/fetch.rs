//! Brings commits to this machine: one shallow fetch of the moved tips into a bare scratch repository.

use std::path::{Path, PathBuf};

use kotadb_core::id::ObjectId;
use kotadb_core::telemetry::events;
use tracing::warn;

use crate::error::IndexError;
use crate::git::{Call, Git};
use crate::halt::Halt;
use crate::remote::RemoteRef;
use crate::{fail_point, limits};

/// A ref and the commit that was fetched for it. The remote may have moved since it was listed: this is what is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Full name at the remote.
    pub name: String,
    /// The commit.
    pub commit: ObjectId,
}

/// Fetches `refs` of `url` into a new bare repository at `folder`.
pub async fn fetch(
    git: &Git,
    url: &str,
    refs: &[RemoteRef],
    folder: &Path,
    halt: &Halt,
) -> Result<Vec<Fetched>, IndexError> {
    let repository = init(git, folder, halt).await?;
    fail_point::hit("fetch.initialised");
    let mut args: Vec<String> =
        ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--", url]
            .map(str::to_owned)
            .to_vec();
    args.extend(refs.iter().enumerate().map(|(i, r)| format!("+{}:{}", r.name, local_name(i))));
    git.run(&Call { what: "fetch", args, folder: &repository, timeout: limits::FETCH_TIMEOUT }, halt).await?;
    fail_point::hit("fetch.fetched");
    let fetched = resolve(&repository, refs)?;
    fail_point::hit("fetch.resolved");
    Ok(fetched)
}

async fn init(git: &Git, folder: &Path, halt: &Halt) -> Result<PathBuf, IndexError> {
    std::fs::create_dir_all(folder).map_err(IndexError::io(format!("cannot make `{}`", folder.display())))?;
    let args = ["init", "--quiet", "--bare", "--template=", "--object-format=sha1", "."].map(str::to_owned).to_vec();
    git.run(&Call { what: "init", args, folder, timeout: limits::LIST_TIMEOUT }, halt).await?;
    Ok(folder.to_owned())
}

fn local_name(i: usize) -> String {
    format!("refs/kotadb/{i}")
}

/// Refs that name no commit (some tags name trees or blobs) are left out, not an error.
fn resolve(folder: &Path, refs: &[RemoteRef]) -> Result<Vec<Fetched>, IndexError> {
    let repository = git2::Repository::open_bare(folder)?;
    let mut fetched = Vec::with_capacity(refs.len());
    for (i, r) in refs.iter().enumerate() {
        match repository.find_reference(&local_name(i)).and_then(|reference| reference.peel_to_commit()) {
            Ok(commit) => fetched.push(Fetched { name: r.name.clone(), commit: crate::tree::object_id(commit.id()) }),
            Err(error) => warn!(name = r.name, error = error.message(), "{}", events::REF_LEFT_OUT),
        }
    }
    Ok(fetched)
}
