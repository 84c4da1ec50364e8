//! Fault 20: a Lambda beside the router, over the same database and bucket. It answers as the router does, takes deliveries, and
//! comes through an absence of Postgres and its own death.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use kotadb_core::testing::{LambdaAnswer, LambdaEvent, LambdaRuntime};
use nix::sys::signal::Signal;
use serde_json::Value;
use uuid::Uuid;

use crate::invariants;
use crate::load::Count;
use crate::reader::Reader;
use crate::report::Findings;
use crate::stage::{Plan, Registered, Stage};

const REQUEST_ID: &str = "0190b0a0-0000-7000-8000-000000000001";
const PATIENCE: Duration = Duration::from_secs(30);
/// After Postgres is back.
const RECOVERY: f64 = 5.0;

/// One Lambda and what was seen of it.
struct Tally {
    runtime: LambdaRuntime,
    answers: Count,
    deliveries: Count,
    away: Count,
    recovery: f64,
}

/// Parity in quiet times, under pushes, without Postgres, and after a death.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let bootstrap = plan.bin.join("bootstrap-router");
    if !bootstrap.exists() {
        findings.needs("`bootstrap-router`: build `kotadb-router` with the feature `lambda`");
        return Ok(());
    }
    let mut stage = Stage::open(plan, Duration::from_secs(60)).await?;
    let tenant = stage.tenant("one").await?;
    let mut one = stage.register(&tenant, "acme/lambda").await?;
    stage.drain().await?;
    let reader = Reader::start(vec![(tenant, vec![one.repository.name.clone()])]);
    let runtime = started(&stage, &bootstrap).await?;
    let (answers, deliveries, away) = Default::default();
    let mut tally = Tally { runtime, answers, deliveries, away, recovery: 0.0 };
    let rounds = if plan.long { 20 } else { 2 };
    for _ in 0..rounds {
        push(&stage, &mut one, &mut tally).await?;
        tally.answers += parity(&stage, &one, &mut tally.runtime).await?;
        lose_postgres(&mut stage, &one, &mut tally).await?;
        // Ended by its environment between two requests: the next one starts another.
        tally.runtime = started(&stage, &bootstrap).await?;
        tally.answers += parity(&stage, &one, &mut tally.runtime).await?;
    }
    let Tally { answers, deliveries, away, recovery, .. } = tally;
    findings.never("answers that differ from those over TCP", answers.asked, answers.failed);
    findings.never("deliveries to the Lambda that are refused or not found", deliveries.asked, deliveries.failed);
    findings.never("answers without Postgres that differ, or are no 503 problem", away.asked, away.failed);
    findings.at_most("seconds until the Lambda answers again", rounds, recovery, RECOVERY);
    stage.settle_jobs().await?;
    invariants::check(&stage, &[&one], reader, findings).await
}

/// With the variables of a router.
async fn started(stage: &Stage, bootstrap: &Path) -> anyhow::Result<LambdaRuntime> {
    let router = stage.router();
    let set = router.as_std().get_envs().filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?)));
    // What it logs would stand between our rows.
    let variables: Vec<(&str, &str)> = set.chain([("RUST_LOG", "off")]).collect();
    let mut runtime = LambdaRuntime::start().await?;
    runtime.run(bootstrap, &variables)?;
    Ok(runtime)
}

/// A push that is delivered to the Lambda, and found by an indexer.
async fn push(stage: &Stage, one: &mut Registered, tally: &mut Tally) -> anyhow::Result<()> {
    one.repository.push()?;
    let body = one.hook.push().to_string();
    let headers = one.hook.signed(Uuid::now_v7(), "push", &body);
    let delivery = LambdaEvent {
        headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        body: Some(body.into_bytes()),
        is_base64: true,
        ..event("POST", &one.hook.path, "")
    };
    let accepted = invoke(&mut tally.runtime, &delivery).await?.status == 202;
    let mut server = stage.start_indexer(&mut stage.indexer("serve", "server"))?;
    let found = invariants::until_searchable(one, PATIENCE).await?;
    server.signal(Signal::SIGTERM)?;
    anyhow::ensure!(server.wait(Duration::from_secs(60)).await?.success(), "the indexer failed");
    tally.deliveries += Count { asked: 1, failed: u64::from(!accepted || found.is_none()) };
    Ok(())
}

