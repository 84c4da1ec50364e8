//! One repository with many refs, each differing from the default one in twenty files that no other ref has: what they add
//! to the index. What is promised is what a ref costs beside the documents that it holds anew, since those are text that
//! nobody held before; what they come to is stated beside it. The repository is made here, by `git fast-import`.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use kotadb_core::id::{ObjectId, RepositoryId, TenantId};
use kotadb_core::store::{Kind, Store, StoreOptions};
use kotadb_indexer::advance::Advance;
use kotadb_indexer::compact::Extent;
use kotadb_indexer::contents::Source;
use kotadb_indexer::halt::Halt;
use kotadb_indexer::held_cache::HeldCache;
use kotadb_indexer::layers::Bases;
use kotadb_indexer::pipeline::{Listings, Pipeline};
use kotadb_indexer::tips::Tips;
use kotadb_indexer::upkeep::Upkeep;
use kotadb_indexer::{clock, gc};
use uuid::Uuid;

use crate::rows::{Row, Rows};

/// `refs`
#[derive(Debug, Args)]
pub struct RefsArgs {
    /// Refs beside the default one.
    #[arg(long, default_value_t = 1000)]
    refs: usize,
    /// Files of the default one.
    #[arg(long, default_value_t = 3000)]
    files: usize,
    /// Folder of repository and index, made anew.
    #[arg(long, default_value = "target/bench/refs")]
    folder: PathBuf,
}

const TENANT: TenantId = TenantId::LOCAL;
const REPOSITORY: RepositoryId = RepositoryId(Uuid::from_u128(1));
const DEFAULT: &str = "refs/heads/main";
/// Files in which a ref differs.
const CHANGED: usize = 20;
/// How many lines of a file are kept for each that a ref changes.
const KEPT_LINES: usize = 40;
/// What 100 refs may add to the index beside documents, in percent.
const MOST_PERCENT: f64 = 2.0;
/// What a document that a ref holds anew may take, for each byte that one of the default ref takes.
const MOST_OF_DOCUMENT: f64 = 1.0;

/// Bytes of what HEAD names: segments, and all else.
struct Size {
    segments: f64,
    names: f64,
}

/// Indexes the default ref, then all others at once.
pub fn run(args: &RefsArgs, rows: &mut Rows) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if args.folder.exists() {
        std::fs::remove_dir_all(&args.folder)?;
    }
    let repository = args.folder.join("repository");
    let commits = generate(&repository, args)?;
    let out = runtime.block_on(measure(args, &repository, &commits))?;
    rows.write("refs", &out)?;
    std::fs::remove_dir_all(&args.folder).with_context(|| format!("cannot remove `{}`", args.folder.display()))
}

async fn measure(args: &RefsArgs, repository: &Path, commits: &BTreeMap<String, ObjectId>) -> anyhow::Result<Vec<Row>> {
    let store = Store::open(&StoreOptions::Folder(args.folder.join("objects")))?;
    let first = BTreeMap::from([(DEFAULT.to_owned(), commits[DEFAULT])]);
    index(&store, args, repository, &first).await?;
    let before = size(&store).await?;
    let started = Instant::now();
    index(&store, args, repository, commits).await?;
    let seconds = started.elapsed().as_secs_f64();
    let halt = Halt::default();
    let upkeep = Upkeep { store: &store, tenant: TENANT, folder: &args.folder, now_ms: clock::now_ms(), halt: &halt };
    upkeep.compact(Extent::All).await?;
    let after = size(&store).await?;
    let hundreds = args.refs as f64 / 100.0;
    let percent = |bytes: f64| bytes * 100.0 / (before.segments + before.names) / hundreds;
    let of_document = (after.segments - before.segments) / (args.refs * CHANGED) as f64;
    let row = |metric, value, unit| Row::ours("refs", metric, value, unit);
    Ok(vec![
        row("refs", args.refs as f64, "count"),
        row("elapsed", seconds, "s"),
        row("names_per_100", percent(after.names - before.names), "%").at_most(MOST_PERCENT),
        row("documents_per_100", percent(after.segments - before.segments), "%"),
        row("whole_per_100", percent(after.segments + after.names - before.segments - before.names), "%"),
        row("bytes_a_new_document", of_document, "B"),
        row("new_document/document", of_document / (before.segments / args.files as f64), "ratio")
            .at_most(MOST_OF_DOCUMENT),
        row("bytes_a_ref", (after.names - before.names) / args.refs as f64, "B"),
    ])
}

