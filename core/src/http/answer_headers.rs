//! Headers that every answer has: what a browser must not do with it, and who may keep it for how long.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
};

use super::ending;

/// For answers that are no pages. A page states what it needs.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// Two years, as browsers' own lists ask.
const HSTS: &str = "max-age=63072000; includeSubDomains";

/// Below it is what depends on who asks.
const API: &str = "/api/";

/// Adds what a handler has not set itself.
pub(super) async fn answer_headers(request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with(API);
    let is_tls = request.headers().get("x-forwarded-proto").is_some_and(|scheme| *scheme == "https");
    let mut response = next.run(request).await;
    let is_refusal = response.status().is_client_error() || response.status().is_server_error();
    let headers = response.headers_mut();
    let mut add = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    add(X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(REFERRER_POLICY, "no-referrer");
    if ending::is_announced() {
        add(CONNECTION, "close");
    }
    add(CONTENT_SECURITY_POLICY, NOTHING);
    if is_tls {
        add(STRICT_TRANSPORT_SECURITY, HSTS);
    }
    match (is_refusal, is_api) {
        (true, _) | (_, false) => add(CACHE_CONTROL, "no-store"),
        // Kept by who asked alone, and asked for again each time, which an entity tag makes cheap.
        (false, true) => add(CACHE_CONTROL, "private, no-cache"),
    }
    if is_api {
        headers.append(VARY, HeaderValue::from_static("authorization, cookie, x-api-key, kotadb-tenant"));
    }
    response
}
