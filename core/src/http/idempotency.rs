//! `Idempotency-Key`: a `POST` that is sent again with the same key within 24 hours is answered as the first time, and not
//! done again. The layer here reads the body and keeps the answer; who asks is known to the extractor of [`super::auth`], which
//! takes the slot before the handler runs, by [`claim`].
//!
//! Only answers of success are kept: a refusal has done nothing, and after a failure the client is to try again. What is kept
//! is sealed, for it may hold a secret that is shown once. Costs two transactions: one or two statements, then one.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};
use uuid::Uuid;

use super::body::BODY_LIMIT;
use super::code::Code;
use super::error::ApiError;
use super::resources::Resources;
use crate::crypto::Sha256;
use crate::db::Scope;
use crate::db::idempotency::{self, Attempt, Slot};
use crate::id::TenantId;

/// The request header.
pub(super) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Most characters of a key.
pub(super) const MOST_KEY: usize = 255;

/// Whether requests of that kind take a key. Searches change nothing, so they may be sent as often as one likes.
pub(super) fn takes_key(method: &str, path: &str) -> bool {
    method.eq_ignore_ascii_case("post") && path.starts_with("/api/") && !path.starts_with("/api/v1/search/")
}

/// A request with a key, in its extensions.
#[derive(Clone)]
pub(super) struct Keyed(Arc<Inner>);

struct Inner {
    key: String,
    /// SHA-256 of query and body.
    request: [u8; 32],
    state: Mutex<State>,
}

enum State {
    /// Nobody has asked who it is yet.
    New,
    /// It has its slot.
    Claimed(Resources, Attempt),
    /// It was answered before.
    Replayed(Box<Response>),
}

/// The layer.
pub(super) async fn idempotency(request: Request, next: Next) -> Response {
    if !takes_key(request.method().as_str(), request.uri().path()) || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    let (keyed, request) = match keyed(request).await {
        Ok(keyed) => keyed,
        Err(error) => return error.into_response(),
    };
    let response = next.run(request).await;
    let state = std::mem::replace(&mut *keyed.0.state.lock().unwrap_or_else(PoisonError::into_inner), State::New);
    match state {
        State::New => response,
        State::Replayed(answer) => *answer,
        State::Claimed(resources, attempt) => finish(&resources, &attempt, response).await,
    }
}

/// The request as the handler gets it, with its key read and its body hashed.
async fn keyed(request: Request) -> Result<(Keyed, Request), ApiError> {
    let key = key(&request)?;
    let (mut parts, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await?;
    let mut hash = Sha256::new();
    hash.update(parts.uri.query().unwrap_or_default().as_bytes());
    hash.update(&[0]);
    hash.update(&body);
    let keyed = Keyed(Arc::new(Inner { key, request: hash.finish(), state: Mutex::new(State::New) }));
    parts.extensions.insert(keyed.clone());
    Ok((keyed, Request::from_parts(parts, Body::from(body))))
}

fn key(request: &Request) -> Result<String, ApiError> {
    let mut values = request.headers().get_all(KEY).iter();
    let text = values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok());
    let is_key = |text: &&str| (1..=MOST_KEY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let wrong = || {
        ApiError::invalid_request(format!(
            "`Idempotency-Key` must be one, of 1 to {MOST_KEY} ASCII characters without blanks"
        ))
    };
    text.map(str::trim).filter(is_key).map(ToOwned::to_owned).ok_or_else(wrong)
}

/// Once it is known who asks: takes the slot, if the request has a key. An error ends the request; what it says is replaced
/// where the answer is there already.
pub(super) async fn claim(
    parts: &Parts,
    resources: &Resources,
    tenant: TenantId,
    subject: Uuid,
) -> Result<(), ApiError> {
    let Some(Keyed(inner)) = parts.extensions.get() else { return Ok(()) };
    // What is answered is sealed: without a key for that, nothing is begun.
    resources.master_key()?;
    let slot = slot(subject, &parts.method, parts.uri.path(), &inner.key);
    let attempt = Attempt { tenant, slot, request: inner.request, id: Uuid::now_v7() };
    let mut tx = resources.db()?.begin(Scope::Tenant(tenant)).await?;
    let found = idempotency::claim(&mut tx, &attempt).await?;
    tx.commit().await?;
    let state = |state| *inner.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    match found {
        Slot::Ours => {
            state(State::Claimed(resources.clone(), attempt));
            Ok(())
        }
        Slot::Another => Err(ApiError::new(
            Code::IdempotencyMismatch,
            "this `Idempotency-Key` was used with another query or body: use a new one for a new request",
        )),
        Slot::InFlight => Err(in_flight()),
        Slot::Answered { status, answer } => {
            state(State::Replayed(Box::new(opened(resources, &attempt, status, &answer)?)));
            Err(in_flight())
        }
    }
}

fn in_flight() -> ApiError {
    ApiError::new(Code::IdempotencyInFlight, "a request with this `Idempotency-Key` is being answered: ask again")
}

/// Each part with its length, so that no two lists of them look alike.
fn slot(subject: Uuid, method: &Method, path: &str, key: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [subject.as_bytes().as_slice(), method.as_str().as_bytes(), path.as_bytes(), key.as_bytes()] {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finish()
}

/// Keeps an answer of success; else gives the slot back. What fails here costs no more than a repetition.
async fn finish(resources: &Resources, attempt: &Attempt, response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return ApiError::internal("an answer ended early").into_response();
    };
    let kept = parts.status.is_success().then(|| sealed(resources, attempt, parts.headers.get(CONTENT_TYPE), &bytes));
    let noted = async {
        let mut tx = resources.db()?.begin(Scope::Tenant(attempt.tenant)).await?;
        match kept.transpose()? {
            Some(answer) => idempotency::keep(&mut tx, attempt, parts.status.as_u16(), answer).await?,
            None => idempotency::give_back(&mut tx, attempt).await?,
        }
        tx.commit().await?;
        Ok::<(), ApiError>(())
    };
    if let Err(error) = noted.await {
        tracing::warn!(tenant = %attempt.tenant, %error, "Answer was not kept for its idempotency key: {error}");
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Content type, a line feed, and the body.
fn sealed(
    resources: &Resources,
    attempt: &Attempt,
    kind: Option<&HeaderValue>,
    body: &[u8],
) -> Result<Vec<u8>, ApiError> {
    let kind = kind.map(HeaderValue::as_bytes).unwrap_or_default();
    Ok(resources.master_key()?.seal(&context(attempt), &[kind, b"\n", body].concat()))
}

fn opened(resources: &Resources, attempt: &Attempt, status: u16, answer: &[u8]) -> Result<Response, ApiError> {
    let opened = resources.master_key()?.open(&context(attempt), answer)?;
    let (kind, body) = opened.split_at(opened.iter().position(|byte| *byte == b'\n').unwrap_or_default());
    let mut response = Response::new(Body::from(body.get(1..).unwrap_or_default().to_vec()));
    *response.status_mut() = StatusCode::from_u16(status).map_err(ApiError::internal)?;
    if let Some(kind) = HeaderValue::from_bytes(kind).ok().filter(|kind| !kind.is_empty()) {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn context(attempt: &Attempt) -> String {
    format!("idempotency:{}:{}", attempt.tenant, crate::crypto::to_hex(&attempt.slot))
}

const _: () = assert!(BODY_LIMIT <= 1 << 20, "a body is read here before it is known who sends it");
