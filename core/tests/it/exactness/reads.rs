//! What searches send to a store that is far away: how much, how often, and what they share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::future;
use kotadb_core::search::{FileMatch, SearchError, SearchRequest, Searcher};
use kotadb_core::segment::Class;
use kotadb_core::store::{DiskOptions, Latency, Store, StoreError, StoreOptions, Traffic};
use kotadb_core::text::Language;
use tokio::time::sleep;

use super::CACHE;
use super::index::{File, Index, Repository};
use super::semantics::large;

/// A bucket on the other side of the street.
const LATENCY: Latency = Latency {
    p50: Duration::from_millis(3),
    p90: Duration::from_millis(5),
    slow_share: 0.0,
    slow: Duration::ZERO,
    bytes_per_second: 1 << 30,
    seed: 5,
};

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(test)
}

async fn far_index() -> (Index, Store, Arc<Traffic>) {
    let near = Store::open(&StoreOptions::Memory).unwrap();
    let index = Index::publish(near, &large(), 100).await;
    let (far, traffic) = index.store.far_away(LATENCY).unwrap();
    (index, far, traffic)
}

fn request(index: &Index, query: &str) -> SearchRequest {
    index.request(query, None).unwrap()
}

#[test]
fn searches_that_miss_the_same_read_it_once() {
    run(async {
        let (index, far, traffic) = far_index().await;
        let request = request(&index, "needle_number_17");
        let alone = Searcher::new(far.clone(), CACHE).search(&request).await.unwrap();
        assert_eq!(u64::from(alone.stats.gets), traffic.gets(), "{:?}", alone.stats);
        assert!(alone.stats.round_trips <= 4, "{:?}", alone.stats);
        let before = traffic.gets();
        let searcher = Searcher::new(far, CACHE);
        let answers = future::join_all((0..20).map(|_| searcher.search(&request))).await;
        for answer in answers {
            assert_eq!(answer.unwrap().files, alone.files);
        }
        assert!(traffic.gets() - before <= before, "{} GETs, {before} alone", traffic.gets() - before);
    });
}

#[test]
fn a_second_tier_saves_reads_and_damaged_changes_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (index, far, traffic) = far_index().await;
        let request = request(&index, "needle_number_17");
        let search = async || {
            let (store, before) =
                (far.with_disk(&DiskOptions::new(folder.path().into(), 1 << 26)).unwrap(), traffic.gets());
            store.settle_disk().await;
            let answer = Searcher::new(store.clone(), CACHE).search(&request).await.unwrap();
            assert_eq!(u64::from(answer.stats.gets), traffic.gets() - before, "{:?}", answer.stats);
            store.settle_disk().await;
            (answer.files, traffic.gets() - before)
        };
        let (files, gets) = search().await;
        assert_eq!(files.len(), 1);
        let mut fewest = gets;
        // On a busy machine a read of the disk can be late, so that the bucket is asked, too.
        for _ in 0..50 {
            let (again, gets) = search().await;
            assert_eq!(again, files);
            fewest = fewest.min(gets);
        }
        assert!(fewest < gets, "{fewest} GETs, {gets} at first");
        let packs = files_below(folder.path());
        assert!(!packs.is_empty());
        for pack in packs {
            let mut bytes = std::fs::read(&pack).unwrap();
            let middle = bytes.len() / 2;
            bytes.iter_mut().skip(middle).step_by(7).for_each(|byte| *byte ^= 0x55);
            std::fs::write(&pack, bytes).unwrap();
        }
        assert_eq!(search().await.0, files);
    });
}

#[test]
fn a_search_that_is_cancelled_strands_no_other() {
    run(async {
        let (index, far, _) = far_index().await;
        let request = Arc::new(request(&index, "common_word"));
        let expected = Searcher::new(index.store.clone(), CACHE).search(&request).await.unwrap().files;
        for cancel_after in 1..25 {
            let searcher = Searcher::new(far.clone(), CACHE);
            let tasks: Vec<_> = (0..4)
                .map(|_| {
                    let (searcher, request) = (searcher.clone(), Arc::clone(&request));
                    tokio::spawn(async move { searcher.search(&request).await })
                })
                .collect();
            sleep(Duration::from_millis(cancel_after)).await;
            let mut tasks = tasks.into_iter();
            tasks.next().unwrap().abort();
            tasks.next().unwrap().abort();
            for task in tasks {
                let answer = tokio::time::timeout(Duration::from_secs(20), task).await;
                assert_eq!(answer.expect("nobody is stranded").unwrap().unwrap().files, expected);
            }
        }
    });
}

