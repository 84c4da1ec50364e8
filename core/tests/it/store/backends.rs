//! The stores under test, each opened empty.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use kotadb_core::crypto;
use kotadb_core::store::{Store, StoreOptions};
use tempfile::TempDir;

/// An empty store, and whatever must live as long as it.
pub struct Backend {
    pub options: StoreOptions,
    pub store: Store,
    _folder: Option<TempDir>,
    _server: Option<Server>,
}

/// moto, which ends when its standard input does.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

impl Backend {
    pub fn memory() -> Self {
        Self::open(StoreOptions::Memory, None, None)
    }

    pub fn folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::open(StoreOptions::Folder(folder.path().join("objects")), Some(folder), None)
    }

    /// A new bucket at `KOTADB_TEST_S3_ENDPOINT`, else at a server that lives as long as the test. Never skipped.
    pub async fn s3() -> Self {
        let given = std::env::var("KOTADB_TEST_S3_ENDPOINT").ok().filter(|endpoint| !endpoint.is_empty());
        let (endpoint, server) = match given {
            Some(endpoint) => (endpoint, None),
            None => start_server(),
        };
        let bucket = format!("kotadb-{}", crypto::to_hex(&crypto::random::<6>()));
        create_bucket(&endpoint, &bucket).await;
        Self::open(s3_options(&endpoint, &bucket), None, server)
    }

    fn open(options: StoreOptions, folder: Option<TempDir>, server: Option<Server>) -> Self {
        Self { store: Store::open(&options).unwrap(), options, _folder: folder, _server: server }
    }
}

pub fn s3_options(endpoint: &str, bucket: &str) -> StoreOptions {
    StoreOptions::S3 {
        bucket: bucket.to_owned(),
        endpoint: Some(endpoint.to_owned()),
        region: "us-east-1".to_owned(),
        credentials: Some(("test".to_owned(), "test".to_owned())),
    }
}

fn start_server() -> (String, Option<Server>) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/s3-endpoint.sh");
    let mut child = Command::new(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut endpoint = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut endpoint).unwrap();
    assert!(endpoint.starts_with("http://127.0.0.1:"), "scripts/s3-endpoint.sh gave no address");
    (endpoint.trim().to_owned(), Some(Server(child)))
}

/// The store itself never makes buckets; moto takes an unsigned request.
async fn create_bucket(endpoint: &str, bucket: &str) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = endpoint.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request =
        format!("PUT /{bucket} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
