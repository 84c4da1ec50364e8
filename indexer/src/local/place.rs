//! Where the index of a path is: in the common git folder of its repository, or in the plain folder itself.

use std::path::{Path, PathBuf};

use git2::{ErrorCode, Repository};

use super::LocalError;
use crate::error::IndexError;
use crate::folder::INDEX_FOLDER;

/// Folder of the index inside the common git folder.
const IN_GIT_FOLDER: &str = "kotadb";

/// What a path turned out to be.
pub(super) struct Place {
    /// The repository; `None`: a plain folder.
    pub(super) repository: Option<Repository>,
    /// The plain folder, or the working tree (the git folder where it is bare).
    pub(super) root: PathBuf,
    /// Where the index is.
    pub(super) folder: PathBuf,
    /// Name of `root`.
    pub(super) name: String,
}

impl Place {
    /// Looks upward for a repository, as git does.
    pub(super) fn find(path: &Path) -> Result<Self, LocalError> {
        let no_folder = || LocalError::NoFolder(path.display().to_string());
        let path = path.canonicalize().map_err(|_| no_folder())?;
        match Repository::discover(&path) {
            Ok(repository) => Ok(Self::of_repository(repository)),
            Err(error) if error.code() == ErrorCode::NotFound && path.is_dir() => Ok(Self::of_folder(path)),
            Err(error) if error.code() == ErrorCode::NotFound => Err(no_folder()),
            Err(error) => Err(refusal(&path, &error)),
        }
    }

    fn of_repository(repository: Repository) -> Self {
        let root = repository.workdir().unwrap_or(repository.path()).to_owned();
        let folder = repository.commondir().join(IN_GIT_FOLDER);
        Self { name: name_of(&root), repository: Some(repository), root, folder }
    }

    fn of_folder(root: PathBuf) -> Self {
        Self { name: name_of(&root), repository: None, folder: root.join(INDEX_FOLDER), root }
    }
}

fn name_of(root: &Path) -> String {
    let name = root.file_name().map_or_else(|| "local".into(), |name| name.to_string_lossy());
    name.strip_suffix(".git").filter(|name| !name.is_empty()).unwrap_or(&name).to_owned()
}

fn refusal(path: &Path, error: &git2::Error) -> LocalError {
    let message = error.message().to_owned();
    if message.contains("objectformat") || message.contains("object format") {
        return IndexError::Sha256Repository.into();
    }
    LocalError::Repository { path: path.display().to_string(), message }
}
