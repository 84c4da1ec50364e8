//! `kotadb-indexer`: arguments, settings, signals and exit codes. The work is the library's.

mod args;

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Parser;
use kotadb_core::config::{Config, ConfigError, Program};
use kotadb_core::crypto::{MasterKey, Secret};
use kotadb_core::db::jobs::Spend;
use kotadb_core::db::{Db, DbError, DbOptions, migrate};
use kotadb_core::github::client::Client;
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::store::{Store, StoreOptions};
use kotadb_core::telemetry::{self, Telemetry};
use kotadb_indexer::compact::Extent;
use kotadb_indexer::credentials::{GithubApp, Installations, Stored};
use kotadb_indexer::halt::{Halt, Reason};
use kotadb_indexer::held_cache::HeldCache;
use kotadb_indexer::inspect::Inspected;
use kotadb_indexer::job::Indexer;
use kotadb_indexer::local::{self, LocalOptions};
use kotadb_indexer::reconcile::Reconciler;
use kotadb_indexer::runner::Worker;
use kotadb_indexer::upkeep::{Part, Upkeep};
use kotadb_indexer::{admin, askpass, child, clock, fail_point, resolve, sweep, upkeep, wake_listener};

use crate::args::{
    AdminCommand, Args, Command, InspectArgs, InstallationCommand, KeyCommand, MigrateArgs, OnceArgs, TenantCommand,
    UpkeepArgs,
};

/// Repositories that one run of the reconciler compares: the rest comes first in the next.
const MOST_RECONCILED: usize = 2000;
/// Connections of one indexer: its job and its heartbeat.
const MAX_CONNECTIONS: u32 = 3;
/// How long a start waits for Postgres.
const START_PATIENCE: Duration = Duration::from_secs(20);
/// Exit code when Postgres cannot be reached at the start (`EX_UNAVAILABLE` of sysexits.h).
const UNAVAILABLE: u8 = 69;
/// Exit code of settings that are missing or wrong (`EX_CONFIG` of sysexits.h).
const BAD_CONFIG: u8 = 78;
/// Exit code of every other failure.
const FAILED: u8 = 2;

fn main() -> ExitCode {
    if askpass::is_asked(std::env::args_os().next().as_deref()) {
        return answer();
    }
    let Args { command, settings } = Args::parse();
    settings.apply();
    match run(command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("kotadb-indexer: {}", telemetry::report(error.as_ref()));
            ExitCode::from(exit_code(&error))
        }
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref() {
        Some(DbError::Unreachable(_)) => UNAVAILABLE,
        _ if error.is::<ConfigError>() => BAD_CONFIG,
        _ => FAILED,
    }
}

/// `git` asks for a user name or the token.
fn answer() -> ExitCode {
    let question = std::env::args_os().nth(1).unwrap_or_default();
    match askpass::answer(&question.to_string_lossy()) {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", askpass::NAME);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Once(args) => return once(&args).map(|()| ExitCode::SUCCESS),
        Command::RunJob => return child::inside::main(&Config::from_env()?),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Compact(args) => look_after(&args, Part::Compact).await,
            Command::Gc(args) => look_after(&args, Part::Collect).await,
            Command::Sweep => work(Mode::Sweep).await,
            Command::Drain(args) => {
                work(Mode::Drain { linger: Duration::from_secs(args.linger), listen: args.listen }).await
            }
            Command::Serve(args) => work(Mode::Serve { listen: args.listen }).await,
            Command::Reconcile => reconcile().await,
            Command::Inspect(args) => inspect(&args).await,
            Command::Migrate(args) => migrate(&args).await,
            Command::Admin(command) => administrate(command).await,
            Command::Once(_) | Command::RunJob => Ok(ExitCode::SUCCESS),
        }
    })
}

fn once(args: &OnceArgs) -> anyhow::Result<()> {
    let started = Instant::now();
    let summary = local::index(
        &args.path,
        &LocalOptions { reference: args.reference.clone(), ..LocalOptions::default() },
        &mut |_| {},
    )?;
    let seconds = started.elapsed().as_secs_f64();
    println!("{} in {seconds:.2} s", summary.to_json());
    Ok(())
}

async fn look_after(args: &UpkeepArgs, part: Part) -> anyhow::Result<ExitCode> {
    let stop = Halt::default();
    tokio::spawn(stop_on_signal(stop.clone()));
    let Some(path) = &args.path else {
        let config = service_config()?;
        let _telemetry = telemetry::start(&config);
        let indexer = indexer(config).await?;
        let failed = upkeep::sweep(&indexer, part, &stop).await?;
        indexer.db.close().await;
        return Ok(ExitCode::from(u8::from(failed > 0)));
    };
    let index = local::open(path)?;
    let (store, tenant, folder) = (&index.store, index.tenant, index.folder.as_path());
    let upkeep = Upkeep { store, tenant, folder, now_ms: clock::now_ms(), halt: &stop };
    match part {
        Part::Collect => println!("{:?}", upkeep.collect().await?),
        Part::Compact | Part::All => println!("{:?}", upkeep.compact(Extent::All).await?),
    }
    Ok(ExitCode::SUCCESS)
}

