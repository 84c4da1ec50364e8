//! One tenant with many small repositories: the size of its root, and what publishing, compaction and searching cost.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::query;
use kotadb_core::search::{SearchRequest, Searcher, Visible};
use kotadb_core::store::{Latency, Store, StoreOptions};
use kotadb_indexer::advance::Advance;
use kotadb_indexer::compact::Extent;
use kotadb_indexer::contents::Source;
use kotadb_indexer::halt::Halt;
use kotadb_indexer::held_cache::HeldCache;
use kotadb_indexer::layers::Bases;
use kotadb_indexer::pipeline::{Listings, Pipeline};
use kotadb_indexer::tips::Tips;
use kotadb_indexer::upkeep::Upkeep;
use kotadb_indexer::{clock, folder};
use uuid::Uuid;

use crate::rows::{Row, Rows};
use crate::samples::median;

/// `many`
#[derive(Debug, Args)]
pub struct ManyArgs {
    /// Repositories of the tenant.
    #[arg(long, default_value_t = 10_000)]
    repositories: usize,
    /// Folder of the tenant, made anew.
    #[arg(long, default_value = "target/bench/many")]
    folder: PathBuf,
}

const TENANT: TenantId = TenantId::LOCAL;
const REF: &str = "refs/heads/main";
const CACHE: u64 = 256 << 20;
/// What a repository may take of the root, in bytes.
const ROOT_BYTES: f64 = 120.0;
/// Publishes that are timed, of the last ones.
const TIMED: usize = 100;

/// A tenant in a folder, and what this process knows of it.
struct Tenant {
    folder: PathBuf,
    store: Store,
    held: HeldCache,
    repositories: Vec<RepositoryId>,
    rows: Vec<Row>,
}

/// Publishes one repository after the other, then searches, compacts, searches, and publishes again.
pub fn run(args: &ManyArgs, rows: &mut Rows) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if args.folder.exists() {
        std::fs::remove_dir_all(&args.folder).with_context(|| format!("cannot remove `{}`", args.folder.display()))?;
    }
    let mut tenant = Tenant {
        folder: args.folder.clone(),
        store: Store::open(&StoreOptions::Folder(args.folder.join("objects")))?,
        held: HeldCache::default(),
        repositories: (0..args.repositories).map(|_| RepositoryId(Uuid::now_v7())).collect(),
        rows: Vec::new(),
    };
    runtime.block_on(tenant.measure())?;
    rows.write("many", &tenant.rows)?;
    std::fs::remove_dir_all(&args.folder).with_context(|| format!("cannot remove `{}`", args.folder.display()))
}

impl Tenant {
    async fn measure(&mut self) -> anyhow::Result<()> {
        let n = self.repositories.len();
        self.publish("publish", 0..n, ("first", false)).await?;
        self.root("root").await?;
        self.search("").await?;
        let halt = Halt::default();
        let upkeep = self.upkeep(&halt);
        let started = Instant::now();
        upkeep.compact(Extent::All).await?;
        let compacted = started.elapsed().as_secs_f64();
        let started = Instant::now();
        upkeep.collect().await?;
        let collected = started.elapsed().as_secs_f64();
        self.row("compaction", "elapsed", compacted, "s");
        self.row("collection", "elapsed", collected, "s");
        self.root("root, compacted").await?;
        self.search(", compacted").await?;
        self.publish("publish and upkeep, compacted", 0..TIMED.min(n), ("second", true)).await
    }

    fn row(&mut self, name: &str, metric: &str, value: f64, unit: &str) {
        self.rows.push(Row::ours(&format!("many {name}"), metric, value, unit));
    }

    fn upkeep<'a>(&'a self, halt: &'a Halt) -> Upkeep<'a> {
        let now_ms = clock::now_ms();
        Upkeep { store: &self.store, tenant: TENANT, folder: &self.folder, now_ms, halt }
    }

