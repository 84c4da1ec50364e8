//! What wakes a running indexer from outside: one route, `POST /wake`, and `GET /health` for whoever checks the machine.
//! Bare hyper: the indexer serves nobody else. The call itself says nothing, so it needs no signature; where it listens is a
//! private network.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

/// Longest time until the headers of a request are there.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most connections at once; more wait.
const MOST_CONNECTIONS: usize = 64;
/// Pause after a connection could not be taken (no descriptor left).
const BREATH: Duration = Duration::from_millis(100);

/// A listener. Dropped, it listens no more.
#[derive(Debug)]
pub struct Listening {
    /// Where it listens.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens at once, and notifies `wake` of every call: a permit is kept if nobody waits at that moment. Port 0 is any free
/// one.
pub async fn listen(address: SocketAddr, wake: Arc<Notify>) -> io::Result<Listening> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok(Listening { address, task: tokio::spawn(accept(listener, wake)) })
}

async fn accept(listener: TcpListener, wake: Arc<Notify>) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let wake = Arc::clone(&wake);
                tokio::spawn(async move {
                    serve(stream, wake).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!("No connection taken: {error}");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, wake: Arc<Notify>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer(request.method(), request.uri().path(), &wake);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(PATIENCE).keep_alive(false);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!("Connection ended: {error}");
    }
}

fn answer(method: &Method, path: &str, wake: &Notify) -> Response<Full<Bytes>> {
    let allowed = match path {
        "/wake" => Method::POST,
        "/health" => Method::GET,
        _ => return plain(StatusCode::NOT_FOUND),
    };
    if *method != allowed {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED);
        let allowed = HeaderValue::from_str(allowed.as_str()).expect("a method is a header value");
        refused.headers_mut().insert(ALLOW, allowed);
        return refused;
    }
    if path == "/health" {
        return plain(StatusCode::OK);
    }
    wake.notify_one();
    plain(StatusCode::ACCEPTED)
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = status;
    answer
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;

    async fn ask(address: SocketAddr, line: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(format!("{line} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}").as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    }

    #[tokio::test]
    async fn a_call_wakes_whoever_waits_now_or_next() {
        let wake = Arc::new(Notify::new());
        let listening = listen(([127, 0, 0, 1], 0).into(), Arc::clone(&wake)).await.unwrap();
        assert_eq!(ask(listening.address, "POST /wake").await, "HTTP/1.1 202 Accepted");
        timeout(PATIENCE, wake.notified()).await.expect("the call was kept");
        let waiting = tokio::spawn({
            let wake = Arc::clone(&wake);
            async move { wake.notified().await }
        });
        assert_eq!(ask(listening.address, "POST /wake").await, "HTTP/1.1 202 Accepted");
        timeout(PATIENCE, waiting).await.expect("the call was heard").unwrap();
    }

    #[tokio::test]
    async fn nothing_else_wakes() {
        let wake = Arc::new(Notify::new());
        let listening = listen(([127, 0, 0, 1], 0).into(), Arc::clone(&wake)).await.unwrap();
        for (line, status) in [
            ("GET /health", "HTTP/1.1 200 OK"),
            ("GET /wake", "HTTP/1.1 405 Method Not Allowed"),
            ("POST /health", "HTTP/1.1 405 Method Not Allowed"),
            ("POST /", "HTTP/1.1 404 Not Found"),
        ] {
            assert_eq!(ask(listening.address, line).await, status, "{line}");
        }
        assert!(timeout(Duration::from_millis(50), wake.notified()).await.is_err());
        let address = listening.address;
        drop(listening);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(TcpStream::connect(address).await.is_err());
    }
}
