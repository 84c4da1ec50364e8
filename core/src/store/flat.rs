//! Flat files: what a process that lives for one query would otherwise decode first, as it lies in memory. Of a snapshot all
//! of it, of a segment its table of documents. Kept in a folder beside the objects, in a store that is a folder.
//!
//! Derived and no part of the index: deleted, damaged or outdated, a flat file is passed over, and the object is decoded.
//! Layout, little-endian: magic (8 bytes), date (8), inode (8), CRC-32C of all that follows (4), body. The body of a
//! segment's file begins with what the kernel knows the segment by (five numbers of 8 bytes).
//!
//! To look at the checksum of five megabytes takes a tenth of a search, so it is left out where nothing can have happened:
//! the date in the file is its own date on the disk, in whole seconds since 1970, which it loses when anybody writes to it;
//! its inode is the one it was written to, which a copy has not, also one that keeps dates; and the kernel has seen no
//! change of the inode a while after that date, as there is when a date is set back. The contents reach the disk before the
//! name, and the date after them. What only the disk itself has changed is not seen here; it may make an answer wrong, as in
//! any file that is mapped, and never ends the process.

use std::collections::BTreeSet;
use std::fs::{self, File, FileTimes, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::id::TenantId;
use crate::segment::Segment;
use crate::store::folder::{Content, Folder, Temporary};
use crate::store::maps::{FileId, file_id};
use crate::store::{Backend, Kind, ObjectKey, Snapshot, Store, StoreError, object_path};

/// Folder of the files.
const FOLDER: &str = "cache";
/// Changes with the layout, and with the meaning of any number in it.
const MAGIC: &[u8; 8] = b"KDBFLAT4";
const INODE: usize = MAGIC.len() + 8;
const CHECKED: usize = INODE + 8 + 4;
/// Within so many seconds of its date a file gets its contents, its date and its name.
const WRITTEN_WITHIN: i64 = 60;
/// What the kernel knows a segment by.
const MARK: usize = 5 * 8;
/// Snapshots that are kept flat; the ones that were made last.
const MOST_SNAPSHOTS: usize = 4;
/// A hot tail up to this many bytes is decoded sooner than another file is opened.
const LEAST_HOT: u64 = 64 << 10;

impl Store {
    /// A snapshot from its flat file.
    pub fn flat_snapshot(&self, key: ObjectKey) -> Option<Snapshot> {
        let (body, _) = self.folder()?.flat(&name(Kind::Snapshot, key))?;
        Snapshot::from_flat(body)
    }

    /// The table of documents of a segment whose checksums are known to hold, for [`Segment::open_flat`].
    pub fn flat_documents(&self, tenant: TenantId, key: ObjectKey) -> Option<Bytes> {
        let folder = self.folder()?;
        let (body, _) = folder.flat(&name(Kind::Segment, key))?;
        folder.table(&body, &object_path(tenant, Kind::Segment, key))
    }

    /// Makes flat files of a whole snapshot and of its segments, unless there are some. Of other snapshots those stay that
    /// `others` names, as far as they are not too many, and of segments those that are there. Without any of these files
    /// searches only get slower.
    pub async fn keep_flat(
        &self,
        tenant: TenantId,
        key: ObjectKey,
        others: BTreeSet<ObjectKey>,
    ) -> Result<(), StoreError> {
        let Some(folder) = self.folder() else { return Ok(()) };
        let name = name(Kind::Snapshot, key);
        let dated = folder.flat(&name).filter(|(_, is_dated)| *is_dated);
        let (snapshot, flat) = match dated.and_then(|(body, _)| Snapshot::from_flat(body)) {
            Some(snapshot) => (snapshot, None),
            None => {
                let snapshot = self.whole_snapshot(tenant, key).await?;
                let flat = snapshot.to_flat();
                (snapshot, Some(flat))
            }
        };
        let work = move |folder: &Folder, cache: &Path| {
            fs::create_dir_all(cache)?;
            flat.map_or(Ok(()), |flat| folder.write_flat(&name, &flat))?;
            snapshot.segments.iter().try_for_each(|key| folder.flatten_segment(tenant, *key))?;
            folder.tidy_flat(tenant, key, &others)
        };
        folder.blocking(FOLDER, work).await
    }

    /// Takes away all flat files.
    pub async fn drop_flat(&self) -> Result<(), StoreError> {
        let Some(folder) = self.folder() else { return Ok(()) };
        let gone = |result: io::Result<()>| match result {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        };
        folder.blocking(FOLDER, move |_, cache| gone(fs::remove_dir_all(cache))).await
    }

    fn folder(&self) -> Option<&Folder> {
        match &self.backend {
            Backend::Folder(folder) => Some(folder),
            Backend::Remote(_) => None,
        }
    }
}

impl Folder {
    /// The body of a flat file that is sound, and whether its date says so.
    fn flat(&self, name: &str) -> Option<(Bytes, bool)> {
        let path = self.flat_path(name);
        let bytes = self.maps.map(&path).ok()?;
        let there = path.metadata().ok()?;
        let head = bytes.get(..CHECKED)?;
        let is_dated = stamp(&there).is_some_and(|stamp| head[MAGIC.len()..].starts_with(&stamp));
        let checksum = || crc32c::crc32c(&bytes[CHECKED..]).to_le_bytes();
        let is_sound = head.starts_with(MAGIC) && (is_dated || head.ends_with(&checksum()));
        is_sound.then(|| (bytes.slice(CHECKED..), is_dated))
    }

    /// The table in the body of a segment's flat file, if the object still is the file that it was made of.
    fn table(&self, body: &Bytes, object: &str) -> Option<Bytes> {
        let there = file_id(&self.path(object).metadata().ok()?);
        body.starts_with(&mark(there)).then(|| body.slice(MARK..))
    }

    fn write_flat(&self, name: &str, body: &[u8]) -> io::Result<()> {
        let path = self.flat_path(name);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut head = [&MAGIC[..], &now.to_le_bytes()].concat();
        head.extend([0; 8]);
        head.extend(crc32c::crc32c(body).to_le_bytes());
        let content = Content::Bytes([&head[..], body].concat().into());
        let temporary = Temporary::write(&self.path(FOLDER), &content)?;
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(now);
        let file = File::options().write(true).open(&temporary.path)?;
        file.write_all_at(&file.metadata()?.ino().to_le_bytes(), INODE as u64)?;
        file.set_times(FileTimes::new().set_modified(date))?;
        fs::rename(&temporary.path, &path)
    }

    fn flatten_segment(&self, tenant: TenantId, key: ObjectKey) -> io::Result<()> {
        let (name, object) = (name(Kind::Segment, key), object_path(tenant, Kind::Segment, key));
        let table = |(body, is_dated): (Bytes, bool)| is_dated.then(|| self.table(&body, &object))?;
        if self.flat(&name).and_then(table).is_some() {
            return Ok(());
        }
        let there = file_id(&self.path(&object).metadata()?);
        let file = self.maps.map(&self.path(&object))?;
        let hot = Segment::hot_range(&file, file.len() as u64).map_err(io::Error::other)?;
        if hot.end - hot.start <= LEAST_HOT {
            return Ok(());
        }
        let segment = Segment::open(file.slice(hot.start as usize..hot.end as usize), file.len() as u64);
        let table = segment.map_err(io::Error::other)?.to_flat();
        self.write_flat(&name, &[&mark(there)[..], &table].concat())
    }

    /// Leaves the flat file of one snapshot, of `others` as many as may be, the latest, and of the segments that are there.
    fn tidy_flat(&self, tenant: TenantId, kept: ObjectKey, others: &BTreeSet<ObjectKey>) -> io::Result<()> {
        let mut spare = Vec::new();
        for entry in fs::read_dir(self.path(FOLDER))? {
            let entry = entry?;
            match entry.file_name().to_str().and_then(parse) {
                Some((Kind::Snapshot, key)) if key == kept => {}
                Some((Kind::Snapshot, key)) if others.contains(&key) => {
                    spare.push((entry.metadata()?.modified()?, entry.path()));
                }
                Some((Kind::Segment, key)) if self.path(&object_path(tenant, Kind::Segment, key)).exists() => {}
                _ => fs::remove_file(entry.path())?,
            }
        }
        spare.sort_unstable();
        spare.iter().rev().skip(MOST_SNAPSHOTS - 1).try_for_each(|(_, path)| fs::remove_file(path))
    }

    fn flat_path(&self, name: &str) -> PathBuf {
        self.path(FOLDER).join(name)
    }
}

/// `<key>.<kind>`
fn name(kind: Kind, key: ObjectKey) -> String {
    format!("{key}.{}", kind.folder())
}

/// The reverse of [`name`].
fn parse(name: &str) -> Option<(Kind, ObjectKey)> {
    let (key, kind) = name.split_once('.')?;
    let kind = Kind::ALL.into_iter().find(|known| known.folder() == kind)?;
    Some((kind, ObjectKey::parse(key)?))
}

/// Date and inode as a file has them that is as it was written; `None`: it may not be.
fn stamp(there: &Metadata) -> Option<[u8; 16]> {
    // The kernel's clock may be a tick behind.
    let is_as_written = there.mtime_nsec() == 0 && (-1..=WRITTEN_WITHIN).contains(&(there.ctime() - there.mtime()));
    let mut stamp = [0; 16];
    stamp[..8].copy_from_slice(&there.mtime().to_le_bytes());
    stamp[8..].copy_from_slice(&there.ino().to_le_bytes());
    is_as_written.then_some(stamp)
}

fn mark((device, inode, len, (seconds, nanoseconds)): FileId) -> [u8; MARK] {
    let numbers = [device, inode, len, seconds.cast_unsigned(), nanoseconds.cast_unsigned()];
    let mut mark = [0; MARK];
    mark.chunks_exact_mut(8).zip(numbers).for_each(|(bytes, number)| bytes.copy_from_slice(&number.to_le_bytes()));
    mark
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::ObjectId;
    use crate::segment::Class;
    use crate::store::{SnapshotEntry, StoreOptions};
    use crate::text::Language;

    fn snapshot(n_files: u32) -> Snapshot {
        let entry = |doc: u32| SnapshotEntry {
            path: format!("{doc:03}.rs").into_bytes(),
            mode: 0o100_644,
            segment: 0,
            doc,
            class: Class::Source,
            language: Language::TEXT,
        };
        let segment = ObjectKey { id: Uuid::from_u128(1), hash: [1; 8] };
        Snapshot::new(ObjectId([7; 20]), vec![segment], (0..n_files).map(entry).collect(), Vec::new())
    }

    struct Place {
        folder: tempfile::TempDir,
        store: Store,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&StoreOptions::Folder(folder.path().to_owned())).unwrap();
            Self { folder, store }
        }

        async fn keep(&self, snapshot: &Snapshot, others: &[ObjectKey]) -> (ObjectKey, Result<(), StoreError>) {
            let put = self.store.put(TenantId::LOCAL, Kind::Snapshot, Uuid::now_v7(), snapshot.encode());
            let key = put.await.unwrap();
            (key, self.store.keep_flat(TenantId::LOCAL, key, others.iter().copied().collect()).await)
        }

        fn path(&self, key: ObjectKey) -> PathBuf {
            self.folder.path().join(FOLDER).join(name(Kind::Snapshot, key))
        }
    }

    #[tokio::test]
    async fn a_file_with_another_date_is_looked_through() {
        let place = Place::new();
        let (key, kept) = place.keep(&snapshot(9), &[]).await;
        assert!(matches!(kept, Err(StoreError::NotFound(_))), "there is no such segment: {kept:?}");
        assert_eq!(place.store.flat_snapshot(key), Some(snapshot(9)));
        let whole = fs::read(place.path(key)).unwrap();
        for at in [0, CHECKED - 1, CHECKED, whole.len() / 2, whole.len() - 1] {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            fs::write(place.path(key), flipped).unwrap();
            assert_eq!(place.store.flat_snapshot(key), None, "flipped at {at}");
            fs::write(place.path(key), &whole[..at]).unwrap();
            assert_eq!(place.store.flat_snapshot(key), None, "cut at {at}");
        }
        fs::write(place.path(key), &whole).unwrap();
        assert_eq!(place.store.flat_snapshot(key), Some(snapshot(9)), "copied, and sound");
    }

    /// As `cp -a`, `rsync -t` and `tar` copy, and as whoever sets a date back.
    #[tokio::test]
    async fn a_file_with_the_right_date_that_was_copied_or_changed_is_looked_through() {
        let place = Place::new();
        let (key, _) = place.keep(&snapshot(9), &[]).await;
        let path = place.path(key);
        let whole = fs::read(&path).unwrap();
        let date = path.metadata().unwrap().modified().unwrap();
        let dated = |path: &Path, date: SystemTime| {
            File::options().write(true).open(path).unwrap().set_times(FileTimes::new().set_modified(date)).unwrap();
        };
        let mut damaged = whole.clone();
        *damaged.last_mut().unwrap() ^= 1;
        let copy = path.with_extension("copy");
        for (bytes, read) in [(&damaged, None), (&whole, Some(snapshot(9)))] {
            fs::write(&copy, bytes).unwrap();
            dated(&copy, date);
            fs::rename(&copy, &path).unwrap();
            assert_eq!(place.store.flat_snapshot(key), read, "copied with its date");
        }
        // What was written long ago and has changed now.
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for (bytes, read) in [(damaged, None), (whole, Some(snapshot(9)))] {
            let mut bytes = bytes;
            bytes[MAGIC.len()..INODE].copy_from_slice(&1_700_000_000u64.to_le_bytes());
            bytes[INODE..INODE + 8].copy_from_slice(&path.metadata().unwrap().ino().to_le_bytes());
            fs::write(&path, bytes).unwrap();
            dated(&path, long_ago);
            assert_eq!(place.store.flat_snapshot(key), read, "changed, and its date set back");
        }
    }

    #[tokio::test]
    async fn of_other_snapshots_the_latest_stay_as_long_as_they_are_named() {
        let place = Place::new();
        let mut keys = Vec::new();
        for nth in 0..MOST_SNAPSHOTS as u8 + 2 {
            let empty = Snapshot::new(ObjectId([nth; 20]), Vec::new(), Vec::new(), Vec::new());
            let (key, kept) = place.keep(&empty, &keys).await;
            kept.unwrap();
            keys.push(key);
            let date = SystemTime::UNIX_EPOCH + Duration::from_secs(nth.into());
            let file = File::options().append(true).open(place.path(key)).unwrap();
            file.set_times(FileTimes::new().set_modified(date)).unwrap();
        }
        let there = |key: &&ObjectKey| place.store.flat_snapshot(**key).is_some();
        assert_eq!(keys.iter().filter(there).collect::<Vec<_>>(), keys[2..].iter().collect::<Vec<_>>());
        place.store.keep_flat(TenantId::LOCAL, keys[0], BTreeSet::new()).await.unwrap();
        assert_eq!(keys.iter().filter(there).collect::<Vec<_>>(), [&keys[0]], "nobody names the others");
        place.store.drop_flat().await.unwrap();
        place.store.drop_flat().await.unwrap();
        assert_eq!(keys.iter().find(there), None);
    }
}