    /// Publishes repositories one by one; `true`: with the upkeep that follows a job.
    async fn publish(
        &mut self,
        name: &str,
        which: std::ops::Range<usize>,
        (version, looked_after): (&str, bool),
    ) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut times = Vec::new();
        for nth in which {
            let started = Instant::now();
            self.publish_one(nth, version).await?;
            if looked_after {
                let touched = std::iter::once(self.repositories[nth]).collect();
                self.upkeep(&Halt::default()).after_run(&touched).await?;
            }
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        let last = times[times.len() - TIMED.min(times.len())..].to_vec();
        let first = times[..TIMED.min(times.len())].to_vec();
        self.row(name, "elapsed", started.elapsed().as_secs_f64(), "s");
        self.row(name, "first_100_p50", median(first), "ms");
        self.row(name, "last_100_p50", median(last), "ms");
        Ok(())
    }

    async fn publish_one(&self, nth: usize, version: &str) -> anyhow::Result<()> {
        let tree = self.folder.join("tree");
        write_tree(&tree, nth, version)?;
        let (listing, files) = folder::list(&tree)?;
        let (store, commit, repository) = (&self.store, listing.commit, self.repositories[nth]);
        let (root, _) = store.head(TENANT).await?;
        let before = &Tips::load(store, TENANT, &root, repository).await?;
        let (source, halt, folder) = (Source::Files(files), Halt::default(), self.folder.as_path());
        let whole = std::iter::once(commit).collect();
        let pipeline = Pipeline { store, tenant: TENANT, source: &source, folder, whole: &whole, halt: &halt };
        let held = self.held.load(store, TENANT, &root, &[]).await?;
        let listings = Listings::Ready(Some(listing));
        let made = pipeline.run(listings, held, Bases::default(), &mut |_| {}).await?;
        let mut after = Tips { default: Some(REF.to_owned()), ..Tips::default() };
        after.by_name.extend(made.tip(REF, commit).map(|tip| (REF.to_owned(), tip)));
        let now_ms = clock::now_ms();
        let advance = Advance {
            store,
            tenant: TENANT,
            repository,
            fence: 1,
            before,
            usable: true,
            most_bytes: None,
            now_ms,
            halt: &halt,
        };
        advance.publish(after, made).await?;
        Ok(())
    }

    async fn root(&mut self, name: &str) -> anyhow::Result<()> {
        let (root, _) = self.store.head(TENANT).await?;
        let bytes = root.encode().len() as f64 / self.repositories.len() as f64;
        self.row(name, "segments", root.segments.len() as f64, "count");
        self.rows.push(Row::ours(&format!("many {name}"), "bytes_a_repository", bytes, "B").at_most(ROOT_BYTES));
        Ok(())
    }

    /// A word that one repository holds, asked of that one and of all; with an empty cache from far away, then again.
    async fn search(&mut self, when: &str) -> anyhow::Result<()> {
        let middle = self.repositories.len() / 2;
        let visible = |(nth, id): (usize, &RepositoryId)| Visible {
            id: *id,
            name: format!("a/{nth}"),
            hidden: std::collections::BTreeSet::new(),
        };
        let all: Vec<Visible> = self.repositories.iter().enumerate().map(visible).collect();
        for (who, visible) in [("one", vec![all[middle].clone()]), ("all", all)] {
            let query = query::parse(&format!("word{middle}_1_first"))?;
            let request = SearchRequest::new(TENANT, visible, query);
            let (far, traffic) = self.store.far_away(Latency::default())?;
            let started = Instant::now();
            let found = Searcher::new(far, CACHE).search(&request).await?;
            let ms = started.elapsed().as_secs_f64() * 1e3;
            anyhow::ensure!(found.files.len() == 1, "{} files hold the word", found.files.len());
            let name = format!("search of {who}{when}");
            self.row(&name, "cold", ms, "ms");
            self.row(&name, "gets", traffic.gets() as f64, "count");
            self.row(&name, "round_trips", f64::from(found.stats.round_trips), "count");
            self.row(&name, "bytes", traffic.bytes() as f64 / 1e6, "MB");
            let near = Searcher::new(self.store.clone(), CACHE);
            near.search(&request).await?;
            let started = Instant::now();
            near.search(&request).await?;
            self.row(&name, "warm", started.elapsed().as_secs_f64() * 1e3, "ms");
        }
        Ok(())
    }
}

/// Three files that no other repository has.
fn write_tree(tree: &Path, nth: usize, version: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(tree)?;
    for file in 0..3 {
        std::fs::write(tree.join(format!("f{file}.rs")), format!("fn word{nth}_{file}_{version}() {{}}\n"))?;
    }
    Ok(())
}
