//! A snapshot as it lies in memory: mapped, not decoded. Where such bytes are kept, and whether they are sound, is the
//! business of `flat`.
//!
//! Layout, little-endian: commit (20 bytes), numbers of segments, entries, bytes of paths and left-out paths (4 each);
//! segments (24 each), places (16 each), ends of paths (4 each), paths; of each left-out path its reason (1), its length (4)
//! and its bytes; ranks, see `ranks`.

use bytes::Bytes;

use crate::id::ObjectId;
use crate::store::column::{Column, Row};
use crate::store::snapshot::{Paths, Place};
use crate::store::snapshot_format::REASONS;
use crate::store::{ObjectKey, Ranks, SkipReason, Skipped, Snapshot};

const HEADER: usize = 20 + 4 * 4;

impl Snapshot {
    /// Its bytes.
    pub(super) fn to_flat(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + self.len() * 64);
        out.extend(self.commit.0);
        let counts = [self.segments.len(), self.len(), self.paths.bytes.len(), self.skipped.len()];
        counts.iter().for_each(|&count| u32::try_from(count).expect("paths end below 4 GiB").write(&mut out));
        self.segments.iter().for_each(|key| out.extend(key.to_bytes()));
        self.places.write(&mut out);
        self.paths.ends.write(&mut out);
        out.extend(&self.paths.bytes);
        for skipped in &self.skipped {
            out.push(number(skipped.reason));
            u32::try_from(skipped.path.len()).expect("a path is far shorter").write(&mut out);
            out.extend(&skipped.path);
        }
        self.ranks().write(&mut out);
        out
    }

    /// A snapshot that stays where its bytes are; `None`: they are too many or too few. What they say is not checked, so it
    /// may be wrong, but whatever it is, everything can be asked of it.
    pub(super) fn from_flat(mut rest: Bytes) -> Option<Self> {
        let commit = ObjectId(take(&mut rest, 20)?[..].try_into().ok()?);
        let counts = take(&mut rest, 16)?;
        let count = |nth: usize| u32::read(&counts[nth * 4..][..4]) as usize;
        let (n_segments, n_entries, path_bytes, n_skipped) = (count(0), count(1), count(2), count(3));
        let segments = take(&mut rest, n_segments.checked_mul(ObjectKey::LEN)?)?;
        let segments = segments.chunks_exact(ObjectKey::LEN);
        let segments = segments.map(|key| Some(ObjectKey::from_bytes(key.try_into().ok()?))).collect::<Option<_>>()?;
        let places = Column::<Place>::take(&mut rest, n_entries)?;
        let ends = Column::take(&mut rest, n_entries)?;
        let paths = Paths { bytes: take(&mut rest, path_bytes)?, ends };
        let skipped = (0..n_skipped).map(|_| one_skipped(&mut rest)).collect::<Option<_>>()?;
        let ranks = Ranks::take(&mut rest)?;
        let agree = ranks.len() == n_entries && (n_segments > 0 || n_entries == 0);
        (rest.is_empty() && agree)
            .then(|| Self::from_parts(commit, segments, (paths, places), skipped).with_ranks(ranks))
    }
}

fn take(rest: &mut Bytes, len: usize) -> Option<Bytes> {
    (len <= rest.len()).then(|| rest.split_to(len))
}

fn one_skipped(rest: &mut Bytes) -> Option<Skipped> {
    let reason = take(rest, 1)?[0];
    let reason = *REASONS.get(usize::from(reason))?;
    let len = u32::read(&take(rest, 4)?) as usize;
    Some(Skipped { path: take(rest, len)?.to_vec(), reason })
}