#[test]
fn head_is_asked_for_once_a_second_or_when_a_version_is_wanted() {
    run(async {
        let (index, far, traffic) = far_index().await;
        let searcher = Searcher::new(far, CACHE);
        let request = request(&index, "needle_number_17");
        let version = searcher.search(&request).await.unwrap().root_version;
        let before = traffic.gets();
        let warm = searcher.search(&request).await.unwrap().stats;
        assert_eq!((warm.gets, warm.round_trips, traffic.gets()), (0, 0, before), "{warm:?}");
        index.store.update_head(index.tenant, |_| Ok::<_, StoreError>(true)).await.unwrap();
        assert_eq!(searcher.search(&request).await.unwrap().root_version, version, "a second has not passed");
        let pushed = SearchRequest { min_version: Some(version + 1), ..request.clone() };
        assert_eq!(searcher.search(&pushed).await.unwrap().root_version, version + 1);
        assert_eq!(traffic.gets(), before + 1);
        sleep(Duration::from_millis(1_050)).await;
        let bytes = traffic.bytes();
        let later = searcher.search(&request).await.unwrap();
        assert_eq!((later.root_version, later.stats.gets), (version + 1, 1));
        assert_eq!((traffic.gets(), traffic.bytes()), (before + 2, bytes), "an unchanged HEAD is not sent again");
    });
}

/// A small index with two refs, in a folder.
async fn small(folder: &Path) -> Index {
    let file = |path: &str, content: &str| File {
        path: path.into(),
        content: content.into(),
        class: Class::Source,
        language: Language::TEXT,
    };
    let main = vec![file("a.c", "int common;\n"), file("b.c", "int common, other;\n")];
    let refs = vec![("refs/heads/main".to_owned(), main.clone()), ("refs/heads/next".to_owned(), main[1..].to_vec())];
    let repository = Repository { name: "acme/one".to_owned(), refs };
    Index::publish(Store::open(&StoreOptions::Folder(folder.to_owned())).unwrap(), &[repository], 100).await
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => files.extend(files_below(&entry.path())),
            false if entry.file_name().to_string_lossy().starts_with('.') => {}
            false => files.push(entry.path()),
        }
    }
    files
}

/// What a process that knows nothing finds.
async fn found(index: &Index) -> Result<Vec<FileMatch>, SearchError> {
    let request = index.request("common ref:*", None).unwrap();
    Ok(Searcher::new(index.store.clone(), CACHE).search(&request).await?.files)
}

#[test]
fn every_flipped_byte_and_every_cut_of_every_object_is_an_error_that_names_it_or_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let index = small(folder.path()).await;
        let expected = found(&index).await.unwrap();
        assert!(!expected.is_empty());
        let files = files_below(folder.path());
        assert!(files.len() >= 5, "HEAD, refs, two snapshots and a segment: {files:?}");
        for path in files {
            let bytes = std::fs::read(&path).unwrap();
            let flipped = (0..bytes.len()).map(|at| {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << (at % 8);
                flipped
            });
            for damaged in flipped.chain((0..bytes.len()).map(|len| bytes[..len].to_vec())) {
                // Another file, as a store would have it: mapped ones are never shortened.
                std::fs::remove_file(&path).unwrap();
                std::fs::write(&path, damaged).unwrap();
                match found(&index).await {
                    Ok(files) => assert_eq!(files, expected, "{path:?}"),
                    Err(SearchError::Store(StoreError::Corrupt { object, .. })) => {
                        assert!(path.ends_with(&object), "{path:?}: {object}");
                    }
                    Err(other) => panic!("{path:?}: {other}"),
                }
            }
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, bytes).unwrap();
        }
        assert_eq!(found(&index).await.unwrap(), expected);
    });
}

/// A default ref and 18 others, each with a segment of its own that is read by ranges.
fn many_refs() -> Vec<Repository> {
    let mut repository = large().remove(0);
    let main = repository.refs[0].1.clone();
    for nth in 0..18 {
        let other = |file: &File| File {
            path: [format!("of{nth:02}/").as_bytes(), &file.path].concat(),
            content: [format!("only_in_{nth:02}\n").as_bytes(), &file.content].concat(),
            ..file.clone()
        };
        repository.refs.push((format!("refs/heads/r{nth:02}"), main.iter().map(other).collect()));
    }
    vec![repository]
}

