//! The deployment whose freshness is measured: Postgres with fsync on behind pgbouncer, the S3 double far away, git over
//! HTTP, the router as a process, and the indexer as it is asked for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kotadb_core::crypto;
use kotadb_core::http::git_backend::GitServer;
use kotadb_core::store::Latency;
use kotadb_core::testing::durable::Durable;
use kotadb_core::testing::s3::{BUCKET, ROUTER, S3, WORKER};
use kotadb_core::testing::{FLY_APP, FLY_TOKEN, FakeMachines};
use kotadb_indexer::admin;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::Way;
use super::machine::{self, Program};
use super::repository::Repository;
use super::slow_disk::SlowDisk;
use super::stages::Push;

/// The repository's name.
const NAME: &str = "bench/fresh";
/// Its number at GitHub.
const GITHUB_ID: u64 = 7;
/// Pause between an answer without the word and the next question.
const POLL: Duration = Duration::from_millis(25);
/// For a push to be searchable.
const PATIENCE: Duration = Duration::from_secs(180);
/// Connections that pgbouncer keeps to Postgres.
const CONNECTIONS: u32 = 16;

/// Killed when it is no longer needed.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Where deliveries go, and what signs them.
pub struct Hook {
    url: String,
    secret: String,
}

/// A running deployment. Fields are dropped in this order.
pub struct Deployment {
    client: Client,
    url: String,
    key: String,
    _router: Ended,
    _indexer: Option<Ended>,
    machines: Option<Arc<FakeMachines>>,
    _disk: Option<SlowDisk>,
    git: GitServer,
    _s3: S3,
    durable: Durable,
    _folder: TempDir,
}

