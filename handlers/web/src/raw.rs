//! `GET /repositories/{id}/raw/{path}?at=`: a file as it is, and as text whatever it is: a browser runs nothing of it.

use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use kotadb_core::http::{ApiError, Resources};
use kotadb_core::search::commit::FileRequest;

use crate::at::At;

/// Nothing at all, in an origin of its own.
const POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// The file.
pub(crate) async fn show(State(resources): State<Resources>, at: At) -> Result<Response, ApiError> {
    let request = FileRequest::new(&at.path, usize::MAX);
    let found = resources.searcher()?.ask(&at.commit()?, &request).await?;
    let headers: [(HeaderName, &str); 4] = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "private, no-cache"),
        (VARY, "cookie"),
    ];
    Ok((headers, found.answer.text).into_response())
}
