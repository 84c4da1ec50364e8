//! `kotadb doctor`: looks at what a deployment needs, one thing after the other, and says of each whether it is well, or what to do. It
//! reads the settings that the service reads; what is not set is not looked at.

use std::io::Write;
use std::time::{Duration, Instant};

use kotadb_core::config::Config;
use kotadb_core::crypto::Secret;
use kotadb_core::db::{Db, DbOptions};
use kotadb_core::id::TenantId;
use kotadb_core::store::{Root, Store, StoreError, StoreOptions};
use kotadb_core::wire::search::printable;
use reqwest::Client;
use uuid::Uuid;

use crate::args::DoctorArgs;
use crate::screen::Screen;
use crate::server::{address, key_of};
use crate::settings::{Flags, Settings, SettingsArgs};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was found of one thing.
enum Finding {
    Well(String),
    NotSet(&'static str),
    Wrong(String),
}

use Finding::{NotSet, Well, Wrong};

/// Looks at everything; whether all of it is well.
pub async fn run(args: &DoctorArgs, settings: &SettingsArgs) -> anyhow::Result<bool> {
    let settings = Settings::of_user(settings, Flags::new())?;
    let mut report = Report { screen: Screen::direct(&settings, args.json), json: args.json };
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(error) => {
            report.tell("settings", &Wrong(error.to_string()))?;
            report.screen.finish()?;
            return Ok(false);
        }
    };
    let mut is_well = report.tell("settings", &Well("they can be read".to_owned()))?;
    is_well &= report.tell("database", &database(&config).await)?;
    is_well &= report.tell("object store", &store(&config).await)?;
    is_well &= report.tell("master key", &master_key(&config))?;
    is_well &= report.tell("git", &git())?;
    let server = Server::of(&config, args);
    is_well &= report.tell("service", &server.health().await)?;
    is_well &= report.tell("webhooks", &server.webhooks().await)?;
    is_well &= report.tell("mcp", &server.mcp().await)?;
    report.screen.finish()?;
    Ok(is_well)
}

/// Where findings go, one after the other.
struct Report {
    screen: Screen,
    json: bool,
}

impl Report {
    /// Prints a line; whether it is no fault.
    fn tell(&mut self, name: &str, finding: &Finding) -> anyhow::Result<bool> {
        let (sign, code, text) = match finding {
            Well(text) => ("ok", "32", text.as_str()),
            NotSet(text) => ("--", "33", *text),
            Wrong(text) => ("no", "31", text.as_str()),
        };
        if self.json {
            let word = match finding {
                Well(_) => "ok",
                NotSet(_) => "not_set",
                Wrong(_) => "wrong",
            };
            self.screen.json(&serde_json::json!({ "name": name, "finding": word, "text": text }))?;
        } else {
            let shown = if self.screen.is_coloured() { format!("\x1b[{code}m{sign}\x1b[0m") } else { sign.to_owned() };
            let mut lines = text.lines().map(printable);
            self.screen.painted(&format!("{shown}  {name:<13} {}", lines.next().unwrap_or_default()))?;
            lines.try_for_each(|line| self.screen.painted(&format!("{:18}{line}", "")))?;
        }
        // Each may take a while: it is seen at once.
        self.screen.flush()?;
        Ok(!matches!(finding, Wrong(_)))
    }
}

async fn database(config: &Config) -> Finding {
    let Some(url) = &config.database_url else { return NotSet("`DATABASE_URL` is not set: there is no service here") };
    let options = DbOptions { url: url.expose().to_owned(), max_connections: 1, acquire_timeout: PATIENCE };
    let asked = async {
        let db = Db::new(&options)?;
        Ok::<_, kotadb_core::db::DbError>((db.ping().await?, db.schema().await?, db.endpoint().to_owned()))
    };
    match asked.await {
        Err(error) => Wrong(error.to_string()),
        Ok((took, schema, endpoint)) => match schema.fits() {
            Err(why) => Wrong(why),
            Ok(warning) => {
                let mode = if endpoint.ends_with(":6543") { "transaction pooler" } else { "session pooler or direct" };
                let note = warning.map(|warning| format!("; {warning}")).unwrap_or_default();
                Well(format!("{endpoint} ({mode}) answers in {} ms, its schema fits{note}", took.as_millis()))
            }
        },
    }
}

