//! `kotadb jobs`: what operators do to the queue, through `DATABASE_URL`. Everything that changes something is written into
//! the audit log under the login of this machine.

mod args;
mod table;

use std::time::Duration;

use anyhow::{Context, bail};
use kotadb_core::config::Config;
use kotadb_core::db::jobs::{ErrorClass, JobState};
use kotadb_core::db::operators::{self, Limits, Selection, TenantLimits};
use kotadb_core::db::{Db, DbOptions, Scope, Tx, jobs};
use kotadb_core::id::{JobId, TenantId};

pub use self::args::JobsCommand;
use self::args::{LimitsArgs, ListArgs, ShowArgs, WhichArgs, WhoseArgs};

/// Runs one of the commands.
pub async fn run(command: &JobsCommand) -> anyhow::Result<()> {
    let url = Config::from_env()?.database_url.context("DATABASE_URL is not set: give the URL of the database")?;
    let url = url.expose().to_owned();
    let db = Db::new(&DbOptions { url, max_connections: 1, acquire_timeout: Duration::from_secs(10) })?;
    match command {
        JobsCommand::List(args) => list(&db, args).await,
        JobsCommand::Show(args) => show(&db, args).await,
        JobsCommand::Retry(args) => retry(&db, args).await,
        JobsCommand::Cancel(args) => cancel(&db, args).await,
        JobsCommand::Pause(args) => pause(&db, args, true).await,
        JobsCommand::Resume(args) => pause(&db, args, false).await,
        JobsCommand::Limits(args) => limits(&db, args).await,
    }
}

async fn list(db: &Db, args: &ListArgs) -> anyhow::Result<()> {
    let mut tx = db.begin(Scope::Worker).await?;
    let state =
        args.state.as_deref().map(|text| JobState::parse(text).with_context(|| format!("`{text}` is no state")));
    let which = selection(&mut tx, args.tenant.as_deref(), args.class.as_deref()).await?;
    let which = Selection { state: state.transpose()?, ..which };
    let jobs = operators::list(&mut tx, which, None, i64::from(args.limit)).await?;
    tx.commit().await?;
    if args.json { table::print_json(&jobs) } else { table::print(&jobs) }
}

async fn show(db: &Db, args: &ShowArgs) -> anyhow::Result<()> {
    let id = JobId(args.job);
    let mut tx = db.begin(Scope::Worker).await?;
    let job = operators::list(&mut tx, Selection::default(), Some(id), 1).await?.pop();
    let job = job.with_context(|| format!("there is no job `{id}`"))?;
    let events = jobs::events(&mut tx, id).await?;
    tx.commit().await?;
    if args.json { table::show_json(job, events) } else { table::show(&job, &events) }
}

async fn retry(db: &Db, args: &WhichArgs) -> anyhow::Result<()> {
    let mut tx = db.begin(Scope::Worker).await?;
    if let Some(id) = args.job.map(JobId) {
        let moved =
            operators::retry(&mut tx, id, &actor()).await?.with_context(|| format!("there is no job `{id}`"))?;
        tx.commit().await?;
        if !moved.moved {
            bail!(
                "job `{id}` is `{}`: only a dead or cancelled one of a live repository is retried",
                moved.state.as_str()
            );
        }
        println!("queued: {}", moved.job);
        return Ok(());
    }
    let which = selection(&mut tx, args.tenant.as_deref(), args.class.as_deref()).await?;
    let moved = operators::retry_many(&mut tx, which, &actor()).await?;
    tx.commit().await?;
    println!("queued: {moved} jobs");
    Ok(())
}

async fn cancel(db: &Db, args: &WhichArgs) -> anyhow::Result<()> {
    if let Some(id) = args.job.map(JobId) {
        let mut tx = db.begin(Scope::Worker).await?;
        let moved =
            operators::cancel(&mut tx, id, &actor()).await?.with_context(|| format!("there is no job `{id}`"))?;
        tx.commit().await?;
        match (moved.moved, moved.state) {
            (true, JobState::Running) => println!("asked to end: {id}"),
            (true, _) => println!("cancelled: {id}"),
            (false, state) => bail!("job `{id}` is `{}`: it has ended already", state.as_str()),
        }
        return Ok(());
    }
    let mut moved = 0;
    loop {
        let mut tx = db.begin(Scope::Worker).await?;
        let which = selection(&mut tx, args.tenant.as_deref(), args.class.as_deref()).await?;
        let some = operators::cancel_many(&mut tx, which, &actor()).await?;
        tx.commit().await?;
        moved += some;
        if some == 0 {
            println!("cancelled or asked to end: {moved} jobs");
            return Ok(());
        }
    }
}

async fn pause(db: &Db, args: &WhoseArgs, paused: bool) -> anyhow::Result<()> {
    let mut tx = db.begin(Scope::Worker).await?;
    let tenant = tenant(&mut tx, args.tenant.as_deref()).await?;
    operators::pause(&mut tx, tenant, paused, &actor()).await?;
    tx.commit().await?;
    println!("{}: {}", if paused { "paused" } else { "resumed" }, args.tenant.as_deref().unwrap_or("all tenants"));
    Ok(())
}

async fn limits(db: &Db, args: &LimitsArgs) -> anyhow::Result<()> {
    let mut tx = db.begin(Scope::Worker).await?;
    let seconds = |minutes: args::Minutes| minutes.0.map(|minutes| minutes * 60);
    let told = |seconds: Option<i64>| seconds.map_or("none".to_owned(), |seconds| format!("{} minutes", seconds / 60));
    if let Some(tenant) = tenant(&mut tx, args.tenant.as_deref()).await? {
        let mut limits = operators::tenant_limits(&mut tx, tenant).await?;
        if args.tenant_minutes.is_some() || args.running.is_some() {
            let seconds = args.tenant_minutes.map_or(limits.seconds, seconds);
            limits = TenantLimits { seconds, running: args.running.unwrap_or(limits.running) };
            operators::set_tenant_limits(&mut tx, tenant, limits, &actor()).await?;
        }
        tx.commit().await?;
        println!("a day: {}\njobs at once: {}", told(limits.seconds), limits.running);
        return Ok(());
    }
    let mut limits = operators::limits(&mut tx).await?;
    if args.total_minutes.is_some() || args.tenant_minutes.is_some() {
        limits = Limits {
            total: args.total_minutes.map_or(limits.total, seconds),
            each_tenant: args.tenant_minutes.map_or(limits.each_tenant, seconds),
        };
        operators::set_limits(&mut tx, limits, &actor()).await?;
    }
    tx.commit().await?;
    println!("all indexers a day: {}\neach tenant a day:  {}", told(limits.total), told(limits.each_tenant));
    Ok(())
}

async fn selection(tx: &mut Tx, tenant_text: Option<&str>, class: Option<&str>) -> anyhow::Result<Selection> {
    let class = class.map(|text| ErrorClass::parse(text).with_context(|| format!("`{text}` is no class of errors")));
    Ok(Selection { tenant: tenant(tx, tenant_text).await?, class: class.transpose()?, state: None })
}

async fn tenant(tx: &mut Tx, text: Option<&str>) -> anyhow::Result<Option<TenantId>> {
    let Some(text) = text else { return Ok(None) };
    let found = operators::tenant(tx, text).await?;
    found.map(Some).with_context(|| format!("there is no tenant `{text}`: give its name or id"))
}

/// The login of this machine, for the audit log.
fn actor() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::current());
    user.ok().flatten().map_or_else(|| format!("uid {}", nix::unistd::Uid::current()), |user| user.name)
}
