//! Webhook deliveries at a steady rate: the router as a process of its own, Postgres with fsync on behind pgbouncer. The
//! generator is open-loop: a delivery is sent when its time has come, whether or not earlier ones were answered, and its
//! latency counts from that time. In the end every accepted delivery is looked for in deliveries and jobs.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use kotadb_core::crypto::{self, MasterKey};
use kotadb_core::db::{Scope, hooks, repositories, tenants};
use kotadb_core::id::HookId;
use kotadb_core::testing::durable::Durable;
use reqwest::Client;
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::rows::{Row, Rows};
use crate::samples::Samples;

/// `webhooks`
#[derive(Debug, Args)]
pub struct WebhooksArgs {
    /// Deliveries a second.
    #[arg(long, default_value_t = 500)]
    rate: u32,
    /// For how long.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Repositories, each with a hook; ten of a tenant.
    #[arg(long, default_value_t = 200)]
    hooks: u32,
}

/// Longest wait for an answer: GitHub's.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a payload; a push of a few commits has about as many.
const PAYLOAD: usize = 8 * 1024;

/// What is sent to one hook.
struct Receiver {
    url: String,
    body: bytes::Bytes,
    signature: String,
}

/// What became of one delivery.
struct Sent {
    latency: Duration,
    /// Its id, if it was accepted.
    accepted: Option<Uuid>,
}

/// A router that is stopped with this.
struct Router {
    child: Child,
    url: String,
}

impl Drop for Router {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to stop.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs the load and writes its rows.
pub fn run(args: &WebhooksArgs, bin: &Path, rows: &mut Rows) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let out = runtime.block_on(measure(args, bin))?;
    rows.write("webhooks", &out)
}

async fn measure(args: &WebhooksArgs, bin: &Path) -> anyhow::Result<Vec<Row>> {
    let services = Durable::start(16).await?;
    let key = STANDARD.encode(crypto::random::<32>());
    let data = tempfile::tempdir()?;
    let router = Router::start(bin, &services.pooled_url, &key, data.path())?;
    let receivers = Arc::new(receivers(&services, &key, args.hooks, &router.url).await?);
    // Connections and caches of both sides are there before anything counts.
    load(&receivers, args.rate, args.rate).await?;
    services.texts("DELETE FROM kotadb.deliveries").await?;
    services.texts("DELETE FROM kotadb.jobs").await?;
    let sent = load(&receivers, args.rate, args.rate * args.seconds).await?;
    let name = format!("{} deliveries/s, {} s", args.rate, args.seconds);
    let accepted: Vec<Uuid> = sent.iter().filter_map(|sent| sent.accepted).collect();
    let written = written(&services).await?;
    let lost = accepted.iter().filter(|id| !written.contains(id)).count();
    let refused = sent.len() - accepted.len();
    let samples = Samples::of(sent.into_iter().map(|sent| sent.latency).collect());
    Ok(vec![
        Row::ours(&name, "ack_p50", samples.quantile_ms(0.5), "ms"),
        Row::ours(&name, "ack_p99", samples.quantile_ms(0.99), "ms").at_most(300.0),
        Row::ours(&name, "ack_max", samples.quantile_ms(1.0), "ms"),
        Row::ours(&name, "accepted", accepted.len() as f64, "count"),
        Row::ours(&name, "not_accepted", refused as f64, "count").at_most(0.0),
        Row::ours(&name, "lost", lost as f64, "count").at_most(0.0),
    ])
}

/// Deliveries that are written down with a job that is there and was asked for as often as deliveries name it. One whose
/// answer came too late may be among them: it was refused, so its repetition is a duplicate.
async fn written(services: &Durable) -> anyhow::Result<HashSet<Uuid>> {
    let ids = "SELECT d.delivery_id::text FROM kotadb.deliveries d JOIN kotadb.jobs j ON j.id = d.job_id
        WHERE j.coalesced + 1 = (SELECT count(*) FROM kotadb.deliveries o WHERE o.job_id = j.id)";
    Ok(services.texts(ids).await?.iter().map(|id| id.parse()).collect::<Result<_, _>>()?)
}

