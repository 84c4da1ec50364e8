//! The binary: what it says when it cannot start, and how it starts.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Instant;

use kotadb_core::config::VARIABLES;
use kotadb_core::testing::TestDb;

use crate::app::MASTER_KEY;

pub fn server(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kotadb-api-server"));
    command
        .env_clear()
        .env("KOTADB_MODE", "local")
        .env("PORT", "0")
        .env("KOTADB_BIND", "127.0.0.1")
        .env("KOTADB_MASTER_KEY", MASTER_KEY);
    command.envs(variables.iter().copied());
    command
}

fn ended(variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = server(variables).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn all_faults_of_the_configuration_are_named_at_once() {
    let (code, said) = ended(&[("PORT", "x"), ("KOTADB_LEASE_SECONDS", "0"), ("KOTADB_DATA_DIR", "/nonexistent")]);
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("PORT") && said.contains("KOTADB_LEASE_SECONDS"), "{said}");
    let (code, said) = ended(&[("KOTADB_DATA_DIR", "/nonexistent")]);
    assert_eq!((code, said.contains("DATABASE_URL")), (Some(78), true), "{said}");
    let odd = [("DATABASE_URL", "postgres://u:hunter2@h/d?sslmode=odd"), ("KOTADB_DATA_DIR", "/nonexistent")];
    let (code, said) = ended(&odd);
    assert_eq!((code, said.contains("ssl_mode"), said.contains("hunter2")), (Some(78), true, false), "{said}");
}

#[test]
fn a_service_names_all_five_that_it_lacks() {
    let (code, said) = ended(&[("KOTADB_MODE", "saas"), ("KOTADB_DATA_DIR", "/nonexistent"), ("BUCKET_NAME", "b")]);
    assert_eq!(code, Some(78), "{said}");
    let five = ["DATABASE_URL", "SUPABASE_URL", "SUPABASE_ANON_KEY", "SUPABASE_SERVICE_KEY", "KOTADB_WEBHOOK_BASE_URL"];
    for name in five {
        assert!(said.contains(&format!("`{name}` is missing")), "{name}: {said}");
    }
    assert_eq!(said.matches(" is missing").count(), five.len(), "{said}");
}

#[test]
fn an_unreachable_postgres_ends_the_start_after_its_retries() {
    let url = "postgres://ada:hunter2@127.0.0.77:6543/x?sslmode=disable";
    let started = Instant::now();
    let (code, said) = ended(&[("DATABASE_URL", url), ("KOTADB_DATA_DIR", "/nonexistent")]);
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains("`127.0.0.77:6543` (transaction pooler) is out of reach"), "{said}");
    assert!(!said.contains("hunter2") && !said.contains("ada"), "{said}");
    assert!((15..30).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert!(said.matches("Waiting for Postgres").count() >= 5, "{said}");
}

