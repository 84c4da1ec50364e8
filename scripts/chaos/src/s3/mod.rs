//! An S3 of our own in memory, as far as object_store asks for it: conditional PUT, ranges, HEAD, list, multipart, delete.
//! Requests of the access key `worker` meet [`faults`]; [`heads`] keeps every HEAD that was ever written.

mod answers;
pub mod faults;
pub mod heads;
mod objects;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::Response;
use http::{Method, StatusCode};
use kotadb_core::store::{Store, StoreError, StoreOptions};
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::faults::{Fate, Faults, Held, Hold};
use self::heads::Heads;
use self::objects::Objects;

/// The one bucket.
pub const BUCKET: &str = "chaos";
/// The access key whose requests meet faults.
pub const WORKER: &str = "worker";
/// The access keys whose requests do not.
pub const ROUTER: &str = "router";
const HARNESS: &str = "harness";

/// The double; dropped, it ends.
#[derive(Debug)]
pub struct S3 {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// What all requests share.
#[derive(Debug)]
struct Shared {
    objects: Mutex<Objects>,
    heads: Mutex<Heads>,
    faults: Faults,
}

impl S3 {
    /// Starts it on a free port of 127.0.0.1.
    pub async fn start(seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let faults = Faults::new(seed);
        let shared = Arc::new(Shared { objects: Mutex::default(), heads: Mutex::default(), faults });
        let router = Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            // Ends only with the task.
            let _ended = axum::serve(listener, router).await;
        });
        Ok(Self { address, shared, task })
    }

    /// `http://127.0.0.1:PORT`
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What its requests meet.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// A request of an indexer that is as said waits until it is let go, after `skip` others that do not.
    pub fn hold(&self, what: Hold, skip: u32) -> Held {
        self.shared.faults.hold(what, skip)
    }

    /// Every HEAD that was written.
    pub fn heads(&self) -> MutexGuard<'_, Heads> {
        lock(&self.shared.heads)
    }

    /// The store as we see it: without faults.
    pub fn store(&self) -> Result<Store, StoreError> {
        Store::open(&StoreOptions::S3 {
            bucket: BUCKET.to_owned(),
            endpoint: Some(self.endpoint()),
            region: "auto".to_owned(),
            credentials: Some((HARNESS.to_owned(), HARNESS.to_owned())),
        })
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request as far as it matters here.
#[derive(Debug)]
struct Asked {
    method: Method,
    /// Empty: of the bucket itself.
    object: String,
    query: Vec<(String, String)>,
    range: Option<String>,
    if_match: Option<String>,
    if_none_match: bool,
}

impl Asked {
    fn read(request: &Request) -> Self {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let path = request.uri().path().trim_start_matches('/');
        let object = path.strip_prefix(BUCKET).unwrap_or_default().trim_start_matches('/');
        let pairs = request.uri().query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self {
            method: request.method().clone(),
            object: decoded(object),
            query: query.map(|(name, value)| (decoded(name), decoded(value))).collect(),
            range: header("range"),
            if_match: header("if-match"),
            if_none_match: header("if-none-match").is_some(),
        }
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn is_workers(request: &Request) -> bool {
    let signed = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    signed.is_some_and(|signed| signed.contains(&format!("Credential={WORKER}/")))
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (asked, is_workers) = (Asked::read(&request), is_workers(&request));
    let Ok(body) = axum::body::to_bytes(request.into_body(), usize::MAX).await else {
        return answers::error(StatusCode::BAD_REQUEST, "IncompleteBody");
    };
    if !is_workers {
        return shared.answer(&asked, body);
    }
    let fate = shared.faults.meet(&asked.method, &asked.object).await;
    match fate {
        Fate::Pass => shared.answer(&asked, body),
        Fate::Refuse(status, code) => answers::error(status, code),
        Fate::LoseAnswer => {
            drop(shared.answer(&asked, body));
            answers::error(StatusCode::INTERNAL_SERVER_ERROR, "InternalError")
        }
        Fate::CutBody => answers::cut(shared.answer(&asked, body)).await,
        Fate::Hold(release) => {
            // What is read is as old as the request; what is written is written when it is let go.
            let early = (asked.method == Method::GET).then(|| shared.answer(&asked, body.clone()));
            let _let_go = release.await;
            early.unwrap_or_else(|| shared.answer(&asked, body))
        }
    }
}
