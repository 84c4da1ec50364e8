//! Waking the indexer after a job was queued. A wake-up is a hint: the tick and the sweep repair a lost one, so a failure is
//! only logged.
//!
//! Of many callers in one process one waits its turn for all of them (single flight, at most one call a second), and of many
//! processes the row `wakes` lets one call in two seconds. Whoever joins was before the call, so its job is committed by then.

mod machines;
mod process;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode, redirect};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use self::machines::Machines;
use self::process::Program;
use crate::config::WakeConfig;
use crate::db::{Db, DbError, Scope, wakes};
use crate::telemetry::{events, report};

/// Longest time of a call, its repetition included.
pub const LIMIT: Duration = Duration::from_millis(1500);
/// Least time between two calls of this process.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long the call of another process stands for ours; see `kotadb.claim_wake`.
const OTHERS_INTERVAL: Duration = Duration::from_millis(2050);

/// Wakes the indexer in the way that the configuration says.
#[derive(Debug)]
pub struct Waker {
    way: Way,
    /// Whether somebody waits for a turn.
    is_awaited: AtomicBool,
    /// When this process called last; held by whoever's turn it is.
    turn: Mutex<Option<Instant>>,
}

#[derive(Debug)]
enum Way {
    None,
    Flycast { client: Client, url: String },
    Machines(Machines),
    Process(Program),
}

/// What became of a wake-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The indexer was called, or runs already.
    Called,
    /// Somebody else calls it, later than now.
    Joined,
    /// Another process called it a moment ago, and again while this one waited.
    ByAnother,
    /// It could not be called.
    Failed,
    /// Nobody is to call it.
    Off,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WakeError {
    /// The client, or the program's name, is not to be had.
    #[error("cannot call: {0}")]
    Client(String),
    /// No answer, or none that can be read.
    #[error("no answer: {0}")]
    Request(#[from] reqwest::Error),
    /// An answer that says no.
    #[error("answered {0}")]
    Status(StatusCode),
    /// The app has no machine to start.
    #[error("no machine of app `{0}` has the metadata `role=indexer` and no schedule")]
    NoMachine(String),
    /// Too slow.
    #[error("no answer in {} ms", LIMIT.as_millis())]
    Late,
}

impl Waker {
    /// Opens nothing yet.
    pub fn new(config: &WakeConfig) -> Result<Self, WakeError> {
        let way = match config {
            WakeConfig::None => Way::None,
            WakeConfig::Flycast { url } => Way::Flycast { client: client()?, url: url.clone() },
            WakeConfig::Machines { api, token, app, machine } => {
                Way::Machines(Machines::new(client()?, api, token, app, machine.clone()))
            }
            WakeConfig::Process { command } => Way::Process(Program::new(command)?),
        };
        Ok(Self { way, is_awaited: AtomicBool::new(false), turn: Mutex::new(None) })
    }

    /// Whether nobody is to be woken.
    pub fn is_off(&self) -> bool {
        matches!(self.way, Way::None)
    }

    /// Wakes the indexer, after the job is committed. May wait for seconds, so that a job which was queued just after a call
    /// has its own; dropping it half-way is fine.
    pub async fn wake(&self, db: &Db) -> Woken {
        if self.is_off() {
            return Woken::Off;
        }
        if self.is_awaited.swap(true, Ordering::AcqRel) {
            return Woken::Joined;
        }
        let waiting = Waiting(&self.is_awaited);
        let mut last = self.turn.lock().await;
        if let Some(last) = *last {
            sleep(INTERVAL.saturating_sub(last.elapsed())).await;
        }
        // Who comes from here on may have committed after the call, so it needs a turn of its own.
        drop(waiting);
        let woken = self.take_turn(db).await;
        *last = Some(Instant::now());
        woken
    }

    async fn take_turn(&self, db: &Db) -> Woken {
        if !claimed(db).await {
            sleep(OTHERS_INTERVAL).await;
            if !claimed(db).await {
                return Woken::ByAnother;
            }
        }
        let called = timeout(LIMIT, self.call()).await.unwrap_or(Err(WakeError::Late));
        match called {
            Ok(()) => {
                tracing::debug!("{}", events::WOKEN);
                Woken::Called
            }
            Err(error) => {
                tracing::warn!("{}: {}", events::WAKE_FAILED, report(&error));
                Woken::Failed
            }
        }
    }

    async fn call(&self) -> Result<(), WakeError> {
        match &self.way {
            Way::None => Ok(()),
            Way::Flycast { client, url } => accepted(twice(|| client.post(url)).await?),
            Way::Machines(machines) => machines.start().await,
            Way::Process(program) => {
                program.start();
                Ok(())
            }
        }
    }
}

/// Somebody waits for a turn, until this is dropped.
struct Waiting<'a>(&'a AtomicBool);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A database that cannot be asked is no reason not to call.
async fn claimed(db: &Db) -> bool {
    claim(db).await.unwrap_or_else(|error| {
        tracing::warn!("Wake-up not claimed: {}", report(&error));
        true
    })
}

async fn claim(db: &Db) -> Result<bool, DbError> {
    let mut tx = db.begin(Scope::Anonymous).await?;
    let is_ours = wakes::claim(&mut tx).await?;
    tx.commit().await?;
    Ok(is_ours)
}

fn client() -> Result<Client, WakeError> {
    let client = Client::builder().no_proxy().redirect(redirect::Policy::none()).timeout(LIMIT);
    client.build().map_err(|error| WakeError::Client(error.to_string()))
}

/// The status of an answer; asked once more where the first says that the fault may pass.
async fn twice(request: impl Fn() -> reqwest::RequestBuilder) -> Result<StatusCode, WakeError> {
    let status = request().send().await?.status();
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        return Ok(request().send().await?.status());
    }
    Ok(status)
}

/// Already started (409, 412), or asked so often that it must be (429): all the same to who wants it awake.
fn accepted(status: StatusCode) -> Result<(), WakeError> {
    let is_awake = [StatusCode::CONFLICT, StatusCode::PRECONDITION_FAILED, StatusCode::TOO_MANY_REQUESTS];
    if status.is_success() || is_awake.contains(&status) { Ok(()) } else { Err(WakeError::Status(status)) }
}
