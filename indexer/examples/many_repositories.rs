//! Measures one tenant with many small repositories: the size of its root, what a publish costs, what searches cost, and
//! the same after a compaction. `cargo run --release --example many_repositories -- 10000`.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::query;
use kotadb_core::search::{SearchRequest, Searcher, Visible};
use kotadb_core::store::{Store, StoreOptions};
use kotadb_indexer::advance::Advance;
use kotadb_indexer::contents::Source;
use kotadb_indexer::halt::Halt;
use kotadb_indexer::held::HeldCache;
use kotadb_indexer::layers::Bases;
use kotadb_indexer::pipeline::{Listings, Pipeline};
use kotadb_indexer::tips::Tips;
use kotadb_indexer::upkeep::Upkeep;
use kotadb_indexer::{clock, folder};
use uuid::Uuid;

const TENANT: TenantId = TenantId::LOCAL;
const REF: &str = "refs/heads/main";

#[tokio::main]
async fn main() -> Result<()> {
    let count: u128 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1000);
    let scratch = tempfile::tempdir()?;
    let store = Store::open(&StoreOptions::Folder(scratch.path().join("objects")))?;
    let held = HeldCache::default();
    let started = Instant::now();
    for nth in 0..count {
        publish(&store, &held, scratch.path(), nth, "first").await?;
    }
    println!("{count} repositories published one by one in {:.1} s", started.elapsed().as_secs_f64());
    measure(&store, count, "before compaction").await?;
    let halt = Halt::default();
    let upkeep = Upkeep { store: &store, tenant: TENANT, folder: scratch.path(), now_ms: clock::now_ms(), halt: &halt };
    let started = Instant::now();
    let done = upkeep.compact(u64::MAX).await?;
    println!("compaction in {:.1} s: {done:?}", started.elapsed().as_secs_f64());
    measure(&store, count, "after compaction").await?;
    let started = Instant::now();
    for nth in 0..10 {
        publish(&store, &held, scratch.path(), nth, "second").await?;
    }
    println!("a further publish takes {:.1} ms", started.elapsed().as_secs_f64() * 100.0);
    Ok(())
}

async fn publish(store: &Store, held: &HeldCache, scratch: &Path, nth: u128, version: &str) -> Result<()> {
    let tree = scratch.join("tree");
    std::fs::create_dir_all(&tree)?;
    for file in 0..3 {
        std::fs::write(tree.join(format!("f{file}.rs")), format!("fn word{nth}_{file}_{version}() {{}}\n"))?;
    }
    let (listing, files) = folder::list(&tree)?;
    let commit = listing.commit;
    let (root, _) = store.head(TENANT).await?;
    let repository = RepositoryId(Uuid::from_u128(nth + 1));
    let before = Tips::load(store, TENANT, &root, repository).await?;
    let (source, halt) = (Source::Files(files), Halt::default());
    let whole = std::iter::once(commit).collect();
    let pipeline = Pipeline { store, tenant: TENANT, source: &source, folder: scratch, whole: &whole, halt: &halt };
    let documents = held.load(store, TENANT, &root).await?;
    let listings = Listings::Ready(Some(listing));
    let made = pipeline.run(listings, documents, Bases::default(), &mut |_| {}).await?;
    let mut after = Tips { default: Some(REF.to_owned()), ..Tips::default() };
    after.by_name.extend(made.tip(REF, commit).map(|tip| (REF.to_owned(), tip)));
    let now_ms = clock::now_ms();
    let before = &before;
    let advance = Advance { store, tenant: TENANT, repository, fence: 1, before, usable: true, now_ms, halt: &halt };
    advance.publish(after, made).await?;
    Ok(())
}

async fn measure(store: &Store, count: u128, when: &str) -> Result<()> {
    let (root, _) = store.head(TENANT).await?;
    let bytes = root.encode().len();
    let dropped = kotadb_core::store::Root { dropped: Vec::new(), ..root.clone() }.encode().len();
    println!(
        "{when}: HEAD has {bytes} bytes ({dropped} without what was dropped, {:.0} a repository), {} segments",
        dropped as f64 / count as f64,
        root.segments.len()
    );
    let visible =
        |nth| Visible { id: RepositoryId(Uuid::from_u128(nth + 1)), name: format!("a/{nth}"), hidden: [].into() };
    let all: Vec<Visible> = (0..count).map(visible).collect();
    let middle = count / 2;
    for (what, visible) in [("one repository", vec![visible(middle)]), ("the tenant", all)] {
        let searcher = Searcher::new(store.clone(), 256 << 20);
        for warmth in ["cold", "warm"] {
            let text = format!("word{middle}_1_first");
            let request = SearchRequest::new(TENANT, visible.clone(), query::parse(&text)?);
            let started = Instant::now();
            let found = searcher.search(&request).await?;
            let (ms, stats) = (started.elapsed().as_secs_f64() * 1000.0, found.stats);
            println!(
                "{when}: a rare word in {what}, {warmth}: {ms:.1} ms, {} GETs, {} round trips, {} files",
                stats.gets,
                stats.round_trips,
                found.files.len()
            );
        }
    }
    Ok(())
}
