//! The tick of the database without its extensions: what pg_cron would run is asked at the same pace, and what pg_net would
//! send is sent.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use kotadb_core::db::direct::Direct;
use reqwest::Client;
use serde::Deserialize;
use tokio::task::JoinHandle;

use crate::stage::Stage;

/// The schedule is that of each full minute.
pub const MINUTE: Duration = Duration::from_secs(60);
/// What the router and the database share.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";

const DUE: &str = "SELECT jsonb_build_object('url', t.url, 'headers', t.headers)::text FROM kotadb.tick() t";

/// A running tick; dropped, it ends.
#[derive(Debug)]
pub struct Tick {
    calls: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

#[derive(Deserialize)]
struct Call {
    url: String,
    headers: HashMap<String, String>,
}

impl Tick {
    /// Tells the database whom to call, and begins. The first look is a whole `period` from now.
    pub async fn start(stage: &Stage, period: Duration) -> anyhow::Result<Self> {
        stage.postgres.execute(&format!("SELECT kotadb.set_tick('{}', '{SECRET}')", stage.url())).await?;
        let (database, calls) = (stage.postgres.superuser_url()?, Arc::<AtomicU64>::default());
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        let counted = Arc::clone(&calls);
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(period).await;
                match look(&client, &database).await {
                    Ok(n) => drop(counted.fetch_add(n, Ordering::SeqCst)),
                    Err(error) => eprintln!("tick: {error:#}"),
                }
            }
        });
        Ok(Self { calls, task })
    }

    /// How often it has called.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Drop for Tick {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn look(client: &Client, database: &str) -> anyhow::Result<u64> {
    let mut direct = Direct::connect(database).await?;
    let due = direct.texts(DUE).await;
    direct.close().await;
    let due = due?;
    for call in &due {
        let Call { url, headers } = serde_json::from_str(call).context("the tick cannot be read")?;
        let mut request = client.post(url).body("{}");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().await?;
        anyhow::ensure!(answer.status().is_success(), "the router answered {}", answer.status());
    }
    Ok(due.len() as u64)
}
