//! The thread that writes packs and keeps the folder within its bounds. Whatever it does there it does under a lock, so any
//! number of processes share a folder: what they keep together never passes the limit, and a half-written file that is
//! found under the lock is nobody's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::pack::{self, Entry};
use super::{Shared, index};
use crate::crypto;

/// A pack is written when it would be so long, or when nothing was added to it for so long.
const PACK_BYTES: usize = 4 << 20;
const IDLE: Duration = Duration::from_millis(500);
/// How often the folder is looked through for what is too old.
pub(super) const SWEEP: Duration = Duration::from_secs(600);
/// Each is opened when a process starts.
const MOST_PACKS: usize = 1024;

const EXTENSION: &str = "pack";
const LOCK: &str = ".lock";

/// What the thread is told.
pub(super) enum Order {
    Keep(Entry),
    /// Writes what is pending, looks through the folder, and says so.
    Settle(oneshot::Sender<()>),
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    pending: Vec<Entry>,
    pending_bytes: usize,
    swept: Instant,
}

/// A pack in the folder.
#[derive(Debug)]
struct There {
    written: u64,
    path: PathBuf,
    bytes: u64,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, pending: Vec::new(), pending_bytes: 0, swept: Instant::now() }
    }

    /// Works until nobody is left to give orders. What goes wrong costs only what would have been kept.
    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        self.tidy();
        loop {
            let patience = if self.pending.is_empty() { SWEEP.saturating_sub(self.swept.elapsed()) } else { IDLE };
            match orders.recv_timeout(patience) {
                Ok(Order::Keep(entry)) => {
                    self.pending_bytes += entry.bytes.len();
                    self.pending.push(entry);
                    if self.pending_bytes >= PACK_BYTES {
                        self.tidy();
                    }
                }
                Ok(Order::Settle(done)) => {
                    self.tidy();
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => self.tidy(),
                Err(RecvTimeoutError::Disconnected) => return self.tidy(),
            }
        }
    }

    /// Leaves in the folder what is young enough and fits, the newest first, with what is pending.
    fn tidy(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let kept = self.shared.tidy(&pending);
        self.shared.pending.fetch_sub(self.pending_bytes as u64, Ordering::Relaxed);
        (self.pending_bytes, self.swept) = (0, Instant::now());
        if let Err(error) = kept {
            tracing::warn!(%error, "the disk cache in {} cannot be kept", self.shared.folder.display());
        }
    }
}

impl Shared {
    fn tidy(&self, pending: &[Entry]) -> io::Result<()> {
        let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(self.folder.join(LOCK))?;
        lock.lock()?;
        let mut by_tenant: BTreeMap<&str, Vec<Entry>> = BTreeMap::new();
        for entry in pending {
            by_tenant.entry(tenant(&entry.object)).or_default().push(entry.clone());
        }
        let packs = by_tenant.into_iter().map(|(tenant, entries)| (tenant, pack::encode(&entries)));
        let mut packs: Vec<(&str, Vec<u8>)> = packs.collect();
        let new = |packs: &[(&str, Vec<u8>)]| packs.iter().map(|(_, pack)| pack.len() as u64).sum();
        if new(&packs) > self.bytes {
            packs.clear();
        }
        let there = self.evict(new(&packs))?;
        self.index.retain(&there);
        for (tenant, pack) in &packs {
            self.write(tenant, pack)?;
        }
        for path in there.iter().filter(|path| !self.index.knows(path)) {
            self.adopt(path);
        }
        Ok(())
    }

    /// Deletes what is too old, no pack, or too much beside `new` bytes; what is left.
    fn evict(&self, new: u64) -> io::Result<BTreeSet<PathBuf>> {
        let now = index::now();
        let mut left = Vec::new();
        for tenant in fs::read_dir(&self.folder)? {
            let tenant = tenant?.path();
            for file in tenant.is_dir().then(|| fs::read_dir(&tenant)).transpose()?.into_iter().flatten() {
                let file = file?;
                let there = There::new(file.path(), file.metadata()?.len());
                match there.filter(|there| index::is_alive(there.written, now)) {
                    Some(there) => left.push(there),
                    None => remove(&file.path())?,
                }
            }
            // Only one that is empty goes: nothing tells of a tenant that has left.
            let _ = fs::remove_dir(&tenant);
        }
        left.sort_unstable_by(|a, b| (b.written, &b.path).cmp(&(a.written, &a.path)));
        let mut bytes = new;
        let mut fits = |there: &There| {
            bytes += there.bytes;
            bytes <= self.bytes
        };
        let kept = left.iter().take(MOST_PACKS - 1).take_while(|there| fits(there)).count();
        left.drain(kept..).try_for_each(|there| remove(&there.path))?;
        Ok(left.into_iter().map(|there| there.path).collect())
    }

    /// The file appears whole, or what is of it is found to be torn.
    fn write(&self, tenant: &str, bytes: &[u8]) -> io::Result<()> {
        let folder = self.folder.join(tenant);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let written = index::now();
        let name = format!("{written:013}-{:016x}", u64::from_le_bytes(crypto::random()));
        let (unfinished, path) = (folder.join(format!("{name}.tmp")), folder.join(format!("{name}.{EXTENSION}")));
        self.speed.book(bytes.len() as u64);
        let (done, _) = self.drive.timed(bytes.len() as u64, || {
            let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&unfinished)?;
            file.write_all(bytes)?;
            fs::rename(&unfinished, &path)
        });
        done?;
        self.adopt(&path);
        Ok(())
    }

    /// What cannot be read holds nothing, and is not read again.
    fn adopt(&self, path: &Path) {
        let written = There::new(path.to_owned(), 0).map_or(0, |there| there.written);
        let (entries, _) = self.drive.timed(0, || pack::open(path, written));
        self.index.add(path, entries.ok().flatten().unwrap_or_default());
    }
}

impl There {
    /// `None`: not the name of a pack.
    fn new(path: PathBuf, bytes: u64) -> Option<Self> {
        let is_pack = path.extension().is_some_and(|extension| extension == EXTENSION);
        let written = path.file_stem()?.to_str()?.split('-').next()?.parse().ok()?;
        is_pack.then_some(Self { written, path, bytes })
    }
}

/// The tenant of an object, `t/<tenant>/…`.
fn tenant(object: &str) -> &str {
    object.split('/').nth(1).unwrap_or("none")
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
