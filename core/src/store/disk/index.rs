//! What of the objects is on the disk, and where.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// An entry counts for so long. What is deleted leaves the bucket within 25 hours and is read until shortly after it was
/// deleted, so it leaves the disk before it must have left the bucket.
pub(super) const LIFE: Duration = Duration::from_secs(20 * 3600);

/// Where an entry is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) pack: Arc<Path>,
    pub(super) at: u64,
    pub(super) len: u32,
    pub(super) checksum: u32,
    /// When the pack was written, in ms since 1970.
    pub(super) written: u64,
}

/// An entry of a pack.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) object: String,
    pub(super) range: Range<u64>,
    pub(super) place: Place,
}

/// The entries of all packs that are known.
#[derive(Debug, Default)]
pub(super) struct Index {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    objects: HashMap<String, HashMap<Range<u64>, Place>>,
    packs: BTreeSet<PathBuf>,
}

impl Index {
    /// The entry of just this range.
    pub(super) fn find(&self, object: &str, range: &Range<u64>) -> Option<Place> {
        let known = self.known();
        let place = known.objects.get(object)?.get(range)?;
        is_alive(place.written, now()).then(|| place.clone())
    }

    /// Adds what a pack holds, which may be nothing.
    pub(super) fn add(&self, pack: &Path, entries: Vec<Found>) {
        let mut known = self.known();
        known.packs.insert(pack.to_owned());
        for Found { object, range, place } in entries {
            known.objects.entry(object).or_default().insert(range, place);
        }
    }

    pub(super) fn knows(&self, pack: &Path) -> bool {
        self.known().packs.contains(pack)
    }

    /// Forgets a pack that is damaged. It stays known, so that it is not read again.
    pub(super) fn forget(&self, pack: &Path) {
        self.known().drop_entries(|other| other != pack);
    }

    /// Forgets all packs but these.
    pub(super) fn retain(&self, packs: &BTreeSet<PathBuf>) {
        let mut known = self.known();
        if known.packs.is_subset(packs) {
            return;
        }
        known.packs.retain(|pack| packs.contains(pack));
        known.drop_entries(|pack| packs.contains(pack));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn drop_entries(&mut self, stays: impl Fn(&Path) -> bool) {
        for ranges in self.objects.values_mut() {
            ranges.retain(|_, place| stays(&place.pack));
        }
        self.objects.retain(|_, ranges| !ranges.is_empty());
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Whether a pack of that time still counts; one of the future does not.
pub(super) fn is_alive(written: u64, now: u64) -> bool {
    const SKEW: u64 = 60_000;
    written <= now + SKEW && u128::from(now.saturating_sub(written)) < LIFE.as_millis()
}
