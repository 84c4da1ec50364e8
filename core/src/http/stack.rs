//! The only place for layers. From the outside in:
//!
//! 0. `form`: a form of a page becomes a request to the API; round the router, because it changes the method. Then `session`: the cookie
//!    of a browser becomes the credentials that it holds,
//! 1. `answer_headers`: security and caching, on whatever answer comes of it,
//! 2. CORS, by the list of `KOTADB_CORS_ORIGINS`; it answers preflights,
//! 3. `rate_headers`: how much of its rate the caller has left,
//! 4. `boundary`: request id, problems, panics,
//! 5. `access`: log line, metrics, trace; and headers that a log must not show,
//! 6. `gate`: how many requests are worked on at once,
//! 7. the time until an answer starts,
//! 8. `limit`: sizes of line, headers and body, and the bytes of all bodies,
//! 9. `conditional`: entity tags, 304, `Link`,
//! 10. `idempotency`: a `POST` with a key is done once.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, ETAG, IF_NONE_MATCH, LINK, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tokio::sync::Semaphore;
use tower_http::cors::CorsLayer;
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::timeout::TimeoutLayer;

use super::access::access;
use super::answer_headers::answer_headers;
use super::body::{BodyBudget, limit, no_default_limit};
use super::boundary::boundary;
use super::conditional::conditional;
use super::form::form;
use super::gate::gate;
use super::idempotency::{self, idempotency};
use super::rate::rate_headers;
use super::session::{Sessions, session};
use crate::config::Config;

/// Longest time until an answer starts.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest time until a body is there.
const BODY_PATIENCE: Duration = Duration::from_secs(10);
/// Requests that one process works on at once.
const MOST_REQUESTS: usize = 512;
/// Bytes of all bodies that one process holds at once.
const MOST_BODY_BYTES: usize = 64 * 1024 * 1024;
/// How long a browser remembers what an origin may do.
const PREFLIGHT_LIFE: Duration = Duration::from_secs(3600);
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// What one process takes on.
struct Capacity {
    requests: usize,
    body_bytes: usize,
    body_patience: Duration,
}

const CAPACITY: Capacity =
    Capacity { requests: MOST_REQUESTS, body_bytes: MOST_BODY_BYTES, body_patience: BODY_PATIENCE };

/// Puts the layers round a router whose state is given.
pub fn stack(router: Router, config: &Config) -> Router {
    let (router, sessions) = (layered(router, &config.cors_origins, &CAPACITY), Sessions::new(config));
    let router = router.layer(from_fn_with_state(sessions.clone(), session));
    Router::new().fallback_service(router).layer(from_fn_with_state(sessions, form))
}

fn layered(router: Router, origins: &[String], capacity: &Capacity) -> Router {
    let bodies = BodyBudget::new(capacity.body_bytes, capacity.body_patience);
    // `layer` wraps what is there: the last one is the outermost.
    let router = router
        .layer(from_fn(idempotency))
        .layer(from_fn(conditional))
        .layer(from_fn_with_state(bodies, limit))
        .layer(no_default_limit())
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, TIMEOUT))
        .layer(from_fn_with_state(Arc::new(Semaphore::new(capacity.requests)), gate))
        .layer(SetSensitiveRequestHeadersLayer::new([AUTHORIZATION, API_KEY, COOKIE]))
        .layer(from_fn(access))
        .layer(from_fn(boundary))
        .layer(from_fn(rate_headers));
    let router = match origins {
        [] => router,
        origins => router.layer(cors(origins)),
    };
    router.layer(from_fn(answer_headers))
}