/// The same requests to both, while nothing changes.
async fn parity(stage: &Stage, one: &Registered, runtime: &mut LambdaRuntime) -> anyhow::Result<Count> {
    let mut count = Count::default();
    for (event, _) in events(one) {
        let (by_lambda, by_router) = (invoke(runtime, &event).await?, event.over_tcp(stage.url()).await?);
        count += Count { asked: 1, failed: u64::from(!are_alike(&event, by_lambda, by_router)) };
    }
    Ok(count)
}

/// While Postgres is away both say so, in the same words; then the same process goes on.
async fn lose_postgres(stage: &mut Stage, one: &Registered, tally: &mut Tally) -> anyhow::Result<()> {
    stage.postgres.stop(true).await?;
    let needing = || events(one).into_iter().filter(|(_, needs_postgres)| *needs_postgres).map(|(event, _)| event);
    for event in needing() {
        let (by_lambda, by_router) = (invoke(&mut tally.runtime, &event).await?, event.over_tcp(stage.url()).await?);
        let is_right = by_lambda.status == 503 && are_alike(&event, by_lambda, by_router);
        tally.away += Count { asked: 1, failed: u64::from(!is_right) };
    }
    stage.postgres.start_again().await?;
    let back = Instant::now();
    let event = needing().next().context("nothing needs Postgres")?;
    while invoke(&mut tally.runtime, &event).await?.status != 200 {
        anyhow::ensure!(back.elapsed() < PATIENCE, "the Lambda does not recover");
    }
    tally.recovery = tally.recovery.max(back.elapsed().as_secs_f64());
    while event.over_tcp(stage.url()).await?.status != 200 {
        anyhow::ensure!(back.elapsed() < PATIENCE, "the router does not recover");
    }
    Ok(())
}

/// Requests, and whether each needs Postgres.
fn events(one: &Registered) -> Vec<(LambdaEvent, bool)> {
    let (id, word, key) = (one.id, one.repository.word(), one.tenant.api.key());
    let searched = LambdaEvent {
        body: Some(format!("{{\"query\":\"{word}\",\"count\":true,\"facets\":true}}").into_bytes()),
        is_base64: true,
        ..event("POST", "/api/v1/search/code", key)
    };
    let with_type = |mut event: LambdaEvent| {
        event.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        event
    };
    let get = |target: &str| event("GET", target, key);
    vec![
        (get("/api/v1/repositories"), true),
        (get(&format!("/api/v1/repositories/{id}")), true),
        (get(&format!("/api/v1/repositories/{id}/snapshots")), true),
        (get("/api/v1/jobs?limit=5"), true),
        (get(&format!("/api/v1/search/code?query={word}")), true),
        (with_type(searched), true),
        (get("/api/v1/search/code?query=%22open"), true),
        (get("/api/v1/search/code?query=a&repository=no/such"), true),
        (get("/health/live"), false),
        (get("/openapi.json"), false),
        (get("/api/v1/repositories/nonsense"), false),
        (get("/nowhere"), false),
        (event("PUT", "/api/v1/repositories", key), false),
        (event("GET", "/api/v1/jobs", "mistyped"), false),
    ]
}

fn event(method: &str, target: &str, key: &str) -> LambdaEvent {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = [("authorization", format!("Bearer {key}")), ("x-request-id", REQUEST_ID.to_owned())];
    LambdaEvent {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        ..LambdaEvent::default()
    }
}

async fn invoke(runtime: &mut LambdaRuntime, event: &LambdaEvent) -> anyhow::Result<LambdaAnswer> {
    let answer = tokio::time::timeout(PATIENCE, runtime.invoke(event)).await;
    answer.context("the Lambda does not answer")?.context("the Lambda is gone")
}

fn are_alike(event: &LambdaEvent, by_lambda: LambdaAnswer, by_router: LambdaAnswer) -> bool {
    let [one, two] = [by_lambda, by_router].map(|answer| {
        let LambdaAnswer { status, headers, body } = answer.comparable();
        (status, headers, without_cost(&body))
    });
    if one != two {
        eprintln!("lambda: {} {}?{}: {one:?}, over TCP {two:?}", event.method, event.path, event.query);
    }
    one == two
}

/// What a search has cost depends on what its process has read before.
fn without_cost(body: &[u8]) -> Value {
    match serde_json::from_slice(body) {
        Ok(Value::Object(mut fields)) => {
            fields.remove("stats");
            Value::Object(fields)
        }
        Ok(value) => value,
        Err(_) => String::from_utf8_lossy(body).into_owned().into(),
    }
}