/// A publish depends on one thing that not every bucket does: to write only if nobody else has.
async fn store(config: &Config) -> Finding {
    let place = match &config.bucket {
        Some(bucket) => format!("the bucket `{bucket}`"),
        None => format!("the folder `{}`", config.data_dir.join("objects").display()),
    };
    let began = Instant::now();
    match Store::open(&StoreOptions::from_config(config)) {
        Err(error) => Wrong(error.to_string()),
        Ok(store) => {
            // A tenant of this moment: nobody else writes there, and it is gone afterwards.
            let tenant = TenantId(Uuid::now_v7());
            let found = swaps(&store, tenant).await;
            let removed = store.remove_tenant(tenant).await;
            match found.and_then(|swaps| removed.map(|()| swaps)) {
                Err(error) => Wrong(format!("{place}: {error}")),
                Ok(false) => Wrong(format!("{place} overwrites what another has written: it needs conditional writes")),
                Ok(true) => Well(format!("{place} compares and swaps, in {} ms", began.elapsed().as_millis())),
            }
        }
    }
}

/// Whether the second of two who have read the same is refused.
async fn swaps(store: &Store, tenant: TenantId) -> Result<bool, StoreError> {
    let (_, tag) = store.head(tenant).await?;
    let root = Root { version: 1, ..Root::default() };
    store.swap_head(tenant, &tag, &root).await?;
    match store.swap_head(tenant, &tag, &root).await {
        Err(StoreError::Conflict(_)) => Ok(true),
        Ok(_) => Ok(false),
        Err(error) => Err(error),
    }
}

fn master_key(config: &Config) -> Finding {
    match config.master_key {
        Some(_) => Well("secrets and sessions can be sealed".to_owned()),
        None => {
            NotSet("`KOTADB_MASTER_KEY` is not set: no webhooks, no sessions; make one with `openssl rand -base64 32`")
        }
    }
}

fn git() -> Finding {
    let output = std::process::Command::new("git").arg("--version").output();
    match output {
        Ok(output) if output.status.success() => Well(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        Ok(_) | Err(_) => Wrong("`git` does not run: install it".to_owned()),
    }
}

/// The service as others reach it.
struct Server {
    base: Option<String>,
    key: Option<Secret>,
    http: Client,
}

impl Server {
    fn of(config: &Config, args: &DoctorArgs) -> Self {
        let base = args.server.clone().or_else(|| config.webhook_base_url.clone());
        // No key goes where it would travel in the clear; a file of keys that is open to others is told by the commands that need one.
        let key_for = |base: &String| key_of(&address("--server", base).ok()?).ok().flatten();
        let key = base.as_ref().and_then(key_for);
        Self { base, key, http: Client::new() }
    }

    fn no_address() -> Finding {
        NotSet("`KOTADB_WEBHOOK_BASE_URL` is not set: give the address by `--server`")
    }

    async fn health(&self) -> Finding {
        let Some(base) = &self.base else { return Self::no_address() };
        let url = format!("{base}/health");
        match self.http.get(&url).timeout(PATIENCE).send().await {
            Ok(answer) if answer.status().is_success() => Well(format!("{url} is healthy")),
            Ok(answer) => Wrong(format!("{url} answers {}: look at what it says", answer.status())),
            Err(error) => Wrong(format!("{url} cannot be reached: {}", error.without_url())),
        }
    }

    /// A delivery without a signature must be refused, by us and not by something in between.
    async fn webhooks(&self) -> Finding {
        let Some(base) = &self.base else { return Self::no_address() };
        let url = format!("{base}/webhooks/github/{}", Uuid::nil());
        let request = self.http.post(&url).timeout(PATIENCE).header("content-type", "application/json").body("{}");
        match request.send().await {
            Ok(answer) if answer.headers().contains_key("x-request-id") && answer.status().is_client_error() => {
                Well("deliveries arrive, and one without a signature is refused".to_owned())
            }
            Ok(answer) => {
                Wrong(format!("{url} answers {}, which is not our refusal: look at the proxy", answer.status()))
            }
            Err(error) => Wrong(format!("{url} cannot be reached: {}", error.without_url())),
        }
    }

    /// The handshake of clients that begin with one.
    async fn mcp(&self) -> Finding {
        let Some(base) = &self.base else { return Self::no_address() };
        let Some(key) = &self.key else {
            return NotSet("`KOTADB_API_KEY` is not set, and no login of this server is kept: MCP is asked with a key");
        };
        let params = serde_json::json!({
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "kotadb doctor", "version": "1" },
        });
        let body = serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
        let request = self.http.post(format!("{base}/mcp")).timeout(PATIENCE).bearer_auth(key.expose()).json(&body);
        match request.header("accept", "application/json, text/event-stream").send().await {
            Ok(answer) if answer.status().is_success() => Well(format!("{base}/mcp shakes hands")),
            Ok(answer) => Wrong(format!("{base}/mcp answers {}", answer.status())),
            Err(error) => Wrong(format!("{base}/mcp cannot be reached: {}", error.without_url())),
        }
    }
}
