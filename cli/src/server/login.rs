//! `kotadb login` and `kotadb logout`: a key is tried, and kept for its address, or forgotten.

use std::io::{IsTerminal, Write, stderr, stdin};

use anyhow::{Context, bail, ensure};
use kotadb_core::crypto::Secret;
use kotadb_core::wire::Whoami;
use reqwest::Url;

use super::address::{address, shown};
use super::args::{LoginArgs, LogoutArgs, server_flag};
use super::client::Client;
use super::credentials::Credentials;
use super::hidden_input;
use crate::screen::Screen;
use crate::settings::{Settings, SettingsArgs};

/// Keeps a key that the service takes.
pub async fn login(args: &LoginArgs, settings: &SettingsArgs) -> anyhow::Result<()> {
    let settings = Settings::of_user(settings, server_flag(args.server.as_deref()))?;
    let base = server(args, &settings)?;
    let key = Secret::new(key(&base)?);
    let client = Client::new(base.clone(), key.clone())?;
    let who: Whoami = client.get("/api/v1/whoami", &[]).await.context("the key was not kept")?;
    let mut credentials = Credentials::load()?;
    credentials.keys.insert(shown(&base), key.expose().to_owned());
    credentials.current = Some(shown(&base));
    let path = credentials.save()?;
    let mut screen = Screen::new(&settings, args.json);
    if args.json {
        screen.json(&who)?;
    } else {
        screen.line(&format!("logged in to {}", shown(&base)))?;
        screen.line(&format!("may: {}", who.scopes.join(", ")))?;
        let limited = if who.repositories.is_some() { ", and is limited to these" } else { "" };
        screen.line(&format!("sees {} repositories{limited}", who.n_repositories))?;
        screen.line(&format!("the key is kept in {}", path.display()))?;
    }
    screen.finish()
}

/// Forgets the key of a service, or all.
pub fn logout(args: &LogoutArgs, settings: &SettingsArgs) -> anyhow::Result<()> {
    let settings = Settings::of_user(settings, server_flag(args.server.as_deref()))?;
    let mut credentials = Credentials::load()?;
    let forgotten: Vec<String> = if args.all {
        std::mem::take(&mut credentials.keys).into_keys().collect()
    } else {
        let server = settings.server().context("no service is named: give its address, or `--all`")?;
        let server = shown(&address("server", server)?);
        ensure!(credentials.keys.remove(&server).is_some(), "no key of `{server}` is kept");
        vec![server]
    };
    if credentials.current.as_ref().is_some_and(|current| !credentials.keys.contains_key(current)) {
        credentials.current = None;
    }
    credentials.save()?;
    let mut screen = Screen::new(&settings, args.json);
    if args.json {
        screen.json(&serde_json::json!({ "forgotten": forgotten }))?;
    } else {
        forgotten.iter().try_for_each(|server| screen.line(&format!("forgot the key of {server}")))?;
    }
    screen.finish()
}

fn server(args: &LoginArgs, settings: &Settings) -> anyhow::Result<Url> {
    if let Some(server) = &args.server {
        return address("login", server);
    }
    let known = settings.server().unwrap_or_default();
    let typed = match stdin().is_terminal() {
        true => {
            eprint!("Address of the service{}: ", if known.is_empty() { String::new() } else { format!(" [{known}]") });
            stderr().flush()?;
            first_line()?
        }
        false => String::new(),
    };
    match (typed.as_str(), known) {
        ("", "") => bail!("no service is named: `kotadb login https://…`"),
        ("", known) => address("server", known),
        (typed, _) => address("login", typed),
    }
}

/// Typed without being shown, or the first line of what is piped.
fn key(server: &Url) -> anyhow::Result<String> {
    let key = match stdin().is_terminal() {
        true => hidden_input::ask(&format!("API key of {} (it is not shown): ", shown(server)))?,
        false => first_line()?,
    };
    let key = key.trim().to_owned();
    ensure!(!key.is_empty(), "no key was given: type it, or pipe it as the first line");
    ensure!(key.bytes().all(|byte| byte.is_ascii_graphic()), "what was given is no key: it has other characters");
    Ok(key)
}

fn first_line() -> anyhow::Result<String> {
    let mut line = String::new();
    stdin().read_line(&mut line).context("standard input cannot be read")?;
    Ok(line.trim().to_owned())
}
