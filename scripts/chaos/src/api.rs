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

impl Hook {
    /// What is delivered of a push of `main`.
    pub fn push(&self) -> Value {
        json!({ "ref": "refs/heads/main", "repository": { "id": self.github_id, "default_branch": "main" } })
    }

    /// The headers of a delivery, signed as GitHub signs.
    pub fn signed(&self, delivery: Uuid, event: &str, body: &str) -> [(&'static str, String); 4] {
        let tag = crypto::to_hex(&crypto::hmac_sha256(self.secret.as_bytes(), body.as_bytes()));
        [
            ("content-type", "application/json".to_owned()),
            ("x-github-event", event.to_owned()),
            ("x-github-delivery", delivery.to_string()),
            ("x-hub-signature-256", format!("sha256={tag}")),
        ]
    }
}

/// What a request came to.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Status; 0: no answer.
    pub status: u16,
    /// Its `ETag`.
    pub tag: Option<String>,
    /// Body.
    pub text: String,
    /// The same as JSON; null: it is none.
    pub body: Value,
    /// Time to the answer.
    pub took: Duration,
}

impl Answer {
    /// Whether it is a success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The code of a problem.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
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

    /// The same with another key, or with none.
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// The key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Asks anything.
    pub async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        self.ask_with(method, path, &[], body).await
    }

    /// The same with more headers.
    pub async fn ask_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let mut request = self.client.request(method.parse()?, format!("{}{path}", self.url));
        if !self.key.is_empty() {
            request = request.bearer_auth(&self.key);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let asked = Instant::now();
        let Ok(answer) = request.send().await else { return Ok(Answer::default()) };
        let status = answer.status().as_u16();
        let tag = answer.headers().get("etag").and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let text = answer.text().await.unwrap_or_default();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer { status, tag, text, body, took: asked.elapsed() })
    }

    /// Makes a successor of this key; both open for so many seconds.
    pub async fn rotate_key(&self, overlap_seconds: u64) -> anyhow::Result<Self> {
        let whoami = self.call(self.client.get(format!("{}/api/v1/whoami", self.url))).await?;
        let id = whoami["key"].as_str().context("who asks has no key")?;
        let request = self.client.post(format!("{}/api/v1/keys/{id}/rotate", self.url));
        let made = self.call(request.json(&json!({ "overlap_seconds": overlap_seconds }))).await?;
        Ok(self.with_key(made["key"].as_str().with_context(|| format!("no key: {made}"))?))
    }

    /// Makes a new secret of the hook of a repository; both sign for so many seconds.
    pub async fn rotate_hook(&self, id: &str, hook: &Hook, overlap_seconds: u64) -> anyhow::Result<Hook> {
        let path = format!("/api/v1/repositories/{id}/webhook/rotate?overlap_seconds={overlap_seconds}");
        let made = self.call(self.client.post(format!("{}{path}", self.url))).await?;
        let secret = made["secret"].as_str().with_context(|| format!("no secret: {made}"))?.to_owned();
        Ok(Hook { secret, ..hook.clone() })
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
        self.send(hook, delivery, ("push", &hook.push())).await
    }

    /// Delivers that something happened to the repository, which is called so now.
    pub async fn tell(&self, hook: &Hook, action: &str, full_name: &str) -> Ack {
        let repository = json!({ "id": hook.github_id, "full_name": full_name, "default_branch": "main" });
        let body = json!({ "action": action, "repository": repository });
        self.send(hook, Uuid::now_v7(), ("repository", &body)).await
    }

    async fn send(&self, hook: &Hook, delivery: Uuid, (event, body): (&str, &Value)) -> Ack {
        let body = body.to_string();
        let mut request = self.client.post(format!("{}{}", self.url, hook.path));
        for (name, value) in hook.signed(delivery, event, &body) {
            request = request.header(name, value);
        }
        let request = request.body(body);
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
