//! A GitHub on loopback for tests: the REST API as far as it is used here, with real signatures, pages, ETags and rate
//! limits, and webhooks that are really delivered, logged and redelivered. Shapes follow GitHub's documentation and the
//! payload examples of octokit. Everything that happens at GitHub is a method of [`FakeGithub`]; a test sets the scene,
//! lets the code under test ask, and looks at [`FakeGithub::requests`], [`FakeGithub::hooks`] and
//! [`FakeGithub::deliveries`].
//!
//! ```no_run
//! # async fn example() {
//! use kotadb_core::testing::fake_github::FakeGithub;
//! let github = FakeGithub::start().await;
//! github.create("acme/a", true);
//! let installation = github.install("acme", None).await;
//! github.push("acme/a", "refs/heads/main", &"1".repeat(40)).await;
//! # }
//! ```

mod answers;
mod api;
mod app;
mod deliver;
mod events;
mod happenings;
mod people;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use self::people::{CLIENT_ID, CLIENT_SECRET};
pub use self::world::{Attempt, Failure, FakeHook};
use self::world::{Script, World};

/// A token that sees and administers everything.
pub const OPERATOR_TOKEN: &str = "ghp_operator";

/// The number of the App that the fake knows.
pub const APP_ID: u64 = 4711;

/// A GitHub of a test's own. Dropped, it is gone.
#[derive(Debug)]
pub struct FakeGithub {
    shared: Shared,
    port: u16,
    task: JoinHandle<()>,
}

/// What the server and the test share.
#[derive(Clone, Debug)]
struct Shared {
    world: Arc<Mutex<World>>,
    http: reqwest::Client,
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FakeGithub {
    /// An empty GitHub on a free port. Panics if none can be had, because no test can go on then.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port of loopback");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let world = World::new(format!("http://127.0.0.1:{port}"));
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build();
        let shared = Shared { world: Arc::new(Mutex::new(world)), http: http.expect("a client without settings") };
        let router = api::router(shared.clone());
        let task = tokio::spawn(async move {
            // It ends only with the task.
            let _ = axum::serve(listener, router).await;
        });
        Self { shared, port, task }
    }

    /// Base of the API, for `KOTADB_GITHUB_API_URL`. Clone URLs are those of github.com then.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The settings of a deployment with this App, without the operator's token.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("KOTADB_GITHUB_API_URL", self.url()),
            ("GITHUB_APP_ID", APP_ID.to_string()),
            ("GITHUB_APP_PRIVATE_KEY", app::pem()),
        ]
    }

    /// Every request so far, as `METHOD /path?query`.
    pub fn requests(&self) -> Vec<String> {
        self.world().requests.clone()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.world().requests.clear();
    }

    /// The next `times` requests that begin with `request` (`"GET /repos/acme/a"`) fail.
    pub fn fail(&self, request: &str, failure: Failure, times: usize) {
        self.world().scripts.push(Script { request: request.to_owned(), failure, times });
    }

    /// Whether every request is answered with 503 from now on. Deliveries are not touched.
    pub fn set_down(&self, is_down: bool) {
        self.world().is_down = is_down;
    }

    /// Every request is answered so much later from now on.
    pub fn set_delay(&self, delay: Duration) {
        self.world().delay = delay;
    }

    /// So many requests more of each token until `reset_seconds` from now; `None`: without limit.
    pub fn set_limit(&self, most: Option<u32>, reset_seconds: i64) {
        let mut world = self.world();
        world.limit = most.map(|most| (most, time::OffsetDateTime::now_utc().unix_timestamp() + reset_seconds));
        world.used.clear();
    }

    /// The next deliveries find nobody: they are in the log as failed and are not sent.
    pub fn lose_deliveries(&self, n: usize) {
        self.world().lose = n;
    }

    /// The webhooks of a repository.
    pub fn hooks(&self, name: &str) -> Vec<FakeHook> {
        self.world().named(name).hooks.clone()
    }

    /// The log of all webhooks of a repository, oldest first.
    pub fn deliveries(&self, name: &str) -> Vec<Attempt> {
        self.world().named(name).hooks.iter().flat_map(|hook| hook.attempts.clone()).collect()
    }

    /// The log of the App's webhook, oldest first.
    pub fn app_deliveries(&self) -> Vec<Attempt> {
        self.world().app_attempts.clone()
    }

    /// Waits until what is under way was delivered: pings of new webhooks, and what was asked for by `attempts`.
    pub async fn settle(&self) {
        while self.world().under_way > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world()
    }
}

impl Drop for FakeGithub {
    fn drop(&mut self) {
        self.task.abort();
    }
}
