//! What the second tier promises: entries come back as they were kept or not at all, whatever happens to the files, and the
//! folder stays within its bounds, however many processes share it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use tempfile::TempDir;

use super::index::LIFE;
use super::*;

const BUCKET: Duration = Duration::from_secs(10);
const OBJECT: &str = "t/one/seg/a";

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

async fn open(folder: &Path, bytes: u64) -> Disk {
    let disk = Disk::open(&DiskOptions::new(folder.to_owned(), bytes)).unwrap();
    disk.settle().await;
    disk
}

fn content(nth: u64, len: usize) -> Bytes {
    (0..len).map(|at| (at as u64 * 31 + nth * 7) as u8).collect::<Vec<_>>().into()
}

fn range(nth: u64, len: usize) -> Range<u64> {
    nth * 1000..nth * 1000 + len as u64
}

fn keep(disk: &Disk, object: &str, nth: u64, len: usize) {
    disk.keep(object, &range(nth, len), &content(nth, len), BUCKET);
}

async fn get(disk: &Disk, object: &str, nth: u64, len: usize) -> Option<Bytes> {
    disk.read(&disk.choose(object, &range(nth, len), BUCKET)?).await
}

fn packs(folder: &Path) -> Vec<PathBuf> {
    let tenants = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files = tenants.flat_map(|tenant| fs::read_dir(tenant).unwrap());
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn bytes_of(folder: &Path) -> u64 {
    packs(folder).iter().map(|pack| fs::metadata(pack).unwrap().len()).sum()
}

#[test]
fn what_one_process_keeps_another_finds() {
    let folder = TempDir::new().unwrap();
    run(async {
        let (first, second) = (open(folder.path(), 1 << 20).await, open(folder.path(), 1 << 20).await);
        keep(&first, OBJECT, 1, 100);
        keep(&first, "t/two/seg/a", 1, 50);
        first.settle().await;
        assert_eq!(get(&first, OBJECT, 1, 100).await, Some(content(1, 100)));
        assert_eq!(get(&second, OBJECT, 1, 100).await, None, "it has not looked yet");
        second.settle().await;
        assert_eq!(get(&second, OBJECT, 1, 100).await, Some(content(1, 100)));
        let later = open(folder.path(), 1 << 20).await;
        assert_eq!(get(&later, OBJECT, 1, 100).await, Some(content(1, 100)));
        assert_eq!(get(&later, OBJECT, 1, 99).await, None, "another range");
        assert_eq!(get(&later, "t/two/seg/a", 1, 100).await, None, "another tenant's object of that name");
        assert_eq!(packs(folder.path()).len(), 2, "tenants share no file");
    });
}

#[test]
fn the_limit_holds_for_all_processes_together_and_the_newest_stay() {
    let folder = TempDir::new().unwrap();
    run(async {
        let disks = [open(folder.path(), 20_000).await, open(folder.path(), 20_000).await];
        for nth in 0..60u64 {
            let disk = &disks[nth as usize % 2];
            keep(disk, OBJECT, nth, 900);
            disk.settle().await;
            assert!(bytes_of(folder.path()) <= 20_000);
            // Names tell time in milliseconds.
            std::thread::sleep(Duration::from_millis(2));
        }
        disks[0].settle().await;
        assert_eq!(get(&disks[0], OBJECT, 59, 900).await, Some(content(59, 900)));
        assert_eq!(get(&disks[0], OBJECT, 0, 900).await, None);
        keep(&disks[0], OBJECT, 99, 30_000);
        disks[0].settle().await;
        assert_eq!(get(&disks[0], OBJECT, 99, 30_000).await, None, "what can never fit");
        assert_eq!(get(&disks[0], OBJECT, 59, 900).await, Some(content(59, 900)), "drives out nothing");
    });
}

#[test]
fn what_is_too_old_is_no_answer_and_soon_no_file() {
    let folder = TempDir::new().unwrap();
    run(async {
        let disk = open(folder.path(), 1 << 20).await;
        keep(&disk, OBJECT, 1, 100);
        disk.settle().await;
        let [pack] = &packs(folder.path())[..] else { panic!("one pack") };
        let old = index::now() - LIFE.as_millis() as u64 - 1;
        let aged = pack.with_file_name(format!("{old:013}-0123456789abcdef.pack"));
        fs::rename(pack, &aged).unwrap();
        let young = index::now() - LIFE.as_millis() as u64 + 60_000;
        fs::copy(&aged, pack.with_file_name(format!("{young:013}-0123456789abcdef.pack"))).unwrap();
        fs::write(pack.with_file_name("half.tmp"), b"half").unwrap();
        disk.settle().await;
        assert_eq!(packs(folder.path()).len(), 1);
        assert_eq!(get(&disk, OBJECT, 1, 100).await, Some(content(1, 100)));
        let place = disk.shared.index.find(OBJECT, &range(1, 100)).unwrap();
        assert!(index::is_alive(place.written, index::now()));
        assert!(
            !index::is_alive(place.written, index::now() + 120_000),
            "without anybody's looking through the folder"
        );
        assert!(!index::is_alive(index::now() + 3_600_000, index::now()), "nor what claims to come from the future");
    });
    let day = Duration::from_secs(24 * 3600);
    assert!(LIFE + writer::SWEEP < day, "the file is gone within a day");
}

#[test]
fn every_flipped_byte_and_every_cut_of_a_pack_is_a_miss_or_changes_nothing() {
    let folder = TempDir::new().unwrap();
    run(async {
        let disk = open(folder.path(), 1 << 20).await;
        (0..3).for_each(|nth| disk.keep(OBJECT, &range(nth, 20), &content(nth, 20), BUCKET));
        disk.settle().await;
        let [pack] = &packs(folder.path())[..] else { panic!("one pack") };
        let (bytes, entry) = (fs::read(pack).unwrap(), |nth| (range(nth, 20), content(nth, 20)));
        let expected: BTreeMap<u64, _> = (0..3).map(|nth| (nth, entry(nth))).collect();
        let flipped = (0..bytes.len()).map(|at| {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            flipped
        });
        let mut missed = 0;
        for damaged in flipped.chain((0..bytes.len()).map(|len| bytes[..len].to_vec())) {
            fs::write(pack, damaged).unwrap();
            let found = pack::open(pack, index::now()).unwrap().unwrap_or_default();
            for (range, content) in expected.values() {
                let place = found.iter().find(|found| found.object == OBJECT && found.range == *range);
                match place.and_then(|found| disk.shared.read(&found.place, Duration::from_millis(1))) {
                    Some(read) => assert_eq!(read, *content),
                    None => missed += 1,
                }
            }
        }
        assert!(missed > bytes.len() * 2, "nearly every damage is noticed: {missed}");
    });
}

#[test]
fn a_pack_that_is_gone_or_damaged_is_not_asked_again() {
    let folder = TempDir::new().unwrap();
    run(async {
        let disk = open(folder.path(), 1 << 20).await;
        keep(&disk, OBJECT, 1, 100);
        disk.settle().await;
        fs::remove_file(&packs(folder.path())[0]).unwrap();
        assert_eq!(get(&disk, OBJECT, 1, 100).await, None);
        assert!(disk.choose(OBJECT, &range(1, 100), BUCKET).is_none());
        keep(&disk, OBJECT, 1, 100);
        disk.settle().await;
        assert_eq!(get(&disk, OBJECT, 1, 100).await, Some(content(1, 100)), "it may be kept again");
    });
}

#[test]
fn what_a_slow_disk_would_have_later_than_the_bucket_is_neither_kept_nor_asked_for() {
    let folder = TempDir::new().unwrap();
    run(async {
        let options = DiskOptions::new(folder.path().to_owned(), 1 << 24).no_faster_than(DriveSpeed::FLY_ROOT);
        let disk = Disk::open(&options).unwrap();
        let bucket = Duration::from_millis(22);
        let (long, short) = (content(1, 1 << 20), content(2, 1000));
        disk.keep(OBJECT, &(0..1 << 20), &long, bucket);
        disk.keep(OBJECT, &(5..1005), &short, bucket);
        disk.settle().await;
        assert!(disk.shared.index.find(OBJECT, &(0..1 << 20)).is_none());
        assert!(disk.shared.index.find(OBJECT, &(5..1005)).is_some());
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_table_reads_as_it_was_written(entries in prop::collection::vec(("[a-z/]{0,30}", any::<u64>(), any::<u64>(), 0usize..60), 0..20)) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("x.pack");
        let entries: Vec<Entry> = entries
            .into_iter()
            .map(|(object, start, end, len)| Entry { object, range: start..end, bytes: content(start % 9, len) })
            .collect();
        let bytes = pack::encode(&entries);
        fs::write(&path, &bytes).unwrap();
        let found = pack::open(&path, 3).unwrap().unwrap();
        prop_assert_eq!(found.len(), entries.len());
        for (found, entry) in found.iter().zip(&entries) {
            let at = found.place.at as usize;
            prop_assert_eq!((&found.object, &found.range, found.place.written), (&entry.object, &entry.range, 3));
            prop_assert_eq!(&bytes[at..at + found.place.len as usize], &entry.bytes[..]);
        }
    }
}
