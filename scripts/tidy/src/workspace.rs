//! The tree as git lists it, with what Cargo says of its packages. The only reader of disk and the only one to start programs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use cargo_metadata::{Metadata, MetadataCommand, Package};

use crate::source::Source;

/// What is shipped runs there; other platforms' packages are not fetched to read their licences.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Everything the rules look at.
pub struct Workspace {
    /// Root of the tree.
    pub root: PathBuf,
    /// Every file that is tracked, or new and not ignored, relative to the root, in order.
    pub files: Vec<String>,
    /// The Rust files.
    pub sources: Vec<Source>,
    /// The text of `Cargo.lock`.
    pub lockfile: String,
    metadata: OnceLock<Metadata>,
}

impl Workspace {
    /// Reads the workspace that this crate belongs to.
    pub fn load() -> Result<Self> {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().context("root of the workspace")?;
        let files = list_files(&root)?;
        let sources = read_sources(&root, &files)?;
        let lockfile = std::fs::read_to_string(root.join("Cargo.lock")).context("Cargo.lock")?;
        Ok(Self { root, files, sources, lockfile, metadata: OnceLock::new() })
    }

    /// The answer of `cargo metadata`, asked for once and only where a rule needs it.
    pub fn metadata(&self) -> &Metadata {
        let ask = || {
            let mut command = MetadataCommand::new();
            command.manifest_path(self.root.join("Cargo.toml"));
            command.other_options(["--locked", "--filter-platform", PLATFORM].map(str::to_owned)).exec()
        };
        self.metadata.get_or_init(|| ask().expect("Cargo describes the workspace that it has just built"))
    }

    /// The members of the workspace.
    pub fn members(&self) -> impl Iterator<Item = Member<'_>> {
        self.metadata().workspace_packages().into_iter().map(|package| Member { package, root: &self.root })
    }

    /// The text of a file of the tree; empty where it is no text.
    #[must_use]
    pub fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.root.join(file)).unwrap_or_default()
    }

    /// Names of all packages in the tree of `package` built alone with default features, normal edges only.
    pub fn tree(&self, package: &str) -> Result<Vec<String>> {
        let text = output(
            Command::new(env!("CARGO"))
                .args(["tree", "--locked", "-p", package, "-e", "normal", "--prefix", "none", "-f", "{p}"])
                .current_dir(&self.root),
        )?;
        Ok(text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
    }
}

/// One package of the workspace.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    /// As Cargo describes it.
    pub package: &'a Package,
    root: &'a Path,
}

impl Member<'_> {
    /// Its name.
    pub fn name(&self) -> &str {
        self.package.name.as_str()
    }

    /// Its folder, relative to the root.
    pub fn folder(&self) -> String {
        let manifest = self.package.manifest_path.as_std_path();
        let folder = manifest.parent().and_then(|folder| folder.strip_prefix(self.root).ok());
        folder.map(|folder| folder.display().to_string()).unwrap_or_default()
    }
}

fn list_files(root: &Path) -> Result<Vec<String>> {
    let text = output(Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(root))?;
    let mut files: Vec<_> = text.lines().map(str::to_owned).collect();
    files.retain(|file| root.join(file).is_file());
    files.sort_unstable();
    files.dedup();
    ensure!(!files.is_empty(), "git lists no file below `{}`", root.display());
    Ok(files)
}

fn read_sources(root: &Path, files: &[String]) -> Result<Vec<Source>> {
    let rust = files.iter().filter(|file| file.ends_with(".rs"));
    rust.map(|file| {
        let text = std::fs::read_to_string(root.join(file)).with_context(|| file.clone())?;
        Ok(Source::new(file, &text))
    })
    .collect()
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