async fn indexer(config: Config) -> anyhow::Result<Indexer> {
    if let Some(point) = &config.fail_point {
        fail_point::arm(point);
    }
    let db = database(&config)?;
    reach(&db).await?;
    let app = config.github_app.is_some().then(|| Client::new(&config)).transpose()?;
    let installations = app.map(|client| Arc::new(GithubApp(client)) as Arc<dyn Installations>);
    let credentials = Stored { db: db.clone(), master_key: master_key(&config)?, installations };
    let program = std::env::current_exe().context("cannot tell where this program is, which runs each job")?;
    Ok(Indexer {
        db,
        direct_url: config.database_listen_url.as_ref().map(|url| url.expose().to_owned()),
        resolver: Arc::new(resolve::System),
        credentials: Arc::new(credentials),
        askpass: program.clone(),
        program: Some(program),
        store: Store::open(&StoreOptions::from_config(&config))?,
        data_dir: config.data_dir,
        allowed_origins: config.git_allowed_origins,
        lease: config.lease,
        held: HeldCache::default(),
    })
}

/// What is known of the service beside the indexer.
struct Service {
    indexer: Indexer,
    github: Client,
    master_key: Option<MasterKey>,
    config: Config,
    _telemetry: Telemetry,
}

impl Service {
    async fn open() -> anyhow::Result<Self> {
        let config = service_config()?;
        let _telemetry = telemetry::start(&config);
        let indexer = indexer(config.clone()).await?;
        let (github, master_key) = (Client::new(&config)?, master_key(&config)?);
        Ok(Self { indexer, github, master_key, config, _telemetry })
    }

    fn reconciler(&self) -> Reconciler<'_> {
        Reconciler {
            indexer: &self.indexer,
            github: &self.github,
            master_key: self.master_key.as_ref(),
            webhook_base_url: self.config.webhook_base_url.as_deref(),
            most: MOST_RECONCILED,
        }
    }
}

fn master_key(config: &Config) -> anyhow::Result<Option<MasterKey>> {
    let key = config.master_key.as_ref().map(Secret::expose);
    let previous = config.master_key_previous.as_ref().map(Secret::expose);
    Ok(key.map(|key| MasterKey::from_base64(key, previous)).transpose()?)
}

async fn reconcile() -> anyhow::Result<ExitCode> {
    let service = Service::open().await?;
    let stop = Halt::default();
    tokio::spawn(stop_on_signal(stop.clone()));
    let done = service.reconciler().run(&stop).await?;
    service.indexer.db.close().await;
    Ok(ExitCode::from(u8::from(done.failed > 0)))
}

/// How jobs are taken.
enum Mode {
    Drain { linger: Duration, listen: Option<SocketAddr> },
    Sweep,
    Serve { listen: Option<SocketAddr> },
}

async fn work(mode: Mode) -> anyhow::Result<ExitCode> {
    let service = Service::open().await?;
    let stop = Halt::default();
    tokio::spawn(stop_on_signal(stop.clone()));
    // What is left over by the limits is the sweeper's.
    let spend = if matches!(mode, Mode::Sweep) { Spend::Unguarded } else { Spend::Guarded };
    let mut worker = Worker::new(&service.indexer, &stop, spend);
    let mut is_done = true;
    match mode {
        Mode::Drain { linger, listen: None } => worker.drain(linger).await?,
        Mode::Drain { linger, listen: Some(address) } => worker.drain_listening(linger, address).await?,
        Mode::Sweep => {
            is_done = sweep::sweep(&service.reconciler(), &stop).await;
            worker.drain(Duration::ZERO).await?;
        }
        Mode::Serve { listen } => serve(&mut worker, &service, listen).await?,
    }
    service.indexer.db.close().await;
    Ok(ExitCode::from(u8::from(!is_done)))
}

async fn serve(worker: &mut Worker<'_>, service: &Service, listen: Option<SocketAddr>) -> anyhow::Result<()> {
    let _listening = match listen {
        Some(address) => {
            let listening = wake_listener::listen(address, worker.word()).await;
            Some(listening.with_context(|| format!("cannot listen on `{address}`: give another `--listen`"))?)
        }
        None => None,
    };
    worker.serve(&service.reconciler(), &service.config.index_schedule).await;
    Ok(())
}

/// Postgres must answer, with a schema that this program fits.
async fn reach(db: &Db) -> anyhow::Result<()> {
    let started = Instant::now();
    let schema = loop {
        match db.schema().await {
            Err(DbError::Unreachable(_)) if started.elapsed() < START_PATIENCE => {
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            result => break result.context("cannot read the schema version: run `kotadb-indexer migrate`")?,
        }
    };
    if let Some(warning) = schema.fits().map_err(anyhow::Error::msg)? {
        tracing::warn!("{warning}");
    }
    Ok(())
}

/// SIGTERM and SIGINT give the running job back.
async fn stop_on_signal(stop: Halt) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.halt(Reason::Stopped);
}

