//! `kotadb up`: the whole service on one machine. Starts a private Postgres, applies migrations, serves the given
//! repositories over git's smart HTTP, starts router and indexer as processes, registers and indexes, and says what to
//! try. Everything lives below `KOTADB_DATA_DIR`; a second `up` finds it again.

mod client;
mod database;
mod programs;
mod repositories;
mod state;

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use kotadb_core::config::Config;
use tokio::signal::unix::{SignalKind, signal};

use self::client::Client;
use self::database::Database;
use self::programs::Programs;
use self::repositories::Served;
use self::state::State;
use crate::args::UpArgs;

/// How long Postgres and the router may each take until they answer.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs until Ctrl-C, SIGTERM, or the end of a program it started; then stops all of them.
pub async fn run(args: &UpArgs) -> anyhow::Result<()> {
    let mut interrupt = Interrupt::new()?;
    let config = Config::from_env()?;
    let mut state = State::open(&config.data_dir)?;
    let paths = repositories::resolve(&args.paths)?;
    let mut running = Running::default();
    let outcome = tokio::select! {
        outcome = serve(args, &mut state, &paths, &mut running) => outcome,
        () = interrupt.wait() => Ok(()),
    };
    eprintln!("stopping");
    let stopped = running.stop().await;
    outcome.and(stopped)
}

/// What has been started so far, so that it can be stopped from any point.
#[derive(Default)]
struct Running {
    database: Option<Database>,
    served: Option<Served>,
    programs: Option<Programs>,
}

impl Running {
    /// Top down: nobody asks the database of a process that is still to be stopped.
    async fn stop(self) -> anyhow::Result<()> {
        if let Some(programs) = self.programs {
            programs.stop().await;
        }
        drop(self.served);
        if let Some(database) = self.database {
            database.stop().await?;
        }
        Ok(())
    }
}

/// Starts everything, indexes, and goes on until a program ends, which none should.
async fn serve(
    args: &UpArgs,
    state: &mut State,
    paths: &[repositories::LocalPath],
    running: &mut Running,
) -> anyhow::Result<()> {
    say("starting Postgres");
    let database = running.database.insert(Database::start(state).await?);
    let served = running.served.insert(Served::start(state, paths).await?);
    if let Some(previous) = served.previous_origin() {
        database.move_origin(previous, &served.origin()).await?;
    }
    say("starting the API and the indexer");
    let programs = running.programs.insert(Programs::start(args, state, database, &served.origin()).await?);
    let url = programs.api_url().to_owned();
    tokio::select! {
        // A program that ends says why; without it, the other side would only see that nobody answers.
        biased;
        ended = programs.wait() => return ended,
        indexed = index(&url, state, served) => indexed?,
    }
    greet(&url, state, served);
    programs.wait().await
}

/// Registers what is served and waits until it is indexed.
async fn index(url: &str, state: &mut State, served: &Served) -> anyhow::Result<()> {
    let client = Client::new(url, &state.secrets.api_key)?;
    let mut registered = Vec::new();
    for name in served.names() {
        registered.push(
            client.register(state, &served.url(name)).await.with_context(|| format!("cannot register `{name}`"))?,
        );
    }
    state.write_report(url)?;
    for repository in &registered {
        say(&format!("indexing {}", repository.name));
        client.wait_indexed(repository).await?;
    }
    Ok(())
}

fn greet(url: &str, state: &State, served: &Served) {
    let key = &state.secrets.api_key;
    println!("\nKotaDB is up.\n");
    println!("  API      {url}");
    println!("  key      {key}");
    println!("  data     {}", state.folder().display());
    for (name, path) in served.paths() {
        println!("  serving  {name}  {}", path.display());
    }
    println!("\nSearch:\n");
    println!("  curl -s -H 'Authorization: Bearer {key}' '{url}/api/v1/search/code?query=fn+main&limit=5'");
    println!("\nNext:\n");
    println!("  add a repository   kotadb up PATH… (or make up REPO=PATH)");
    println!("  health             curl -s {url}/health");
    println!("  repositories       curl -s -H 'Authorization: Bearer {key}' {url}/api/v1/repositories");
    println!("  webhooks           ids and secrets are in {}", state.report_path().display());
    println!("\nCtrl-C stops all of it; the data stays.");
}

fn say(what: &str) {
    eprintln!("{what}");
}

/// Ctrl-C or SIGTERM.
struct Interrupt {
    int: tokio::signal::unix::Signal,
    term: tokio::signal::unix::Signal,
}

impl Interrupt {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { int: signal(SignalKind::interrupt())?, term: signal(SignalKind::terminate())? })
    }

    async fn wait(&mut self) {
        tokio::select! { _ = self.int.recv() => {}, _ = self.term.recv() => {} }
    }
}

/// Where the sibling program of that name is: beside this one.
fn sibling(name: &str) -> anyhow::Result<std::path::PathBuf> {
    let own = std::env::current_exe().context("cannot tell where this program is")?;
    let path = own.parent().unwrap_or(Path::new(".")).join(name);
    anyhow::ensure!(path.is_file(), "`{}` is missing: build it with `make build`", path.display());
    Ok(path)
}
