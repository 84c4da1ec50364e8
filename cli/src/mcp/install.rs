//! `kotadb mcp install`: writes the few lines by which a client starts this program, or reaches a service. What else is in its
//! settings stays; a file that is not understood is left alone, and the lines are shown instead. No key is ever written.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};

use super::args::{Client, InstallArgs};

/// Our name among the servers of a client.
const NAME: &str = "kotadb";

/// Writes the settings, or shows them.
pub fn run(args: &InstallArgs) -> anyhow::Result<()> {
    let repo = args.repo.canonicalize().with_context(|| format!("`{}` is no folder", args.repo.display()))?;
    let path = file(args.client, &repo)?;
    let before = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    };
    let after = settings(args.client, args.url.as_deref(), &before)
        .with_context(|| format!("cannot change `{}`: add this by hand:\n{}", path.display(), snippet(args)))?;
    if args.dry_run {
        println!("{}:\n{after}", path.display());
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    fs::write(&path, after).with_context(|| format!("cannot write `{}`", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}

fn file(client: Client, repo: &Path) -> anyhow::Result<PathBuf> {
    Ok(match client {
        Client::ClaudeCode => repo.join(".mcp.json"),
        Client::Cursor => repo.join(".cursor/mcp.json"),
        Client::Vscode => repo.join(".vscode/mcp.json"),
        Client::Zed => repo.join(".zed/settings.json"),
        Client::Codex => {
            let home = kotadb_core::config::home().context("`HOME` is not set: say where the settings are by it")?;
            home.join(".codex/config.toml")
        }
    })
}

fn snippet(args: &InstallArgs) -> String {
    settings(args.client, args.url.as_deref(), "").unwrap_or_default()
}

/// The settings of a client with our server among them.
fn settings(client: Client, url: Option<&str>, before: &str) -> anyhow::Result<String> {
    if client == Client::Codex {
        return toml(url, before);
    }
    let all: Value = if before.trim().is_empty() { json!({}) } else { serde_json::from_str(before)? };
    let Value::Object(mut all) = all else { bail!("it is no JSON object") };
    let servers = all.entry(servers(client)).or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(servers) = servers else { bail!("its list of servers is no JSON object") };
    servers.insert(NAME.to_owned(), server(client, url));
    Ok(format!("{}\n", serde_json::to_string_pretty(&Value::Object(all))?))
}

/// What a client calls its list of servers.
fn servers(client: Client) -> &'static str {
    match client {
        Client::Vscode => "servers",
        Client::Zed => "context_servers",
        _ => "mcpServers",
    }
}

fn server(client: Client, url: Option<&str>) -> Value {
    let key = match client {
        Client::Cursor | Client::Vscode => "${env:KOTADB_API_KEY}",
        _ => "${KOTADB_API_KEY}",
    };
    match (client, url) {
        // The bridge takes the key from the environment.
        (Client::Zed, Some(url)) => json!({ "command": "kotadb", "args": ["mcp", "--url", url] }),
        (Client::Cursor, Some(url)) => json!({ "url": url, "headers": { "Authorization": format!("Bearer {key}") } }),
        (_, Some(url)) => {
            json!({ "type": "http", "url": url, "headers": { "Authorization": format!("Bearer {key}") } })
        }
        (Client::Vscode, None) => {
            json!({ "type": "stdio", "command": "kotadb", "args": ["mcp", "--repo", "${workspaceFolder}"] })
        }
        (_, None) => json!({ "command": "kotadb", "args": ["mcp"] }),
    }
}

/// Tables of TOML stand by themselves, so that ours goes to the end, in the place of an earlier one.
fn toml(url: Option<&str>, before: &str) -> anyhow::Result<String> {
    let ours = match url {
        Some(url) => format!("url = {}\nbearer_token_env_var = \"KOTADB_API_KEY\"\n", json!(url)),
        None => "command = \"kotadb\"\nargs = [\"mcp\"]\n".to_owned(),
    };
    let head = format!("[mcp_servers.{NAME}]");
    if before.lines().any(|line| line.trim().starts_with(&format!("[mcp_servers.{NAME}."))) {
        bail!("it has tables below `mcp_servers.{NAME}`");
    }
    let mut kept = String::new();
    let mut is_ours = false;
    for line in before.lines() {
        if line.trim_start().starts_with('[') {
            is_ours = line.trim() == head;
        }
        if !is_ours {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    let kept = kept.trim_end();
    let gap = if kept.is_empty() { "" } else { "\n\n" };
    Ok(format!("{kept}{gap}{head}\n{ours}"))
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn other_settings_stay_and_ours_are_there_once() {
        for client in Client::value_variants().iter().copied().filter(|client| *client != Client::Codex) {
            let before = json!({ servers(client): { "other": { "command": "x" } }, "theme": "dark" }).to_string();
            let once = settings(client, None, &before).unwrap();
            assert_eq!(settings(client, None, &once).unwrap(), once, "{client:?}");
            let value: Value = serde_json::from_str(&once).unwrap();
            assert_eq!((&value["theme"], &value[servers(client)]["other"]["command"]), (&json!("dark"), &json!("x")));
            assert_eq!(value[servers(client)][NAME]["command"], "kotadb");
            assert!(settings(client, None, "{ // a comment\n}").is_err(), "what is not understood is left alone");
        }
    }

    #[test]
    fn a_service_is_reached_without_a_key_in_the_file() {
        for client in Client::value_variants() {
            let text = settings(*client, Some("https://code.example/mcp"), "").unwrap();
            assert!(text.contains("https://code.example/mcp") && !text.contains("kdb_"), "{text}");
            assert!(text.contains("KOTADB_API_KEY") || *client == Client::Zed, "{text}");
        }
    }

    #[test]
    fn tables_of_others_stay() {
        let before =
            "model = \"x\"\n\n[mcp_servers.kotadb]\ncommand = \"old\"\n\n[mcp_servers.other]\ncommand = \"y\"\n";
        let after = toml(None, before).unwrap();
        assert_eq!(
            after,
            "model = \"x\"\n\n[mcp_servers.other]\ncommand = \"y\"\n\n[mcp_servers.kotadb]\ncommand = \"kotadb\"\nargs = [\"mcp\"]\n"
        );
        assert_eq!(toml(None, &after).unwrap(), after);
    }
}
