//! What lists and single things have in common below `/api/`: an entity tag of their bytes where the handler has made none,
//! `Link` to the next page, and 304 for whoever has the answer already.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderValue, LINK, VARY};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde::Deserialize;
use url::form_urlencoded;

use super::entity_tag::{IfNoneMatch, TagBuilder};
use super::error::ApiError;
use crate::crypto::sha256;

/// Headers that 304 repeats.
const KEPT: [http::HeaderName; 4] = [ETAG, CACHE_CONTROL, VARY, LINK];

#[derive(Deserialize)]
struct Listed {
    next_cursor: Option<String>,
}

/// The layer.
pub(super) async fn conditional(request: Request, next: Next) -> Response {
    let (is_get, is_head) = (request.method() == Method::GET, request.method() == Method::HEAD);
    if !is_get && !is_head {
        return next.run(request).await;
    }
    let had = IfNoneMatch::of(request.headers());
    let (uri, who) = (request.uri().clone(), who(request.headers()));
    let mut response = next.run(request).await;
    if response.status() != StatusCode::OK {
        return response;
    }
    // The body of an answer to HEAD is gone already.
    if is_get && uri.path().starts_with("/api/") && is_json(response.headers()) {
        response = match completed(response, &uri, &who).await {
            Ok(response) => response,
            Err(error) => return error.into_response(),
        };
    }
    let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
    if tag.is_some_and(|tag| had.has(tag)) { not_modified(response.headers()) } else { response }
}

/// Credentials, hashed: answers to two keys share no tag, even if they are equal.
fn who(headers: &HeaderMap) -> [u8; 32] {
    let names = ["authorization", "x-api-key", "kotadb-tenant"];
    let value = |name| headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
    sha256(&names.map(value).join(&0))
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| *kind == "application/json")
}

async fn completed(response: Response, uri: &Uri, who: &[u8]) -> Result<Response, ApiError> {
    let (mut parts, body) = response.into_parts();
    // Handlers answer from memory: there is no more to wait for, nor to bound.
    let bytes = to_bytes(body, usize::MAX).await.map_err(ApiError::internal)?;
    if !parts.headers.contains_key(ETAG) && !parts.headers.contains_key(CACHE_CONTROL) {
        let asked = uri.path_and_query().map_or("", |text| text.as_str());
        let tag = TagBuilder::new("bytes").with(who).with(asked.as_bytes()).with(&bytes).strong();
        parts.headers.insert(ETAG, tag.header());
    }
    if let Ok(Listed { next_cursor: Some(cursor) }) = serde_json::from_slice(&bytes) {
        parts.headers.insert(LINK, next_page(uri, &cursor));
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// The same request with another cursor.
fn next_page(uri: &Uri, cursor: &str) -> HeaderValue {
    let asked = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let kept = asked.filter(|(name, _)| name != "cursor");
    let query =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).append_pair("cursor", cursor).finish();
    let link = format!("<{}?{query}>; rel=\"next\"", uri.path());
    HeaderValue::from_str(&link).expect("a path and percent-encoded pairs are a header value")
}

fn not_modified(headers: &HeaderMap) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    response.headers_mut().remove(CONTENT_LENGTH);
    for name in KEPT {
        if let Some(value) = headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_for_in_the_same_way() {
        let uri: Uri = "/api/v1/search/code?query=a%20%26b&cursor=old&limit=5".parse().unwrap();
        let link = next_page(&uri, "v1.x_y=");
        assert_eq!(link, "</api/v1/search/code?query=a+%26b&limit=5&cursor=v1.x_y%3D>; rel=\"next\"");
    }
}