async fn inspect(args: &InspectArgs) -> anyhow::Result<ExitCode> {
    let mut out = std::io::BufWriter::new(std::io::stdout());
    if args.repositories.is_empty() {
        let index = local::open(&args.path)?;
        let inspected = Inspected { store: &index.store, tenant: index.tenant, repository: index.repository };
        show(&inspected, args, &mut out).await?;
    } else {
        let config = Config::from_env()?;
        let store = Store::open(&StoreOptions::from_config(&config))?;
        for &repository in &args.repositories {
            let tenant = owner(&config, &store, args.tenant, repository).await?;
            show(&Inspected { store: &store, tenant, repository }, args, &mut out).await?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

async fn show(inspected: &Inspected<'_>, args: &InspectArgs, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    if args.facts {
        inspected.facts(out).await?;
    } else if args.edges {
        inspected.edges(out).await?;
    } else if args.paths {
        inspected.paths(if args.nul { 0 } else { b'\n' }, out).await?;
    } else {
        inspected.sizes(out).await?;
    }
    Ok(())
}

/// The tenant whose HEAD names the repository.
async fn owner(config: &Config, store: &Store, given: Option<TenantId>, id: RepositoryId) -> anyhow::Result<TenantId> {
    let candidates = match given {
        Some(tenant) => vec![tenant],
        None => admin::list_tenants(&database(config)?).await?.into_iter().map(|(tenant, _)| tenant).collect(),
    };
    for tenant in candidates {
        if store.head(tenant).await?.0.repositories.contains_key(&id) {
            return Ok(tenant);
        }
    }
    bail!("no index holds repository `{id}`: has a job of it finished?")
}

async fn migrate(args: &MigrateArgs) -> anyhow::Result<ExitCode> {
    let config = Config::from_env()?;
    let url = config.database_direct_url.context("DATABASE_DIRECT_URL is missing: set it, or DATABASE_URL")?;
    let url = url.expose();
    if args.check {
        return check(url).await;
    }
    migrate::run(url).await?.iter().for_each(|version| println!("applied {version}"));
    Ok(ExitCode::SUCCESS)
}

/// Whether a start of this program would find the schema fit: a deployment asks before it replaces anything.
async fn check(url: &str) -> anyhow::Result<ExitCode> {
    let missing = migrate::pending(url).await?;
    missing.iter().for_each(|version| println!("missing {version}"));
    if missing.is_empty() {
        let db = connect(url)?;
        reach(&db).await?;
        db.close().await;
    }
    Ok(ExitCode::from(u8::from(!missing.is_empty())))
}

async fn administrate(command: AdminCommand) -> anyhow::Result<ExitCode> {
    let config = Config::from_env()?;
    let db = database(&config)?;
    match command {
        AdminCommand::Installation(InstallationCommand::Link { id, tenant }) => {
            let account = admin::link_installation(&db, &Client::new(&config)?, id, &tenant).await?;
            println!("linked {account} to {tenant}");
        }
        AdminCommand::Tenant(TenantCommand::Create { name }) => println!("{}", admin::create_tenant(&db, &name).await?),
        AdminCommand::Tenant(TenantCommand::List) => {
            for (id, name) in admin::list_tenants(&db).await? {
                println!("{id} {name}");
            }
        }
        AdminCommand::Tenant(TenantCommand::Plan { tenant, plan }) => admin::set_plan(&db, &tenant, &plan).await?,
        AdminCommand::Tenant(TenantCommand::Invite { tenant, who, role }) => {
            match admin::invite(&db, &tenant, &who, role.into()).await? {
                Some(id) => println!("{id}"),
                None => anyhow::bail!("`{who}` is a member of `{tenant}` already"),
            }
        }
        AdminCommand::Key(KeyCommand::Create { tenant, name, scopes }) => {
            let (id, key) = admin::create_key(&db, &tenant, &name, &scopes).await?;
            eprintln!("key {id}, shown once:");
            println!("{}", key.expose());
        }
        AdminCommand::Key(KeyCommand::Revoke { id }) => {
            admin::revoke_key(&db, id).await?;
            println!("revoked {id}");
        }
    }
    db.close().await;
    Ok(ExitCode::SUCCESS)
}

fn service_config() -> anyhow::Result<Config> {
    Ok(Config::for_program(Program::Indexer)?)
}

fn database(config: &Config) -> anyhow::Result<Db> {
    connect(config.database_url.as_ref().context("DATABASE_URL is missing")?.expose())
}

fn connect(url: &str) -> anyhow::Result<Db> {
    let (url, acquire_timeout) = (url.to_owned(), Duration::from_secs(5));
    Ok(Db::new(&DbOptions { url, max_connections: MAX_CONNECTIONS, acquire_timeout })?)
}
