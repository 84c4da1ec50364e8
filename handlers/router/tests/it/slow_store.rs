//! An object store that stalls must not hold database connections, nor keep others from being authenticated.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::app::App;

/// When each key was authenticated.
#[derive(Clone, Default)]
struct Authentications(Arc<Mutex<Vec<Instant>>>);

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl<S: Subscriber> Layer<S> for Authentications {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        if message.0 == "Authenticated" {
            self.0.lock().unwrap().push(Instant::now());
        }
    }
}

/// An S3 endpoint that takes requests and does not answer for 5 s.
async fn stalling_endpoint() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(5)).await;
                drop(stream);
            });
        }
    });
    (format!("http://{address}"), accepted)
}

#[tokio::test]
async fn fifty_requests_are_authenticated_while_the_store_stalls() {
    let (endpoint, accepted) = stalling_endpoint().await;
    let variables = [
        ("BUCKET_NAME", "bucket"),
        ("AWS_ENDPOINT_URL_S3", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    let app = Arc::new(App::with(None, &variables).await);
    let key = app.tenant("one").await.key;
    app.register(&key, "a/b").await;
    let authentications = Authentications::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(authentications.clone()));
    let started = Instant::now();
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let (app, key) = (Arc::clone(&app), key.clone());
            tokio::spawn(async move { app.call("GET", "/api/v1/search/code?query=alpha", &key, None).await.status })
        })
        .collect();
    while authentications.0.lock().unwrap().len() < 50 && started.elapsed() < Duration::from_secs(4) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let times = authentications.0.lock().unwrap().clone();
    assert_eq!(times.len(), 50);
    let last = times.iter().max().unwrap().duration_since(started);
    assert!(last < Duration::from_secs(1), "the last of 50 was authenticated after {last:?}");
    assert_eq!(app.db.idle_in_transaction().await, 0);
    assert!(requests.iter().all(|request| !request.is_finished()), "all are waiting for the store");
    assert!(accepted.load(Ordering::Relaxed) > 0);
    requests.iter().for_each(tokio::task::JoinHandle::abort);
}
