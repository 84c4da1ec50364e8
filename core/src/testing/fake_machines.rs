//! Fly's Machines API as far as waking needs it: list by metadata, start, wait. Machines have states; a machine is asked to
//! start once a second at most, three times in a burst (429 beyond); answers can be scripted, and a start can run something.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What it takes as a token.
pub const FLY_TOKEN: &str = "fly-test-token";
/// The app whose machines it has.
pub const FLY_APP: &str = "kotadb-indexer";
/// Starts in a burst.
const BURST: f64 = 3.0;

/// A running fake. Dropped, it stops.
pub struct FakeMachines {
    /// For `FLY_API_HOSTNAME`.
    pub url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// What the next start is answered with, in the place of the truth.
#[derive(Clone, Copy, Debug)]
pub enum Scripted {
    /// This status; nothing is started.
    Status(u16),
    /// No answer.
    Hang,
}

type OnStart = Box<dyn Fn(&str) + Send + Sync>;

#[derive(Default)]
struct Shared {
    machines: Mutex<Vec<Machine>>,
    script: Mutex<VecDeque<Scripted>>,
    calls: Mutex<Vec<String>>,
    on_start: Mutex<Option<OnStart>>,
    start_delay: Mutex<Duration>,
}

struct Machine {
    id: String,
    role: String,
    schedule: Option<String>,
    /// When it is started; `None`: stopped.
    started: Option<Instant>,
    tokens: f64,
    asked: Instant,
}

impl FakeMachines {
    /// Listens on a free port of 127.0.0.1. Panics if there is none, because no test can go on then.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared::default());
        let routes = Router::new()
            .route("/v1/apps/{app}/machines", get(list))
            .route("/v1/apps/{app}/machines/{id}/start", post(start))
            .route("/v1/apps/{app}/machines/{id}/wait", get(wait))
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!("fake Machines API: {error}");
            }
        });
        Self { url: format!("http://{address}"), shared, task }
    }

    /// Adds a stopped machine.
    pub fn add(&self, id: &str, role: &str, schedule: Option<&str>) {
        let machine = Machine {
            id: id.to_owned(),
            role: role.to_owned(),
            schedule: schedule.map(str::to_owned),
            started: None,
            tokens: BURST,
            asked: Instant::now(),
        };
        locked(&self.shared.machines).push(machine);
    }

    /// Destroys a machine: its id is not found any more.
    pub fn destroy(&self, id: &str) {
        locked(&self.shared.machines).retain(|machine| machine.id != id);
    }

    /// The machine ended.
    pub fn stop(&self, id: &str) {
        for machine in locked(&self.shared.machines).iter_mut().filter(|machine| machine.id == id) {
            machine.started = None;
        }
    }

    /// `stopped`, `starting` or `started`; empty: no such machine.
    pub fn state(&self, id: &str) -> &'static str {
        locked(&self.shared.machines).iter().find(|machine| machine.id == id).map_or("", Machine::state)
    }

    /// Answers of the next starts.
    pub fn script(&self, answers: &[Scripted]) {
        locked(&self.shared.script).extend(answers);
    }

    /// How long a machine takes to start.
    pub fn set_start_delay(&self, delay: Duration) {
        *locked(&self.shared.start_delay) = delay;
    }

    /// Runs this with the id of each machine that starts: for example, the real indexer as a process.
    pub fn on_start(&self, run: impl Fn(&str) + Send + Sync + 'static) {
        *locked(&self.shared.on_start) = Some(Box::new(run));
    }

    /// What it was asked, in order: `list`, `start <id>`.
    pub fn calls(&self) -> Vec<String> {
        locked(&self.shared.calls).clone()
    }
}

impl Drop for FakeMachines {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl std::fmt::Debug for FakeMachines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeMachines").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Machine {
    fn state(&self) -> &'static str {
        match self.started {
            None => "stopped",
            Some(at) if at > Instant::now() => "starting",
            Some(_) => "started",
        }
    }

    /// Whether it may be asked once more now.
    fn take_token(&mut self) -> bool {
        self.tokens = (self.tokens + self.asked.elapsed().as_secs_f64()).min(BURST);
        self.asked = Instant::now();
        let may = self.tokens >= 1.0;
        self.tokens -= f64::from(u8::from(may));
        may
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id, "state": self.state(),
            "config": { "metadata": { "role": self.role }, "schedule": self.schedule },
        })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("no test panics while it holds this")
}

type Refused = (StatusCode, Json<Value>);

fn refused(status: u16, error: &str) -> Refused {
    (StatusCode::from_u16(status).expect("a status"), Json(json!({ "error": error })))
}

fn authorize(app: &str, headers: &HeaderMap) -> Result<(), Refused> {
    let given = headers.get("authorization").and_then(|value| value.to_str().ok());
    match (given == Some(&format!("Bearer {FLY_TOKEN}")), app == FLY_APP) {
        (false, _) => Err(refused(401, "unauthenticated")),
        (_, false) => Err(refused(404, "app not found")),
        _ => Ok(()),
    }
}

async fn list(
    State(shared): State<Arc<Shared>>,
    Path(app): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    authorize(&app, &headers)?;
    locked(&shared.calls).push("list".to_owned());
    let role = query.get("metadata.role");
    let machines = locked(&shared.machines);
    let wanted = machines.iter().filter(|machine| role.is_none_or(|role| *role == machine.role));
    Ok(Json(wanted.map(Machine::json).collect()))
}

async fn start(
    State(shared): State<Arc<Shared>>,
    Path((app, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    authorize(&app, &headers)?;
    locked(&shared.calls).push(format!("start {id}"));
    let scripted = locked(&shared.script).pop_front();
    match scripted {
        Some(Scripted::Status(status)) => return Err(refused(status, "scripted")),
        Some(Scripted::Hang) => std::future::pending().await,
        None => {}
    }
    let before = begin(&shared, &id)?;
    if let Some(run) = &*locked(&shared.on_start) {
        run(&id);
    }
    Ok(Json(json!({ "previous_state": before })))
}

fn begin(shared: &Shared, id: &str) -> Result<&'static str, Refused> {
    let delay = *locked(&shared.start_delay);
    let mut machines = locked(&shared.machines);
    let machine = machines.iter_mut().find(|machine| machine.id == id);
    let machine = machine.ok_or_else(|| refused(404, "machine not found"))?;
    if !machine.take_token() {
        return Err(refused(429, "rate limit exceeded"));
    }
    match (machine.state(), &machine.schedule) {
        (_, Some(_)) => Err(refused(400, "scheduled machines cannot be started")),
        ("stopped", None) => {
            machine.started = Some(Instant::now() + delay);
            Ok("stopped")
        }
        (state, None) => Err(refused(412, &format!("machine is {state}"))),
    }
}

async fn wait(
    State(shared): State<Arc<Shared>>,
    Path((app, id)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    authorize(&app, &headers)?;
    let wanted = query.get("state").map_or("started", String::as_str).to_owned();
    let seconds = query.get("timeout").and_then(|text| text.parse().ok()).unwrap_or(60).min(60);
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        if locked(&shared.machines).iter().any(|machine| machine.id == id && machine.state() == wanted) {
            return Ok(Json(json!({ "ok": true })));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(refused(408, "deadline exceeded"))
}
