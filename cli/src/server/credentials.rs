//! The keys of services, as `kotadb login` keeps them: one for each address, in a file that nobody else may read.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::PathBuf;

use anyhow::{Context, ensure};
use kotadb_core::config::config_home;
use serde::{Deserialize, Serialize};

use crate::private_file;

/// Keys by address.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Address of the last login.
    pub current: Option<String>,
    /// Address → key.
    pub keys: BTreeMap<String, String>,
}

impl Credentials {
    /// What is kept; nothing where nobody has logged in.
    pub fn load() -> anyhow::Result<Self> {
        let path = path()?;
        if let Ok(found) = fs::metadata(&path) {
            let mode = found.permissions().mode() & 0o777;
            ensure!(
                mode & 0o077 == 0,
                "`{0}` holds keys and is open to others (mode {mode:o}): `chmod 600 {0}`, and rotate them",
                path.display()
            );
        }
        Ok(private_file::read(&path)?.unwrap_or_default())
    }

    /// Keeps them.
    pub fn save(&self) -> anyhow::Result<PathBuf> {
        let path = path()?;
        let folder = path.parent().context("the file has a folder")?;
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.with_context(|| format!("cannot make `{}`", folder.display()))?;
        private_file::write(&path, self)?;
        Ok(path)
    }
}

/// Address of the last login, where that can be known.
pub fn current_server() -> Option<String> {
    Credentials::load().ok()?.current
}

fn path() -> anyhow::Result<PathBuf> {
    let home = config_home().context("`HOME` is not set: it says where keys are kept")?;
    Ok(home.join("kotadb/credentials.json"))
}
