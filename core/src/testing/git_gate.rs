//! What stands before the git server of a test: counts bytes in both directions, asks for credentials, and can behave like
//! servers that allow less.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::StreamExt;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;

use crate::http::git_backend::GitServer;

/// Bytes of a request line or status line, about.
const LINE_BYTES: u64 = 60;

/// Handle of the gate; clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct GitGate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    received: AtomicU64,
    sent: AtomicU64,
    requests: AtomicU64,
    no_filter: AtomicBool,
    no_ids: AtomicBool,
    required: Mutex<Option<String>>,
    offered: Mutex<Vec<String>>,
    redirect: Mutex<Option<String>>,
    spy: Mutex<Option<Spy>>,
}

type Spy = Box<dyn FnMut() + Send>;

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("received", &self.received).field("sent", &self.sent).finish_non_exhaustive()
    }
}

impl GitGate {
    /// A server behind this gate.
    pub async fn serve(&self) -> io::Result<GitServer> {
        let gate = self.clone();
        GitServer::start_with(BTreeMap::new(), None, |router: Router| {
            router.layer(middleware::from_fn_with_state(gate, pass))
        })
        .await
    }

    /// Bytes received and sent since the last call, heads included, and the number of requests.
    pub fn take_bytes(&self) -> (u64, u64, u64) {
        let Inner { received, sent, requests, .. } = &*self.0;
        (received.swap(0, Ordering::SeqCst), sent.swap(0, Ordering::SeqCst), requests.swap(0, Ordering::SeqCst))
    }

    /// From now on only this user with this password is let in.
    pub fn require(&self, user: &str, password: &str) {
        *lock(&self.0.required) = Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
    }

    /// Credentials that were offered, as `user:password`.
    pub fn offered(&self) -> Vec<String> {
        lock(&self.0.offered).clone()
    }

    /// As a server without partial clones.
    pub fn know_no_filter(&self) {
        self.0.no_filter.store(true, Ordering::SeqCst);
    }

    /// As a server that lets nothing be asked for but refs.
    pub fn refuse_ids(&self) {
        self.0.no_ids.store(true, Ordering::SeqCst);
    }

    /// Sends everybody elsewhere.
    pub fn redirect(&self, to: &str) {
        *lock(&self.0.redirect) = Some(to.to_owned());
    }

    /// Does something while a client waits for its answer.
    pub fn spy(&self, spy: impl FnMut() + Send + 'static) {
        *lock(&self.0.spy) = Some(Box::new(spy));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn pass(State(gate): State<GitGate>, request: Request, next: Next) -> Response {
    let inner = Arc::clone(&gate.0);
    if let Some(spy) = lock(&inner.spy).as_mut() {
        spy();
    }
    inner.requests.fetch_add(1, Ordering::SeqCst);
    let (head, body) = request.into_parts();
    inner.received.fetch_add(LINE_BYTES + bytes_of(&head.headers), Ordering::SeqCst);
    let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    inner.received.fetch_add(body.len() as u64, Ordering::SeqCst);
    let refused = refusal(&inner, &head.headers, &body);
    let response = match refused {
        Some(response) => response,
        None => limited(&inner, next.run(Request::from_parts(head, Body::from(body))).await).await,
    };
    inner.sent.fetch_add(LINE_BYTES + bytes_of(response.headers()), Ordering::SeqCst);
    response.map(|body| {
        Body::from_stream(body.into_data_stream().inspect(move |chunk| {
            let bytes = chunk.as_ref().map_or(0, Bytes::len);
            inner.sent.fetch_add(bytes as u64, Ordering::SeqCst);
        }))
    })
}

fn refusal(inner: &Inner, headers: &HeaderMap, body: &Bytes) -> Option<Response> {
    if let Some(to) = lock(&inner.redirect).clone() {
        return Some((StatusCode::FOUND, [(LOCATION, to)]).into_response());
    }
    let offered = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(plain) = offered.and_then(|offered| STANDARD.decode(offered.strip_prefix("Basic ")?).ok()) {
        lock(&inner.offered).push(String::from_utf8_lossy(&plain).into_owned());
    }
    if lock(&inner.required).as_deref().is_some_and(|required| offered != Some(required)) {
        return Some((StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Basic realm=\"git\"")]).into_response());
    }
    let has = |part: &[u8]| body.windows(part.len()).any(|window| window == part);
    // A fetch of commits is shallow; what is asked for without a depth is blobs by id.
    let by_id = inner.no_ids.load(Ordering::SeqCst) && has(b"command=fetch") && !has(b"deepen 1");
    by_id.then(|| {
        let line = "ERR upload-pack: not our ref 0000000000000000000000000000000000000000";
        let kind = [("content-type", "application/x-git-upload-pack-result")];
        (kind, format!("{:04x}{line}", line.len() + 4)).into_response()
    })
}

/// The capabilities without filters, at the same length.
async fn limited(inner: &Inner, response: Response) -> Response {
    if !inner.no_filter.load(Ordering::SeqCst) || response.headers().contains_key(CONTENT_LENGTH) {
        return response;
    }
    let (head, body) = response.into_parts();
    let mut bytes = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    if let Some(at) = bytes.windows(14).position(|window| window == b"wait-for-done ") {
        bytes[at + 14..at + 20].copy_from_slice(b"filtre");
    }
    Response::from_parts(head, Body::from(bytes))
}

fn bytes_of(headers: &HeaderMap) -> u64 {
    headers.iter().map(|(name, value)| (name.as_str().len() + value.len() + 4) as u64).sum()
}
