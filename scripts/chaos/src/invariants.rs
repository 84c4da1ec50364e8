//! What must hold after every fault, whatever it was.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use kotadb_core::id::TenantId;
use kotadb_indexer::halt::Halt;
use kotadb_indexer::{clock, gc};

use crate::history::History;
use crate::reader::{Reader, Seen};
use crate::report::Findings;
use crate::repository::{FILES, generation_of};
use crate::stage::{Registered, Stage};

const HOUR: u64 = 3600 * 1000;
/// A router asks for HEAD once a second.
pub const FRESH: Duration = Duration::from_secs(2);

/// Checks all of them once the jobs have settled. `reader` has read since before the fault.
pub async fn check(
    stage: &Stage,
    registered: &[&Registered],
    reader: Reader,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let seen = reader.stop().await;
    searchable(registered, findings).await?;
    jobs(stage, findings).await?;
    published(stage, findings);
    read(&seen, findings);
    let tenants: BTreeSet<TenantId> = registered.iter().map(|one| one.tenant.id).collect();
    unreferenced(stage, &tenants, findings).await
}

/// I1: the last tip of every repository is searchable, whole.
pub async fn searchable(registered: &[&Registered], findings: &mut Findings) -> anyhow::Result<()> {
    let mut lost = 0;
    for one in registered {
        lost += u64::from(!is_searchable(one).await?);
    }
    findings.never("I1 last tips that are not searchable", registered.len() as u64, lost);
    Ok(())
}

/// Whether the newest generation of a repository, and nothing else, is found.
pub async fn is_searchable(one: &Registered) -> anyhow::Result<bool> {
    let (name, word) = (&one.repository.name, one.repository.word());
    let since = Instant::now();
    loop {
        if let Some(lines) = one.tenant.api.search(&word, Some(name)).await? {
            let is_newest = |line: &serde_json::Value| {
                line["text"].as_str().and_then(generation_of) == Some(one.repository.generation())
            };
            if lines.len() == FILES && lines.iter().all(is_newest) {
                return Ok(true);
            }
            if since.elapsed() > FRESH {
                return Ok(false);
            }
        }
        if since.elapsed() > Duration::from_secs(20) {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until the newest generation is searchable; how long that took.
pub async fn until_searchable(one: &Registered, patience: Duration) -> anyhow::Result<Option<Duration>> {
    let since = Instant::now();
    while since.elapsed() < patience {
        if is_searchable(one).await? {
            return Ok(Some(since.elapsed()));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(None)
}

/// I2 and I6, by the history of all rows.
pub async fn jobs(stage: &Stage, findings: &mut Findings) -> anyhow::Result<()> {
    let history = History::read(&stage.postgres).await?;
    findings.never("I2 second running jobs of a repository", history.claims(), history.two_running());
    findings.never("I6 changes with wrong counts", history.changes.len() as u64, history.miscounted());
    Ok(())
}

/// I3 and the publishes, by every HEAD that was written.
pub fn published(stage: &Stage, findings: &mut Findings) {
    let breaches = stage.s3.heads().breaches();
    findings.never("I3 fences that fell", breaches.versions, breaches.fence_fell);
    findings.never("duplicate publishes", breaches.versions, breaches.published_twice);
    findings.never("objects named before they were there", breaches.versions, breaches.dangling);
}

/// I4 and I5, by what was read meanwhile.
pub fn read(seen: &Seen, findings: &mut Findings) {
    let answers = seen.answers.load(Ordering::SeqCst);
    findings.never("I4 torn reads", answers, seen.torn.load(Ordering::SeqCst));
    findings.never("I5 lines of another tenant", answers, seen.foreign.load(Ordering::SeqCst));
}

/// I7: two days later the store holds what the roots name, and nothing else.
async fn unreferenced(stage: &Stage, tenants: &BTreeSet<TenantId>, findings: &mut Findings) -> anyhow::Result<()> {
    let (store, mut left, mut objects) = (stage.s3.store()?, 0, 0);
    for &tenant in tenants {
        for hours in [1, 26, 51] {
            gc::collect(&store, tenant, clock::now_ms() + hours * HOUR, &Halt::default()).await?;
        }
        let (root, _) = store.head(tenant).await?;
        let there: BTreeSet<_> = store.list(tenant).await?.into_iter().map(|(kind, key, _)| (kind, key)).collect();
        let named = gc::named(&store, tenant, &root).await?;
        left += there.symmetric_difference(&named).count() as u64;
        objects += there.len() as u64;
    }
    findings.never("I7 objects that nothing names, or that are not there", objects, left);
    Ok(())
}
