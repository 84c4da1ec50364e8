//! Body limits: 1 MiB, and 25 MiB (what GitHub caps a payload at) below `/webhooks/` only.

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_LENGTH;
use http_body_util::Limited;

use super::code::Code;
use super::error::ApiError;
use crate::telemetry::events;

/// Most bytes of a body.
pub const BODY_LIMIT: usize = 1024 * 1024;
/// Most bytes of a webhook delivery.
pub const WEBHOOK_BODY_LIMIT: usize = 25 * 1024 * 1024;

/// Axum's own limit is off: [`limit`] is the only one.
pub(super) fn no_default_limit() -> DefaultBodyLimit {
    DefaultBodyLimit::disable()
}

/// Refuses a body by its stated length before any of it is read, and ends one that grows over the limit.
pub(super) async fn limit(request: Request, next: Next) -> Response {
    let limit = if request.uri().path().starts_with("/webhooks/") { WEBHOOK_BODY_LIMIT } else { BODY_LIMIT };
    let stated = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if let Some(size_bytes) = stated.filter(|stated| *stated > limit) {
        note_webhook(&request, size_bytes);
        return too_large().into_response();
    }
    next.run(request.map(|body| Body::new(Limited::new(body, limit)))).await
}

/// A delivery that is refused for its size is lost, so its sender's owner must find it in the log.
fn note_webhook(request: &Request, size_bytes: usize) {
    if request.uri().path().starts_with("/webhooks/") {
        let delivery = request.headers().get("x-github-delivery").and_then(|value| value.to_str().ok());
        tracing::warn!(delivery, size_bytes, "{}: {size_bytes} bytes are too many", events::WEBHOOK_REJECTED);
    }
}

pub(super) fn too_large() -> ApiError {
    let detail = format!("the body is over the limit of {BODY_LIMIT} bytes ({WEBHOOK_BODY_LIMIT} for webhooks)");
    ApiError::new(Code::PayloadTooLarge, detail)
}
