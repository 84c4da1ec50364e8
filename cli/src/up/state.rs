//! What `up` keeps between runs, below the data folder: secrets, the port of the git server, which names stand for which
//! paths, and a report for scripts. Files that hold secrets are readable by their owner only.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kotadb_core::crypto;
use kotadb_core::identity::ApiKey;
use serde::{Deserialize, Serialize};

use crate::private_file;

/// The folder of one `up` and what is written there.
#[derive(Debug)]
pub struct State {
    folder: PathBuf,
    /// Made at the first run.
    pub secrets: Secrets,
    /// What changes from run to run.
    pub memory: Memory,
    _lock: fs::File,
}

/// Secrets of this installation.
#[derive(Debug, Serialize, Deserialize)]
pub struct Secrets {
    /// Shown to the user.
    pub api_key: String,
    /// `KOTADB_MASTER_KEY` of router and indexer.
    pub master_key: String,
}

/// What later runs need to find what earlier ones made.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    /// Origin of the git server at the last run: the registered URLs begin with it.
    pub git_origin: Option<String>,
    /// Served name → path.
    pub paths: BTreeMap<String, PathBuf>,
    /// Repository name → its webhook, shown once at registration.
    pub webhooks: BTreeMap<String, Webhook>,
}

/// Where GitHub would deliver, and with what secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Webhook {
    /// The repository's id.
    pub repository: String,
    /// Path of the hook below the API's URL.
    pub path: String,
    /// Shared secret of the signature.
    pub secret: String,
}

impl State {
    /// Opens the state of a data folder, making folder and secrets at the first run. Refuses a folder in use.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the data folder `{}`: set KOTADB_DATA_DIR", folder.display()))?;
        // They hold the text of what is indexed. The folder round them stays open, because Postgres may run as another user.
        for private in ["objects", "scratch"] {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder.join(private))?;
        }
        let lock = fs::File::create(folder.join("up.lock"))?;
        if lock.try_lock().is_err() {
            anyhow::bail!("another `kotadb up` runs on `{}`: stop it, or set KOTADB_DATA_DIR", folder.display());
        }
        let secrets = match private_file::read(&folder.join("secrets.json"))? {
            Some(secrets) => secrets,
            None => new_secrets(folder)?,
        };
        let memory = private_file::read(&folder.join("up.json"))?.unwrap_or_default();
        Ok(Self { folder: folder.to_owned(), secrets, memory, _lock: lock })
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where [`State::write_report`] writes.
    pub fn report_path(&self) -> PathBuf {
        self.folder.join("report.json")
    }

    /// Keeps [`State::memory`] for the next run.
    pub fn save(&self) -> anyhow::Result<()> {
        private_file::write(&self.folder.join("up.json"), &self.memory)
    }

    /// Writes where the API is and what may be asked of it, for scripts.
    pub fn write_report(&self, url: &str) -> anyhow::Result<()> {
        let report = serde_json::json!({
            "url": url,
            "api_key": self.secrets.api_key,
            "webhooks": self.memory.webhooks,
        });
        private_file::write(&self.report_path(), &report)
    }
}

fn new_secrets(folder: &Path) -> anyhow::Result<Secrets> {
    let secrets = Secrets {
        api_key: ApiKey::generate(true).expose().to_owned(),
        master_key: STANDARD.encode(crypto::random::<32>()),
    };
    private_file::write(&folder.join("secrets.json"), &secrets)?;
    Ok(secrets)
}
