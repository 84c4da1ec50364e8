//! Wake-ups that reach an indexer: one that was answered is never lost, however late it came.

use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use kotadb_core::db::jobs::JobState;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::support::service::Service;
use crate::support::{Remote, Repository};

/// For a process that has much beside it.
const PATIENCE: Duration = Duration::from_secs(60);

fn start(service: &Service, command: &str, address: SocketAddr) -> Child {
    let mut indexer = Command::from(service.indexer());
    indexer.args([command, "--listen", &address.to_string()]).env("KOTADB_GIT_ALLOWED_ORIGINS", service.git.origin());
    indexer.stderr(Stdio::inherit()).kill_on_drop(true).spawn().unwrap()
}

/// A port that was free a moment ago.
fn free() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}

async fn connect(address: SocketAddr) -> TcpStream {
    let connected = async {
        loop {
            match TcpStream::connect(address).await {
                Ok(stream) => return stream,
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        }
    };
    timeout(PATIENCE, connected).await.expect("the indexer listens")
}

async fn refused(address: SocketAddr) {
    let closed = async {
        while TcpStream::connect(address).await.is_ok() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, closed).await.expect("the indexer closes its listener");
}

async fn answer(mut stream: TcpStream, rest: &str) -> String {
    stream.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

fn repository() -> Repository {
    let repository = Repository::new();
    repository.write("a.rs", "fn a() {}\n");
    repository.commit();
    repository
}

/// The call begins while the indexer is idle, and is answered when it listens no more and has looked already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_answered_at_the_end_is_heeded() {
    let (service, repository) = (Service::start().await, repository());
    let remote = Remote::of(&repository);
    let id = service.register("acme/a", &remote, &[]).await;
    let address = free();
    let mut indexer = start(&service, "drain", address);
    let mut stream = connect(address).await;
    stream.write_all(b"POST /wake HTTP/1.1\r\n").await.unwrap();
    refused(address).await;
    assert!(indexer.try_wait().unwrap().is_none(), "who is connected may still ask");
    // As that of a push: due a second after its delivery.
    service.enqueue(id).await;
    service.database.execute("UPDATE kotadb.jobs SET run_at = now() + interval '1 second'").await;
    assert_eq!(answer(stream, "host: x\r\n\r\n").await, "HTTP/1.1 202 Accepted");
    assert_eq!(answer(connect(address).await, "GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await, "HTTP/1.1 200 OK");
    assert!(timeout(PATIENCE, indexer.wait()).await.unwrap().unwrap().success());
    assert_eq!(service.job(id).await.state, JobState::Done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_serves_is_woken() {
    let (service, repository) = (Service::start().await, repository());
    let remote = Remote::of(&repository);
    let id = service.register("acme/a", &remote, &[]).await;
    let address = free();
    let _indexer = start(&service, "serve", address);
    drop(connect(address).await);
    service.enqueue(id).await;
    let call = "POST /wake HTTP/1.1\r\nhost: x\r\n\r\n";
    assert_eq!(answer(connect(address).await, call).await, "HTTP/1.1 202 Accepted");
    let done = async {
        while service.job(id).await.state != JobState::Done {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, done).await.expect("the job is done");
}
