//! The binary under load when it is asked to stop: every connection that was taken has its answer.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use kotadb_core::store::{Store, StoreOptions};
use kotadb_core::testing::TestDb;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::App;
use crate::boot::{Running, server};
use crate::index::publish;

/// A server over an index that holds `area` once, and a key for it.
struct Served {
    app: App,
    running: Running,
    key: String,
}

impl Served {
    async fn start(data: &Path) -> Self {
        let store = Store::open(&StoreOptions::Folder(data.join("objects"))).unwrap();
        let app = App::over(TestDb::new().await, store, &[]);
        let tenant = app.tenant("one").await;
        app.db.execute("UPDATE kotadb.tenants SET plan = 'unlimited'").await;
        let repository = app.register(&tenant.key, "a/b").await;
        let files = [("shapes.py", "def area(side):\n    return side * side\n")];
        publish(&app.store, tenant.id, repository["id"].as_str().unwrap(), &files).await;
        let variables =
            [("DATABASE_URL", app.db.pooled_url.as_str()), ("KOTADB_MODE", "saas"), ("KOTADB_METRICS_PORT", "none")];
        let mut command = server(&variables);
        command.env("KOTADB_DATA_DIR", data).env("DISABLE_SAAS_ENV_VALIDATION", "true");
        let running = Running::start(command.stderr(Stdio::null()));
        Self { app, running, key: tenant.key }
    }
}

/// What clients of a server that is asked to stop met.
#[derive(Default)]
struct Met {
    answers: usize,
    refused: usize,
    lost: Vec<String>,
    last_answer: Option<Instant>,
}

/// One who asks again and again.
#[derive(Clone)]
struct Client {
    url: String,
    key: String,
    /// On a new connection each time, instead of one that is kept.
    is_new: bool,
    searches: bool,
}

impl Client {
    /// Asks until nobody listens any more.
    async fn ask_until_refused(self) -> Met {
        let client = || reqwest::Client::builder().pool_max_idle_per_host(usize::from(!self.is_new)).build().unwrap();
        let (kept, mut met) = (client(), Met::default());
        loop {
            match self.ask(if self.is_new { client() } else { kept.clone() }).await {
                Ok(None) => {
                    met.answers += 1;
                    met.last_answer = Some(Instant::now());
                }
                Ok(Some(fault)) => met.lost.push(fault),
                Err(error) if error.is_connect() => {
                    met.refused += 1;
                    return met;
                }
                Err(error) => met.lost.push(format!("{error:?}")),
            }
        }
    }

    /// One whole answer; what is wrong with it, if anything.
    async fn ask(&self, client: reqwest::Client) -> reqwest::Result<Option<String>> {
        let path = if self.searches { "/api/v1/search/code?query=area" } else { "/health/live" };
        let answer = client.get(format!("{}{path}", self.url)).bearer_auth(&self.key).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        let is_right = status == 200 && (!self.searches || text.contains("shapes.py"));
        Ok((!is_right).then(|| format!("{status}: {text}")))
    }
}

/// A search whose body comes in two pieces, the second so long after the first; status and body of its answer.
async fn search_slowly(url: &str, key: &str, pause: Duration) -> (String, Value) {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (first, second) = (r#"{"query": "#, r#""area"}"#);
    let length = first.len() + second.len();
    let head = format!(
        "POST /api/v1/search/code HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{first}"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(pause).await;
    stream.write_all(second.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    (head.lines().next().unwrap().to_owned(), serde_json::from_str(body).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_under_load_loses_no_answer() {
    let data = tempfile::tempdir().unwrap();
    let Served { app, mut running, key } = Served::start(data.path()).await;
    let client = |nth: usize| Client {
        url: running.url.clone(),
        key: key.clone(),
        is_new: nth.is_multiple_of(2),
        searches: nth.is_multiple_of(3),
    };
    let clients: Vec<_> = (0..12).map(|nth| tokio::spawn(client(nth).ask_until_refused())).collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    // It is there before the stop, and whole long after the listener is closed.
    let (url, slow_key) = (running.url.clone(), key.clone());
    let slow = tokio::spawn(async move { search_slowly(&url, &slow_key, Duration::from_secs(5)).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (asked, url) = (Instant::now(), running.url.clone());
    let stopped = tokio::task::spawn_blocking(move || running.stop());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let ready = reqwest::get(format!("{url}/health/ready")).await.unwrap();
    assert_eq!((ready.status().as_u16(), ready.headers()["connection"].to_str().unwrap()), (503, "close"));
    assert_eq!(ready.json::<Value>().await.unwrap()["stopping"], true);
    for client in clients {
        let met = client.await.unwrap();
        assert_eq!((met.lost, met.refused), (Vec::<String>::new(), 1));
        let served_for = met.last_answer.unwrap() - asked;
        assert!(met.answers > 10 && served_for.as_millis() > 1900, "{} answers, {served_for:?}", met.answers);
        assert!(served_for.as_secs() < 4, "the listener was closed while the slow request was open");
    }
    let (status, found) = slow.await.unwrap();
    assert_eq!((status.as_str(), &found["items"][0]["path"]), ("HTTP/1.1 200 OK", &json!("shapes.py")));
    assert!(stopped.await.unwrap().success());
    drop(app);
}
