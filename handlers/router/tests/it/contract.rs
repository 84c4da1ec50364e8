//! The running server does what its description says. `scripts/schemathesis.sh` installs schemathesis and runs this; what is
//! asked is drawn by that program, what there is to be found is made here.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kotadb_core::db::keys::{NewKey, SCOPES};
use kotadb_core::db::members::{self, Identity, Invited, Role};
use kotadb_core::db::{Scope, installations};
use kotadb_core::store::{Store, StoreOptions};
use kotadb_core::testing::TestDb;
use kotadb_core::testing::fake_github::{CLIENT_ID, CLIENT_SECRET, FakeGithub, OPERATOR_TOKEN};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, MASTER_KEY, Tenant};
use crate::index::publish_program;

const TICK_SECRET: &str = "0123456789abcdef0123456789abcdef";
const APP_SECRET: &str = "the secret of the App's own hook";
/// Of the operations, how many must be answered by success at least once.
const REACHED_PERCENT: usize = 90;
/// Tenants that are there to be deleted.
const TO_DELETE: usize = 40;

/// The server as it is deployed, but for the ports.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kotadb-api-server"));
        command.env_clear().env("PORT", "0").env("KOTADB_BIND", "127.0.0.1").env("RUST_LOG", "warn");
        let mut child = command.envs(variables.iter().copied()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { child, url }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// What schemathesis finds: an installation with repositories at GitHub, one of them registered and indexed.
async fn furnished(app: &App, github: &FakeGithub) -> (Tenant, Value) {
    for name in ["octocat/Hello-World", "octocat/Spoon-Knife", "octocat/lib-one"] {
        github.create(name, false);
    }
    let installation = github.install("octocat", None).await;
    let tenant = app.tenant("contract").await;
    let mut tx = app.db.db.begin(Scope::Worker).await.unwrap();
    assert!(installations::link(&mut tx, installation, "octocat", 1, tenant.id).await.unwrap());
    tx.commit().await.unwrap();
    let mut registered = app.register(&tenant.key, "octocat/Spoon-Knife").await;
    let files = [("README.md", "a fork and a spoon\n"), ("src/main.rs", "def main():\n    main()\n")];
    publish_program(&app.store, tenant.id, registered["id"].as_str().unwrap(), &files).await;
    // Of another tenant, so that nothing that is asked deletes the hook or changes its secret.
    let other = app.tenant("hooked").await;
    registered["webhook"] = app.register(&other.key, "octocat/lib-one").await["webhook"].take();
    // What is asked here in a minute is no use that a plan was made for.
    app.db.execute("UPDATE kotadb.tenants SET plan = 'unlimited'").await;
    (tenant, registered)
}

/// A key of a member who has signed in.
async fn member_key(app: &App, tenant: &Tenant) -> String {
    let email = "ada@contract.example".to_owned();
    let mut tx = app.db.db.begin(Scope::Tenant(tenant.id)).await.unwrap();
    let invited = Invited::Email(email.clone());
    let member = members::invite(&mut tx, tenant.id, &invited, Role::Owner, None).await.unwrap().unwrap().id;
    tx.commit().await.unwrap();
    let mut tx = app.db.db.begin(Scope::Anonymous).await.unwrap();
    let identity = Identity { email: Some(email), github: None };
    assert_eq!(members::note_user(&mut tx, Uuid::now_v7(), &identity).await.unwrap(), 1);
    tx.commit().await.unwrap();
    app.key_like(tenant.id, &SCOPES, NewKey { member: Some(member), ..NewKey::default() }).await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn the_running_server_does_what_it_describes() {
    let (db, github, data) = (TestDb::new().await, FakeGithub::start().await, tempfile::tempdir().unwrap());
    let own = github.variables();
    let mut variables: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    // The web side of an Enterprise Server is at the same origin.
    let api = format!("{}/api/v3", github.url());
    variables.push(("KOTADB_GITHUB_API_URL", &api));
    let (folder, database_url) = (data.path().to_str().unwrap(), db.pooled_url.clone());
    variables.extend([
        ("KOTADB_MODE", "local"),
        ("DATABASE_URL", database_url.as_str()),
        ("KOTADB_DATA_DIR", folder),
        ("KOTADB_MASTER_KEY", MASTER_KEY),
        ("KOTADB_WEBHOOK_BASE_URL", "https://kotadb.example"),
        ("KOTADB_TICK_SECRET", TICK_SECRET),
        ("KOTADB_WAKE", "flycast"),
        ("KOTADB_WAKE_URL", "http://127.0.0.1:9/wake"),
        ("GITHUB_APP_WEBHOOK_SECRET", APP_SECRET),
        ("GITHUB_WEBHOOK_TOKEN", OPERATOR_TOKEN),
        ("GITHUB_CLIENT_ID", CLIENT_ID),
        ("GITHUB_CLIENT_SECRET", CLIENT_SECRET),
    ]);
    let server = Server::start(&variables);
    let store = Store::open(&StoreOptions::from_config(&crate::app::config(&database_url, &variables))).unwrap();
    let app = App::over(db, store, &variables);
    let (tenant, registered) = furnished(&app, &github).await;
    let mut to_delete = Vec::new();
    for nth in 0..TO_DELETE {
        let one = app.tenant(&format!("to delete {nth}")).await;
        to_delete.push(json!({ "id": one.id.to_string(), "key": one.key }));
    }
    github.add_person("octocat");
    let fixture = json!({
        "key": tenant.key,
        "member_key": member_key(&app, &tenant).await,
        "login": "octocat",
        "to_delete": to_delete,
        "tenant": tenant.id.to_string(),
        "repository": registered["id"],
        "job": registered["job"],
        "hook": registered["webhook"]["url"].as_str().unwrap().rsplit('/').next(),
        "hook_secret": registered["webhook"]["secret"],
        "app_secret": APP_SECRET,
        "tick_secret": TICK_SECRET,
    });
    let log = data.path().join("answers.jsonl");
    let document = served(&server.url, data.path()).await;
    let status = schemathesis(&server.url, &document, &fixture, &log);
    report(&crate::openapi::document(), &log);
    assert!(status, "schemathesis found faults: they are above");
}

/// What the server says of itself, in a file: schemathesis leaves out the operation that it was told the description by.
async fn served(url: &str, folder: &Path) -> PathBuf {
    let text = reqwest::get(format!("{url}/openapi.json")).await.unwrap().text().await.unwrap();
    let file = folder.join("openapi.json");
    std::fs::write(&file, text).unwrap();
    file
}

fn schemathesis(url: &str, document: &Path, fixture: &Value, log: &Path) -> bool {
    let program = std::env::var("SCHEMATHESIS").expect("scripts/schemathesis.sh says where it is");
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts");
    let mut command = Command::new(program);
    command.arg("--config-file").arg(scripts.join("schemathesis.toml"));
    command.args(["run", "--no-color", "--url", url]).arg(document);
    command.args(std::env::var("SCHEMATHESIS_ARGS").unwrap_or_default().split_whitespace());
    command.current_dir(log.parent().unwrap());
    command.env("SCHEMATHESIS_HOOKS", "schemathesis_hooks").env("PYTHONPATH", &scripts);
    // The scripts are in the tree.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("KOTADB_CONTRACT", fixture.to_string()).env("KOTADB_CONTRACT_LOG", log);
    command.env("KOTADB_CONTRACT_KEY", fixture["key"].as_str().unwrap()).status().unwrap().success()
}

/// Every operation was asked, and nearly all of them answered by success.
fn report(document: &Value, log: &Path) {
    let mut statuses: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for line in std::fs::read_to_string(log).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        statuses
            .entry(line["operation"].as_str().unwrap().to_owned())
            .or_default()
            .insert(line["status"].as_u64().unwrap());
    }
    let paths = document["paths"].as_object().unwrap();
    let label = |path: &String, method: &String| format!("{} {path}", method.to_uppercase());
    let operations: Vec<String> = paths
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |method| label(path, method)))
        .collect();
    let mut reached = 0;
    for operation in &operations {
        let seen = statuses.get(operation).unwrap_or_else(|| panic!("{operation} was not asked"));
        let is_reached = seen.iter().any(|status| (200..300).contains(status));
        reached += usize::from(is_reached);
        println!("{} {operation}: {seen:?}", if is_reached { "  " } else { "no" });
    }
    println!("{reached} of {} operations answered by success", operations.len());
    assert!(reached * 100 >= operations.len() * REACHED_PERCENT, "too few operations were answered by success");
}
