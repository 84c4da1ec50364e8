//! What the headers of a delivery say.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use kotadb_core::github::Signature;
use kotadb_core::http::ApiError;
use uuid::Uuid;

/// Most characters of an event's name: GitHub's longest has 40.
const MOST_EVENT: usize = 100;

/// The headers of a delivery.
#[derive(Debug)]
pub struct Headers {
    /// `X-GitHub-Event`.
    pub event: String,
    /// `X-GitHub-Delivery`.
    pub delivery: Uuid,
    /// `X-Hub-Signature-256`; `None`: missing or malformed.
    pub signature: Option<Signature>,
    /// `X-GitHub-Hook-ID`.
    pub hook: Option<i64>,
    /// `X-GitHub-Hook-Installation-Target-ID` of a hook of a repository: that repository.
    pub repository: Option<i64>,
    /// `Content-Type`.
    pub content_type: String,
}

impl Headers {
    /// Refuses a request that no hook of GitHub sends.
    pub fn read(headers: &HeaderMap) -> Result<Self, ApiError> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let number = |name: &str| text(name).and_then(|text| text.parse().ok());
        let event = text("x-github-event").filter(|event| event.len() <= MOST_EVENT);
        let event = event.ok_or_else(|| ApiError::invalid_request("`X-GitHub-Event` is missing"))?;
        let delivery = text("x-github-delivery").and_then(|text| Uuid::parse_str(text).ok());
        let delivery = delivery.ok_or_else(|| ApiError::invalid_request("`X-GitHub-Delivery` must be a UUID"))?;
        let is_of_repository = text("x-github-hook-installation-target-type") == Some("repository");
        Ok(Self {
            event: event.to_owned(),
            delivery,
            signature: text("x-hub-signature-256").and_then(|text| text.parse().ok()),
            hook: number("x-github-hook-id"),
            repository: number("x-github-hook-installation-target-id").filter(|_| is_of_repository),
            content_type: text(CONTENT_TYPE.as_str()).unwrap_or_default().to_owned(),
        })
    }
}
