//! The second tier of the cache: ranges of immutable objects on a disk of this machine, below memory and above the bucket.
//!
//! Advisory, as memory is: an entry that is torn, damaged, too old or gone is a miss. A disk may be slower than the bucket
//! (a root disk of Fly does 8 MiB/s), so it is asked only for what it should have sooner, and who waits for it in vain asks
//! the bucket. What one process has kept another finds; the folder belongs to whoever may write to it.

mod drive;
mod index;
mod pack;
mod speed;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::time::Duration;
use std::{fs, io};

use bytes::Bytes;

use self::drive::Drive;
pub use self::drive::DriveSpeed;
use self::index::{Index, Place};
use self::pack::Entry;
use self::speed::Speed;
use self::writer::{Order, Writer};
use crate::config::Config;

/// What waits to be written, at most; more is not kept.
const MOST_PENDING: u64 = 16 << 20;

/// Where the second tier is.
#[derive(Clone, Debug)]
pub struct DiskOptions {
    folder: PathBuf,
    bytes: u64,
    speed: Option<DriveSpeed>,
}

/// The tier. Cheap to clone; the last clone ends its thread.
#[derive(Clone)]
pub(super) struct Disk {
    shared: Arc<Shared>,
    orders: Sender<Order>,
}

struct Shared {
    folder: PathBuf,
    /// Bytes of all packs, at most.
    bytes: u64,
    drive: Drive,
    speed: Speed,
    index: Index,
    pending: AtomicU64,
}

/// An entry that is worth asking the disk for.
#[derive(Debug)]
pub(super) struct Kept {
    place: Place,
    /// How long it should take.
    due: Duration,
}

impl DiskOptions {
    /// A folder that is made if need be, and the bytes that all processes together keep in it at most.
    pub fn new(folder: PathBuf, bytes: u64) -> Self {
        Self { folder, bytes, speed: None }
    }

    /// As the settings say; `None`: there is no second tier.
    pub fn from_config(config: &Config) -> Option<Self> {
        config.cache_disk.clone().map(|folder| Self::new(folder, config.cache_disk_bytes))
    }

    /// As if the disk were no faster than this.
    #[must_use]
    pub fn no_faster_than(self, speed: DriveSpeed) -> Self {
        Self { speed: Some(speed), ..self }
    }
}

impl Disk {
    /// Opens the folder, which may be in use by other processes, and begins to read what is in it.
    pub(super) fn open(options: &DiskOptions) -> io::Result<Self> {
        fs::create_dir_all(&options.folder)?;
        let (orders, received) = mpsc::channel();
        let shared = Arc::new(Shared {
            folder: options.folder.clone(),
            bytes: options.bytes,
            drive: Drive::new(options.speed),
            speed: Speed::default(),
            index: Index::default(),
            pending: AtomicU64::new(0),
        });
        let writer = Writer::new(Arc::clone(&shared));
        std::thread::Builder::new().name("kotadb-disk".to_owned()).spawn(move || writer.run(&received))?;
        Ok(Self { shared, orders })
    }

    /// The range of an object, if the disk should have it within `bucket`: whoever gets an entry reads it.
    pub(super) fn choose(&self, object: &str, range: &Range<u64>, bucket: Duration) -> Option<Kept> {
        let place = self.shared.index.find(object, range)?;
        let due = self.shared.speed.ask(u64::from(place.len), bucket)?;
        Some(Kept { place, due })
    }

    /// What was kept; `None`: it is damaged or gone, and will not be found again.
    pub(super) async fn read(&self, kept: &Kept) -> Option<Bytes> {
        let (shared, place, due) = (Arc::clone(&self.shared), kept.place.clone(), kept.due);
        let read = tokio::task::spawn_blocking(move || shared.read(&place, due));
        read.await.ok().flatten()
    }

    /// Keeps what the bucket gave within `bucket`, unless the disk would not have had it sooner.
    pub(super) fn keep(&self, object: &str, range: &Range<u64>, bytes: &Bytes, bucket: Duration) {
        let len = bytes.len() as u64;
        let Shared { index, speed, pending, .. } = &*self.shared;
        if speed.alone(len) > bucket || index.find(object, range).is_some() {
            return;
        }
        if pending.fetch_add(len, Ordering::Relaxed) + len > MOST_PENDING {
            pending.fetch_sub(len, Ordering::Relaxed);
            return;
        }
        // Its own copy: the range may be a small part of what was read at once.
        let entry = Entry { object: object.to_owned(), range: range.clone(), bytes: Bytes::copy_from_slice(bytes) };
        let _ = self.orders.send(Order::Keep(entry));
    }

    /// Waits until all that was kept so far is written, and all that is in the folder is known.
    pub(super) async fn settle(&self) {
        let (done, settled) = tokio::sync::oneshot::channel();
        if self.orders.send(Order::Settle(done)).is_ok() {
            let _ = settled.await;
        }
    }
}

impl Shared {
    fn read(&self, place: &Place, due: Duration) -> Option<Bytes> {
        let (read, took) = self.drive.timed(u64::from(place.len), || {
            let mut bytes = vec![0; place.len as usize];
            fs::File::open(&*place.pack)?.read_exact_at(&mut bytes, place.at)?;
            Ok::<_, io::Error>(bytes)
        });
        self.speed.learn(due, took);
        let bytes = read.ok().filter(|bytes| crc32c::crc32c(bytes) == place.checksum);
        if bytes.is_none() {
            self.index.forget(&place.pack);
        }
        bytes.map(Bytes::from)
    }
}

impl Kept {
    /// When to ask the bucket, too.
    pub(super) fn patience(&self) -> Duration {
        const NOISE: Duration = Duration::from_millis(5);
        self.due * 2 + NOISE
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disk({})", self.shared.folder.display())
    }
}
