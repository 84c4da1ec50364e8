//! Fly's Machines API: starts the indexer's machine. Which one that is, is asked once and kept until it is not found any more.
//! A scheduled machine cannot be started by API, so those are passed over.

use std::collections::HashMap;

use reqwest::{Client, StatusCode};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{WakeError, accepted, twice};
use crate::crypto::Secret;

/// The machine of an app that indexes.
pub(super) struct Machines {
    client: Client,
    /// `…/v1/apps/<app>/machines`.
    machines: String,
    token: Secret,
    app: String,
    /// By configuration.
    fixed: Option<String>,
    known: Mutex<Option<String>>,
}

/// A machine as the API lists it.
#[derive(Deserialize)]
struct Machine {
    id: String,
    #[serde(default)]
    config: MachineConfig,
}

#[derive(Default, Deserialize)]
struct MachineConfig {
    #[serde(default)]
    metadata: HashMap<String, String>,
    schedule: Option<String>,
}

impl Machines {
    pub(super) fn new(client: Client, api: &str, token: &Secret, app: &str, fixed: Option<String>) -> Self {
        let machines = format!("{api}/v1/apps/{app}/machines");
        Self { client, machines, token: token.clone(), app: app.to_owned(), fixed, known: Mutex::new(None) }
    }

    /// Starts the machine. One that is not found any more was replaced: it is looked for again.
    pub(super) async fn start(&self) -> Result<(), WakeError> {
        if let Some(id) = &self.fixed {
            return accepted(self.start_one(id).await?);
        }
        let mut known = self.known.lock().await;
        if let Some(id) = known.as_deref() {
            match self.start_one(id).await? {
                StatusCode::NOT_FOUND => *known = None,
                status => return accepted(status),
            }
        }
        let id = self.find().await?;
        let status = self.start_one(known.insert(id)).await?;
        accepted(status)
    }

    async fn start_one(&self, id: &str) -> Result<StatusCode, WakeError> {
        let url = format!("{}/{id}/start", self.machines);
        twice(|| self.client.post(&url).bearer_auth(self.token.expose())).await
    }

    async fn find(&self) -> Result<String, WakeError> {
        let url = format!("{}?metadata.role=indexer", self.machines);
        let answer = self.client.get(&url).bearer_auth(self.token.expose()).send().await?;
        if !answer.status().is_success() {
            return Err(WakeError::Status(answer.status()));
        }
        let listed: Vec<Machine> = answer.json().await?;
        let is_indexer = |machine: &Machine| {
            machine.config.schedule.is_none()
                && machine.config.metadata.get("role").is_some_and(|role| role == "indexer")
        };
        let found = listed.into_iter().find(is_indexer).map(|machine| machine.id);
        found.ok_or_else(|| WakeError::NoMachine(self.app.clone()))
    }
}

impl std::fmt::Debug for Machines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machines").field("machines", &self.machines).field("fixed", &self.fixed).finish_non_exhaustive()
    }
}
