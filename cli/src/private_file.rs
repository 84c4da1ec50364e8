//! Files in JSON that only their owner may read, written whole or not at all.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What is in a file; `None`: there is none.
pub fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => {
            Ok(Some(serde_json::from_slice(&bytes).with_context(|| format!("`{}` is damaged", path.display()))?))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}

/// Writes beside and renames.
pub fn write(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    let wrong = || format!("cannot write `{}`", path.display());
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new).with_context(wrong)?;
    // One that was left behind keeps the mode it had.
    file.set_permissions(fs::Permissions::from_mode(0o600)).with_context(wrong)?;
    file.write_all(&serde_json::to_vec_pretty(value)?)?;
    file.sync_all()?;
    fs::rename(&new, path).with_context(wrong)
}
