//! `kotadb up`: serves, answers, stops without a trace, and finds its data again. One test, since a start costs seconds.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kotadb_core::db::direct::Direct;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde_json::Value;

use crate::fixture::{Fixture, kotadb};

pub struct Up {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Up {
    /// Starts `kotadb up` and waits for its greeting; returns it with the report.
    pub fn start(data: &Path, repository: &Path) -> (Self, Value) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kotadb"))
            .args(["up", "--port", "0", "--kotadb-data-dir"])
            .args([data, repository])
            // A flag wins over its variable.
            .env("KOTADB_DATA_DIR", "/nonexistent")
            .stdout(Stdio::piped())
            .spawn()
            .expect("kotadb runs");
        let mut up = Self { output: BufReader::new(child.stdout.take().expect("piped")), child };
        let greeting = up.read_until("Ctrl-C stops");
        assert!(greeting.contains("curl -s"), "{greeting}");
        let report = std::fs::read(data.join("report.json")).expect("a report");
        (up, serde_json::from_slice(&report).expect("JSON"))
    }

    fn read_until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.contains(end) {
            assert_ne!(self.output.read_line(&mut text).expect("output"), 0, "ended early: {text}");
        }
        text
    }

    pub fn stop(mut self) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")), Signal::SIGINT).expect("signalled");
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("output");
        assert!(self.child.wait().expect("ended").success());
    }
}

/// Answers of `curl` as JSON: what a person would type from the greeting.
fn search(report: &Value, query: &str) -> Value {
    get(report, "search/code", &[&format!("query={query}")])
}

fn get(report: &Value, path: &str, parameters: &[&str]) -> Value {
    let key = report["api_key"].as_str().expect("a key");
    let url = report["url"].as_str().expect("a URL");
    let output = Command::new("curl")
        .args(["-sS", "-G", "-H", &format!("Authorization: Bearer {key}")])
        .args(parameters.iter().flat_map(|parameter| ["--data-urlencode", parameter]))
        .arg(format!("{url}/api/v1/{path}"))
        .output()
        .expect("curl runs");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The same question asked of the service and of the local index has the same answer, but for what it was made from.
fn answers_alike(report: &Value, fixture: &Fixture) {
    assert!(kotadb(fixture.path(), &["index", "--quiet"]).status.success());
    let repositories = get(report, "repositories", &[]);
    let id = repositories["items"][0]["id"].as_str().expect("an id");
    let of = |path: &str| format!("repositories/{id}/{path}");
    let questions: &[(&[&str], String, &[&str])] = &[
        (&["def", "open_one"], "symbols/open_one/definition".to_owned(), &[]),
        (&["def", "acquire"], "symbols/acquire/definition".to_owned(), &[]),
        (&["def", "_nobody"], "symbols/_nobody/definition".to_owned(), &[]),
        (&["callers", "Pool.acquire"], "symbols/Pool.acquire/callers".to_owned(), &[]),
        (&["callers", "acquire"], "symbols/acquire/callers".to_owned(), &[]),
        (&["callers", "open_one", "--depth", "3"], "symbols/open_one/callers".to_owned(), &["depth=3"]),
        (
            &["callers", "pool.py#Lock.acquire", "--no-tests"],
            "symbols/pool.py%23Lock.acquire/callers".to_owned(),
            &["include_tests=false"],
        ),
        (&["usages", "Lock", "--path", "tests/"], "symbols/Lock/usages".to_owned(), &["path=tests/"]),
        (&["callees", "run", "--min-confidence", "0"], "symbols/run/callees".to_owned(), &["min_confidence=0"]),
        (&["usages", "Pool"], "symbols/Pool/usages".to_owned(), &[]),
        (&["impl", "Base"], "symbols/Base/implementations".to_owned(), &[]),
        (&["impact", "open_one"], "symbols/open_one/impact".to_owned(), &[]),
        (&["deps", "app.py"], of("dependencies"), &["path=app.py"]),
        (&["deps", "pool.py", "--dependents"], of("dependencies"), &["path=pool.py", "direction=dependents"]),
        (&["outline", "pool.py"], of("outline"), &["path=pool.py"]),
        (&["map", "--bytes", "400"], of("map"), &["bytes=400"]),
    ];
    for (args, path, parameters) in questions {
        let local = kotadb(fixture.path(), &[*args, &["--json"]].concat());
        let mut local: Value = serde_json::from_slice(&local.stdout).expect("JSON");
        let mut service = get(report, path, parameters);
        assert_eq!(service["index"]["resolution"], "graph", "{path}: {service}");
        for answer in [&mut local, &mut service] {
            answer["index"].take();
        }
        assert_eq!(local, service, "{args:?}");
        let (items, map) = (service["items"].as_array(), service["text"].as_str());
        let is_something = items.is_some_and(|items| !items.is_empty()) || service.get("candidates").is_some();
        assert!(is_something || map.is_some_and(|map| !map.is_empty()) || args.contains(&"--no-tests"), "{args:?}");
    }
}

const POOL: &str = "class Base:
    def acquire(self):
        return 0


class Pool(Base):
    def acquire(self):
        return open_one()


class Lock:
    def acquire(self):
        return 2


def open_one():
    return 1


def _nobody():
    return _unused


_unused = 1
";

const APP: &str = "from pool import Pool


def run():
    pool = Pool()
    return pool.acquire()
";

const TEST: &str = "from pool import Lock


def test_lock():
    assert Lock().acquire() == 2
";

/// How many sessions of the database that the indexer of a data folder uses listen for queued jobs.
fn listeners(data: &Path) -> Vec<String> {
    let output = Command::new("pgrep").arg("kotadb-indexer").output().expect("pgrep runs");
    let ids = String::from_utf8_lossy(&output.stdout).into_owned();
    let environments = ids.lines().map(|id| std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default());
    let value = |environment: &[u8], name: &str| {
        let text = String::from_utf8_lossy(environment).into_owned();
        text.split('\0').find_map(|pair| pair.strip_prefix(&format!("{name}=")).map(str::to_owned))
    };
    let ours = environments.filter(|one| value(one, "KOTADB_DATA_DIR").as_deref() == data.to_str());
    let url = ours.filter_map(|one| value(&one, "DATABASE_URL")).next().expect("an indexer of this folder");
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let mut direct = Direct::connect(&url).await.expect("Postgres answers");
        let listening = "SELECT count(*)::text FROM pg_stat_activity WHERE query LIKE 'LISTEN%kotadb_jobs%'";
        let found = direct.texts(listening).await.expect("counted");
        direct.close().await;
        found
    })
}

