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
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

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
    end: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Listening {
    /// Listens no more. Once this is done nobody is answered any longer, so that one look at the job table finds whatever a
    /// call that was answered was about. Who is connected has as long as ever for a request.
    pub async fn close(mut self) {
        self.end.notify_one();
        // It ends in no other way: there is nothing to tell.
        drop((&mut self.task).await);
    }
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
    let end = Arc::new(Notify::new());
    let task = tokio::spawn(accept(listener, wake, Arc::clone(&end)));
    Ok(Listening { address, end, task })
}

async fn accept(listener: TcpListener, wake: Arc<Notify>, end: Arc<Notify>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = end.notified() => break,
            Some(_ended) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, _)) => drop(connections.spawn(serve(stream, Arc::clone(&wake)))),
                Err(error) => {
                    tracing::warn!("No connection taken: {error}");
                    tokio::time::sleep(BREATH).await;
                }
            },
        }
    }
    // Whoever comes now is refused; the rest is answered.
    drop(listener);
    let answered = async { while connections.join_next().await.is_some() {} };
    drop(timeout(PATIENCE, answered).await);
    connections.shutdown().await;
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

    #[tokio::test]
    async fn one_that_closes_answers_who_is_connected_and_nobody_else() {
        let wake = Arc::new(Notify::new());
        let listening = listen(([127, 0, 0, 1], 0).into(), Arc::clone(&wake)).await.unwrap();
        let address = listening.address;
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"POST /wake HTTP/1.1\r\n").await.unwrap();
        // A second call says that the first connection was taken.
        assert_eq!(ask(address, "GET /health").await, "HTTP/1.1 200 OK");
        let closing = tokio::spawn(listening.close());
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(!closing.is_finished());
        slow.write_all(b"host: x\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        slow.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 202 Accepted"), "{answer}");
        closing.await.unwrap();
        timeout(PATIENCE, wake.notified()).await.expect("the call was kept");
    }
}
