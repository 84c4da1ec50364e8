//! Searches all the time, as two tenants, and compares what it finds with what may be there: one whole generation of each
//! repository, never an older one than before, and nothing of anybody else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;

use crate::repository::{FILES, generation_of, word_of};
use crate::stage::Tenant;

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Seen {
    /// Answers.
    pub answers: AtomicU64,
    /// Requests that the service could not answer.
    pub unanswered: AtomicU64,
    /// Answers of two generations, of part of one, or of one that is over.
    pub torn: AtomicU64,
    /// Lines of another tenant.
    pub foreign: AtomicU64,
}

/// A reader; dropped, it ends.
#[derive(Debug)]
pub struct Reader {
    seen: Arc<Seen>,
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

/// A tenant, and the names of its repositories.
pub type Readable = (Tenant, Vec<String>);

impl Reader {
    /// Begins to search.
    pub fn start(tenants: Vec<Readable>) -> Self {
        let (seen, stop) = (Arc::<Seen>::default(), Arc::<AtomicBool>::default());
        let task = tokio::spawn(read_on(tenants, Arc::clone(&seen), Arc::clone(&stop)));
        Self { seen, stop, task }
    }

    /// Ends after the search that is going on; what was seen.
    pub async fn stop(mut self) -> Arc<Seen> {
        self.stop.store(true, Ordering::SeqCst);
        // It ends by itself; one that does not is aborted when this is dropped.
        let _late = tokio::time::timeout(Duration::from_secs(60), &mut self.task).await;
        Arc::clone(&self.seen)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_on(tenants: Vec<Readable>, seen: Arc<Seen>, stop: Arc<AtomicBool>) {
    let mut newest = BTreeMap::new();
    while !stop.load(Ordering::SeqCst) {
        for (tenant, names) in &tenants {
            for name in names {
                read(tenant, name, &seen, newest.entry(name.clone()).or_default()).await;
            }
            read_all(tenant, names, &seen).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn read(tenant: &Tenant, name: &str, seen: &Seen, newest: &mut u64) {
    let Some(lines) = ask(tenant, &word_of(name), Some(name), seen).await else { return };
    let generations: Vec<_> = lines.iter().map(generation).collect();
    let is_whole = lines.len() == FILES && generations.iter().all(|one| *one == generations[0]);
    // Nothing is there before the first publish.
    let is_early = lines.is_empty() && *newest == 0;
    let generation = generations.first().copied().flatten().unwrap_or_default();
    if (!is_whole && !is_early) || generation < *newest {
        seen.torn.fetch_add(1, Ordering::SeqCst);
    }
    *newest = generation.max(*newest);
}

/// All that the key may see: nothing of anybody else.
async fn read_all(tenant: &Tenant, names: &[String], seen: &Seen) {
    let Some(lines) = ask(tenant, "generation_", None, seen).await else { return };
    let is_own = |line: &&Value| line["repository"].as_str().is_some_and(|name| names.iter().any(|own| own == name));
    let foreign = lines.len() - lines.iter().filter(is_own).count();
    seen.foreign.fetch_add(foreign as u64, Ordering::SeqCst);
}

async fn ask(tenant: &Tenant, query: &str, repository: Option<&str>, seen: &Seen) -> Option<Vec<Value>> {
    match tenant.api.search(query, repository).await {
        Ok(Some(lines)) => {
            seen.answers.fetch_add(1, Ordering::SeqCst);
            Some(lines)
        }
        Ok(None) => {
            seen.unanswered.fetch_add(1, Ordering::SeqCst);
            None
        }
        // A refusal of what is allowed is as wrong as a torn answer.
        Err(error) => {
            eprintln!("reader: {error:#}");
            seen.torn.fetch_add(1, Ordering::SeqCst);
            None
        }
    }
}

fn generation(line: &Value) -> Option<u64> {
    generation_of(line["text"].as_str()?)
}
