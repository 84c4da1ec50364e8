//! The repositories that `up` serves: checks the given paths, gives each a name, and runs the git server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use kotadb_core::http::git_backend::GitServer;

use super::state::State;

/// A path on the command line, found to be a repository.
#[derive(Debug)]
pub struct LocalPath {
    /// Top of the working tree, or the bare repository.
    path: PathBuf,
}

/// The git server and what it serves.
#[derive(Debug)]
pub struct Served {
    server: GitServer,
    paths: BTreeMap<String, PathBuf>,
    previous_origin: Option<String>,
}

/// Resolves what was typed; every path must be a git repository.
pub fn resolve(paths: &[PathBuf]) -> anyhow::Result<Vec<LocalPath>> {
    paths.iter().map(|path| find_repository(path).map(|path| LocalPath { path })).collect()
}

impl Served {
    /// Serves the paths of earlier runs that still exist, and the new ones.
    pub async fn start(state: &mut State, new: &[LocalPath]) -> anyhow::Result<Self> {
        state.memory.paths.retain(|_, path| path.exists());
        for LocalPath { path } in new {
            if !state.memory.paths.values().any(|known| known == path) {
                let name = free_name(&state.memory.paths, path);
                state.memory.paths.insert(name, path.clone());
            }
        }
        let paths = state.memory.paths.clone();
        let previous = state.memory.git_origin.clone();
        let port = previous.as_deref().and_then(|origin| origin.rsplit(':').next()?.parse().ok());
        let server = GitServer::start(paths.clone(), port).await.context("cannot start the git server")?;
        state.memory.git_origin = Some(server.origin());
        state.save()?;
        let previous_origin = previous.filter(|previous| *previous != server.origin());
        Ok(Self { server, paths, previous_origin })
    }

    /// The origin of the last run, where its port was not free this time.
    pub fn previous_origin(&self) -> Option<&str> {
        self.previous_origin.as_deref()
    }

    /// `http://127.0.0.1:PORT`
    pub fn origin(&self) -> String {
        self.server.origin()
    }

    /// Clone URL of a served name.
    pub fn url(&self, name: &str) -> String {
        self.server.url(name)
    }

    /// Served names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.paths.keys().map(String::as_str)
    }

    /// Served names with their paths.
    pub fn paths(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.paths.iter().map(|(name, path)| (name.as_str(), path.as_path()))
    }
}

fn find_repository(path: &Path) -> anyhow::Result<PathBuf> {
    let path = path.canonicalize().with_context(|| format!("`{}` does not exist", path.display()))?;
    let top = git(&path, "--show-toplevel").or_else(|_| git(&path, "--absolute-git-dir"));
    let top =
        top.with_context(|| format!("`{}` is not a git repository: run `git init` there first", path.display()))?;
    Ok(PathBuf::from(top))
}

fn git(path: &Path, question: &str) -> anyhow::Result<String> {
    let output = Command::new("git")
        .args(["-c", "safe.directory=*", "rev-parse", question])
        .current_dir(path)
        .output()
        .context("cannot run `git`: install it")?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

/// `local/<folder>`, with a number behind it where another path has that name.
fn free_name(taken: &BTreeMap<String, PathBuf>, path: &Path) -> String {
    let folder = path.file_name().map_or_else(|| "repository".into(), |name| name.to_string_lossy().into_owned());
    let folder: String = folder.trim_end_matches(".git").chars().map(plain).collect();
    let base = format!("local/{}", if folder.is_empty() { "repository" } else { &folder });
    (1..)
        .map(|n| if n == 1 { base.clone() } else { format!("{base}-{n}") })
        .find(|name| !taken.contains_key(name))
        .unwrap_or(base)
}

fn plain(c: char) -> char {
    if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_free() {
        let mut taken = BTreeMap::new();
        assert_eq!(free_name(&taken, Path::new("/src/my repo.git")), "local/my-repo");
        taken.insert("local/my-repo".to_owned(), PathBuf::from("/elsewhere"));
        assert_eq!(free_name(&taken, Path::new("/src/my repo")), "local/my-repo-2");
        assert_eq!(free_name(&taken, Path::new("/")), "local/repository");
    }

    #[test]
    fn a_plain_folder_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = resolve(&[folder.path().to_owned()]).expect_err("no repository");
        assert!(error.to_string().contains("is not a git repository"), "{error:#}");
    }
}