/// Processes whose command line names the folder.
fn processes_of(folder: &Path) -> String {
    let output = Command::new("pgrep").args(["-af"]).arg(folder).output().expect("pgrep runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn serves_stops_and_finds_its_data_again() {
    let code = [("app.py", APP), ("pool.py", POOL), ("tests/test_pool.py", TEST)];
    let fixture = Fixture::new(&[&[("src/lib.rs", "pub fn findable() {}\n")], &code[..]].concat());
    let folder = tempfile::tempdir().expect("a folder");
    open_to_all(folder.path());
    let data = folder.path().join("data");

    let (up, report) = Up::start(&data, fixture.path());
    assert_eq!(search(&report, "findable")["items"][0]["path"], "src/lib.rs");
    let objects = std::fs::metadata(data.join("objects")).expect("objects").permissions();
    assert_eq!(objects.mode() & 0o077, 0, "what is indexed is nobody else's to read");
    assert_eq!(listeners(&data), ["1"], "the indexer hears of queued jobs at once");
    answers_alike(&report, &fixture);
    up.stop();
    assert_eq!(processes_of(&data), "");

    fixture.commit(&[("src/more.rs", "pub fn added_later() {}\n")]);
    let started = Instant::now();
    let (up, again) = Up::start(&data, fixture.path());
    assert!(started.elapsed() < Duration::from_secs(60));
    assert_eq!(again["api_key"], report["api_key"]);
    assert_eq!(search(&again, "findable")["items"].as_array().expect("items").len(), 1, "one repository, not two");
    assert_eq!(search(&again, "added_later")["items"][0]["path"], "src/more.rs");
    up.stop();
    assert_eq!(processes_of(&data), "");
}

/// As in a terminal, where Ctrl-C goes to every process of the group.
#[test]
fn ctrl_c_during_the_start_ends_it() {
    let fixture = Fixture::new(&[("src/lib.rs", "pub fn findable() {}\n")]);
    let folder = tempfile::tempdir().expect("a folder");
    open_to_all(folder.path());
    let data = folder.path().join("data");
    let mut up = Command::new(env!("CARGO_BIN_EXE_kotadb"))
        .args(["up", "--port", "0"])
        .arg(fixture.path())
        .env("KOTADB_DATA_DIR", &data)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("kotadb runs");
    let mut lines = BufReader::new(up.stderr.take().expect("piped")).lines();
    assert!(lines.by_ref().map_while(Result::ok).any(|line| line.starts_with("indexing ")));
    let started = Instant::now();
    killpg(Pid::from_raw(i32::try_from(up.id()).expect("a pid")), Signal::SIGINT).expect("signalled");
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert!(up.wait().expect("ended").success(), "{rest:?}");
    assert!(started.elapsed() < Duration::from_secs(15), "{rest:?}");
    assert!(!rest.iter().any(|line| line.contains("unreachable")), "Postgres ended before its users: {rest:?}");
    assert_eq!(processes_of(&data), "");
}

/// Postgres does not run as root: its user must be able to reach the data folder.
pub fn open_to_all(folder: &Path) {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("changed");
}
