//! Fault 6: the object store answers 500, 503, too late, half, with refusals that are none, or not at all although it did
//! what was asked. Nothing is lost, tries are bounded, and no root is published before its objects.

use std::time::Duration;

use kotadb_core::testing::s3::faults::Shares;
use nix::sys::signal::Signal;

use crate::history::History;
use crate::invariants;
use crate::reader::Reader;
use crate::report::Findings;
use crate::stage::{Plan, Registered, Stage};

const LEASE: Duration = Duration::from_secs(15);

/// One kind after the other, then all at once.
fn kinds() -> Vec<(&'static str, Shares)> {
    let none = Shares::default();
    vec![
        ("500", Shares { internal: 150, ..none }),
        ("503 slow down", Shares { slow_down: 150, ..none }),
        ("slow", Shares { delay: Duration::from_millis(400), ..none }),
        ("cut answers", Shares { cut: 100, ..none }),
        ("412 that is none", Shares { refused: 250, ..none }),
        ("409", Shares { conflict: 250, ..none }),
        ("lost answers", Shares { lost: 80, ..none }),
        (
            "all at once",
            Shares {
                internal: 20,
                slow_down: 20,
                refused: 15,
                conflict: 20,
                lost: 20,
                cut: 20,
                delay: Duration::from_millis(40),
            },
        ),
    ]
}

/// Pushes while an indexer serves and its store fails.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let stage = Stage::start(plan, LEASE).await?;
    let tenants = [stage.tenant("one").await?, stage.tenant("two").await?];
    let mut repositories = Vec::new();
    for nth in 0..4 {
        repositories.push(stage.register(&tenants[nth % 2], &format!("acme/store{nth}")).await?);
    }
    stage.drain().await?;
    let names = |nth: usize| {
        let own = repositories.iter().skip(nth).step_by(2);
        own.map(|one: &Registered| one.repository.name.clone()).collect::<Vec<_>>()
    };
    let reader = Reader::start(vec![(tenants[0].clone(), names(0)), (tenants[1].clone(), names(1))]);
    let rounds = if plan.long { 5 } else { 1 };
    for (kind, shares) in kinds() {
        let before = stage.s3.faults().met();
        stage.s3.faults().set(shares);
        for _ in 0..rounds {
            disturb(&stage, &mut repositories).await?;
        }
        stage.s3.faults().set(Shares::default());
        let met = stage.s3.faults().met() - before;
        findings.at_least(
            &format!("requests that met faults: {kind}"),
            met as f64,
            if kind == "slow" { 0.0 } else { 1.0 },
        );
    }
    stage.settle_jobs().await?;
    let history = History::read(&stage.postgres).await?;
    findings.never("jobs given up", history.claims(), history.deaths());
    let repositories: Vec<_> = repositories.iter().collect();
    invariants::check(&stage, &repositories, reader, findings).await
}

async fn disturb(stage: &Stage, repositories: &mut [Registered]) -> anyhow::Result<()> {
    for one in repositories.iter_mut() {
        one.push_surely().await?;
    }
    let mut server = stage.start_indexer(&mut stage.indexer("serve", "server"))?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    server.signal(Signal::SIGTERM)?;
    let status = server.wait(Duration::from_secs(60)).await?;
    anyhow::ensure!(status.success(), "the server ended with {status}: {}", stage.last_log("indexer.log"));
    Ok(())
}
