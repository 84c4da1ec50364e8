//! The service as its users meet it: registration, signed deliveries, search.

use std::time::{Duration, Instant};

use anyhow::Context;
use kotadb_core::crypto;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

/// A client with a key.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    url: String,
    key: String,
}

/// A webhook of a repository.
#[derive(Clone, Debug)]
pub struct Hook {
    /// Path of its URL.
    pub path: String,
    secret: String,
    github_id: i64,
}

/// What a delivery came to.
#[derive(Clone, Debug)]
pub struct Ack {
    /// Status; `None`: no answer.
    pub status: Option<StatusCode>,
    /// `queued`, `duplicate`, …, or the code of the problem.
    pub outcome: String,
    /// Time to the answer.
    pub took: Duration,
}

impl Ack {
    /// Whether the service took responsibility for it.
    pub fn is_accepted(&self) -> bool {
        self.status == Some(StatusCode::ACCEPTED)
    }

    /// Whether it was refused as it should be: 503 with a problem.
    pub fn is_unavailable(&self) -> bool {
        self.status == Some(StatusCode::SERVICE_UNAVAILABLE) && !self.outcome.is_empty()
    }
}

impl Api {
    /// A client of the router at `url`.
    pub fn new(url: &str, key: &str) -> anyhow::Result<Self> {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?;
        Ok(Self { client, url: url.to_owned(), key: key.to_owned() })
    }

    /// The same at another router.
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// Registers a clone URL; its id and its hook. `github_id` is what deliveries of it say.
    pub async fn register(&self, clone_url: &str, refs: &[&str], github_id: i64) -> anyhow::Result<(String, Hook)> {
        let body = json!({ "url": clone_url, "refs": refs });
        let answer = self.call(self.client.post(format!("{}/api/v1/repositories", self.url)).json(&body)).await?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let id = text(&answer["id"]).with_context(|| format!("no id: {answer}"))?;
        let url = text(&answer["webhook"]["url"]).with_context(|| format!("no webhook: {answer}"))?;
        let secret = text(&answer["webhook"]["secret"]).with_context(|| format!("no secret: {answer}"))?;
        let path = url.find("/webhooks/").map_or(url.as_str(), |at| &url[at..]).to_owned();
        Ok((id, Hook { path, secret, github_id }))
    }

    /// Deletes a repository.
    pub async fn delete(&self, id: &str) -> anyhow::Result<()> {
        let request = self.client.delete(format!("{}/api/v1/repositories/{id}", self.url));
        let answer = request.bearer_auth(&self.key).send().await?;
        anyhow::ensure!(answer.status() == StatusCode::NO_CONTENT, "deletion answered {}", answer.status());
        Ok(())
    }

    /// Delivers a push of `main`.
    pub async fn deliver(&self, hook: &Hook, delivery: Uuid) -> Ack {
        let body = json!({
            "ref": "refs/heads/main",
            "repository": { "id": hook.github_id, "default_branch": "main" },
        });
        self.send(hook, delivery, ("push", &body)).await
    }

    /// Delivers that something happened to the repository, which is called so now.
    pub async fn tell(&self, hook: &Hook, action: &str, full_name: &str) -> Ack {
        let repository = json!({ "id": hook.github_id, "full_name": full_name, "default_branch": "main" });
        let body = json!({ "action": action, "repository": repository });
        self.send(hook, Uuid::now_v7(), ("repository", &body)).await
    }

    /// Signed as GitHub signs.
    async fn send(&self, hook: &Hook, delivery: Uuid, (event, body): (&str, &Value)) -> Ack {
        let body = body.to_string();
        let tag = crypto::to_hex(&crypto::hmac_sha256(hook.secret.as_bytes(), body.as_bytes()));
        let request = self.client.post(format!("{}{}", self.url, hook.path)).body(body);
        let request = request
            .header("content-type", "application/json")
            .header("x-github-event", event)
            .header("x-github-delivery", delivery.to_string())
            .header("x-hub-signature-256", format!("sha256={tag}"));
        let asked = Instant::now();
        let Ok(answer) = request.send().await else {
            return Ack { status: None, outcome: String::new(), took: asked.elapsed() };
        };
        let status = Some(answer.status());
        let body: Value = answer.json().await.unwrap_or_default();
        let outcome = body["outcome"].as_str().or(body["status"].as_str()).or(body["code"].as_str());
        Ack { status, outcome: outcome.unwrap_or_default().to_owned(), took: asked.elapsed() }
    }

    /// Lines of a query, of one repository or of all; `None`: the service cannot answer now.
    pub async fn search(&self, query: &str, repository: Option<&str>) -> anyhow::Result<Option<Vec<Value>>> {
        let body = json!({ "query": query, "repository": repository, "limit": 100 });
        let request = self.client.post(format!("{}/api/v1/search/code", self.url)).bearer_auth(&self.key).json(&body);
        let Ok(answer) = request.send().await else { return Ok(None) };
        let status = answer.status();
        let Ok(body) = answer.json::<Value>().await else { return Ok(None) };
        if status.is_server_error() {
            return Ok(None);
        }
        anyhow::ensure!(status.is_success(), "search answered {status}: {body}");
        let items = body["items"].as_array().with_context(|| format!("no items: {body}"))?;
        Ok(Some(items.clone()))
    }

    async fn call(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let answer = request.bearer_auth(&self.key).send().await?;
        let (status, body) = (answer.status(), answer.text().await?);
        anyhow::ensure!(status.is_success(), "the service answered {status}: {body}");
        Ok(serde_json::from_str(&body)?)
    }
}
