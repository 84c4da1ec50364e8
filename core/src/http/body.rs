//! Limits on what a request brings: its line and headers, its body (1 MiB; 25 MiB, what GitHub caps a payload at, below
//! `/webhooks/`, and of an SCIP index), the time until the body is there, and the bytes of all bodies that a process holds at once. The last
//! one is needed because anybody may send a delivery: it must be read before its signature can be checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use tokio::time::{Instant, timeout_at};

use super::code::Code;
use super::error::ApiError;
use super::gate::overloaded;
use crate::telemetry::events;

/// Most bytes of a body.
pub const BODY_LIMIT: usize = 1024 * 1024;
/// Most bytes of a webhook delivery.
pub const WEBHOOK_BODY_LIMIT: usize = 25 * 1024 * 1024;
/// Most bytes of an SCIP index, packed as a rule.
pub const SCIP_BODY_LIMIT: usize = 25 * 1024 * 1024;
/// How long one may take to come: it is large, and sent by whoever has a key.
const SCIP_PATIENCE: Duration = Duration::from_secs(25);
/// Most bytes of path and query. Of 64 KiB and more hyper answers by itself, with a bare 414.
const URI_LIMIT: usize = 60 * 1024;
/// Most bytes of all headers.
const HEADERS_LIMIT: usize = 32 * 1024;

/// What bodies of a process may hold.
#[derive(Clone, Debug)]
pub(super) struct BodyBudget {
    left: Arc<AtomicUsize>,
    patience: Duration,
}

impl BodyBudget {
    /// `bytes` of all bodies at once; `patience`: until a body is there.
    pub(super) fn new(bytes: usize, patience: Duration) -> Self {
        Self { left: Arc::new(AtomicUsize::new(bytes)), patience }
    }
}

/// What one body holds; given back when its request is answered.
struct Account {
    budget: BodyBudget,
    limit: usize,
    held: AtomicUsize,
}

/// Why a body ends early.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0:?}")]
pub(super) struct BodyRefusal(Code);

impl BodyRefusal {
    /// As it is told.
    pub(super) fn error(self) -> ApiError {
        match self.0 {
            Code::Overloaded => overloaded(),
            Code::BodyTimeout => ApiError::new(self.0, "the body did not arrive in time: send it faster"),
            _ => too_large(),
        }
    }
}

impl Account {
    /// Room for so many bytes more.
    fn take(&self, bytes: usize) -> Result<(), BodyRefusal> {
        if self.held.load(Ordering::Relaxed) + bytes > self.limit {
            return Err(BodyRefusal(Code::PayloadTooLarge));
        }
        let less = |left: usize| left.checked_sub(bytes);
        let taken = self.budget.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.map_err(|_| BodyRefusal(Code::Overloaded))?;
        self.held.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.budget.left.fetch_add(*self.held.get_mut(), Ordering::Relaxed);
    }
}

/// Axum's own limit is off: [`limit`] is the only one.
pub(super) fn no_default_limit() -> DefaultBodyLimit {
    DefaultBodyLimit::disable()
}

/// Refuses what is too large by what is stated before any of the body is read, and ends a body that grows over a limit.
pub(super) async fn limit(State(budget): State<BodyBudget>, request: Request, next: Next) -> Response {
    if let Err(refusal) = head(&request) {
        return refusal.into_response();
    }
    let is_scip = is_scip(request.uri().path());
    let limit = match request.uri().path() {
        path if path.starts_with("/webhooks/") => WEBHOOK_BODY_LIMIT,
        _ if is_scip => SCIP_BODY_LIMIT,
        _ => BODY_LIMIT,
    };
    let stated = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if let Some(size_bytes) = stated.filter(|stated| *stated > limit) {
        note_webhook(&request, size_bytes);
        return too_large().into_response();
    }
    let deadline = Instant::now() + if is_scip { SCIP_PATIENCE.max(budget.patience) } else { budget.patience };
    let account = Arc::new(Account { budget, limit, held: AtomicUsize::new(0) });
    let response = next.run(request.map(|body| measured(body, Arc::clone(&account), deadline))).await;
    // The bytes are the handler's until here.
    drop(account);
    response
}

/// `/api/v1/repositories/{id}/scip`
fn is_scip(path: &str) -> bool {
    path.strip_prefix("/api/v1/repositories/")
        .and_then(|path| path.split_once('/'))
        .is_some_and(|(_, rest)| rest == "scip")
}

fn head(request: &Request) -> Result<(), ApiError> {
    let uri = request.uri().path_and_query().map_or(0, |text| text.as_str().len());
    if uri > URI_LIMIT {
        let detail = format!("path and query have {uri} bytes, over the limit of {URI_LIMIT}: send a body instead");
        return Err(ApiError::new(Code::UriTooLong, detail));
    }
    let size = size_of(request.headers());
    if size > HEADERS_LIMIT {
        let detail = format!("the headers have {size} bytes, over the limit of {HEADERS_LIMIT}: send less of them");
        return Err(ApiError::new(Code::HeadersTooLarge, detail));
    }
    Ok(())
}

fn size_of(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

/// The body, as long as there is room for it and time.
fn measured(body: Body, account: Arc<Account>, deadline: Instant) -> Body {
    let state = Some((body.into_data_stream(), account));
    Body::from_stream(stream::unfold(state, move |state| async move {
        let (mut stream, account) = state?;
        match part(&mut stream, &account, deadline).await {
            Some(Ok(bytes)) => Some((Ok(bytes), Some((stream, account)))),
            Some(Err(error)) => Some((Err(error), None)),
            None => None,
        }
    }))
}

async fn part(
    stream: &mut BodyDataStream,
    account: &Account,
    deadline: Instant,
) -> Option<Result<Bytes, axum::BoxError>> {
    match timeout_at(deadline, stream.next()).await {
        Err(_late) => Some(Err(BodyRefusal(Code::BodyTimeout).into())),
        Ok(Some(Ok(bytes))) => Some(account.take(bytes.len()).map(|()| bytes).map_err(Into::into)),
        Ok(next) => next.map(|read| read.map_err(Into::into)),
    }
}

/// A delivery that is refused for its size is lost, so its sender's owner must find it in the log.
fn note_webhook(request: &Request, size_bytes: usize) {
    if request.uri().path().starts_with("/webhooks/") {
        let delivery = request.headers().get("x-github-delivery").and_then(|value| value.to_str().ok());
        tracing::warn!(delivery, size_bytes, "{}: {size_bytes} bytes are too many", events::WEBHOOK_REJECTED);
    }
}

pub(super) fn too_large() -> ApiError {
    let detail = format!(
        "the body is over the limit of {BODY_LIMIT} bytes ({WEBHOOK_BODY_LIMIT} for webhooks, {SCIP_BODY_LIMIT} for SCIP indexes)"
    );
    ApiError::new(Code::PayloadTooLarge, detail)
}
