//! Webhooks of a repository.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::GithubError;
use super::pages::Listed;
use super::session::Session;
use crate::crypto::Secret;

/// Events that a hook of ours delivers.
const EVENTS: [&str; 2] = ["push", "repository"];

/// A webhook of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Hook {
    /// Its number.
    pub id: i64,
    /// Whether it delivers.
    pub active: bool,
    /// What it delivers.
    pub events: Vec<String>,
    /// Where to and how.
    pub config: HookConfig,
    /// What the last delivery came to.
    #[serde(default)]
    pub last_response: HookResponse,
}

/// Where a webhook delivers to. GitHub never tells the secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct HookConfig {
    /// Payload URL.
    #[serde(default)]
    pub url: String,
    /// `json` or `form`.
    #[serde(default)]
    pub content_type: String,
    /// `"0"`: certificates are checked. GitHub sends a text or a number.
    #[serde(default)]
    pub insecure_ssl: Value,
    /// Stars, where one is set.
    #[serde(default)]
    pub secret: Option<String>,
}

/// What the last delivery of a webhook came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct HookResponse {
    /// Status of our answer; `None`: there was none, or no delivery yet.
    #[serde(default)]
    pub code: Option<u16>,
    /// `unused` before the first.
    #[serde(default)]
    pub status: Option<String>,
    /// In words.
    #[serde(default)]
    pub message: Option<String>,
}

/// A webhook as we want it.
#[derive(Clone, Copy, Debug)]
pub struct HookSettings<'a> {
    /// Payload URL.
    pub url: &'a str,
    /// Secret of its signatures.
    pub secret: &'a Secret,
}

impl HookSettings<'_> {
    fn body(&self) -> Value {
        json!({
            "name": "web",
            "active": true,
            "events": EVENTS,
            "config": {
                "url": self.url, "content_type": "json", "insecure_ssl": "0", "secret": self.secret.expose(),
            },
        })
    }
}

impl Hook {
    /// Whether all that GitHub shows of it is as [`HookSettings`] make it.
    pub fn is_sound(&self) -> bool {
        let is_checked = matches!(self.config.insecure_ssl.as_str(), Some("0")) || self.config.insecure_ssl == json!(0);
        let delivers = EVENTS.iter().all(|event| self.events.iter().any(|has| has == event || has == "*"));
        self.active && delivers && is_checked && self.config.content_type == "json" && self.config.secret.is_some()
    }
}

impl Session {
    /// The webhooks of `owner/name`.
    pub async fn hooks(&self, name: &str) -> Result<Listed<Hook>, GithubError> {
        self.pages(&format!("/repos/{name}/hooks?per_page=100"), None, |_| false).await
    }

    /// Makes a webhook.
    pub async fn create_hook(&self, name: &str, settings: &HookSettings<'_>) -> Result<Hook, GithubError> {
        self.post(&format!("/repos/{name}/hooks"), Some(&settings.body())).await
    }

    /// Sets everything of a webhook anew, the secret too.
    pub async fn update_hook(&self, name: &str, id: i64, settings: &HookSettings<'_>) -> Result<Hook, GithubError> {
        self.patch(&format!("/repos/{name}/hooks/{id}"), &settings.body()).await
    }

    /// Deletes a webhook.
    pub async fn delete_hook(&self, name: &str, id: i64) -> Result<(), GithubError> {
        self.run(Method::DELETE, &format!("/repos/{name}/hooks/{id}")).await
    }

    /// Has GitHub send a `ping` through a webhook.
    pub async fn ping_hook(&self, name: &str, id: i64) -> Result<(), GithubError> {
        self.run(Method::POST, &format!("/repos/{name}/hooks/{id}/pings")).await
    }
}
