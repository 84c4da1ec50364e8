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
use axum::body::HttpBody;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::faults::{Fate, Faults, Held, Hold};
use self::heads::Heads;
use self::objects::Objects;
use crate::store::{Latency, Store, StoreError, StoreOptions, Waits};

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
    /// How far away it is; `None`: here.
    distance: Mutex<Option<Arc<Waits>>>,
}

impl S3 {
    /// Starts it on a free port of 127.0.0.1.
    pub async fn start(seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let faults = Faults::new(seed);
        let shared = Shared { objects: Mutex::default(), heads: Mutex::default(), faults, distance: Mutex::default() };
        let shared = Arc::new(shared);
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

    /// From now on each request waits as for a bucket that is `latency` away, and what it brings or fetches shares one line.
    pub fn move_away(&self, latency: Latency) {
        *lock(&self.shared.distance) = Some(Arc::new(Waits::new(latency)));
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
    let distance = lock(&shared.distance).clone();
    match distance {
        Some(waits) => far_away(&waits, &shared, &asked, body).await,
        None if is_workers => meet(&shared, &asked, body).await,
        None => shared.answer(&asked, body),
    }
}

/// Who measures distances meets no faults.
async fn far_away(waits: &Waits, shared: &Shared, asked: &Asked, body: Bytes) -> Response {
    tokio::time::sleep(waits.first_byte()).await;
    let sent = body.len() as u64;
    let answer = shared.answer(asked, body);
    let fetched = answer.body().size_hint().exact().unwrap_or_default();
    tokio::time::sleep_until(waits.received(sent + fetched)).await;
    answer
}

async fn meet(shared: &Shared, asked: &Asked, body: Bytes) -> Response {
    let fate = shared.faults.meet(&asked.method, &asked.object).await;
    match fate {
        Fate::Pass => shared.answer(asked, body),
        Fate::Refuse(status, code) => answers::error(status, code),
        Fate::LoseAnswer => {
            drop(shared.answer(asked, body));
            answers::error(StatusCode::INTERNAL_SERVER_ERROR, "InternalError")
        }
        Fate::CutBody => answers::cut(shared.answer(asked, body)).await,
        Fate::Hold(release) => {
            // What is read is as old as the request; what is written is written when it is let go.
            let early = (asked.method == Method::GET).then(|| shared.answer(asked, body.clone()));
            let _let_go = release.await;
            early.unwrap_or_else(|| shared.answer(asked, body))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use uuid::Uuid;

    use super::*;
    use crate::id::TenantId;
    use crate::store::{Kind, Root};
    use crate::testing::s3::faults::Shares;

    const TENANT: TenantId = TenantId::LOCAL;

    #[tokio::test(flavor = "multi_thread")]
    async fn it_is_an_object_store() {
        let s3 = S3::start(1).await.unwrap();
        let store = s3.store().unwrap();
        let small = Bytes::from_static(b"small");
        let key = store.put(TENANT, Kind::Refs, Uuid::from_u128(1), small.clone()).await.unwrap();
        let again = store.put(TENANT, Kind::Refs, Uuid::from_u128(1), small.clone()).await;
        assert!(matches!(again, Err(StoreError::Exists(_))));
        assert_eq!(store.get(TENANT, Kind::Refs, key).await.unwrap(), small);
        let parts = store.get_ranges(TENANT, Kind::Refs, key, std::slice::from_ref(&(1..3))).await.unwrap().parts;
        assert_eq!(parts, [Bytes::from_static(b"ma")]);

        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![7; 17 << 20]).unwrap();
        let large = store.put_file(TENANT, Kind::Segment, Uuid::from_u128(2), file.path()).await.unwrap();
        assert_eq!(store.get(TENANT, Kind::Segment, large).await.unwrap().len(), 17 << 20);
        let listed = store.list(TENANT).await.unwrap();
        assert_eq!(listed, [(Kind::Segment, large, 17 << 20), (Kind::Refs, key, 5)]);
        store.delete(TENANT, Kind::Refs, key).await.unwrap();
        assert_eq!(store.list(TENANT).await.unwrap().len(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn head_is_swapped_once_and_every_version_kept() {
        let s3 = S3::start(1).await.unwrap();
        let store = s3.store().unwrap();
        let (_, tag) = store.head(TENANT).await.unwrap();
        let root = Root { version: 1, ..Root::default() };
        store.swap_head(TENANT, &tag, &root).await.unwrap();
        assert!(matches!(store.swap_head(TENANT, &tag, &root).await, Err(StoreError::Conflict(_))));
        assert_eq!(s3.heads().of(TENANT).len(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn far_away_every_request_waits() {
        let s3 = S3::start(1).await.unwrap();
        s3.move_away(Latency { slow_share: 1.0, ..Latency::default() });
        let (store, start) = (s3.store().unwrap(), Instant::now());
        let key = store.put(TENANT, Kind::Refs, Uuid::from_u128(1), Bytes::from_static(b"small")).await.unwrap();
        assert_eq!(store.get(TENANT, Kind::Refs, key).await.unwrap(), "small");
        assert!(start.elapsed() >= 2 * Latency::default().slow, "{:?}", start.elapsed());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn only_the_workers_meet_faults() {
        let s3 = S3::start(1).await.unwrap();
        s3.faults().set(Shares { internal: 1000, ..Shares::default() });
        let worker = StoreOptions::S3 {
            bucket: BUCKET.to_owned(),
            endpoint: Some(s3.endpoint()),
            region: "auto".to_owned(),
            credentials: Some((WORKER.to_owned(), WORKER.to_owned())),
        };
        assert!(s3.store().unwrap().head(TENANT).await.is_ok());
        assert!(Store::open(&worker).unwrap().head(TENANT).await.is_err());
        assert!(s3.faults().met() > 0);
    }
}