#[test]
fn segments_of_other_refs_cost_a_cold_search_no_round_trip() {
    run(async {
        let near = Store::open(&StoreOptions::Memory).unwrap();
        let index = Index::publish(near, &many_refs(), 40).await;
        let (far, _) = index.store.far_away(LATENCY).unwrap();
        let cold = async |query: &str| Searcher::new(far.clone(), CACHE).search(&request(&index, query)).await.unwrap();
        let known = [cold("needle_number_1").await, cold("needle_number_1 ref:refs/heads/r07").await];
        for answer in &known {
            assert_eq!(answer.files.len(), 11, "1 and 10 to 19");
            assert!(answer.stats.round_trips <= 4, "{:?}", answer.stats);
        }
        assert!(known[0].stats.gets < 12, "one of 19 segments is opened: {:?}", known[0].stats);
        assert!(known[1].stats.gets < 32, "tails of 19 segments, lists of one: {:?}", known[1].stats);
        // An earlier version wrote the root, or another one that knows no more of it.
        let forget = |root: &mut kotadb_core::store::Root| {
            root.repositories.values_mut().for_each(|entry| entry.of_default.clear());
            Ok::<_, StoreError>(true)
        };
        index.store.update_head(index.tenant, forget).await.unwrap();
        for (query, known) in ["needle_number_1", "needle_number_1 ref:refs/heads/r07"].into_iter().zip(&known) {
            assert_eq!(cold(query).await.files, known.files);
        }
    });
}

/// With more segments than are opened ahead: 19 large ones, and 40 small ones of further refs.
#[test]
fn a_named_ref_among_many_segments_takes_four_round_trips() {
    let mut repositories = many_refs();
    for nth in 0..40 {
        let file = |number: u32| File {
            path: format!("small{nth:02}/f{number:02}.c").into_bytes(),
            content: format!("int of_small_{nth:02}; /* needle_number_{number} */\n").into_bytes(),
            class: Class::Source,
            language: Language::TEXT,
        };
        repositories[0].refs.push((format!("refs/heads/s{nth:02}"), (0..40).map(file).collect()));
    }
    run(async {
        let index = Index::publish(Store::open(&StoreOptions::Memory).unwrap(), &repositories, 40).await;
        let (root, _) = index.store.head(index.tenant).await.unwrap();
        assert!(root.segments.len() > 2 * kotadb_core::search::AHEAD - 10, "{}", root.segments.len());
        for of in ["ref:refs/heads/r07", "ref:refs/heads/s31", "ref:heads/r01 OR ref:heads/s02", "ref:refs/heads/main"]
        {
            let (far, traffic) = index.store.far_away(LATENCY).unwrap();
            let query = request(&index, &format!("needle_number_1 ({of})"));
            let answer = Searcher::new(far, CACHE).search(&query).await.unwrap();
            assert!(answer.files.len() >= 11, "{of}: 1 and 10 to 19");
            assert!(answer.stats.round_trips <= 4, "{of}: {:?}", answer.stats);
            assert_eq!(u64::from(answer.stats.gets), traffic.gets(), "{of}: {:?}", answer.stats);
            assert!(answer.stats.gets < 70, "{of}: {:?}", answer.stats);
        }
    });
}

#[test]
fn a_search_survives_any_byte_of_a_flat_snapshot_that_the_disk_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions::Folder(folder.path().to_owned());
    let file = |nth: u8| File {
        path: format!("src/{nth}.c").into_bytes(),
        content: format!("word {nth}\n").into_bytes(),
        class: if nth < 3 { Class::Source } else { Class::Vendored },
        language: Language::TEXT,
    };
    let refs = vec![("refs/heads/main".to_owned(), (0..5).map(file).collect())];
    let repositories = [Repository { name: "acme/one".to_owned(), refs }];
    run(async {
        let index = Index::publish(Store::open(&options).unwrap(), &repositories, 3).await;
        let (root, _) = index.store.head(index.tenant).await.unwrap();
        let tip = root.repositories.values().next().unwrap().default.clone().unwrap();
        index.store.keep_flat(index.tenant, tip.snapshot, Default::default()).await.unwrap();
        let flat = files_below(&folder.path().join("cache")).remove(0);
        let date = flat.metadata().unwrap().modified().unwrap();
        let whole = std::fs::read(&flat).unwrap();
        let (mut wrong, mut refused) = (0, 0);
        let right = Searcher::new(index.store.clone(), CACHE).search(&request(&index, "word path:src")).await.unwrap();
        for at in 0..whole.len() {
            let mut file = std::fs::File::options().write(true).open(&flat).unwrap();
            let mut damaged = whole.clone();
            damaged[at] ^= 0x81;
            std::io::Write::write_all(&mut file, &damaged).unwrap();
            file.set_times(std::fs::FileTimes::new().set_modified(date)).unwrap();
            for query in ["word path:src", "word 4", "path:c"] {
                match Searcher::new(Store::open(&options).unwrap(), CACHE).search(&request(&index, query)).await {
                    Ok(answer) => wrong += u32::from(query == "word path:src" && answer.files != right.files),
                    Err(SearchError::Store(StoreError::Corrupt { .. })) => refused += 1,
                    Err(error) => panic!("byte {at}: {error}"),
                }
            }
        }
        assert!(right.files.len() == 5 && wrong + refused > 100, "the file is read: {wrong} wrong, {refused} refused");
    });
}
