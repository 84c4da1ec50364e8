//! Fault 15, the master key: two routers are replaced one after the other, while deliveries and searches go on, in the order
//! that README.md tells: all can open what the next key seals, then they seal with it, what is sealed is sealed anew, and
//! the former key is forgotten.

use std::process::Stdio;
use std::time::Duration;

use http::StatusCode;
use kotadb_core::crypto;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use uuid::Uuid;

use super::rotation::is_accepted;
use crate::api::{Api, Hook};
use crate::load::{Count, Load};
use crate::program::Program;
use crate::report::Findings;
use crate::stage::{MASTER_KEY, Registered, Stage};

/// Base64 of 32 times the letter `k`.
const NEXT_KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";
const NEXT_KEY_BYTES: [u8; 32] = *b"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";
/// The current and the previous key of each step.
const STEPS: [(&str, &str); 4] = [(MASTER_KEY, ""), (MASTER_KEY, NEXT_KEY), (NEXT_KEY, MASTER_KEY), (NEXT_KEY, "")];
const SEARCH: &str = "/api/v1/search/code";
const PATIENCE: Duration = Duration::from_secs(60);

/// A router, and who delivers to it.
struct Served {
    program: Program,
    url: String,
    deliveries: Load<(Api, Hook)>,
}

/// All steps, once.
pub(super) async fn run(stage: &Stage, one: &mut Registered, findings: &mut Findings) -> anyhow::Result<()> {
    let mut served = Vec::new();
    for _ in 0..2 {
        let (program, url) = start(stage, STEPS[0]).await?;
        let deliveries = Load::start((one.tenant.api.at(&url), one.hook.clone()), |(api, hook)| async move {
            is_accepted(&api, &hook).await
        });
        served.push(Served { program, url, deliveries });
    }
    let (mut pages, mut left) = (Count::default(), 0);
    for keys in &STEPS[1..] {
        if keys.1.is_empty() {
            left = sealed_anew(stage).await?;
        }
        for nth in 0..served.len() {
            let page = first_page(one, &served[nth].url).await?;
            replace(stage, one, &mut served[nth], *keys).await?;
            for one_of in &served {
                pages += continued(one, &one_of.url, &page).await?;
            }
            // Whoever still runs with the keys of the step before must know what the next one makes, too.
            let page = first_page(one, &served[nth].url).await?;
            pages += continued(one, &served[1 - nth].url, &page).await?;
            one.hook = one.tenant.api.at(&served[nth].url).rotate_hook(&one.id.to_string(), &one.hook, 60).await?;
            served.iter().for_each(|one_of| one_of.switch(one));
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
    let mut deliveries = Count::default();
    for mut one_of in served {
        deliveries += one_of.deliveries.stop().await?;
        end(&mut one_of.program).await?;
    }
    let former = one.tenant.api.deliver(&one.hook, Uuid::now_v7()).await;
    findings.never("deliveries refused while the master key is changed", deliveries.asked, deliveries.failed);
    findings.never("pages not continued by the other router meanwhile", pages.asked, pages.failed);
    findings.never("secrets left under the former master key", 1, left);
    findings.never(
        "deliveries taken with the former master key alone",
        1,
        u64::from(former.status != Some(StatusCode::UNAUTHORIZED)),
    );
    Ok(())
}

impl Served {
    fn switch(&self, one: &Registered) {
        self.deliveries.switch((one.tenant.api.at(&self.url), one.hook.clone()));
    }
}

async fn start(stage: &Stage, (current, previous): (&str, &str)) -> anyhow::Result<(Program, String)> {
    let mut command = stage.router();
    command.env("KOTADB_MASTER_KEY", current).env("KOTADB_MASTER_KEY_PREVIOUS", previous);
    let mut program = Program::start(command.stdout(Stdio::piped()), &stage.folder().join("rotated.log"))?;
    let url = program.address().await?;
    Ok((program, url))
}

/// Starts the next one, leads everybody there, and ends the former.
async fn replace(stage: &Stage, one: &Registered, served: &mut Served, keys: (&str, &str)) -> anyhow::Result<()> {
    let (program, url) = start(stage, keys).await?;
    served.url = url;
    served.switch(one);
    tokio::time::sleep(Duration::from_millis(200)).await;
    end(&mut served.program).await?;
    served.program = program;
    Ok(())
}

async fn end(program: &mut Program) -> anyhow::Result<()> {
    program.signal(Signal::SIGTERM)?;
    anyhow::ensure!(program.wait(PATIENCE).await?.success(), "a router failed");
    Ok(())
}

/// A search whose first page a router has given, with the cursor of the next.
async fn first_page(one: &Registered, url: &str) -> anyhow::Result<Value> {
    let mut asked = json!({ "query": one.repository.word(), "limit": 4 });
    let first = one.tenant.api.at(url).ask("POST", SEARCH, Some(&asked)).await?;
    asked["cursor"] = first.body["next_cursor"].clone();
    anyhow::ensure!(asked["cursor"].is_string(), "there is no second page: {}", first.text);
    Ok(asked)
}

/// Whether a router gives the page after that.
async fn continued(one: &Registered, url: &str, asked: &Value) -> anyhow::Result<Count> {
    let second = one.tenant.api.at(url).ask("POST", SEARCH, Some(asked)).await?;
    if !second.is_success() {
        eprintln!("rotation: {}", second.text);
    }
    Ok(Count { asked: 1, failed: u64::from(!second.is_success()) })
}

/// The sweep with both keys; how many secrets are under the former one all the same.
async fn sealed_anew(stage: &Stage) -> anyhow::Result<u64> {
    let mut command = stage.indexer("sweep", "sweep");
    command.env("KOTADB_MASTER_KEY", NEXT_KEY).env("KOTADB_MASTER_KEY_PREVIOUS", MASTER_KEY);
    let mut sweep = stage.start_indexer(&mut command)?;
    anyhow::ensure!(sweep.wait(PATIENCE).await?.success(), "the sweep failed: {}", stage.last_log("indexer.log"));
    let id = crypto::to_hex(&crypto::sha256(&NEXT_KEY_BYTES)[..4]);
    let left = format!(
        "SELECT (count(*) FILTER (WHERE NOT starts_with(encode(secret, 'hex'), '{id}'))
             + count(*) FILTER (WHERE previous_valid_until > now() AND NOT starts_with(encode(previous_secret, 'hex'), '{id}')))::text
         FROM kotadb.hooks"
    );
    Ok(u64::try_from(stage.postgres.number(&left).await?)?)
}
