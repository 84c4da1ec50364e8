//! Fault 18: a router that does not run yet. From its start to its socket, and to the first delivery that it accepts.

use std::process::Stdio;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::one_tenant;
use crate::invariants;
use crate::program::Program;
use crate::report::Findings;
use crate::stage::Plan;

/// Starts one router after the other.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let (stage, one, reader) = one_tenant(plan, Duration::from_secs(60), "acme/cold").await?;
    let runs = if plan.long { 50 } else { 10 };
    let (mut listen, mut ack, mut refused) = (Vec::new(), Vec::new(), 0);
    for _ in 0..runs {
        let mut command = stage.router();
        let since = Instant::now();
        let mut router = Program::start(command.stdout(Stdio::piped()), &stage.folder().join("cold.log"))?;
        let url = router.address().await?;
        listen.push(since.elapsed());
        let answer = one.tenant.api.at(&url).deliver(&one.hook, Uuid::now_v7()).await;
        ack.push(since.elapsed());
        refused += u64::from(!answer.is_accepted());
    }
    findings.at_most("milliseconds from start to socket, p99", runs, p99(&mut listen), 100.0);
    findings.at_most("milliseconds from start to the first acknowledgement, p99", runs, p99(&mut ack), 3000.0);
    findings.never("first deliveries refused", runs, refused);
    stage.settle_jobs().await?;
    invariants::check(&stage, &[&one], reader, findings).await
}

fn p99(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    let nth = (times.len() * 99).div_ceil(100).saturating_sub(1);
    times.get(nth).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
}