fn number(reason: SkipReason) -> u8 {
    let place = REASONS.iter().position(|known| *known == reason);
    place.and_then(|place| u8::try_from(place).ok()).expect("all reasons are listed")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::segment::Class;
    use crate::store::SnapshotEntry;
    use crate::text::Language;

    fn snapshot(paths: &[Vec<u8>], skipped: &[Vec<u8>]) -> Snapshot {
        let segments = (0..3).map(|n| ObjectKey { id: Uuid::from_u128(n), hash: [7; 8] }).collect();
        let entry = |(nth, path): (usize, &Vec<u8>)| SnapshotEntry {
            path: path.clone(),
            mode: 0o100_644,
            segment: nth as u32 % 3,
            doc: nth as u32 * 7,
            class: Class::ALL[nth % 5],
            language: Language(nth as u16),
        };
        let skip = |(nth, path): (usize, &Vec<u8>)| Skipped { path: path.clone(), reason: REASONS[nth % 7] };
        let entries = paths.iter().enumerate().map(entry).collect();
        Snapshot::new(ObjectId([9; 20]), segments, entries, skipped.iter().enumerate().map(skip).collect())
    }

    fn paths() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::btree_set(prop::collection::vec(any::<u8>(), 1..9), 0..40)
            .prop_map(|paths| paths.into_iter().collect())
    }

    proptest! {
        #[test]
        fn a_mapped_snapshot_is_the_decoded_one(paths in paths(), skipped in paths()) {
            let snapshot = snapshot(&paths, &skipped);
            let mapped = Snapshot::from_flat(snapshot.to_flat().into()).unwrap();
            prop_assert_eq!(&mapped, &Snapshot::decode(&snapshot.encode()).unwrap());
            prop_assert_eq!(mapped.encode(), snapshot.encode());
            let order = |snapshot: &Snapshot| (0..snapshot.len()).map(|rank| snapshot.ranks().entry(rank)).collect::<Vec<_>>();
            prop_assert_eq!(order(&mapped), order(&snapshot));
            for literal in [&paths[..], &[vec![7], vec![0, 0]]].concat() {
                let mut found = Vec::new();
                mapped.each_path_with(&literal, |entry| found.push(entry));
                let expected = paths.iter().enumerate().filter(|(_, path)| memchr::memmem::find(path, &literal).is_some());
                prop_assert_eq!(found, expected.map(|(entry, _)| entry).collect::<Vec<_>>());
            }
            for (entry, path) in paths.iter().enumerate() {
                prop_assert_eq!(mapped.find(path), Some(entry));
                prop_assert_eq!(mapped.entry(entry), snapshot.entry(entry));
            }
        }
    }

    /// Asks everything that a search asks.
    fn ask(snapshot: &Snapshot) {
        let ranks = snapshot.ranks();
        let mut found = Vec::new();
        for rank in 0..ranks.len() {
            let entry = snapshot.entry(ranks.entry(rank));
            assert!((entry.segment as usize) < snapshot.segments.len());
            found.extend(snapshot.find(entry.path));
        }
        Class::ALL.into_iter().for_each(|class| found.extend(ranks.of_class(class)));
        for segment in 0..4 {
            ranks.all(segment, |rank| found.push(rank));
            ranks.each(segment, 0..40, |rank| found.push(rank));
        }
        [&b"a"[..], b"b/c", &[0]]
            .into_iter()
            .for_each(|literal| snapshot.each_path_with(literal, |entry| found.push(entry)));
        assert!(found.iter().all(|one| *one < snapshot.len()), "{found:?}");
        assert_eq!(snapshot.entries().count(), snapshot.len());
    }

    #[test]
    fn any_bytes_can_be_asked_everything() {
        let paths: Vec<Vec<u8>> = [&b"a"[..], b"b/c", b"b/d", b"e"].map(<[u8]>::to_vec).into();
        let whole = snapshot(&paths, &[b"d".to_vec()]).to_flat();
        ask(&Snapshot::from_flat(whole.clone().into()).unwrap());
        for at in 0..whole.len() {
            for flip in [1, 0x80, 0xFF] {
                let mut flipped = whole.clone();
                flipped[at] ^= flip;
                Snapshot::from_flat(flipped.into()).iter().for_each(ask);
            }
        }
    }

    #[test]
    fn what_is_cut_is_passed_over() {
        let whole = Bytes::from(snapshot(&[b"a".to_vec(), b"b/c".to_vec()], &[b"d".to_vec()]).to_flat());
        for at in 0..whole.len() {
            assert!(Snapshot::from_flat(whole.slice(..at)).is_none(), "cut at {at}");
        }
    }
}
