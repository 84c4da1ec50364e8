//! `kotadb jobs`: what a service does for one's repositories.

use std::time::Duration;

use kotadb_core::wire::search::printable;
use kotadb_core::wire::{Job, JobEvent};

use super::args::{JobArgs, JobsCommand, ListJobsArgs, ServiceFlags};
use super::client::Client;
use crate::columns::Columns;
use crate::progress::Progress;
use crate::screen::Screen;
use crate::settings::{Settings, SettingsArgs};

/// How often the state of a job is asked for.
const POLL: Duration = Duration::from_millis(500);

/// Runs a subcommand; whether it went well to the end.
pub async fn run(command: &JobsCommand, settings: &SettingsArgs) -> anyhow::Result<bool> {
    let of = |service: &ServiceFlags| Settings::of_user(settings, service.flags());
    match command {
        JobsCommand::List(args) => list(args, &of(&args.service)?).await.map(|()| true),
        JobsCommand::Show(args) => show(args, &of(&args.service)?).await.map(|()| true),
        JobsCommand::Watch(args) => {
            let settings = of(&args.service)?;
            wait(&Client::of(&settings)?, &args.job.to_string(), &settings, args.service.json).await
        }
        JobsCommand::Cancel(args) => moved(args, "cancel", &of(&args.service)?).await.map(|()| true),
        JobsCommand::Retry(args) => moved(args, "retry", &of(&args.service)?).await.map(|()| true),
    }
}

async fn list(args: &ListJobsArgs, settings: &Settings) -> anyhow::Result<()> {
    let of_one: Vec<_> = args.repository.iter().map(|name| ("repository", name.clone())).collect();
    let (items, more) = Client::of(settings)?.items::<Job>("/api/v1/jobs", &of_one, args.limit).await?;
    let mut screen = Screen::new(settings, args.service.json);
    match args.service.json {
        true => items.iter().try_for_each(|item| screen.json(item))?,
        false => job_columns(&items).print(&mut screen)?,
    }
    screen.finish()?;
    if more {
        eprintln!("stopped at {} jobs: `--limit` prints more", items.len());
    }
    Ok(())
}

async fn show(args: &JobArgs, settings: &Settings) -> anyhow::Result<()> {
    let job: Job = Client::of(settings)?.get(&format!("/api/v1/jobs/{}", args.job), &[]).await?;
    print(&job, settings, args.service.json)
}

async fn moved(args: &JobArgs, deed: &str, settings: &Settings) -> anyhow::Result<()> {
    let path = format!("/api/v1/jobs/{}/{deed}", args.job);
    // The one answers the job, the other that it is queued: both have an id and a state.
    let answer: serde_json::Value = Client::of(settings)?.ask_for(&path, &[]).await?;
    let mut screen = Screen::new(settings, args.service.json);
    match args.service.json {
        true => screen.json(&answer)?,
        false => screen.line(&format!("{}: {}", answer["state"].as_str().unwrap_or(deed), args.job))?,
    }
    screen.finish()
}

/// Tells each step of a job until it ends; whether it ended well.
pub async fn wait(client: &Client, id: &str, settings: &Settings, is_json: bool) -> anyhow::Result<bool> {
    let mut progress = Progress::new(is_json);
    let mut told = 0;
    loop {
        let job: Job = client.get(&format!("/api/v1/jobs/{id}"), &[]).await?;
        let events = job.events.as_deref().unwrap_or_default();
        progress.clear();
        if !is_json {
            // There are at most 200: whatever is missed of more is at the beginning.
            events.iter().skip(told).for_each(|event| eprintln!("{}", printable(&step(event))));
        }
        told = told.max(events.len());
        if !matches!(job.state.as_str(), "queued" | "running") {
            // Its steps were told already, but to programs.
            print(&Job { events: job.events.clone().filter(|_| is_json), ..job.clone() }, settings, is_json)?;
            return Ok(matches!(job.state.as_str(), "done" | "superseded"));
        }
        progress.show(&format!("{} (try {})", job.state, job.attempt));
        tokio::time::sleep(POLL).await;
    }
}

fn print(job: &Job, settings: &Settings, is_json: bool) -> anyhow::Result<()> {
    let mut screen = Screen::new(settings, is_json);
    if is_json {
        screen.json(job)?;
        return screen.finish();
    }
    job_columns(std::slice::from_ref(job)).print(&mut screen)?;
    job.events.iter().flatten().try_for_each(|event| screen.line(&step(event)))?;
    if let Some(error) = &job.error {
        screen.line(&format!("last error: {error}"))?;
    }
    screen.finish()
}

fn step(event: &JobEvent) -> String {
    format!("{}  try {}  {:<9}  {}", event.at, event.attempt, event.phase, event.detail)
}

/// A line for each job.
pub fn job_columns(jobs: &[Job]) -> Columns<6> {
    let mut columns = Columns::new(["JOB", "STATE", "TRIGGER", "TRY", "ASKED", "ERROR"]);
    for job in jobs {
        let error = job.error.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
        columns.row([
            job.id.clone(),
            job.state.clone(),
            job.trigger.clone(),
            job.attempt.to_string(),
            job.created_at.to_string(),
            error.chars().take(60).collect(),
        ]);
    }
    columns
}
