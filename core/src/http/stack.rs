//! The only place for layers. From the outside in: rate headers, boundary (request id, problems, panics), access (log, metrics, trace),
//! sensitive headers, timeout, body limit.

use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use http::StatusCode;
use http::header::AUTHORIZATION;
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::timeout::TimeoutLayer;

use super::access::access;
use super::body::{limit, no_default_limit};
use super::boundary::boundary;
use super::rate::rate_headers;

/// Longest time until an answer starts.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Puts the layers round a router whose state is given.
pub fn stack(router: Router) -> Router {
    let secrets = [AUTHORIZATION, http::HeaderName::from_static("x-api-key")];
    // `layer` wraps what is there: the last one is the outermost.
    router
        .layer(from_fn(limit))
        .layer(no_default_limit())
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, TIMEOUT))
        .layer(SetSensitiveRequestHeadersLayer::new(secrets))
        .layer(from_fn(access))
        .layer(from_fn(boundary))
        .layer(from_fn(rate_headers))
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::extract::Request;
    use axum::response::Response;
    use axum::routing::{get, post};
    use tower::ServiceExt;

    use super::super::error::ApiError;
    use super::*;
    use crate::wire::Problem;

    async fn problem(request: http::request::Builder, body: Body) -> (Response, Problem) {
        let router = Router::new()
            .route("/panic", get(|| async { panic!("on purpose") as () }))
            .route("/fail", get(|| async { ApiError::internal("the secret cause") }))
            .route("/body", post(|body: bytes::Bytes| async move { body.len().to_string() }))
            .route("/webhooks/body", post(|body: bytes::Bytes| async move { body.len().to_string() }));
        let response = stack(router).oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let problem = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{error}: {bytes:?}"));
        (Response::from_parts(parts, Body::empty()), problem)
    }

    #[tokio::test]
    async fn every_failure_is_a_problem_with_the_request_id() {
        for (method, path, status, code) in [
            ("GET", "/nowhere", 404, "not_found"),
            ("GET", "/body", 405, "method_not_allowed"),
            ("GET", "/panic", 500, "internal"),
            ("GET", "/fail", 500, "internal"),
        ] {
            let (response, problem) = problem(Request::builder().method(method).uri(path), Body::empty()).await;
            assert_eq!((response.status().as_u16(), problem.code.as_str()), (status, code), "{path}");
            assert_eq!(response.headers()["content-type"], "application/problem+json");
            assert_eq!(Some(response.headers()["x-request-id"].to_str().unwrap()), problem.request_id.as_deref());
            assert!(!problem.detail.contains("purpose") && !problem.detail.contains("secret"));
        }
    }

    #[tokio::test]
    async fn allow_and_the_callers_request_id_are_kept() {
        let id = "0190b0a0-0000-7000-8000-000000000001";
        let request = Request::builder().uri("/body").header("x-request-id", id);
        let (response, problem) = problem(request, Body::empty()).await;
        assert_eq!(response.headers()["allow"], "POST");
        assert_eq!(problem.request_id.as_deref(), Some(id));
        let request = Request::builder().uri("/nowhere").header("x-request-id", "<script>");
        assert_ne!(self::problem(request, Body::empty()).await.1.request_id.as_deref(), Some("<script>"));
    }

    #[tokio::test]
    async fn bodies_over_the_limit_are_refused_stated_or_not() {
        let over = vec![0; super::super::body::BODY_LIMIT + 1];
        let stated = Request::builder().method("POST").uri("/body").header("content-length", over.len());
        assert_eq!(problem(stated, Body::empty()).await.1.code, "payload_too_large");
        let streamed = Request::builder().method("POST").uri("/body");
        assert_eq!(problem(streamed, Body::from(over.clone())).await.1.status, 413);
        let webhook = Request::builder().method("POST").uri("/webhooks/body").body(Body::from(over)).unwrap();
        let router =
            Router::new().route("/webhooks/body", post(|body: bytes::Bytes| async move { body.len().to_string() }));
        assert_eq!(stack(router).oneshot(webhook).await.unwrap().status(), 200);
    }
}
