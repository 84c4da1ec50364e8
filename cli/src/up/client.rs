//! What `up` asks of its own API: register a repository, wait until it is indexed.

use std::time::{Duration, Instant};

use kotadb_core::crypto::Secret;
use kotadb_core::wire::{Job, NewRepository, QueuedJob, RegisteredRepository};

use super::state::{State, Webhook};
use crate::server::{self, address};

/// How often the state of a job is asked for.
const POLL: Duration = Duration::from_millis(200);
/// How often a waiting person is told that indexing goes on.
const REMIND: Duration = Duration::from_secs(15);

/// A client of the API with the key of this installation.
#[derive(Debug)]
pub struct Client(server::Client);

/// A registered repository and its newest job.
#[derive(Debug)]
pub struct Registered {
    /// `owner/name`
    pub name: String,
    job: String,
}

impl Client {
    /// A client of the API at `base`.
    pub fn new(base: &str, key: &str) -> anyhow::Result<Self> {
        Ok(Self(server::Client::new(address("the API at", base)?, Secret::new(key))?))
    }

    /// Registers a clone URL, or finds it registered; either way a job brings it up to date.
    pub async fn register(&self, state: &mut State, url: &str) -> anyhow::Result<Registered> {
        let body = NewRepository { url: url.to_owned(), ..NewRepository::default() };
        let registered: RegisteredRepository = self.0.post("/api/v1/repositories", &body).await?;
        let repository = registered.repository;
        if let Some(webhook) = registered.webhook {
            let path = webhook.url.find("/webhooks/").map_or(webhook.url.as_str(), |at| &webhook.url[at..]).to_owned();
            let webhook = Webhook { repository: repository.id.clone(), path, secret: webhook.secret };
            state.memory.webhooks.insert(repository.name.clone(), webhook);
            state.save()?;
        }
        let job = match registered.job {
            Some(job) => job,
            None => self.reindex(&repository.id).await?,
        };
        Ok(Registered { name: repository.name, job })
    }

    /// Waits for the repository's job to end well.
    pub async fn wait_indexed(&self, repository: &Registered) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut reminded = started;
        loop {
            let job: Job = self.0.get(&format!("/api/v1/jobs/{}", repository.job), &[]).await?;
            match job.state.as_str() {
                "done" | "superseded" => return Ok(()),
                "dead" | "cancelled" => {
                    anyhow::bail!("indexing `{}` failed: {}", repository.name, job.error.unwrap_or(job.state))
                }
                _ => {}
            }
            if reminded.elapsed() >= REMIND {
                reminded = Instant::now();
                let why = job.error.map(|error| format!(", last error: {error}")).unwrap_or_default();
                eprintln!("still indexing {} ({} s{why})", repository.name, started.elapsed().as_secs());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn reindex(&self, repository: &str) -> anyhow::Result<String> {
        let job: QueuedJob = self.0.ask_for(&format!("/api/v1/repositories/{repository}/index"), &[]).await?;
        Ok(job.id)
    }
}