/// A server that listens; killed with the test.
pub struct Running {
    child: Child,
    pub url: String,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { child, url }
    }

    /// SIGTERM, and the end.
    pub fn stop(&mut self) -> ExitStatus {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_validation_it_starts_and_says_what_is_not_configured() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = server(&[("DISABLE_SAAS_ENV_VALIDATION", "true"), ("KOTADB_MODE", "saas")]);
    command.env("KOTADB_DATA_DIR", log.path().parent().unwrap()).env("KOTADB_METRICS_PORT", "none");
    let mut running = Running::start(command.stderr(log.reopen().unwrap()));
    let ask = |path: &'static str| {
        let request = reqwest::Client::new().get(format!("{}{path}", running.url));
        let key = kotadb_core::identity::ApiKey::generate(false);
        async move { request.bearer_auth(key.expose()).send().await.unwrap() }
    };
    assert_eq!(ask("/health/live").await.status(), 200);
    assert_eq!(ask("/health").await.status(), 503);
    let answer = ask("/api/v1/repositories").await;
    assert_eq!(answer.status(), 503);
    let problem: serde_json::Value = answer.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["errors"][0]["field"]), (&"not_configured".into(), &"DATABASE_URL".into()));
    assert!(running.stop().success());
    let said = std::fs::read_to_string(log.path()).unwrap();
    for name in ["DISABLE_SAAS_ENV_VALIDATION", "DATABASE_URL", "SUPABASE_URL", "BUCKET_NAME"] {
        assert!(said.contains(&format!("`{name}`")), "{name}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_a_port_of_their_own() {
    let db = TestDb::new().await;
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let mut command = server(&[("DATABASE_URL", &db.pooled_url), ("KOTADB_METRICS_PORT", "0")]);
    command.env("KOTADB_DATA_DIR", data.path()).stderr(std::fs::File::create(&log).unwrap());
    let running = Running::start(&mut command);
    let said = std::fs::read_to_string(&log).unwrap();
    let lines = said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let address = lines.filter(|line| line["message"] == "Metrics").map(|line| line["address"].clone()).next().unwrap();
    let page = reqwest::get(format!("http://{}/metrics", address.as_str().unwrap())).await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("kotadb_build{"));
    assert_eq!(reqwest::get(format!("{}/metrics", running.url)).await.unwrap().status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_win_over_variables_and_secrets_are_no_flags() {
    let db = TestDb::new().await;
    let data = tempfile::tempdir().unwrap();
    let mut command = server(&[("DATABASE_URL", &db.pooled_url), ("PORT", "http"), ("KOTADB_DATA_DIR", "relative")]);
    command.args(["--port", "0", "--kotadb-data-dir"]).arg(data.path());
    let mut running = Running::start(&mut command);
    assert_eq!(reqwest::get(format!("{}/health/ready", running.url)).await.unwrap().status(), 200);
    assert!(running.stop().success());
    let refused = server(&[]).args(["--database-url", "postgres://u:p@h/d"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "a secret in the arguments is refused");
}

/// Every secret of the configuration and of the requests, looked for in all that the program says at its most talkative.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_ever_said() {
    const CANARY: &str = "c4n4ry";
    let db = TestDb::new().await;
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let mut command = server(&[("RUST_LOG", "trace"), ("KOTADB_DATA_DIR", data.path().to_str().unwrap())]);
    let long = CANARY.repeat(8);
    for variable in VARIABLES.iter().filter(|variable| variable.is_secret) {
        command.env(variable.name, &long);
    }
    // Of those that must have a shape; the start of the key's base64 stands for it.
    let key = format!("{CANARY}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let dsn = format!("https://{CANARY}@127.0.0.1:9/1");
    let url = db.pooled_url.replace("@127", &format!(":{CANARY}@127"));
    command.envs([("DATABASE_URL", url.as_str()), ("DATABASE_DIRECT_URL", url.as_str()), ("SENTRY_DSN", dsn.as_str())]);
    command.envs([("KOTADB_MASTER_KEY", key.as_str()), ("KOTADB_MASTER_KEY_PREVIOUS", key.as_str())]);
    command.envs([("AWS_ACCESS_KEY_ID", "id"), ("GITHUB_CLIENT_ID", "id"), ("KOTADB_WAKE", "machines")]);
    command.env("BUCKET_ACCESS_KEY_ID", "id");
    command.env_remove("GITHUB_APP_PRIVATE_KEY");
    let mut running = Running::start(command.stderr(std::fs::File::create(&log).unwrap()));
    let client = reqwest::Client::new();
    for path in ["/health", "/api/v1/repositories", "/api/v1/search/code?query=x", "/internal/wake"] {
        let request = client.get(format!("{}{path}", running.url)).bearer_auth(format!("kdb_live_{long}"));
        let request = request.header("x-api-key", &long).header("cookie", format!("session={long}"));
        request.header("x-hub-signature-256", &long).send().await.unwrap();
    }
    let hook = format!("{}/webhooks/github/{}", running.url, uuid::Uuid::now_v7());
    client.post(hook).header("x-hub-signature-256", &long).body(long.clone()).send().await.unwrap();
    assert!(running.stop().success());
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(said.contains("DEBUG") && said.contains("Answered"), "the log is as talkative as it can be");
    let line = said.lines().find(|line| line.to_ascii_lowercase().contains(CANARY));
    assert_eq!(line, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_schema_ends_the_start() {
    let db = TestDb::empty().await;
    let (code, said) = ended(&[("DATABASE_URL", &db.pooled_url), ("KOTADB_DATA_DIR", "/nonexistent")]);
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains("kotadb-indexer migrate"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_prints_its_address_and_stops_on_sigterm() {
    let db = TestDb::new().await;
    let data = tempfile::tempdir().unwrap();
    let mut command = server(&[("DATABASE_URL", &db.pooled_url), ("KOTADB_DATA_DIR", data.path().to_str().unwrap())]);
    let mut running = Running::start(&mut command);
    let live = reqwest::get(format!("{}/health/live", running.url)).await.unwrap();
    assert_eq!(live.status(), 200);
    let stopped = Instant::now();
    assert!(running.stop().success());
    assert!(stopped.elapsed().as_secs() < 5);
}
