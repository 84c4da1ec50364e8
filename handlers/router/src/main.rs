//! `kotadb-api-server`: all routes over TCP. Boot order: configuration (all faults at once), object store, Postgres and
//! its schema, then the socket. Indices are never loaded at boot.
//!
//! Exit codes: 0 stopped by a signal, 1 failed while serving, 69 Postgres unreachable or its schema too old, 78 bad
//! configuration.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use kotadb_core::config::{self, Config, Program, RouterFlags};
use kotadb_core::db::{Db, DbError, Schema};
use kotadb_core::http::{Resources, ending, metrics_router, serve, stop_signal};
use kotadb_core::telemetry;
use tokio::net::TcpListener;

/// `EX_UNAVAILABLE` of sysexits.
const UNAVAILABLE: u8 = 69;
/// `EX_CONFIG` of sysexits.
const BAD_CONFIG: u8 = 78;
/// How long a Postgres that is still starting is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Serves the KotaDB API. Settings come from the environment, or from flags (`--help` lists them).
#[derive(Parser)]
#[command(name = "kotadb-api-server", version = kotadb_core::telemetry::version())]
struct Args {
    /// Print the table of all settings, as README.md has it, and end
    #[arg(long)]
    print_config_table: bool,
    /// Print all settings as `.env.example` has them, and end
    #[arg(long)]
    print_env_example: bool,
    #[command(flatten)]
    settings: RouterFlags,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.print_config_table || args.print_env_example {
        print!("{}", if args.print_config_table { config::markdown() } else { config::env_example() });
        return ExitCode::SUCCESS;
    }
    args.settings.apply();
    let config = match Config::for_program(Program::Router) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(BAD_CONFIG);
        }
    };
    let _telemetry = telemetry::start(&config);
    match run(config) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}", telemetry::report(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(worker_threads = 2)]
async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let stop = stop_signal().context("cannot listen to signals")?;
    let mut stop = Box::pin(stop);
    let resources = Resources::new(config);
    resources.store()?;
    // What the configuration does not see in an address of Postgres, the driver does.
    if let (Some(_), Err(error)) = (&resources.config().database_url, resources.db()) {
        eprintln!("{}", telemetry::report(&error));
        return Ok(ExitCode::from(BAD_CONFIG));
    }
    let mut ready = tokio::spawn(ready(resources.clone()));
    // Meanwhile, on this thread.
    let router = kotadb_router::build(resources.clone());
    let ready = tokio::select! {
        ready = &mut ready => ready?,
        () = &mut stop => return Ok(ExitCode::SUCCESS),
    };
    if let Err(error) = ready {
        eprintln!("{}", telemetry::report(error.as_ref()));
        return Ok(ExitCode::from(UNAVAILABLE));
    }
    let config = resources.config();
    let listener = TcpListener::bind((config.bind, config.port)).await;
    let listener = listener.with_context(|| format!("cannot listen on {}, port {}", config.bind, config.port))?;
    let address = listener.local_addr()?;
    serve_metrics(&resources).await;
    println!("listening on http://{address}");
    tracing::info!(address = %address, "Listening");
    let settings = config.clone();
    serve(listener, router, async move { ending::announced(&settings, stop).await }).await?;
    Ok(ExitCode::SUCCESS)
}

/// A port that is taken is no reason to serve nobody.
async fn serve_metrics(resources: &Resources) {
    let config = resources.config();
    let Some(port) = config.metrics_port else { return };
    match TcpListener::bind((config.bind, port)).await {
        Ok(listener) => {
            let address = listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
            tracing::info!(address, "Metrics");
            tokio::spawn(serve(listener, metrics_router(resources.clone()), std::future::pending()));
        }
        Err(error) => tracing::warn!(%error, "no metrics: cannot listen on {}, port {port}: {error}", config.bind),
    }
}

/// Without validation a server may start that has no database to ask.
async fn ready(resources: Resources) -> anyhow::Result<()> {
    match resources.config().database_url {
        Some(_) => postgres_ready(resources.db()?).await,
        None => Ok(()),
    }
}

/// Waits until Postgres answers, and checks that its schema and this program fit.
async fn postgres_ready(db: &Db) -> anyhow::Result<()> {
    if let Some(warning) = reach(db).await?.fits().map_err(anyhow::Error::msg)? {
        tracing::warn!("{warning}");
    }
    Ok(())
}

/// Tries with growing pauses; what the schema is. One question on one connection: each costs a start its time.
async fn reach(db: &Db) -> anyhow::Result<Schema> {
    let (endpoint, mode) = (db.endpoint(), pooler_mode(db.endpoint()));
    let started = Instant::now();
    let mut pause = Duration::from_millis(50);
    loop {
        match db.schema().await {
            Ok(found) => return Ok(found),
            Err(DbError::Unreachable(why)) if started.elapsed() + pause < PATIENCE => {
                tracing::warn!("Waiting for Postgres: {why}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
            // What answers no is there.
            Err(error @ DbError::Statement(_)) => {
                return Err(error).context("cannot read the schema version: run `kotadb-indexer migrate`");
            }
            Err(error) => {
                return Err(error).with_context(|| format!("Postgres at `{endpoint}` ({mode}) is out of reach"));
            }
        }
    }
}

/// What the port says about the pooler: Supabase's transaction pooler is always at 6543.
fn pooler_mode(endpoint: &str) -> &'static str {
    if endpoint.ends_with(":6543") { "transaction pooler" } else { "session pooler or direct" }
}
