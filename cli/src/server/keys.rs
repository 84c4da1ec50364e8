//! `kotadb keys`: the API keys of one's tenant.

use std::time::SystemTime;

use anyhow::Context;
use kotadb_core::wire::{ApiKeyInfo, IssuedApiKey, KeyRotation, NewApiKey, Timestamp};

use super::args::{CreateKeyArgs, KeyArgs, KeysCommand, ListKeysArgs, RotateKeyArgs, ServiceFlags};
use super::client::Client;
use crate::columns::Columns;
use crate::screen::Screen;
use crate::settings::{Settings, SettingsArgs};

/// Runs a subcommand.
pub async fn run(command: &KeysCommand, settings: &SettingsArgs) -> anyhow::Result<()> {
    let of = |service: &ServiceFlags| Settings::of_user(settings, service.flags());
    match command {
        KeysCommand::List(args) => list(args, &of(&args.service)?).await,
        KeysCommand::Create(args) => create(args, &of(&args.service)?).await,
        KeysCommand::Rotate(args) => rotate(args, &of(&args.service)?).await,
        KeysCommand::Revoke(args) => revoke(args, &of(&args.service)?).await,
    }
}

async fn list(args: &ListKeysArgs, settings: &Settings) -> anyhow::Result<()> {
    let (items, more) = Client::of(settings)?.items::<ApiKeyInfo>("/api/v1/keys", &[], args.limit).await?;
    let shown = items.iter().filter(|key| args.all || key.revoked_at.is_none());
    let mut screen = Screen::new(settings, args.service.json);
    if args.service.json {
        shown.clone().try_for_each(|key| screen.json(key))?;
    } else {
        let mut columns = Columns::new(["KEY", "NAME", "SHOWN AS", "STATE", "LAST USED", "SCOPES"]);
        shown.clone().for_each(|key| columns.row(cells(key)));
        columns.print(&mut screen)?;
    }
    screen.finish()?;
    if more {
        eprintln!("stopped at {} keys: `--limit` looks at more", items.len());
    }
    Ok(())
}

fn cells(key: &ApiKeyInfo) -> [String; 6] {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) => format!("until {at}"),
        (None, None) => "valid".to_owned(),
    };
    let used = key.last_used_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    [key.id.clone(), key.name.clone(), key.display.clone(), state, used, key.scopes.join(",")]
}

async fn create(args: &CreateKeyArgs, settings: &Settings) -> anyhow::Result<()> {
    let expires_at = args.lifetime().map(|lifetime| {
        let end = SystemTime::now() + lifetime;
        let millis =
            end.duration_since(SystemTime::UNIX_EPOCH).ok().and_then(|since| since.as_millis().try_into().ok());
        millis
            .and_then(Timestamp::from_millis)
            .context("that is beyond all years that can be written: give fewer `--days`")
    });
    let new = NewApiKey {
        name: args.name.clone(),
        scopes: args.scope.clone(),
        repositories: (!args.repository.is_empty()).then(|| args.repository.clone()),
        expires_at: expires_at.transpose()?,
    };
    let issued: IssuedApiKey = Client::of(settings)?.post("/api/v1/keys", &new).await?;
    show_once(&issued, settings, args.service.json)
}

async fn rotate(args: &RotateKeyArgs, settings: &Settings) -> anyhow::Result<()> {
    let rotation = KeyRotation { overlap_seconds: args.overlap };
    let path = format!("/api/v1/keys/{}/rotate", args.key);
    let issued: IssuedApiKey = Client::of(settings)?.post(&path, &rotation).await?;
    show_once(&issued, settings, args.service.json)
}

/// The key alone goes to standard output, so that it can go on from there.
fn show_once(issued: &IssuedApiKey, settings: &Settings, is_json: bool) -> anyhow::Result<()> {
    let mut screen = Screen::new(settings, is_json);
    if is_json {
        screen.json(issued)?;
        return screen.finish();
    }
    screen.line(&issued.key)?;
    screen.finish()?;
    eprintln!("note: this is shown once: keep it where it is needed (`kotadb login` keeps it here)");
    eprintln!("note: its id is {}: `kotadb keys revoke` ends it", issued.info.id);
    Ok(())
}

async fn revoke(args: &KeyArgs, settings: &Settings) -> anyhow::Result<()> {
    Client::of(settings)?.delete(&format!("/api/v1/keys/{}", args.key)).await?;
    let mut screen = Screen::new(settings, args.service.json);
    match args.service.json {
        true => screen.json(&serde_json::json!({ "revoked": args.key }))?,
        false => screen.line(&format!("revoked: {}", args.key))?,
    }
    screen.finish()
}
