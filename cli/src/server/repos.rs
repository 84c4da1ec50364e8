//! `kotadb repos`: what is registered with a service.

use anyhow::{bail, ensure};
use kotadb_core::query::near_names;
use kotadb_core::wire::{Job, NewRepository, QueuedJob, RegisteredRepository, Repository};
use uuid::Uuid;

use super::args::{AddRepoArgs, ListReposArgs, ReindexArgs, RemoveRepoArgs, RepoArgs, ReposCommand, ServiceFlags};
use super::client::{Client, ServerError};
use super::jobs::{self, job_columns};
use crate::columns::Columns;
use crate::question::is_agreed;
use crate::screen::Screen;
use crate::settings::{Settings, SettingsArgs};

/// Repositories that are looked through for a name.
const MOST: usize = 100_000;
/// Jobs that are shown with a repository.
const NEWEST: usize = 5;

/// Runs a subcommand; whether it went well to the end.
pub async fn run(command: &ReposCommand, settings: &SettingsArgs) -> anyhow::Result<bool> {
    let of = |service: &ServiceFlags| Settings::of_user(settings, service.flags());
    match command {
        ReposCommand::List(args) => list(args, &of(&args.service)?).await.map(|()| true),
        ReposCommand::Add(args) => add(args, &of(&args.service)?).await,
        ReposCommand::Show(args) => show(args, &of(&args.service)?).await.map(|()| true),
        ReposCommand::Remove(args) => remove(args, &of(&args.service)?).await,
        ReposCommand::Reindex(args) => reindex(args, &of(&args.service)?).await,
    }
}

async fn list(args: &ListReposArgs, settings: &Settings) -> anyhow::Result<()> {
    let client = Client::of(settings)?;
    let (items, more) = client.items::<Repository>("/api/v1/repositories", &[], args.limit).await?;
    let mut screen = Screen::new(settings, args.service.json);
    if args.service.json {
        items.iter().try_for_each(|item| screen.json(item))?;
    } else {
        let mut columns = Columns::new(["NAME", "BRANCH", "COMMIT", "INDEXED", "STATE"]);
        items.iter().for_each(|item| columns.row(cells(item)));
        columns.print(&mut screen)?;
    }
    screen.finish()?;
    if items.is_empty() {
        eprintln!("note: nothing is registered: `kotadb repos add OWNER/NAME`");
    }
    if more {
        eprintln!("stopped at {} repositories: `--limit` prints more", items.len());
    }
    Ok(())
}

fn cells(of: &Repository) -> [String; 5] {
    let indexed = of.indexed_at.map_or_else(|| "not yet".to_owned(), |at| at.to_string());
    let commit = of.indexed_commit.as_deref().map(|commit| commit.get(..12).unwrap_or(commit));
    let state = of.suspended.as_ref().map_or_else(|| "follows".to_owned(), |why| format!("suspended: {why}"));
    let branch = of.default_branch.clone().unwrap_or_else(|| "-".to_owned());
    [of.name.clone(), branch, commit.unwrap_or("-").to_owned(), indexed, state]
}

async fn add(args: &AddRepoArgs, settings: &Settings) -> anyhow::Result<bool> {
    let client = Client::of(settings)?;
    let new = NewRepository {
        url: args.url.clone(),
        refs: args.track.clone(),
        schedule: args.schedule.clone(),
        ..NewRepository::default()
    };
    let registered: RegisteredRepository = client.post("/api/v1/repositories", &new).await?;
    let mut screen = Screen::new(settings, args.service.json);
    if args.service.json {
        screen.json(&registered)?;
    } else {
        let name = &registered.repository.name;
        let was_there = if registered.job.is_some() { "registered" } else { "was registered already" };
        screen.line(&format!("{was_there}: {name} ({})", registered.repository.id))?;
        if let Some(webhook) = &registered.webhook {
            screen.line(&format!("webhook: {} ({})", webhook.url, webhook.detail))?;
            screen.line(&format!("secret:  {} (shown this once)", webhook.secret))?;
        }
        registered.job.iter().try_for_each(|job| screen.line(&format!("job:     {job}")))?;
    }
    screen.finish()?;
    match registered.job.filter(|_| args.wait) {
        Some(job) => jobs::wait(&client, &job, settings, args.service.json).await,
        None => Ok(true),
    }
}

async fn show(args: &RepoArgs, settings: &Settings) -> anyhow::Result<()> {
    let client = Client::of(settings)?;
    let found = find(&client, &args.repository).await?;
    let mut screen = Screen::new(settings, args.service.json);
    if args.service.json {
        screen.json(&found)?;
        return screen.finish();
    }
    let of_it = [("repository", found.id.clone())];
    // A key may see repositories without seeing jobs.
    let newest = match client.items::<Job>("/api/v1/jobs", &of_it, NEWEST).await {
        Err(ServerError::Refused(_)) => None,
        found => Some(found?.0),
    };
    let tracked = if found.refs.is_empty() { "the default branch".to_owned() } else { found.refs.join(", ") };
    let [name, branch, commit, indexed, state] = cells(&found);
    let facts = [
        ("name", name),
        ("id", found.id),
        ("url", found.url),
        ("tracks", tracked),
        ("branch", branch),
        ("commit", commit),
        ("indexed", indexed),
        ("state", state),
        ("schedule", found.schedule.unwrap_or_else(|| "none".to_owned())),
        ("webhook", found.webhook_fault.unwrap_or_else(|| "no fault is known".to_owned())),
    ];
    facts.iter().try_for_each(|(name, value)| screen.line(&format!("{name:<10}{value}")))?;
    if let Some(newest) = newest {
        screen.line("")?;
        job_columns(&newest).print(&mut screen)?;
    }
    screen.finish()
}

