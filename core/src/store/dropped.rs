//! What earlier roots named and this one does not: kept for 20 hours, because somebody may still read an earlier root.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use crate::store::codec::{Damage, Decoder, Encoder, Envelope, Format, Sections};
use crate::store::{Kind, ObjectKey, Root, StoreError};

const FORMAT: Format = Format { magic: *b"KDBD", version: 1, min_reader: 1 };

const OBJECTS: u8 = 1;
const GRAPHS: u8 = 2;

/// How long an object stays after the last root that named it was replaced. Nothing that holds a root may live longer:
/// no job, no cursor. What was deleted has to be gone after 25 hours, of which jobs and sweeps take their part.
pub const GRACE: Duration = Duration::from_secs(20 * 3600);

/// An object that no root names any more. Readers of earlier roots may still read it for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dropped {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub key: ObjectKey,
    /// When it was dropped, in milliseconds since 1970: in a service by the clock of the database, because whoever
    /// deletes it may be another machine; in a local index by that of the machine.
    pub at_ms: u64,
}

impl Dropped {
    /// The bytes of a list that is an object of its own.
    pub fn encode_list(list: &[Self]) -> Bytes {
        let (graphs, others) = apart(list);
        let mut envelope = Envelope::new(FORMAT);
        envelope.section(OBJECTS, &encode(&others));
        if !graphs.is_empty() {
            envelope.section(GRAPHS, &encode(&graphs));
        }
        envelope.finish().into()
    }

    /// Reads such a list.
    pub fn decode_list(bytes: &[u8]) -> Result<Vec<Self>, StoreError> {
        let list = Sections::open(FORMAT, bytes).and_then(|sections| {
            let mut list = decode(&sections.section(OBJECTS)?)?;
            if let Some(graphs) = sections.optional(GRAPHS)? {
                list.extend(decode(&graphs)?);
            }
            Ok(list)
        });
        list.map_err(|damage| StoreError::corrupt("list of dropped objects", damage))
    }
}

impl Root {
    /// Notes that this root names these objects no more. One that is listed already was named again meanwhile, so its
    /// time begins anew.
    pub fn drop_objects(&mut self, objects: impl IntoIterator<Item = (Kind, ObjectKey)>, at_ms: u64) {
        let mut times: BTreeMap<_, _> = self.dropped.iter().map(|one| ((one.kind, one.key), one.at_ms)).collect();
        times.extend(objects.into_iter().map(|object| (object, at_ms)));
        self.dropped = times.into_iter().map(|((kind, key), at_ms)| Dropped { kind, key, at_ms }).collect();
    }
}

/// Graphs and what came later apart from the rest: readers of the first version know no such kinds, and skip a section of their own.
pub(super) fn apart(dropped: &[Dropped]) -> (Vec<Dropped>, Vec<Dropped>) {
    dropped.iter().copied().partition(|one| one.kind >= Kind::Graph)
}

pub(super) fn encode(dropped: &[Dropped]) -> Encoder {
    let mut encoder = Encoder::default();
    encoder.number(dropped.len() as u64);
    encoder.runs(dropped.iter().map(|one| one.kind.number()));
    let mut before = 0;
    for one in dropped {
        encoder.signed((one.at_ms as i64).wrapping_sub(before));
        before = one.at_ms as i64;
    }
    encoder.transposed(&dropped.iter().map(|one| one.key.to_bytes()).collect::<Vec<_>>());
    encoder
}

pub(super) fn decode(bytes: &[u8]) -> Result<Vec<Dropped>, Damage> {
    let mut decoder = Decoder::new(bytes);
    let count = decoder.count(ObjectKey::LEN + 1)?;
    let mut kinds = vec![Kind::Segment; count];
    decoder.runs(count, |run, value| {
        let kind = Kind::from_number(value).ok_or_else(|| Damage::new(format!("kind {value} is unknown")))?;
        kinds[run].fill(kind);
        Ok(())
    })?;
    let mut times = Vec::with_capacity(count);
    let mut before = 0i64;
    for _ in 0..count {
        before = before.wrapping_add(decoder.signed()?);
        times.push(before as u64);
    }
    let keys = decoder.transposed(count)?.into_iter().map(ObjectKey::from_bytes);
    decoder.finish()?;
    Ok(kinds.into_iter().zip(keys).zip(times).map(|((kind, key), at_ms)| Dropped { kind, key, at_ms }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_again_starts_the_time_anew() {
        let key = |nth| ObjectKey::from_bytes([nth; ObjectKey::LEN]);
        let mut root = Root::default();
        root.drop_objects([(Kind::Segment, key(2)), (Kind::Refs, key(1))], 5);
        root.drop_objects([(Kind::Segment, key(2)), (Kind::Segment, key(3))], 9);
        let times: Vec<_> = root.dropped.iter().map(|one| (one.kind, one.key, one.at_ms)).collect();
        let expected = [(Kind::Segment, key(2), 9), (Kind::Segment, key(3), 9), (Kind::Refs, key(1), 5)];
        assert_eq!(times, expected);
    }
}
