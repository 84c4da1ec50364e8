//! The processes of `up`: router and indexer, found beside this program, told everything by environment.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::database::Database;
use super::state::State;
use super::{START_TIMEOUT, sibling};
use crate::args::UpArgs;

/// How long a program may take to end after SIGTERM.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// One indexer, on this machine: what a killed one held need not wait as long as across a network.
const LEASE_SECONDS: &str = "15";
/// What the router prints before the address it listens on.
const LISTENING: &str = "listening on ";

/// Router and indexer.
#[derive(Debug)]
pub struct Programs {
    router: Child,
    indexer: Child,
    api_url: String,
}

impl Programs {
    /// Starts both; returns once the router listens.
    pub async fn start(args: &UpArgs, state: &State, database: &Database, origin: &str) -> anyhow::Result<Self> {
        let mut router = command("kotadb-api-server", state, database, origin)?;
        router.env("PORT", args.port.to_string()).stdout(Stdio::piped());
        let mut router = router.spawn().context("cannot start kotadb-api-server")?;
        let api_url = tokio::time::timeout(START_TIMEOUT, first_address(&mut router))
            .await
            .context("kotadb-api-server did not listen in time")??;
        let indexer = command("kotadb-indexer", state, database, origin)?.arg("serve").spawn();
        let indexer = indexer.context("cannot start kotadb-indexer")?;
        Ok(Self { router, indexer, api_url })
    }

    /// `http://127.0.0.1:PORT`
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// Waits for one of them to end, which it should not.
    pub async fn wait(&mut self) -> anyhow::Result<()> {
        let (name, status) = tokio::select! {
            status = self.router.wait() => ("kotadb-api-server", status?),
            status = self.indexer.wait() => ("kotadb-indexer", status?),
        };
        anyhow::bail!("{name} ended by itself ({status}): its last lines above say why")
    }

    /// Asks both to end, and makes them after a while.
    pub async fn stop(mut self) {
        for child in [&self.router, &self.indexer] {
            if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
                let _gone_already = kill(Pid::from_raw(pid), Signal::SIGTERM);
            }
        }
        for child in [&mut self.router, &mut self.indexer] {
            if tokio::time::timeout(STOP_TIMEOUT, child.wait()).await.is_err() {
                let _gone_already = child.kill().await;
            }
        }
    }
}

fn command(name: &str, state: &State, database: &Database, origin: &str) -> anyhow::Result<Command> {
    // The kernel ends the program with us, even where we are killed and cannot.
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "TERM", "--"])
        .arg(sibling(name)?)
        .env("DATABASE_URL", database.url())
        // The private Postgres is asked without a pooler between, so word of queued jobs comes, too.
        .env("DATABASE_DIRECT_URL", database.url())
        .env("KOTADB_MODE", "local")
        .env_remove("BUCKET_NAME")
        .env("KOTADB_DATA_DIR", state.folder())
        .env("KOTADB_MASTER_KEY", &state.secrets.master_key)
        .env("KOTADB_GIT_ALLOWED_ORIGINS", format!("https://github.com,{origin}"))
        .env("KOTADB_BIND", "127.0.0.1")
        .env("KOTADB_LEASE_SECONDS", LEASE_SECONDS)
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    Ok(command)
}

/// Reads the router's standard output up to the line that names its address; the rest is passed on.
async fn first_address(router: &mut Child) -> anyhow::Result<String> {
    let stdout = router.stdout.take().context("kotadb-api-server has no standard output")?;
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(url) = line.strip_prefix(LISTENING) {
            let url = url.trim().to_owned();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(url);
        }
    }
    let status = router.wait().await?;
    anyhow::bail!(
        "kotadb-api-server ended before it listened ({status}): is the port free? Its last lines above say why"
    )
}