/// The environment of a program.
type Environment = Vec<(&'static str, String)>;

impl Deployment {
    /// Starts all of it; nothing is registered yet.
    pub async fn start(bin: &Path, way: Way, seed: u64) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("kotadb-fresh-").tempdir()?;
        let durable = Durable::start(CONNECTIONS).await?;
        let s3 = S3::start(seed).await?;
        s3.move_away(Latency { seed, ..Latency::default() });
        let git = GitServer::start(BTreeMap::new(), None).await?;
        let disk = matches!(way, Way::Slow | Way::Disk).then(SlowDisk::mount).transpose()?;
        let mut shared = shared(&durable, &s3, &git);
        let program = indexer(bin, way, (&shared, &durable.login_url), (folder.path(), disk.as_ref()))?;
        let (machines, waiting) = match way {
            Way::Warm => (None, Some(Ended(program.command(&["serve"])?.spawn()?))),
            _ => (Some(machine::machines(program).await), None),
        };
        if let Some(machines) = &machines {
            shared.extend([
                ("KOTADB_WAKE", "machines".to_owned()),
                ("FLY_API_HOSTNAME", machines.url.clone()),
                ("FLY_API_TOKEN", FLY_TOKEN.to_owned()),
                ("KOTADB_WAKE_APP", FLY_APP.to_owned()),
            ]);
        }
        let (router, url) = router(bin, &shared, folder.path())?;
        let key = key(&durable).await?;
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?;
        let (_router, _indexer, _disk, _s3, _folder) = (router, waiting, disk, s3, folder);
        Ok(Self { client, url, key, _router, _indexer, machines, _disk, git, _s3, durable, _folder })
    }

    /// Serves a repository over git.
    pub fn serve(&self, repository: &Path) {
        self.git.insert(NAME, repository);
    }

    /// Registers the repository and waits until its first commit is searchable.
    pub async fn first_index(&self, repository: &Repository) -> anyhow::Result<(Hook, Push)> {
        let (sent, start) = (now_ms(), Instant::now());
        let body = json!({ "url": self.git.url(NAME) });
        let request = self.client.post(format!("{}/api/v1/repositories", self.url)).bearer_auth(&self.key).json(&body);
        let answer: Value = request.send().await?.error_for_status()?.json().await?;
        let ack = start.elapsed();
        let text = |value: &Value| value.as_str().map(str::to_owned).with_context(|| format!("no webhook: {answer}"));
        let (url, secret) = (text(&answer["webhook"]["url"])?, text(&answer["webhook"]["secret"])?);
        let path = url.find("/webhooks/").map_or(url.as_str(), |at| &url[at..]);
        let hook = Hook { url: format!("{}{path}", self.url), secret };
        Ok((hook, self.searchable(&repository.word(), sent, (start, ack)).await?))
    }

    /// Delivers a push and waits until its word is found.
    pub async fn push(&self, hook: &Hook, word: &str) -> anyhow::Result<Push> {
        let body = json!({
            "ref": "refs/heads/main",
            "repository": { "id": GITHUB_ID, "default_branch": "main" },
        });
        let body = body.to_string();
        let tag = crypto::to_hex(&crypto::hmac_sha256(hook.secret.as_bytes(), body.as_bytes()));
        let request = self
            .client
            .post(&hook.url)
            .header("content-type", "application/json")
            .header("x-github-event", "push")
            .header("x-github-delivery", Uuid::now_v7().to_string())
            .header("x-hub-signature-256", format!("sha256={tag}"))
            .body(body);
        let (sent, start) = (now_ms(), Instant::now());
        let answer = request.send().await?;
        anyhow::ensure!(answer.status() == reqwest::StatusCode::ACCEPTED, "the delivery was answered {answer:?}");
        let ack = start.elapsed();
        self.searchable(word, sent, (start, ack)).await
    }

    async fn searchable(&self, word: &str, sent: f64, (start, ack): (Instant, Duration)) -> anyhow::Result<Push> {
        while !self.finds(word).await? {
            anyhow::ensure!(start.elapsed() < PATIENCE, "`{word}` is not searchable: {:?}", self.steps().await);
            tokio::time::sleep(POLL).await;
        }
        let searchable = start.elapsed();
        self.job_done(start).await?;
        Ok(Push::new(sent, (ack, searchable), &self.steps().await?))
    }

    async fn finds(&self, word: &str) -> anyhow::Result<bool> {
        let body = json!({ "query": word, "limit": 5 });
        let request = self.client.post(format!("{}/api/v1/search/code", self.url)).bearer_auth(&self.key).json(&body);
        let answer: Value = request.send().await?.error_for_status()?.json().await?;
        Ok(answer["items"].as_array().is_some_and(|items| !items.is_empty()))
    }

    async fn job_done(&self, start: Instant) -> anyhow::Result<()> {
        let open = "SELECT count(*)::text FROM kotadb.jobs WHERE finished_at IS NULL";
        while self.durable.texts(open).await? != ["0"] {
            anyhow::ensure!(start.elapsed() < PATIENCE, "the job does not end: {:?}", self.steps().await);
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// The steps of the newest job, with milliseconds since 1970.
    async fn steps(&self) -> anyhow::Result<Vec<(String, f64)>> {
        let steps = "SELECT e.phase || ' ' || (extract(epoch FROM e.at) * 1000)::text FROM kotadb.job_events e
            WHERE e.job_id = (SELECT id FROM kotadb.jobs ORDER BY id DESC LIMIT 1) ORDER BY e.nth";
        let texts = self.durable.texts(steps).await?;
        let step = |text: &String| Some((text.split_once(' ')?.0.to_owned(), text.split_once(' ')?.1.parse().ok()?));
        Ok(texts.iter().filter_map(step).collect())
    }

    /// Waits until no machine runs.
    pub async fn rest(&self) -> anyhow::Result<()> {
        match &self.machines {
            Some(machines) => machine::stopped(machines).await,
            None => Ok(()),
        }
    }
}

fn shared(durable: &Durable, s3: &S3, git: &GitServer) -> Environment {
    vec![
        ("KOTADB_MODE", "local".to_owned()),
        ("DATABASE_URL", durable.pooled_url.clone()),
        ("KOTADB_MASTER_KEY", STANDARD.encode([7; 32])),
        ("KOTADB_GIT_ALLOWED_ORIGINS", git.origin()),
        ("BUCKET_NAME", BUCKET.to_owned()),
        ("AWS_ENDPOINT_URL_S3", s3.endpoint()),
    ]
}

fn credentials(name: &str) -> [(&'static str, String); 2] {
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|variable| (variable, name.to_owned()))
}

fn indexer(
    bin: &Path,
    way: Way,
    (shared, login_url): (&Environment, &str),
    (folder, disk): (&Path, Option<&SlowDisk>),
) -> anyhow::Result<Program> {
    let (mut path, mut data) = (bin.join("kotadb-indexer"), folder.join("indexer"));
    if let Some(disk) = disk {
        data = disk.path().join("data");
        std::fs::copy(&path, disk.path().join("kotadb-indexer"))
            .with_context(|| format!("cannot copy `{}`", path.display()))?;
        path = disk.path().join("kotadb-indexer");
        File::open(&path)?.sync_all()?;
    }
    let mut environment = shared.clone();
    environment.extend(credentials(WORKER));
    environment.push(("DATABASE_DIRECT_URL", login_url.to_owned()));
    environment.push(("KOTADB_DATA_DIR", data.display().to_string()));
    if way == Way::Disk {
        environment.push(("KOTADB_SCRATCH_MEMORY", "none".to_owned()));
    }
    Ok(Program { path, environment, log: folder.join("indexer.log"), forgotten: disk.is_some() })
}

fn router(bin: &Path, shared: &Environment, folder: &Path) -> anyhow::Result<(Ended, String)> {
    let program = bin.join("kotadb-api-server");
    let mut command = Command::new(&program);
    command.env_clear().envs(shared.iter().map(|(name, value)| (name, value))).envs(credentials(ROUTER));
    command.env("KOTADB_DATA_DIR", folder.join("router")).env("PORT", "0").env("KOTADB_BIND", "127.0.0.1");
    command.stdout(Stdio::piped()).stderr(File::create(folder.join("router.log"))?);
    let child = command.spawn().with_context(|| format!("cannot start `{}`", program.display()))?;
    let mut router = Ended(child);
    let stdout = router.0.stdout.take().context("standard output is a pipe")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let url = line.trim().strip_prefix("listening on ").with_context(|| format!("the router said `{line}`"))?;
    Ok((router, url.to_owned()))
}

async fn key(durable: &Durable) -> anyhow::Result<String> {
    let db = durable.db()?;
    admin::create_tenant(&db, "bench").await?;
    admin::set_plan(&db, "bench", "unlimited").await?;
    let (_, key) = admin::create_key(&db, "bench", "bench", &[]).await?;
    db.close().await;
    Ok(key.expose().to_owned())
}

fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1e3)
}
