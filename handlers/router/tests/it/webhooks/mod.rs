//! Deliveries of GitHub. [`intake`]: what is let in; [`batches`]: many in one transaction; [`events`]: what the hook of a repository does with each event; [`app`]:
//! the hook of the App; [`faults`]: storms, and a database that is away; [`waking`]: who is called afterwards.

mod app;
mod batches;
mod events;
mod faults;
mod intake;
mod waking;

use axum::body::Body;
use axum::http::Request;
use kotadb_core::crypto;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{Answer, App};

/// GitHub's number of the repository in the payloads below.
const REPOSITORY: i64 = 35_129_377;

/// A hook as its repository's owner knows it.
pub struct Hook {
    path: String,
    secret: String,
    pub repository: Value,
    pub key: String,
}

pub async fn hook(app: &App, tenant: &str, body: Value) -> Hook {
    let key = app.tenant(tenant).await.key;
    let repository = app.call("POST", "/api/v1/repositories", &key, Some(body)).await.body;
    let url = repository["webhook"]["url"].as_str().unwrap();
    let path = url[url.find("/webhooks/").unwrap()..].to_owned();
    finish_jobs(app).await;
    Hook { path, secret: repository["webhook"]["secret"].as_str().unwrap().to_owned(), repository, key }
}

/// The job of the registration would swallow the ones that the tests look for.
async fn finish_jobs(app: &App) {
    app.db.execute("UPDATE kotadb.jobs SET state = 'done', finished_at = now() WHERE state = 'queued'").await;
}

async fn queued(app: &App) -> String {
    app.count("jobs WHERE state = 'queued'").await
}

fn repository(full_name: &str) -> Value {
    json!({ "id": REPOSITORY, "full_name": full_name, "default_branch": "main", "private": true, "archived": false })
}

pub fn push(ref_name: &str) -> Value {
    json!({
        "ref": ref_name, "before": "0".repeat(40), "after": "1".repeat(40), "deleted": false, "forced": false,
        "repository": repository("a/b"), "pusher": { "name": "x", "email": "x@example.invalid" },
    })
}

/// An event of the repository itself.
fn changed(action: &str, full_name: &str) -> Value {
    json!({ "action": action, "repository": repository(full_name), "sender": { "login": "x", "id": 1 } })
}

pub struct Delivery<'a> {
    path: &'a str,
    secret: &'a str,
    event: &'a str,
    guid: Uuid,
    content_type: &'a str,
    body: Vec<u8>,
    more: Vec<(&'static str, String)>,
}

impl<'a> Delivery<'a> {
    pub fn of(hook: &'a Hook, event: &'a str, body: &Value) -> Self {
        Self::to(&hook.path, &hook.secret, event, body)
    }

    fn to(path: &'a str, secret: &'a str, event: &'a str, body: &Value) -> Self {
        let body = body.to_string().into_bytes();
        Self { path, secret, event, guid: Uuid::now_v7(), content_type: "application/json", body, more: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.more.push((name, value.to_string()));
        self
    }

    pub async fn send(&self, app: &App) -> Answer {
        self.send_signed(app, &self.signature()).await
    }

    fn signature(&self) -> String {
        format!("sha256={}", crypto::to_hex(&crypto::hmac_sha256(self.secret.as_bytes(), &self.body)))
    }

    async fn send_signed(&self, app: &App, signature: &str) -> Answer {
        app.send(self.request(signature)).await
    }

    fn request(&self, signature: &str) -> Request<Body> {
        let mut request = Request::builder()
            .method("POST")
            .uri(self.path)
            .header("content-type", self.content_type)
            .header("x-github-event", self.event)
            .header("x-github-delivery", self.guid.to_string())
            .header("x-hub-signature-256", signature);
        for (name, value) in &self.more {
            request = request.header(*name, value);
        }
        request.body(Body::from(self.body.clone())).unwrap()
    }
}