/// One publish of some refs.
async fn index(
    store: &Store,
    args: &RefsArgs,
    repository: &Path,
    refs: &BTreeMap<String, ObjectId>,
) -> anyhow::Result<()> {
    let (root, _) = store.head(TENANT).await?;
    let before = &Tips::load(store, TENANT, &root, REPOSITORY).await?;
    let held = HeldCache::default().load(store, TENANT, &root, &[]).await?;
    let bases = Bases::load(store, TENANT, before).await?;
    let (source, halt) = (Source::Repository(repository.to_owned()), Halt::default());
    let whole = std::iter::once(refs[DEFAULT]).collect();
    let folder = args.folder.as_path();
    let pipeline = Pipeline { store, tenant: TENANT, source: &source, folder, whole: &whole, halt: &halt };
    let new: VecDeque<ObjectId> = refs.values().copied().filter(|commit| before.at(*commit).is_none()).collect();
    let made = pipeline.run(Listings::Commits(new), held, bases, &mut |_| {}).await?;
    let mut after = Tips { default: Some(DEFAULT.to_owned()), ..Tips::default() };
    for (name, commit) in refs {
        let tip = before.by_name.get(name).cloned().or_else(|| made.tip(name, *commit));
        after.by_name.insert(name.clone(), tip.context("a ref was left out")?);
    }
    let now_ms = clock::now_ms();
    let advance = Advance {
        store,
        tenant: TENANT,
        repository: REPOSITORY,
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

async fn size(store: &Store) -> anyhow::Result<Size> {
    let (root, _) = store.head(TENANT).await?;
    let named = gc::named(store, TENANT, &root).await?;
    let mut size = Size { segments: 0.0, names: root.encode().len() as f64 };
    for (kind, key, bytes) in store.list(TENANT).await? {
        match kind {
            _ if !named.contains(&(kind, key)) => {}
            Kind::Segment => size.segments += bytes as f64,
            _ => size.names += bytes as f64,
        }
    }
    Ok(size)
}

/// Makes the repository; the commit of each ref.
fn generate(folder: &Path, args: &RefsArgs) -> anyhow::Result<BTreeMap<String, ObjectId>> {
    std::fs::create_dir_all(folder)?;
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.args(args).current_dir(folder);
        git
    };
    anyhow::ensure!(git(&["init", "--quiet", "--bare"]).status()?.success(), "git init failed");
    let mut import = git(&["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn()?;
    import.stdin.take().context("a pipe was asked for")?.write_all(script(args)?.as_bytes())?;
    anyhow::ensure!(import.wait()?.success(), "git fast-import failed");
    let listed = git(&["for-each-ref", "--format=%(refname) %(objectname)"]).output()?;
    let listed = String::from_utf8(listed.stdout)?;
    let named = listed.lines().filter_map(|line| line.split_once(' '));
    named.map(|(name, commit)| Ok((name.to_owned(), commit.parse().context("no commit")?))).collect()
}

fn script(args: &RefsArgs) -> anyhow::Result<String> {
    let mut script = String::new();
    commit(&mut script, "main", "", (0..args.files).map(|file| (file, 0)))?;
    for nth in 0..args.refs {
        let file = |i: usize| ((i * 151 + nth / 10 * 7) % args.files, 1 + nth);
        commit(&mut script, &format!("b{nth}"), "from refs/heads/main\n", (0..CHANGED).map(file))?;
    }
    Ok(script)
}

fn commit(
    script: &mut String,
    branch: &str,
    from: &str,
    files: impl Iterator<Item = (usize, usize)>,
) -> anyhow::Result<()> {
    writeln!(script, "commit refs/heads/{branch}\ncommitter t <t@example.invalid> 1600000000 +0000\ndata 1\nx")?;
    script.push_str(from);
    for (file, version) in files {
        let text = text(file, version)?;
        let path = format!("src/part{:02}/module{:02}/file{file}.rs", file % 40, file % 13);
        writeln!(script, "M 100644 inline {path}\ndata {}\n{text}", text.len())?;
    }
    Ok(())
}

/// Words as code has them, so that the text compresses and indexes as code does. A version is the default one's with some
/// lines of its own, as an edit leaves it.
fn text(file: usize, version: usize) -> anyhow::Result<String> {
    let mut text = String::new();
    for line in 0..60 + file % 90 {
        let edited = version > 0 && (line + version).is_multiple_of(KEPT_LINES);
        let mut seed = mixed((file << 40 | line << 20 | if edited { version } else { 0 }) as u64);
        let mut word = || {
            seed = mixed(seed);
            ["result", "index", "segment", "offset", "read_page", "flush", "table", "lookup"][(seed >> 61) as usize]
        };
        let (a, b, c) = (word(), word(), word());
        writeln!(text, "    let {a}_{} = {b}.{c}({file}, {line});", (seed >> 40) % 500)?;
    }
    Ok(text)
}

/// A number that looks random.
fn mixed(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
