//! The REST API: who asks, whether the request shall fail, and which answer belongs to its path.

use std::collections::HashMap;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Shared;
use super::world::{Asker, Failure};

/// A request as the answers need it.
pub(super) struct Asked {
    pub(super) method: Method,
    /// Parts of the path, decoded.
    pub(super) path: Vec<String>,
    pub(super) query: HashMap<String, String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
    pub(super) asker: Asker,
}

pub(super) fn router(shared: Shared) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

async fn answer(State(shared): State<Shared>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let target = target.strip_prefix("/api/v3").unwrap_or(target).to_owned();
    let (failure, delay) = arrive(&shared, &format!("{method} {target}"));
    tokio::time::sleep(delay).await;
    match failure {
        Some(Failure::Status(status)) => return refusal(status, "scripted"),
        Some(Failure::Secondary(seconds)) => return secondary(seconds),
        Some(Failure::Cut) | None => {}
    }
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let asker = token.map_or(Some(Asker::Anonymous), |token| shared.world().asker(token));
    let Some(asker) = asker else { return refusal(401, "Bad credentials") };
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let asked = Asked {
        method,
        path: path.trim_matches('/').split('/').map(decoded).collect(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
        asker,
    };
    let response = match limited(&shared, &asked.asker) {
        Some(refused) => refused,
        None => metered(&shared, &asked.asker, super::answers::route(&shared, &asked)),
    };
    if failure == Some(Failure::Cut) { cut() } else { response }
}

/// Notes the request, and says what was scripted for it.
fn arrive(shared: &Shared, request: &str) -> (Option<Failure>, std::time::Duration) {
    let mut world = shared.world();
    world.requests.push(request.to_owned());
    let delay = world.delay;
    if world.is_down {
        return (Some(Failure::Status(503)), delay);
    }
    let script = world.scripts.iter_mut().find(|script| script.times > 0 && request.starts_with(&script.request));
    let failure = script.map(|script| {
        script.times -= 1;
        script.failure
    });
    (failure, delay)
}

fn limited(shared: &Shared, asker: &Asker) -> Option<Response> {
    let world = shared.world();
    let (most, _) = world.limit?;
    let used = world.used.get(&format!("{asker:?}")).copied().unwrap_or_default();
    drop(world);
    (used >= most).then(|| metered(shared, asker, refusal(403, "API rate limit exceeded")))
}

/// Counts the request and adds the headers. 304 costs nothing.
fn metered(shared: &Shared, asker: &Asker, mut response: Response) -> Response {
    let mut world = shared.world();
    let Some((most, reset)) = world.limit else { return response };
    let used = world.used.entry(format!("{asker:?}")).or_default();
    if response.status() != StatusCode::NOT_MODIFIED {
        *used += 1;
    }
    let left = most.saturating_sub(*used);
    response.headers_mut().insert("x-ratelimit-limit", HeaderValue::from(most));
    response.headers_mut().insert("x-ratelimit-remaining", HeaderValue::from(left));
    response.headers_mut().insert("x-ratelimit-reset", HeaderValue::from(reset));
    response
}

pub(super) fn refusal(status: u16, message: &str) -> Response {
    let status = StatusCode::from_u16(status).expect("a status of HTTP");
    let body = json!({ "message": message, "documentation_url": "https://docs.github.com/rest" });
    (status, axum::Json(body)).into_response()
}

fn secondary(seconds: u32) -> Response {
    let mut response = refusal(403, "You have exceeded a secondary rate limit. Please wait a few minutes.");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// A body that fails at once: the connection ends in the midst of the answer.
fn cut() -> Response {
    let broken = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
    Body::from_stream(broken).into_response()
}

fn decoded(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}
