//! Fault 15: keys, secrets of webhooks and the master key are changed while everybody goes on. What is valid is never refused,
//! and what is over opens nothing.

use std::time::Duration;

use http::StatusCode;
use kotadb_indexer::admin;
use nix::sys::signal::Signal;
use uuid::Uuid;

use super::one_tenant;
use super::rotation_master;
use crate::api::{Api, Hook};
use crate::invariants;
use crate::load::{Count, Load};
use crate::report::Findings;
use crate::stage::{Plan, Registered};

/// Seconds for which the former and the next are both valid.
const OVERLAP: u64 = 4;
/// Whoever is late changes so long before the end.
const BEFORE_END: Duration = Duration::from_millis(1500);
const AFTER_END: Duration = Duration::from_millis(500);

/// What was seen so far.
#[derive(Debug, Default)]
struct Tally {
    keys: Count,
    hooks: Count,
    rotations: u64,
    open_keys: u64,
    open_hooks: u64,
}

/// Keys and secrets at once, then the master key.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let (stage, mut one, reader) = one_tenant(plan, Duration::from_secs(60), "acme/rotation").await?;
    let mut server = stage.start_indexer(&mut stage.indexer("serve", "server"))?;
    // The reader keeps its own.
    let db = stage.postgres.db()?;
    let (_, key) = admin::create_key(&db, "one", "rotated", &[]).await?;
    db.close().await;
    one.tenant.api = one.tenant.api.with_key(key.expose());
    let mut tally = Tally::default();
    for _ in 0..if plan.long { 20 } else { 2 } {
        rotate(&mut one, &mut tally).await?;
        one.push_surely().await?;
    }
    let Tally { keys, hooks, rotations, open_keys, open_hooks } = tally;
    findings.never("requests by a valid key refused", keys.asked, keys.failed);
    findings.never("deliveries under a valid secret refused", hooks.asked, hooks.failed);
    findings.never("former keys that open after their time", rotations, open_keys);
    findings.never("former secrets that sign after their time", rotations, open_hooks);
    rotation_master::run(&stage, &mut one, findings).await?;
    server.signal(Signal::SIGTERM)?;
    anyhow::ensure!(server.wait(Duration::from_secs(60)).await?.success(), "the indexer failed");
    stage.settle_jobs().await?;
    invariants::check(&stage, &[&one], reader, findings).await
}

/// One key and one secret. Some change at once, some at the last moment.
async fn rotate(one: &mut Registered, tally: &mut Tally) -> anyhow::Result<()> {
    let (old_key, old_hook) = (one.tenant.api.clone(), one.hook.clone());
    let keys = [(); 2].map(|()| Load::start(old_key.clone(), |api: Api| async move { is_answered(&api).await }));
    let deliver = |(api, hook): (Api, Hook)| async move { is_accepted(&api, &hook).await };
    let hooks = [(); 2].map(|()| Load::start((old_key.clone(), old_hook.clone()), deliver));
    let id = one.id.to_string();
    let hook = old_key.rotate_hook(&id, &old_hook, OVERLAP).await?;
    let key = old_key.rotate_key(OVERLAP).await?;
    keys[0].switch(key.clone());
    hooks[0].switch((key.clone(), hook.clone()));
    tokio::time::sleep(Duration::from_secs(OVERLAP) - BEFORE_END).await;
    keys[1].switch(key.clone());
    hooks[1].switch((key.clone(), hook.clone()));
    tokio::time::sleep(BEFORE_END + AFTER_END).await;
    let refused = old_key.ask("GET", "/api/v1/whoami", None).await?;
    tally.open_keys += u64::from(refused.code() != "key_expired");
    tally.open_hooks +=
        u64::from(old_key.deliver(&old_hook, Uuid::now_v7()).await.status != Some(StatusCode::UNAUTHORIZED));
    for load in keys {
        tally.keys += load.stop().await?;
    }
    for load in hooks {
        tally.hooks += load.stop().await?;
    }
    tally.rotations += 1;
    (one.tenant.api, one.hook) = (key, hook);
    Ok(())
}

async fn is_answered(api: &Api) -> bool {
    match api.ask("GET", "/api/v1/whoami", None).await {
        Ok(answer) if answer.is_success() => true,
        other => {
            eprintln!("rotation: {other:?}");
            false
        }
    }
}

/// Whether a delivery of a push is taken.
pub(super) async fn is_accepted(api: &Api, hook: &Hook) -> bool {
    let ack = api.deliver(hook, Uuid::now_v7()).await;
    if !ack.is_accepted() {
        eprintln!("rotation: {ack:?}");
    }
    ack.is_accepted()
}
