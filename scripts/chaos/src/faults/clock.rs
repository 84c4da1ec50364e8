//! Fault 11: the clocks of two workers are an hour fast and an hour slow, and both work at once. Leases and order are the
//! database's, so nothing shows.

use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::one_tenant;
use crate::history::History;
use crate::invariants;
use crate::report::Findings;
use crate::stage::Plan;

/// Pushes while both serve.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    // The program itself stays between us and the worker, and passes no signal on; so only its library is used.
    let Ok(library) = Command::new("faketime").args(["-f", "+0", "printenv", "LD_PRELOAD"]).output() else {
        findings.needs("the program `faketime` (`apt-get install faketime`)");
        return Ok(());
    };
    let library = String::from_utf8_lossy(&library.stdout).trim().to_owned();
    let (stage, mut one, reader) = one_tenant(plan, Duration::from_secs(15), "acme/clock").await?;
    let mut servers = Vec::new();
    for (offset, name) in [("+1h", "fast"), ("-1h", "slow")] {
        let mut command = stage.indexer("serve", name);
        command.env("LD_PRELOAD", &library).env("FAKETIME", offset).env("DONT_FAKE_MONOTONIC", "1");
        servers.push(stage.start_indexer(&mut command)?);
    }
    let (mut late, pushes) = (0, if plan.long { 60 } else { 6 });
    for _ in 0..pushes {
        one.push_surely().await?;
        late += u64::from(invariants::until_searchable(&one, Duration::from_secs(30)).await?.is_none());
    }
    for server in &mut servers {
        server.signal(Signal::SIGTERM)?;
    }
    for server in &mut servers {
        anyhow::ensure!(server.wait(Duration::from_secs(60)).await?.success(), "a worker failed");
    }
    findings.never("tips not found in 30 s", pushes, late);
    findings.never("crashes counted", pushes, History::read(&stage.postgres).await?.crashes());
    stage.settle_jobs().await?;
    invariants::check(&stage, &[&one], reader, findings).await
}
