//! Fault 12, GitHub itself: its API is down, its deliveries are lost. What is delivered is accepted all the same, and the sweep
//! of each hour brings the rest when it is back: tips, webhooks, names.

use std::time::Duration;

use kotadb_core::testing::fake_github::FakeGithub;

use crate::invariants;
use crate::reader::Reader;
use crate::report::Findings;
use crate::stage::{Plan, Registered, Stage};

const LEASE: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(120);
const MAIN: &str = "refs/heads/main";
const ACK: f64 = 3.0;

/// What was seen so far.
#[derive(Default)]
struct Tally {
    runs: u64,
    refused: u64,
    slowest: f64,
    lost: u64,
    not_drained: u64,
}

/// Deliveries that are lost, then an API that is down, then a rename that nobody tells.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let github = FakeGithub::start().await;
    let stage = Stage::start_with_github(plan, LEASE, &github).await?;
    let tenant = stage.tenant("one").await?;
    let mut one = register(&stage, &github, &tenant, "acme/one").await?;
    github.settle().await;
    stage.drain().await?;
    let reader = Reader::start(vec![(tenant.clone(), vec![one.repository.name.clone()])]);
    let mut tally = Tally::default();
    for _ in 0..if plan.long { 5 } else { 1 } {
        lose_delivery(&stage, &github, &mut one, &mut tally).await?;
        be_down(&stage, &github, &mut one, &mut tally).await?;
        tally.runs += 1;
    }
    let made = register_while_down(&stage, &github).await?;
    rename_untold(&stage, &github, findings).await?;
    let Tally { runs, refused, slowest, lost, not_drained } = tally;
    findings.never("lost deliveries whose tip the next sweep does not bring", runs, lost);
    findings.never("deliveries refused while GitHub's API is down", runs, refused);
    findings.at_most("seconds to the slowest acknowledgement then", runs, slowest, ACK);
    findings.never("jobs that a sweep leaves while GitHub's API is down", runs, not_drained);
    findings.never("webhooks not made when it is back", 1, u64::from(!made));
    stage.settle_jobs().await?;
    invariants::check(&stage, &[&one], reader, findings).await
}

/// A repository here and there; GitHub makes the webhook when it is asked.
async fn register(
    stage: &Stage,
    github: &FakeGithub,
    tenant: &crate::stage::Tenant,
    name: &str,
) -> anyhow::Result<Registered> {
    let id = github.create(name, false);
    let one = stage.register_as(tenant, name, &[], id).await?;
    set_ref(github, &one)?;
    Ok(one)
}

/// GitHub shows the newest commit, and tells nobody.
fn set_ref(github: &FakeGithub, one: &Registered) -> anyhow::Result<()> {
    github.set_ref(&one.repository.name, MAIN, &one.repository.commit_of("HEAD")?.to_string());
    Ok(())
}

/// GitHub delivers, and nobody hears it.
async fn lose_delivery(
    stage: &Stage,
    github: &FakeGithub,
    one: &mut Registered,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    one.repository.push()?;
    github.lose_deliveries(1);
    github.push(&one.repository.name, MAIN, &one.repository.commit_of("HEAD")?.to_string()).await;
    sweep(stage, true).await?;
    github.settle().await;
    // What was delivered again is due a second later.
    stage.settle_jobs().await?;
    tally.lost += u64::from(!invariants::is_searchable(one).await?);
    Ok(())
}

/// Deliveries come, and the API answers nothing but 503: what is queued is done, and the sweep itself is soon over.
async fn be_down(stage: &Stage, github: &FakeGithub, one: &mut Registered, tally: &mut Tally) -> anyhow::Result<()> {
    github.set_down(true);
    let ack = one.push().await?;
    set_ref(github, one)?;
    tally.refused += u64::from(!ack.is_accepted());
    tally.slowest = tally.slowest.max(ack.took.as_secs_f64());
    tokio::time::sleep(super::DUE).await;
    sweep(stage, false).await?;
    tally.not_drained += u64::from(!invariants::is_searchable(one).await?);
    github.set_down(false);
    Ok(())
}

/// A registration is taken without GitHub, and the next sweep makes up for it. Whether it has its webhook then.
async fn register_while_down(stage: &Stage, github: &FakeGithub) -> anyhow::Result<bool> {
    let tenant = stage.tenant("two").await?;
    github.set_down(true);
    let late = register(stage, github, &tenant, "acme/late").await?;
    github.set_down(false);
    sweep(stage, true).await?;
    github.settle().await;
    let hooks = github.hooks(&late.repository.name);
    Ok(hooks.len() == 1 && invariants::is_searchable(&late).await?)
}

/// It is renamed and pushed to, and neither is told: under its former name it leads elsewhere.
async fn rename_untold(stage: &Stage, github: &FakeGithub, findings: &mut Findings) -> anyhow::Result<()> {
    let tenant = stage.tenant("three").await?;
    let mut one = register(stage, github, &tenant, "acme/before").await?;
    github.settle().await;
    stage.drain().await?;
    github.lose_deliveries(1);
    github.rename("acme/before", "after").await;
    stage.git.insert("acme/after", one.repository.path());
    stage.gate.move_to("acme/before", "acme/after");
    let ack = one.push().await?;
    anyhow::ensure!(ack.is_accepted(), "the delivery was refused: {ack:?}");
    github.set_ref("acme/after", MAIN, &one.repository.commit_of("HEAD")?.to_string());
    tokio::time::sleep(super::DUE).await;
    stage.drain().await?;
    sweep(stage, true).await?;
    github.settle().await;
    stage.settle_jobs().await?;
    findings.never("tips lost because a rename was not told", 1, u64::from(!invariants::is_searchable(&one).await?));
    Ok(())
}

/// As the hourly machine does it. It must end well unless GitHub is down, and always end.
async fn sweep(stage: &Stage, must_succeed: bool) -> anyhow::Result<()> {
    let mut sweep = stage.start_indexer(&mut stage.indexer("sweep", "sweep"))?;
    let status = sweep.wait(PATIENCE).await?;
    anyhow::ensure!(
        status.success() || !must_succeed,
        "the sweep ended with {status}: {}",
        stage.last_log("indexer.log")
    );
    Ok(())
}
