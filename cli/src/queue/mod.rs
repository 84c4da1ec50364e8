//! `kotadb queue`: what operators do to the queue, through `DATABASE_URL`. Everything that changes something is written into
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

use serde_json::json;

pub use self::args::QueueCommand;
use self::args::{LimitsArgs, ListArgs, ShowArgs, WhichArgs, WhoseArgs};
use crate::screen::Screen;
use crate::settings::{Flags, Settings, SettingsArgs};

/// Runs one of the commands.
pub async fn run(command: &QueueCommand, settings: &SettingsArgs) -> anyhow::Result<()> {
    let settings = &Settings::of_user(settings, Flags::new())?;
    let url = Config::from_env()?.database_url.context("DATABASE_URL is not set: give the URL of the database")?;
    let url = url.expose().to_owned();
    let db = Db::new(&DbOptions { url, max_connections: 1, acquire_timeout: Duration::from_secs(10) })?;
    match command {
        QueueCommand::List(args) => list(&db, args, settings).await,
        QueueCommand::Show(args) => show(&db, args, settings).await,
        QueueCommand::Retry(args) => retry(&db, args, settings).await,
        QueueCommand::Cancel(args) => cancel(&db, args, settings).await,
        QueueCommand::Pause(args) => pause(&db, (args, true), settings).await,
        QueueCommand::Resume(args) => pause(&db, (args, false), settings).await,
        QueueCommand::Limits(args) => limits(&db, args, settings).await,
    }
}

async fn list(db: &Db, args: &ListArgs, settings: &Settings) -> anyhow::Result<()> {
    let mut tx = db.begin(Scope::Worker).await?;
    let state =
        args.state.as_deref().map(|text| JobState::parse(text).with_context(|| format!("`{text}` is no state")));
    let which = selection(&mut tx, args.tenant.as_deref(), args.class.as_deref()).await?;
    let which = Selection { state: state.transpose()?, ..which };
    let jobs = operators::list(&mut tx, which, None, i64::from(args.limit)).await?;
    tx.commit().await?;
    table::print(&jobs, Screen::new(settings, args.json), args.json)
}

async fn show(db: &Db, args: &ShowArgs, settings: &Settings) -> anyhow::Result<()> {
    let id = JobId(args.job);
    let mut tx = db.begin(Scope::Worker).await?;
    let job = operators::list(&mut tx, Selection::default(), Some(id), 1).await?.pop();
    let job = job.with_context(|| format!("there is no job `{id}`"))?;
    let events = jobs::events(&mut tx, id).await?;
    tx.commit().await?;
    table::show(job, events, Screen::new(settings, args.json), args.json)
}

async fn retry(db: &Db, args: &WhichArgs, settings: &Settings) -> anyhow::Result<()> {
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
        let id = moved.job.to_string();
        return say((settings, args.json), &format!("queued: {id}"), &json!({ "queued": id }));
    }
    let which = selection(&mut tx, args.tenant.as_deref(), args.class.as_deref()).await?;
    let moved = operators::retry_many(&mut tx, which, &actor()).await?;
    tx.commit().await?;
    say((settings, args.json), &format!("queued: {moved} jobs"), &json!({ "queued": moved }))
}

async fn cancel(db: &Db, args: &WhichArgs, settings: &Settings) -> anyhow::Result<()> {
    if let Some(id) = args.job.map(JobId) {
        let mut tx = db.begin(Scope::Worker).await?;
        let moved =
            operators::cancel(&mut tx, id, &actor()).await?.with_context(|| format!("there is no job `{id}`"))?;
        tx.commit().await?;
        let done = match (moved.moved, moved.state) {
            (true, JobState::Running) => "asked to end",
            (true, _) => "cancelled",
            (false, state) => bail!("job `{id}` is `{}`: it has ended already", state.as_str()),
        };
        return say((settings, args.json), &format!("{done}: {id}"), &json!({ "job": id.to_string(), "done": done }));
    }
    let mut moved = 0;
    loop {
        let mut tx = db.begin(Scope::Worker).await?;
        let which = selection(&mut tx, args.tenant.as_deref(), args.class.as_deref()).await?;
        let some = operators::cancel_many(&mut tx, which, &actor()).await?;
        tx.commit().await?;
        moved += some;
        if some == 0 {
            let text = format!("cancelled or asked to end: {moved} jobs");
            return say((settings, args.json), &text, &json!({ "cancelled": moved }));
        }
    }
}

async fn pause(db: &Db, (args, paused): (&WhoseArgs, bool), settings: &Settings) -> anyhow::Result<()> {
    let mut tx = db.begin(Scope::Worker).await?;
    let tenant = tenant(&mut tx, args.tenant.as_deref()).await?;
    operators::pause(&mut tx, tenant, paused, &actor()).await?;
    tx.commit().await?;
    let text =
        format!("{}: {}", if paused { "paused" } else { "resumed" }, args.tenant.as_deref().unwrap_or("all tenants"));
    say((settings, args.json), &text, &json!({ "paused": paused, "tenant": args.tenant }))
}

async fn limits(db: &Db, args: &LimitsArgs, settings: &Settings) -> anyhow::Result<()> {
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
        let text = format!("a day: {}\njobs at once: {}", told(limits.seconds), limits.running);
        let value = json!({ "seconds_a_day": limits.seconds, "running": limits.running });
        return say((settings, args.json), &text, &value);
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
    let text = format!("all indexers a day: {}\neach tenant a day:  {}", told(limits.total), told(limits.each_tenant));
    let value = json!({ "seconds_a_day": limits.total, "seconds_a_day_each_tenant": limits.each_tenant });
    say((settings, args.json), &text, &value)
}

/// Says what was done: to people as text, to programs as a value.
fn say((settings, is_json): (&Settings, bool), text: &str, value: &serde_json::Value) -> anyhow::Result<()> {
    let mut screen = Screen::new(settings, is_json);
    match is_json {
        true => screen.json(value)?,
        false => text.lines().try_for_each(|line| screen.line(line))?,
    }
    screen.finish()
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