impl Router {
    fn start(bin: &Path, database_url: &str, key: &str, data: &Path) -> anyhow::Result<Self> {
        let program = bin.join("kotadb-api-server");
        let mut command = Command::new(&program);
        command.env_clear().env("KOTADB_MODE", "local").env("DATABASE_URL", database_url).env("KOTADB_MASTER_KEY", key);
        command.env("KOTADB_DATA_DIR", data).env("PORT", "0").env("KOTADB_BIND", "127.0.0.1");
        let log = std::fs::File::create(data.join("router.log"))?;
        command.stdout(Stdio::piped()).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot start `{}`", program.display()))?;
        let mut router = Self { child, url: String::new() };
        let stdout = router.child.stdout.take().context("standard output is a pipe")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let url = line.trim().strip_prefix("listening on ");
        router.url = url.with_context(|| format!("the router said `{line}`"))?.to_owned();
        Ok(router)
    }
}

/// Makes tenants, repositories and hooks as registrations do, and what will be sent to each.
async fn receivers(services: &Durable, key: &str, hooks: u32, url: &str) -> anyhow::Result<Vec<Receiver>> {
    let master = MasterKey::from_base64(key, None)?;
    let db = services.db()?;
    let mut receivers = Vec::new();
    for n in 0..hooks {
        let mut tx = db.begin(Scope::Worker).await?;
        let tenant = tenants::ensure(&mut tx, &format!("tenant-{}", n / 10)).await?;
        tx.commit().await?;
        let (name, hook, secret) = (format!("bench/r{n}"), HookId(Uuid::now_v7()), crypto::random::<32>());
        let mut tx = db.begin(Scope::Tenant(tenant)).await?;
        let clone_url = format!("https://github.com/{name}");
        let (row, _) = repositories::register(&mut tx, tenant, &name, &clone_url, &[]).await?;
        let sealed = master.seal(&format!("hook:{hook}"), &secret);
        hooks::create(&mut tx, tenant, row.id, hook, &sealed).await?;
        tx.commit().await?;
        let body = payload(n, &name);
        let signature = format!("sha256={}", crypto::to_hex(&crypto::hmac_sha256(&secret, body.as_bytes())));
        receivers.push(Receiver { url: format!("{url}/webhooks/github/{hook}"), body: body.into(), signature });
    }
    Ok(receivers)
}

fn payload(n: u32, name: &str) -> String {
    let commits = "x".repeat(PAYLOAD);
    json!({
        "ref": "refs/heads/main", "before": "0".repeat(40), "after": "1".repeat(40), "forced": false,
        "repository": { "id": n, "full_name": name, "default_branch": "main" }, "commits": [{ "message": commits }],
    })
    .to_string()
}

/// Sends `total` deliveries, one hook after the other, each at its time.
async fn load(receivers: &Arc<Vec<Receiver>>, rate: u32, total: u32) -> anyhow::Result<Vec<Sent>> {
    let client = Client::builder().no_proxy().timeout(PATIENCE).pool_max_idle_per_host(512).build()?;
    let begin = Instant::now();
    let mut running = JoinSet::new();
    for n in 0..total {
        let intended = begin + Duration::from_secs(1) * n / rate;
        tokio::time::sleep_until(intended.into()).await;
        let (client, receivers) = (client.clone(), Arc::clone(receivers));
        running.spawn(async move {
            let receiver = &receivers[n as usize % receivers.len()];
            let accepted = deliver(&client, receiver).await;
            Sent { latency: intended.elapsed(), accepted }
        });
    }
    Ok(running.join_all().await)
}

/// The id of the delivery, if it was answered with 202.
async fn deliver(client: &Client, receiver: &Receiver) -> Option<Uuid> {
    let id = Uuid::now_v7();
    let request = client
        .post(&receiver.url)
        .header("content-type", "application/json")
        .header("x-github-event", "push")
        .header("x-github-delivery", id.to_string())
        .header("x-hub-signature-256", &receiver.signature)
        .body(receiver.body.clone());
    let answer = request.send().await.ok()?;
    let is_accepted = answer.status() == reqwest::StatusCode::ACCEPTED && answer.bytes().await.is_ok();
    is_accepted.then_some(id)
}
