//! Fault 11, the tokens of users: the project that signs them is out of reach, makes new keys, and its clock differs. Whose key
//! is known goes on; whose key nobody can ask for is told to try again, not to sign in.

use std::process::Stdio;
use std::time::{Duration, Instant};

use kotadb_core::db::members::Role;
use kotadb_core::testing::fake_supabase::{FakeSupabase, Signing};
use kotadb_indexer::admin;
use uuid::Uuid;

use crate::api::{Answer, Api};
use crate::invariants;
use crate::load::{Count, Load};
use crate::program::Program;
use crate::reader::Reader;
use crate::report::Findings;
use crate::stage::{Plan, Stage};

const LIST: &str = "/api/v1/repositories";
/// A router asks for keys once in half a minute; and a little.
const UNTIL_ASKED: f64 = 31.5;
const PATIENCE: Duration = Duration::from_secs(45);
/// A router waits 5 s for the project.
const ANSWER: f64 = 6.0;

/// What was seen so far.
#[derive(Debug, Default)]
struct Tally {
    known: Count,
    cold: Count,
    slowest: f64,
    until_told: f64,
    until_taken: f64,
    withdrawn: u64,
}

/// Some rotations while the project is away, then clocks that differ.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let project = FakeSupabase::start().await;
    let stage = Stage::open_with(plan, Duration::from_secs(60), project.variables()).await?;
    let tenant = stage.tenant("one").await?;
    let one = stage.register(&tenant, "acme/tokens").await?;
    stage.drain().await?;
    let user = Uuid::now_v7();
    let db = stage.postgres.db()?;
    admin::invite(&db, "one", "user@one.example", Role::Owner).await?;
    db.close().await;
    project.set_user(user, "user@one.example", true, None);
    let reader = Reader::start(vec![(tenant.clone(), vec![one.repository.name.clone()])]);
    let (mut tally, runs) = (Tally::default(), if plan.long { 5 } else { 1 });
    for _ in 0..runs {
        be_away(&stage, &project, &tenant.api.with_key(&project.token(user)), user, &mut tally).await?;
    }
    findings.never("tokens of a known key refused while the project is away", tally.known.asked, tally.known.failed);
    findings.never("tokens not answered by a 503 problem where no key is known", tally.cold.asked, tally.cold.failed);
    findings.at_most("seconds to the slowest of those answers", tally.cold.asked, tally.slowest, ANSWER);
    if plan.long {
        findings.at_most("seconds until a new key is told to wait for", runs, tally.until_told, UNTIL_ASKED);
    }
    findings.at_most("seconds until a new key is taken", runs, tally.until_taken, UNTIL_ASKED);
    findings.never("tokens of a withdrawn key that are taken then", runs, tally.withdrawn);
    differ(&project, &tenant.api, user, findings).await?;
    invariants::check(&stage, &[&one], reader, findings).await
}

/// The project goes away and comes back with new keys. One router knows the old ones, another was started meanwhile.
async fn be_away(
    stage: &Stage,
    project: &FakeSupabase,
    old: &Api,
    user: Uuid,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    until(old, |answer| answer.is_success()).await?;
    project.set_down(true);
    let mut cold = Program::start(stage.router().stdout(Stdio::piped()), &stage.folder().join("cold.log"))?;
    let cold_url = cold.address().await?;
    let known = Load::start(old.clone(), |api: Api| async move { is_answered(&api).await });
    for _ in 0..5 {
        let answer = old.at(&cold_url).ask("GET", LIST, None).await?;
        tally.cold += Count { asked: 1, failed: u64::from(!is_told_to_wait(&answer)) };
        tally.slowest = tally.slowest.max(answer.took.as_secs_f64());
    }
    project.rotate();
    let new = old.with_key(&project.token(user));
    // Half a minute more, which the short form has not.
    if stage.plan.long {
        tally.until_told = tally.until_told.max(until(&new, is_told_to_wait).await?);
    } else {
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    tally.known += known.stop().await?;
    project.set_down(false);
    let took = [until(&new, Answer::is_success).await?, until(&new.at(&cold_url), Answer::is_success).await?];
    tally.until_taken = tally.until_taken.max(took[0] + took[1]);
    tally.withdrawn += u64::from(old.ask("GET", LIST, None).await?.code() != "unauthorized");
    Ok(())
}

/// Clocks may differ by half a minute.
async fn differ(project: &FakeSupabase, api: &Api, user: Uuid, findings: &mut Findings) -> anyhow::Result<()> {
    let mut wrong = 0;
    let cases = [("nbf", 20, "200"), ("exp", -20, "200"), ("nbf", 60, "unauthorized"), ("exp", -60, "token_expired")];
    for (claim, seconds, expected) in cases {
        let mut claims = project.claims(user);
        let now = claims["iat"].as_i64().unwrap_or_default();
        claims[claim] = (now + seconds).into();
        let answer = api.with_key(&project.sign(Signing::Es256, &claims)).ask("GET", LIST, None).await?;
        let found = if answer.is_success() { "200" } else { answer.code() };
        if found != expected {
            eprintln!("tokens: `{claim}` {seconds} s from now: {}", answer.text);
            wrong += 1;
        }
    }
    findings.never("wrong answers to clocks that differ by 20 and by 60 s", cases.len() as u64, wrong);
    Ok(())
}

async fn is_answered(api: &Api) -> bool {
    api.ask("GET", LIST, None).await.is_ok_and(|answer| answer.is_success())
}

fn is_told_to_wait(answer: &Answer) -> bool {
    answer.status == 503 && answer.code() == "unavailable"
}

/// Asks until the answer is such; how many seconds that took.
async fn until(api: &Api, is_such: impl Fn(&Answer) -> bool) -> anyhow::Result<f64> {
    let since = Instant::now();
    loop {
        let answer = api.ask("GET", LIST, None).await?;
        if is_such(&answer) {
            return Ok(since.elapsed().as_secs_f64());
        }
        anyhow::ensure!(since.elapsed() < PATIENCE, "the answer stays {}: {}", answer.status, answer.text);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
