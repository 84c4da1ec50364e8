//! What `up` asks of its own API: register a repository, wait until it is indexed.

use std::time::{Duration, Instant};

use anyhow::Context;
use kotadb_core::wire::{Job, NewRepository, QueuedJob, RegisteredRepository};
use reqwest::header::AUTHORIZATION;

use super::state::{State, Webhook};

/// How often the state of a job is asked for.
const POLL: Duration = Duration::from_millis(200);
/// How often a waiting person is told that indexing goes on.
const REMIND: Duration = Duration::from_secs(15);

/// A client of the API with a key.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    authorization: String,
}

/// A registered repository and its newest job.
#[derive(Debug)]
pub struct Registered {
    /// `owner/name`
    pub name: String,
    job: String,
}

impl Client {
    /// A client of the API at `base`.
    pub fn new(base: &str, key: &str) -> Self {
        Self { http: reqwest::Client::new(), base: base.to_owned(), authorization: format!("Bearer {key}") }
    }

    /// Registers a clone URL, or finds it registered; either way a job brings it up to date.
    pub async fn register(&self, state: &mut State, url: &str) -> anyhow::Result<Registered> {
        let body = NewRepository { url: url.to_owned(), ..NewRepository::default() };
        let registered: RegisteredRepository = self.answer(self.post("/api/v1/repositories").json(&body)).await?;
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
            let job: Job = self.answer(self.http.get(format!("{}/api/v1/jobs/{}", self.base, repository.job))).await?;
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
        let job: QueuedJob = self.answer(self.post(&format!("/api/v1/repositories/{repository}/index"))).await?;
        Ok(job.id)
    }

    fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.post(format!("{}{path}", self.base))
    }

    async fn answer<T: serde::de::DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> anyhow::Result<T> {
        let response =
            request.header(AUTHORIZATION, &self.authorization).send().await.context("the API does not answer")?;
        let status = response.status();
        let body = response.bytes().await?;
        anyhow::ensure!(status.is_success(), "the API answered {status}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).context("the API answered something unexpected")
    }
}
