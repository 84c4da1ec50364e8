//! Every way to wake the indexer, against a server of the test's own, a fake Machines API, and real processes.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kotadb_core::config::WakeConfig;
use kotadb_core::testing::{FLY_APP, FLY_TOKEN, FakeMachines, Scripted, TestDb};
use kotadb_core::wake::{LIMIT, Waker, Woken};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Long enough for a call of ours to be made after another process's.
const TURN: Duration = Duration::from_secs(2);

/// A server that answers each call with the next status, the last one for ever; status 0: never.
async fn server(statuses: &'static [u16]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/wake", listener.local_addr().unwrap());
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                let mut asked = [0; 4096];
                while stream.read(&mut asked).await.is_ok_and(|n| n > 0) {
                    assert!(asked.starts_with(b"POST /wake "));
                    let nth = counted.fetch_add(1, Ordering::SeqCst);
                    let status = statuses[nth.min(statuses.len() - 1)];
                    if status == 0 {
                        return std::future::pending().await;
                    }
                    let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (url, calls)
}

fn flycast(url: &str) -> Waker {
    Waker::new(&WakeConfig::Flycast { url: url.to_owned() }).unwrap()
}

fn machines(fake: &FakeMachines, machine: Option<&str>) -> Waker {
    let config = WakeConfig::Machines {
        api: fake.url.clone(),
        token: kotadb_core::crypto::Secret::new(FLY_TOKEN),
        app: FLY_APP.to_owned(),
        machine: machine.map(str::to_owned),
    };
    Waker::new(&config).unwrap()
}

/// As if nobody had called for long, here or elsewhere.
async fn forget_last(test: &TestDb) {
    test.execute("UPDATE kotadb.wakes SET last_wake = '-infinity'").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flycast_is_called_and_asked_once_more_where_the_fault_may_pass() {
    let test = TestDb::new().await;
    for (statuses, woken, calls) in [
        (&[202][..], Woken::Called, 1),
        (&[503, 202][..], Woken::Called, 2),
        (&[503][..], Woken::Failed, 2),
        (&[404][..], Woken::Failed, 1),
        (&[429][..], Woken::Called, 1),
        (&[0][..], Woken::Failed, 1),
    ] {
        forget_last(&test).await;
        let (url, counted) = server(statuses).await;
        let began = Instant::now();
        assert_eq!(flycast(&url).wake(&test.db).await, woken, "{statuses:?}");
        assert!(began.elapsed() < LIMIT + Duration::from_millis(700), "{statuses:?}");
        assert_eq!(counted.load(Ordering::SeqCst), calls, "{statuses:?}");
    }
    let off = Waker::new(&WakeConfig::None).unwrap();
    assert_eq!((off.is_off(), off.wake(&test.db).await), (true, Woken::Off));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_at_once_make_one_call_now_and_one_later() {
    let test = TestDb::new().await;
    let (url, calls) = server(&[202]).await;
    let waker = Arc::new(flycast(&url));
    let began = Instant::now();
    let asked = (0..100).map(|_| {
        let (waker, db) = (Arc::clone(&waker), test.db.clone());
        tokio::spawn(async move { waker.wake(&db).await })
    });
    let mut joined = 0;
    for asked in asked.collect::<Vec<_>>() {
        joined += usize::from(asked.await.unwrap() == Woken::Joined);
    }
    let calls = calls.load(Ordering::SeqCst);
    assert!((1..=2).contains(&calls) && joined + calls == 100, "{calls} calls, {joined} joined");
    // The second, for those that came during the first, is no sooner than a second after it.
    assert!(calls == 1 || began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_processes_one_calls_and_a_later_job_has_its_own_call() {
    let test = TestDb::new().await;
    let (url, calls) = server(&[202]).await;
    assert_eq!(flycast(&url).wake(&test.db).await, Woken::Called);
    // Another process, with a job that was committed after that call.
    let began = Instant::now();
    assert_eq!(flycast(&url).wake(&test.db).await, Woken::Called);
    assert!(began.elapsed() >= TURN);
    forget_last(&test).await;
    let others: Vec<_> = (0..5)
        .map(|_| {
            let (waker, db) = (flycast(&url), test.db.clone());
            tokio::spawn(async move { waker.wake(&db).await })
        })
        .collect();
    let mut woken = Vec::new();
    for other in others {
        woken.push(other.await.unwrap());
    }
    let called = woken.iter().filter(|woken| **woken == Woken::Called).count();
    assert!((1..=2).contains(&called) && woken.len() - called == 5 - called, "{woken:?}");
    assert_eq!(calls.load(Ordering::SeqCst), 2 + called);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_no_reason_not_to_call() {
    let (url, calls) = server(&[202]).await;
    let options = kotadb_core::db::DbOptions {
        url: "postgres://nobody@127.0.0.1:1/none".to_owned(),
        max_connections: 1,
        acquire_timeout: Duration::from_millis(200),
    };
    let db = kotadb_core::db::Db::new(&options).unwrap();
    assert_eq!(flycast(&url).wake(&db).await, Woken::Called);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_machine_is_looked_for_once_and_again_when_it_was_replaced() {
    let test = TestDb::new().await;
    let fake = FakeMachines::start().await;
    fake.add("sweeper", "sweeper", Some("hourly"));
    fake.add("hourly", "indexer", Some("hourly"));
    fake.add("one", "indexer", None);
    let waker = machines(&fake, None);
    assert_eq!(waker.wake(&test.db).await, Woken::Called);
    assert_eq!((fake.state("one"), fake.state("sweeper"), fake.state("hourly")), ("started", "stopped", "stopped"));
    // Already started: that is what was wanted.
    forget_last(&test).await;
    assert_eq!(waker.wake(&test.db).await, Woken::Called);
    fake.destroy("one");
    fake.add("two", "indexer", None);
    forget_last(&test).await;
    assert_eq!(waker.wake(&test.db).await, Woken::Called);
    assert_eq!(fake.state("two"), "started");
    assert_eq!(fake.calls(), ["list", "start one", "start one", "start one", "list", "start two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_the_machines_api_are_told_apart() {
    use Scripted::{Hang, Status};
    let test = TestDb::new().await;
    for (script, woken, starts) in [
        (vec![Status(500)], Woken::Called, 2),
        (vec![Status(408)], Woken::Called, 2),
        (vec![Status(500), Status(502)], Woken::Failed, 2),
        (vec![Status(409)], Woken::Called, 1),
        (vec![Status(429)], Woken::Called, 1),
        (vec![Status(403)], Woken::Failed, 1),
        (vec![Hang], Woken::Failed, 1),
    ] {
        forget_last(&test).await;
        let fake = FakeMachines::start().await;
        fake.add("one", "indexer", None);
        fake.script(&script);
        assert_eq!(machines(&fake, Some("one")).wake(&test.db).await, woken, "{script:?}");
        assert_eq!(fake.calls(), vec!["start one"; starts], "{script:?}");
    }
    forget_last(&test).await;
    let fake = FakeMachines::start().await;
    assert_eq!(machines(&fake, None).wake(&test.db).await, Woken::Failed, "no machine");
    assert_eq!(fake.calls(), ["list"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fake_limits_starts_and_waits_for_states() {
    let fake = FakeMachines::start().await;
    fake.add("one", "indexer", None);
    fake.set_start_delay(Duration::from_millis(300));
    let ran = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ran);
    fake.on_start(move |id| {
        assert_eq!(id, "one");
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let machine = format!("{}/v1/apps/{FLY_APP}/machines/one", fake.url);
    let client = reqwest::Client::new();
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let answer = client.post(format!("{machine}/start")).bearer_auth(FLY_TOKEN).send().await.unwrap();
        statuses.push(answer.status().as_u16());
    }
    assert_eq!((statuses, ran.load(Ordering::SeqCst)), (vec![200, 412, 412, 429], 1));
    assert_eq!(fake.state("one"), "starting");
    let waited = client.get(format!("{machine}/wait?state=started&timeout=5")).bearer_auth(FLY_TOKEN).send().await;
    assert_eq!((waited.unwrap().status().as_u16(), fake.state("one")), (200, "started"));
    fake.stop("one");
    let late = client.get(format!("{machine}/wait?state=started&timeout=0")).bearer_auth(FLY_TOKEN).send().await;
    assert_eq!(late.unwrap().status(), 408);
    assert_eq!(client.post(format!("{machine}/start")).send().await.unwrap().status(), 401);
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

async fn until(limit: Duration, done: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < limit && !done() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    done()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_runs_once_at_a_time_and_again_if_it_was_wanted_meanwhile() {
    let test = TestDb::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (script, log) = (folder.path().join("indexer.sh"), folder.path().join("log"));
    let text = format!("echo begin $$ >>{log}; sleep 4; echo end $$ >>{log}\n", log = log.display());
    fs::write(&script, text).unwrap();
    let command = vec!["sh".to_owned(), script.display().to_string()];
    let waker = Waker::new(&WakeConfig::Process { command }).unwrap();
    for _ in 0..3 {
        forget_last(&test).await;
        assert_eq!(waker.wake(&test.db).await, Woken::Called);
    }
    assert!(until(Duration::from_secs(20), || lines(&log).len() == 4).await, "{:?}", lines(&log));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let said = lines(&log);
    let words: Vec<&str> = said.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(words, ["begin", "end", "begin", "end"], "one run for the first, one for the two during it");
    for line in said {
        let process = format!("/proc/{}", line.split(' ').nth(1).unwrap());
        assert!(!Path::new(&process).exists(), "`{line}` left a zombie");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_not_there_is_no_disaster() {
    let test = TestDb::new().await;
    let waker = Waker::new(&WakeConfig::Process { command: vec!["/nonexistent/indexer".to_owned()] }).unwrap();
    assert_eq!(waker.wake(&test.db).await, Woken::Called);
    forget_last(&test).await;
    assert_eq!(waker.wake(&test.db).await, Woken::Called);
}
