//! Fault 12: the git server is down. Deliveries are accepted all the same, and their jobs done when it is back.

use std::collections::BTreeMap;
use std::time::Duration;

use kotadb_core::http::git_backend::GitServer;

use super::DUE;
use crate::history::History;
use crate::invariants;
use crate::reader::Reader;
use crate::report::Findings;
use crate::stage::{Plan, Stage};

/// A git server that goes and comes back at its address.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let mut stage = Stage::open(plan, Duration::from_secs(30)).await?;
    let tenant = stage.tenant("one").await?;
    let mut one = stage.register(&tenant, "acme/outside").await?;
    stage.drain().await?;
    let reader = Reader::start(vec![(tenant, vec![one.repository.name.clone()])]);
    let (mut refused, mut slowest, runs): (u64, f64, u64) = (0, 0.0, if plan.long { 10 } else { 2 });
    for _ in 0..runs {
        let port = stage.git.port();
        let away = GitServer::start(BTreeMap::new(), None).await?;
        drop(std::mem::replace(&mut stage.git, away));
        // The old server's socket closes with its task.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let ack = one.push().await?;
        refused += u64::from(!ack.is_accepted());
        slowest = slowest.max(ack.took.as_secs_f64());
        tokio::time::sleep(DUE).await;
        let mut command = stage.indexer("drain", "worker");
        let origin = format!("http://127.0.0.1:{port}");
        let mut worker = stage.start_indexer(command.env("KOTADB_GIT_ALLOWED_ORIGINS", &origin))?;
        anyhow::ensure!(worker.wait(Duration::from_secs(90)).await?.success(), "the worker failed");
        let served = BTreeMap::from([(one.repository.name.clone(), one.repository.path().to_owned())]);
        stage.git = GitServer::start(served, Some(port)).await?;
        anyhow::ensure!(stage.git.port() == port, "the port {port} was taken meanwhile");
        stage.settle_jobs().await?;
    }
    findings.never("deliveries refused while git was away", runs, refused);
    findings.at_most("seconds to the slowest acknowledgement", runs, slowest, 3.0);
    findings.never("jobs given up", runs, History::read(&stage.postgres).await?.deaths());
    invariants::check(&stage, &[&one], reader, findings).await
}