/// Without credentials of the browser: a key is sent by the page itself.
fn cors(origins: &[String]) -> CorsLayer {
    let name = HeaderName::from_static;
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let asked = [AUTHORIZATION, CONTENT_TYPE, IF_NONE_MATCH, API_KEY, idempotency::KEY];
    let told = [ETAG, LINK, RETRY_AFTER, name("x-request-id"), name("idempotent-replayed"), name("ratelimit")];
    CorsLayer::new()
        .allow_origin(origins.collect::<Vec<_>>())
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers(
            asked.into_iter().chain(["x-request-id", "traceparent", "kotadb-tenant"].map(name)).collect::<Vec<_>>(),
        )
        .expose_headers(told.into_iter().chain([name("ratelimit-policy")]).collect::<Vec<_>>())
        .max_age(PREFLIGHT_LIFE)
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::extract::Request;
    use axum::response::Response;
    use axum::routing::{get, post};
    use tower::ServiceExt;

    use super::super::error::ApiError;
    use super::super::extract::RawBody;
    use super::super::resources::Resources;
    use super::*;
    use crate::wire::Problem;

    fn resources() -> Resources {
        Resources::new(Config::from_lookup(&|name| (name == "HOME").then(|| "/home/ada".to_owned())).unwrap())
    }

    async fn counted(RawBody(body): RawBody) -> String {
        body.len().to_string()
    }

    async fn problem(request: http::request::Builder, body: Body) -> (Response, Problem) {
        let router = Router::new()
            .route("/panic", get(|| async { panic!("on purpose") as () }))
            .route("/fail", get(|| async { ApiError::internal("the secret cause") }))
            .route("/body", post(counted))
            .route("/webhooks/body", post(counted))
            .with_state(resources());
        let response = layered(router, &[], &CAPACITY).oneshot(request.body(body).unwrap()).await.unwrap();
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
        let router = Router::new().route("/webhooks/body", post(counted)).with_state(resources());
        assert_eq!(layered(router, &[], &CAPACITY).oneshot(webhook).await.unwrap().status(), 200);
    }

    fn text(response: &Response, name: &str) -> String {
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[tokio::test]
    async fn every_answer_has_the_headers_that_protect_it() {
        let router = Router::new()
            .route("/api/list", get(|| async { axum::Json(serde_json::json!({ "items": [], "next_cursor": "v1.b" })) }))
            .route("/page", get(|| async { ([("content-security-policy", "default-src 'self'")], "a page") }));
        let router = layered(router, &[], &CAPACITY);
        let ask = |request: http::request::Builder| router.clone().oneshot(request.body(Body::empty()).unwrap());
        let api =
            ask(Request::builder().uri("/api/list?cursor=v1.a").header("x-forwarded-proto", "https")).await.unwrap();
        assert_eq!(text(&api, "cache-control"), "private, no-cache");
        assert!(
            text(&api, "vary").contains("authorization") && text(&api, "strict-transport-security").contains("max-age")
        );
        assert_eq!(text(&api, "link"), "</api/list?cursor=v1.b>; rel=\"next\"");
        let page = ask(Request::builder().uri("/page")).await.unwrap();
        assert_eq!(text(&page, "content-security-policy"), "default-src 'self'");
        assert_eq!(text(&page, "strict-transport-security"), "");
        let nowhere = ask(Request::builder().uri("/api/nowhere")).await.unwrap();
        assert_eq!((nowhere.status().as_u16(), text(&nowhere, "cache-control").as_str()), (404, "no-store"));
        for response in [&api, &page, &nowhere] {
            assert_eq!(text(response, "x-content-type-options"), "nosniff");
            assert_eq!(text(response, "referrer-policy"), "no-referrer");
            assert!(!text(response, "content-security-policy").is_empty());
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_had_already_is_not_sent_again_but_to_another_key() {
        let router = Router::new().route("/api/one", get(|| async { axum::Json(1) }));
        let router = layered(router, &[], &CAPACITY);
        let ask = |key: &'static str, tag: &str| {
            let request = Request::builder().uri("/api/one").header("authorization", key).header("if-none-match", tag);
            router.clone().oneshot(request.body(Body::empty()).unwrap())
        };
        let first = ask("Bearer a", "\"other\"").await.unwrap();
        let tag = text(&first, "etag");
        assert_eq!((first.status().as_u16(), tag.starts_with('"')), (200, true), "{tag}");
        let again = ask("Bearer a", &tag).await.unwrap();
        assert_eq!((again.status().as_u16(), text(&again, "etag")), (304, tag.clone()));
        assert_eq!(text(&again, "cache-control"), "private, no-cache");
        assert!(to_bytes(again.into_body(), 1).await.unwrap().is_empty());
        assert_eq!(ask("Bearer b", &tag).await.unwrap().status(), 200);
    }

    #[tokio::test]
    async fn pages_of_listed_origins_may_call_and_no_others() {
        let router = Router::new().route("/api/one", get(|| async { axum::Json(1) }));
        let preflight = |origins: &[String], origin: &'static str| {
            let request = Request::builder().method("OPTIONS").uri("/api/one").header("origin", origin);
            let request = request.header("access-control-request-method", "GET");
            layered(router.clone(), origins, &CAPACITY).oneshot(request.body(Body::empty()).unwrap())
        };
        let origins = ["https://app.example".to_owned()];
        let allowed = preflight(&origins, "https://app.example").await.unwrap();
        assert_eq!(text(&allowed, "access-control-allow-origin"), "https://app.example");
        assert!(text(&allowed, "access-control-allow-headers").contains("authorization"));
        assert_eq!(text(&allowed, "access-control-allow-credentials"), "");
        let other = preflight(&origins, "https://evil.example").await.unwrap();
        assert_eq!(text(&other, "access-control-allow-origin"), "");
        let off = preflight(&[], "https://app.example").await.unwrap();
        assert_eq!((off.status().as_u16(), text(&off, "access-control-allow-origin").as_str()), (405, ""));
    }

    #[tokio::test]
    async fn beyond_its_places_a_server_refuses_at_once_but_for_health() {
        let go = Arc::new(Semaphore::new(0));
        let wait = Arc::clone(&go);
        let router = Router::new().route("/health", get(|| async {})).route(
            "/slow",
            get(|| async move {
                wait.acquire().await.unwrap().forget();
            }),
        );
        let router = layered(router, &[], &Capacity { requests: 1, ..CAPACITY });
        let ask = |path: &str| router.clone().oneshot(Request::builder().uri(path).body(Body::empty()).unwrap());
        let first = tokio::spawn(ask("/slow"));
        let refused = loop {
            // Until the first has its place.
            tokio::task::yield_now().await;
            go.add_permits(1);
            let answer = ask("/slow").await.unwrap();
            if answer.status() != 200 {
                break answer;
            }
        };
        assert_eq!((refused.status().as_u16(), text(&refused, "retry-after").as_str()), (503, "1"));
        assert_eq!(ask("/health").await.unwrap().status(), 200);
        go.add_permits(1);
        assert_eq!(first.await.unwrap().unwrap().status(), 200);
        go.add_permits(1);
        assert_eq!(ask("/slow").await.unwrap().status(), 200, "a place is given back");
    }

    #[tokio::test]
    async fn bodies_together_have_a_limit_and_one_must_arrive_in_time() {
        let router = Router::new().route("/webhooks/x", post(counted)).with_state(resources());
        let small = Capacity { body_bytes: 1000, body_patience: Duration::from_millis(50), ..CAPACITY };
        let router = layered(router, &[], &small);
        let send = |body: Body| {
            let request = Request::builder().method("POST").uri("/webhooks/x").body(body).unwrap();
            let router = router.clone();
            async move {
                let response = router.oneshot(request).await.unwrap();
                let status = response.status().as_u16();
                (status, String::from_utf8(to_bytes(response.into_body(), 9999).await.unwrap().to_vec()).unwrap())
            }
        };
        let (status, body) = send(Body::from(vec![0; 1001])).await;
        assert!(status == 503 && body.contains("overloaded"), "{status} {body}");
        // What was held is given back.
        for _ in 0..3 {
            assert_eq!(send(Body::from(vec![0; 900])).await, (200, "900".to_owned()));
        }
        let never = futures::stream::once(async { Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"x")) });
        let never = futures::StreamExt::chain(never, futures::stream::pending());
        let (status, body) = send(Body::from_stream(never)).await;
        assert!(status == 408 && body.contains("body_timeout"), "{status} {body}");
    }

    #[tokio::test]
    async fn a_long_line_and_large_headers_are_refused_by_their_own_codes() {
        let long = Request::builder().uri(format!("/body?{}", "x".repeat(62_000)));
        assert_eq!(problem(long, Body::empty()).await.1.code, "uri_too_long");
        let large = Request::builder().uri("/body").header("x-large", "x".repeat(40_000));
        let (response, problem) = problem(large, Body::empty()).await;
        assert_eq!((response.status().as_u16(), problem.code.as_str()), (431, "headers_too_large"));
    }
}