async fn remove(args: &RemoveRepoArgs, settings: &Settings) -> anyhow::Result<bool> {
    let client = Client::of(settings)?;
    let found = find(&client, &args.repository).await?;
    ensure!(
        [&found.name, &found.id].iter().any(|whole| whole.eq_ignore_ascii_case(&args.repository)),
        "`{}` is a part of a name: give `{}` to remove that",
        args.repository,
        found.name
    );
    let question = format!("Remove `{}` and its index from {}?", found.name, client.server());
    match if args.yes { Some(true) } else { is_agreed(&question)? } {
        Some(true) => {}
        Some(false) => return Ok(false),
        None => bail!("`{}` was not removed: say `--yes`", found.name),
    }
    client.delete(&format!("/api/v1/repositories/{}", found.id)).await?;
    let mut screen = Screen::new(settings, args.service.json);
    match args.service.json {
        true => screen.json(&serde_json::json!({ "removed": found.id, "name": found.name }))?,
        false => screen.line(&format!("removed: {}", found.name))?,
    }
    screen.finish()?;
    Ok(true)
}

async fn reindex(args: &ReindexArgs, settings: &Settings) -> anyhow::Result<bool> {
    let client = Client::of(settings)?;
    let found = find(&client, &args.repository).await?;
    let path = format!("/api/v1/repositories/{}/index", found.id);
    let queued: QueuedJob = client.ask_for(&path, &[("full", args.full.to_string())]).await?;
    let mut screen = Screen::new(settings, args.service.json);
    match args.service.json {
        true => screen.json(&queued)?,
        false => screen.line(&format!("queued: {} ({})", queued.id, found.name))?,
    }
    screen.finish()?;
    if args.wait { jobs::wait(&client, &queued.id, settings, args.service.json).await } else { Ok(true) }
}

/// The repository that is meant by an id, a name, or the part of one behind the slash where only one has that.
async fn find(client: &Client, text: &str) -> anyhow::Result<Repository> {
    if let Ok(id) = Uuid::parse_str(text) {
        return Ok(client.get(&format!("/api/v1/repositories/{id}"), &[]).await?);
    }
    let (all, _) = client.items::<Repository>("/api/v1/repositories", &[], MOST).await?;
    let short = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    let is_named = |of: &&Repository| of.name.eq_ignore_ascii_case(text);
    let is_part = |of: &&Repository| short(&of.name).eq_ignore_ascii_case(text);
    let mut found: Vec<&Repository> = all.iter().filter(is_named).collect();
    if found.is_empty() {
        found = all.iter().filter(is_part).collect();
    }
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => bail!("there is no repository `{text}` for this key{}", meant(text, &all)),
        several => {
            let names: Vec<String> = several.iter().map(|one| format!("{} ({})", one.name, one.id)).collect();
            bail!("`{text}` may be {}: give the id", names.join(", "))
        }
    }
}

/// Names of which one may have been meant.
fn meant(text: &str, all: &[Repository]) -> String {
    let names: Vec<String> = all.iter().map(|one| one.name.to_lowercase()).collect();
    let shorts = names.iter().map(|name| name.rsplit('/').next().unwrap_or(name));
    let near_shorts = near_names(text, shorts.clone());
    let near_wholes = near_names(text, names.iter().map(String::as_str));
    let is_near = |name: &&String| {
        near_wholes.contains(&name.as_str()) || near_shorts.contains(&name.rsplit('/').next().unwrap_or(name))
    };
    let near: Vec<String> = names.iter().filter(is_near).take(3).map(|name| format!("`{name}`")).collect();
    if near.is_empty() {
        ": see `kotadb repos list`".to_owned()
    } else {
        format!(": did you mean {}?", near.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use kotadb_core::wire::Timestamp;

    use super::*;

    #[test]
    fn a_slip_is_answered_with_what_was_meant() {
        let named = |name: &str| Repository {
            id: String::new(),
            name: name.to_owned(),
            url: String::new(),
            refs: Vec::new(),
            default_branch: None,
            priority: None,
            schedule: None,
            suspended: None,
            webhook_fault: None,
            indexed_commit: None,
            indexed_at: None,
            created_at: Timestamp::from_millis(0).unwrap(),
        };
        let all = [named("octocat/Hello-World"), named("acme/web")];
        assert_eq!(meant("octocat/Hello-Wrold", &all), ": did you mean `octocat/hello-world`?");
        assert_eq!(meant("hello-word", &all), ": did you mean `octocat/hello-world`?");
        assert!(meant("something/else", &all).contains("kotadb repos list"));
    }
}
