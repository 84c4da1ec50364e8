//! What is told to the outside: traces that jobs keep, and errors that Sentry gets.

use kotadb_core::db::jobs::Trigger;
use kotadb_core::testing::TestDb;
use kotadb_core::trace::{self, Traceparent};

use crate::db::fixture::{claim, enqueue, job, repository, tenant};

fn traceparent(digit: char) -> Option<Traceparent> {
    let text = format!("00-{}-{}-01", digit.to_string().repeat(32), digit.to_string().repeat(16));
    Some(Traceparent::parse(&text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_keeps_the_trace_that_queued_it_first() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let repository = repository(&test, acme, "a/b").await;
    let asked = job(acme, repository, Trigger::Manual);
    for digit in ['1', '2'] {
        trace::within(traceparent(digit), enqueue(&test, &asked)).await;
    }
    let claimed = claim(&test, "w").await.unwrap();
    assert_eq!(claimed.traceparent, traceparent('1'));
    enqueue(&test, &asked).await;
    let kept = test.texts("SELECT coalesce(traceparent, '') FROM kotadb.jobs ORDER BY id").await;
    assert_eq!(kept, [traceparent('1').unwrap().to_string(), String::new()], "the next transaction has no trace");
}

#[cfg(feature = "sentry")]
#[test]
fn errors_of_the_log_are_reported_without_secrets() {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut all = String::new();
        let mut buffer = [0; 65536];
        while !all.contains("something is on fire") {
            let n = stream.read(&mut buffer).unwrap();
            assert!(n > 0, "{all}");
            all.push_str(&String::from_utf8_lossy(&buffer[..n]));
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
        all
    });
    let dsn = format!("http://public@127.0.0.1:{port}/7");
    let lookup = |name: &str| match name {
        "SENTRY_DSN" => Some(dsn.clone()),
        "KOTADB_MASTER_KEY" => Some("c4n4ryAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned()),
        "HOME" => Some("/nonexistent".to_owned()),
        _ => None,
    };
    let config = kotadb_core::config::Config::from_lookup(&lookup).unwrap();
    let telemetry = kotadb_core::telemetry::start(&config);
    tracing::error!(config = ?config, "something is on fire");
    drop(telemetry);
    let received = received.join().unwrap();
    assert!(received.starts_with("POST /api/7/envelope/"), "{received}");
    assert!(received.contains("\"type\":\"event\"") && received.contains("master_key: Some(Secret(…))"), "{received}");
    assert!(!received.contains("c4n4ry"), "{received}");
}
