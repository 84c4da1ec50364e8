//! Serves repositories of this machine over git's smart HTTP, read-only, on the loopback: what `kotadb up` and tests fetch
//! from. Git itself does the work: `git http-backend`, run as a CGI program for each request.
//!
//! Only names that were given are served, and only the two endpoints of a fetch, so no path can lead elsewhere.

mod cgi;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running server; dropping it ends it.
#[derive(Debug)]
pub struct GitServer {
    address: SocketAddr,
    served: Served,
    task: JoinHandle<()>,
}

/// Folders by name. A name may hold `/`: `owner/name`.
type Served = Arc<RwLock<BTreeMap<String, PathBuf>>>;

impl GitServer {
    /// Serves `repositories` (name → bare repository, `.git` folder or working tree) on 127.0.0.1: at `port` where that is
    /// free, else at any free port.
    pub async fn start(repositories: BTreeMap<String, PathBuf>, port: Option<u16>) -> io::Result<Self> {
        Self::start_with(repositories, port, |router| router).await
    }

    /// The same behind layers of the caller's.
    pub async fn start_with(
        repositories: BTreeMap<String, PathBuf>,
        port: Option<u16>,
        layers: impl FnOnce(Router) -> Router,
    ) -> io::Result<Self> {
        let listener = bind(port).await?;
        let address = listener.local_addr()?;
        let served: Served = Arc::new(RwLock::new(repositories));
        let router = layers(Router::new().fallback(answer).with_state(Arc::clone(&served)));
        let task = tokio::spawn(async move {
            // `axum::serve` ends only with the task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, served, task })
    }

    /// `http://127.0.0.1:PORT`
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Clone URL of a name.
    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.origin())
    }

    /// Serves one more repository, or another one under a known name.
    pub fn insert(&self, name: &str, repository: &Path) {
        let mut served = self.served.write().unwrap_or_else(PoisonError::into_inner);
        served.insert(name.to_owned(), repository.to_owned());
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn bind(port: Option<u16>) -> io::Result<TcpListener> {
    if let Some(port) = port
        && let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
    {
        return Ok(listener);
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}

async fn answer(State(served): State<Served>, request: Request) -> Response {
    let Some((name, endpoint)) = split(&request) else {
        return (StatusCode::FORBIDDEN, "only fetches are served\n").into_response();
    };
    let name = name.strip_suffix(".git").unwrap_or(name);
    let repository = served.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
    let Some(repository) = repository else {
        return (StatusCode::NOT_FOUND, "no such repository\n").into_response();
    };
    cgi::run(&repository, endpoint, request).await.unwrap_or_else(|error| {
        tracing::warn!(error = %error, "git http-backend failed: {error}");
        (StatusCode::BAD_GATEWAY, "git http-backend failed\n").into_response()
    })
}

/// The name and the endpoint of a fetch; `None`: it is something else.
fn split(request: &Request) -> Option<(&str, &'static str)> {
    let path = request.uri().path().strip_prefix('/')?;
    if let Some(name) = path.strip_suffix("/info/refs") {
        let is_fetch = request.method() == Method::GET && request.uri().query() == Some("service=git-upload-pack");
        return is_fetch.then_some((name, "/info/refs"));
    }
    let name = path.strip_suffix("/git-upload-pack")?;
    (request.method() == Method::POST).then_some((name, "/git-upload-pack"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn git(folder: &Path, args: &[&str]) -> String {
        let fixed = ["-c", "user.name=a", "-c", "user.email=a@example.invalid", "-c", "init.defaultBranch=main"];
        let output = Command::new("git")
            .args(fixed)
            .args(args)
            .current_dir(folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A working tree with one commit and a blob that only an id leads to by name.
    fn repository(folder: &Path) -> String {
        git(folder, &["init", "-q"]);
        std::fs::write(folder.join("a.txt"), "alpha\n".repeat(1000)).unwrap();
        git(folder, &["add", "."]);
        git(folder, &["commit", "-q", "-m", "one"]);
        git(folder, &["rev-parse", "HEAD:a.txt"])
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn serves_partial_clones_and_blobs_by_id() {
        let source = tempfile::tempdir().unwrap();
        let blob = repository(source.path());
        let bare = tempfile::tempdir().unwrap();
        git(bare.path(), &["clone", "-q", "--bare", source.path().to_str().unwrap(), "b"]);
        let server = GitServer::start(BTreeMap::from([("a/tree".into(), source.path().into())]), None).await.unwrap();
        server.insert("bare", &bare.path().join("b"));
        for name in ["a/tree", "bare"] {
            let clone = tempfile::tempdir().unwrap();
            let url = server.url(name);
            git(clone.path(), &["clone", "-q", "--filter=blob:none", "--depth", "1", "--bare", &url, "c"]);
            let clone = clone.path().join("c");
            let missing = git(&clone, &["rev-list", "--objects", "--missing=print", "HEAD"]);
            assert!(missing.contains(&format!("?{blob}")), "{missing}");
            // Without negotiation, or the server takes the blob for one that the clone's commit brought along.
            let by_id = ["-c", "fetch.negotiationAlgorithm=noop", "fetch", "-q", "--filter=blob:none", "origin", &blob];
            git(&clone, &by_id);
            assert_eq!(git(&clone, &["cat-file", "-s", &blob]), "6000");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_else_is_served() {
        let source = tempfile::tempdir().unwrap();
        repository(source.path());
        let server = GitServer::start(BTreeMap::from([("a".into(), source.path().into())]), None).await.unwrap();
        let second = GitServer::start(BTreeMap::new(), Some(server.port())).await.unwrap();
        assert_ne!(server.port(), second.port());
        for (method, path, status) in [
            ("GET", "/a/info/refs?service=git-upload-pack", "200"),
            ("GET", "/a.git/info/refs?service=git-upload-pack", "200"),
            ("GET", "/a/info/refs?service=git-receive-pack", "403"),
            ("POST", "/a/git-receive-pack", "403"),
            ("GET", "/a/HEAD", "403"),
            ("GET", "/a/.git/config", "403"),
            ("GET", "/a/../a/info/refs?service=git-upload-pack", "404"),
            ("GET", "/a/%2e%2e/info/refs?service=git-upload-pack", "404"),
            ("GET", "/b/info/refs?service=git-upload-pack", "404"),
        ] {
            assert_eq!(request(server.address, method, path).await, status, "{method} {path}");
        }
    }

    /// The status of an answer. Written by hand, since clients would tidy the path.
    async fn request(address: SocketAddr, method: &str, path: &str) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap().to_owned()
    }
}
