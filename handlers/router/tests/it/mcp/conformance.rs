//! The official suite. `scripts/mcp.sh` installs and runs it; what a client would say is its, what there is to be found is made
//! here.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{furnished, served, with_fixtures, with_key};
use crate::app::App;

/// Where the suite is.
fn tools() -> PathBuf {
    std::env::var_os("KOTADB_MCP_TOOLS").expect("`scripts/mcp.sh` runs this and says where the suite is").into()
}

/// A suite asks more in a second than a plan was made for.
async fn furnished_for_many(app: &App) -> String {
    let key = furnished(app).await;
    app.db.execute("UPDATE kotadb.tenants SET plan = 'unlimited'").await;
    key
}

async fn script(arguments: &[&str]) -> bool {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/mcp.py");
    let mut command = Command::new("python3");
    command.arg(script).arg("--tools").arg(tools()).args(arguments);
    tokio::task::spawn_blocking(move || command.status().unwrap().success()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_suite_passes_in_both_eras() {
    let app = App::new().await;
    let key = furnished_for_many(&app).await;
    let url = served(with_key(with_fixtures(&app), &key)).await;
    assert!(script(&["conformance", &url, "2025-11-25"]).await, "the era before this one");
    assert!(script(&["conformance", &url, "2026-07-28"]).await, "this era");
}
