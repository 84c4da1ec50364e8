//! The refs object of a repository: every tracked ref but the default, commits that refs have left, and which segments
//! each snapshot names. The layout of its bytes is in `format.md`.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::id::ObjectId;
use crate::store::codec::{Damage, Decoder, Encoder, Envelope, Format, Sections};
use crate::store::{ObjectKey, StoreError, Tip, graphs};

const FORMAT: Format = Format { magic: *b"KDBF", version: 1, min_reader: 1 };

const TIPS: u8 = 1;
const LAYERED: u8 = 2;
const HISTORY: u8 = 3;
const SEGMENTS: u8 = 4;
const GRAPHS: u8 = 5;

/// What a repository holds beside its default tip.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refs {
    /// Every tracked ref but the default, by full ref name, ascending.
    pub tips: Vec<Tip>,
    /// Commits that stay searchable after their ref has moved on; of each ref the newest first.
    pub history: Vec<Retained>,
    /// Which segments a snapshot object names, of every one that a tip (the default one, too), a base or the history
    /// names. A delta's are its own, without its base's. Empty where an earlier version wrote the object.
    pub segments: BTreeMap<ObjectKey, Vec<ObjectKey>>,
}

/// A commit that its ref has left, and that stays searchable for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retained {
    /// What the tip was.
    pub tip: Tip,
    /// When its ref moved on, in milliseconds since 1970.
    pub left_ms: u64,
}

impl Refs {
    /// The bytes of a refs object.
    pub fn encode(&self) -> Bytes {
        let (whole, layered): (Vec<&Tip>, Vec<&Tip>) = self.tips.iter().partition(|tip| tip.base.is_none());
        let mut tips = Encoder::default();
        tips.number(whole.len() as u64);
        for tip in whole {
            tips.text(tip.ref_name.as_bytes());
            tips.raw(&tip.commit.0);
            tips.raw(&tip.snapshot.to_bytes());
        }
        let mut envelope = Envelope::new(FORMAT);
        envelope.section(TIPS, &tips);
        if !layered.is_empty() {
            envelope.section(LAYERED, &encode_tips(layered.into_iter()));
        }
        if !self.history.is_empty() {
            let mut history = encode_tips(self.history.iter().map(|one| &one.tip));
            self.history.iter().for_each(|one| history.number(one.left_ms));
            envelope.section(HISTORY, &history);
        }
        if self.tips.iter().any(|tip| tip.graph.is_some()) {
            envelope.section(GRAPHS, &graphs::encode(self.tips.iter().map(|tip| tip.graph)));
        }
        if !self.segments.is_empty() {
            envelope.section(SEGMENTS, &encode_segments(&self.segments));
        }
        envelope.finish().into()
    }

    /// Reads a refs object.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        decode(bytes).map_err(|damage| StoreError::corrupt("refs", damage))
    }
}

fn decode(bytes: &[u8]) -> Result<Refs, Damage> {
    let sections = Sections::open(FORMAT, bytes)?;
    let mut tips = decode_whole(&sections.section(TIPS)?)?;
    if let Some(layered) = sections.optional(LAYERED)? {
        let mut decoder = Decoder::new(&layered);
        tips.extend(decode_tips(&mut decoder)?);
        decoder.finish()?;
        tips.sort_by(|a, b| a.ref_name.cmp(&b.ref_name));
    }
    if let Some(found) = sections.optional(GRAPHS)? {
        graphs::decode(&found, tips.iter_mut().map(Some).collect())?;
    }
    let history = sections.optional(HISTORY)?.map(|bytes| decode_history(&bytes)).transpose()?;
    let segments = sections.optional(SEGMENTS)?.map(|bytes| decode_segments(&bytes)).transpose()?;
    Ok(Refs { tips, history: history.unwrap_or_default(), segments: segments.unwrap_or_default() })
}

fn decode_whole(bytes: &[u8]) -> Result<Vec<Tip>, Damage> {
    let mut decoder = Decoder::new(bytes);
    let count = decoder.count(1 + 20 + ObjectKey::LEN)?;
    let mut tips = Vec::with_capacity(count);
    for _ in 0..count {
        let ref_name = decode_name(&mut decoder)?;
        let commit = ObjectId(decoder.array()?);
        tips.push(Tip { ref_name, commit, snapshot: ObjectKey::from_bytes(decoder.array()?), base: None, graph: None });
    }
    decoder.finish()?;
    Ok(tips)
}

fn decode_name(decoder: &mut Decoder<'_>) -> Result<String, Damage> {
    let name = std::str::from_utf8(decoder.text()?).map_err(|_| decoder.damage("ref name is not UTF-8"))?;
    Ok(name.to_owned())
}

/// Names, which of them have a base, then the columns.
fn encode_tips<'a>(tips: impl Iterator<Item = &'a Tip> + Clone) -> Encoder {
    let mut encoder = Encoder::default();
    encoder.number(tips.clone().count() as u64);
    tips.clone().for_each(|tip| encoder.text(tip.ref_name.as_bytes()));
    encoder.runs(tips.clone().map(|tip| tip.base.is_some().into()));
    encoder.transposed(&tips.clone().map(|tip| tip.commit.0).collect::<Vec<_>>());
    encoder.transposed(&tips.clone().map(|tip| tip.snapshot.to_bytes()).collect::<Vec<_>>());
    encoder.transposed(&tips.filter_map(|tip| tip.base).map(ObjectKey::to_bytes).collect::<Vec<_>>());
    encoder
}

fn decode_tips(decoder: &mut Decoder<'_>) -> Result<Vec<Tip>, Damage> {
    let count = decoder.count(1 + 20 + ObjectKey::LEN)?;
    let names = (0..count).map(|_| decode_name(decoder)).collect::<Result<Vec<_>, _>>()?;
    let mut layered = vec![false; count];
    decoder.runs(count, |run, value| {
        layered[run].fill(value != 0);
        Ok(())
    })?;
    let commits = decoder.transposed(count)?;
    let snapshots = decoder.transposed(count)?;
    let mut bases = decoder.transposed(layered.iter().filter(|layered| **layered).count())?.into_iter();
    let rows = names.into_iter().zip(layered).zip(commits).zip(snapshots);
    let tips = rows.map(|(((ref_name, layered), commit), snapshot)| Tip {
        ref_name,
        commit: ObjectId(commit),
        snapshot: ObjectKey::from_bytes(snapshot),
        base: if layered { bases.next().map(ObjectKey::from_bytes) } else { None },
        graph: None,
    });
    Ok(tips.collect())
}

fn decode_history(bytes: &[u8]) -> Result<Vec<Retained>, Damage> {
    let mut decoder = Decoder::new(bytes);
    let tips = decode_tips(&mut decoder)?;
    let rows = tips.into_iter().map(|tip| Ok(Retained { tip, left_ms: decoder.number()? }));
    let history = rows.collect::<Result<_, Damage>>()?;
    decoder.finish()?;
    Ok(history)
}

/// Every segment once; then of each snapshot the numbers of its segments.
fn encode_segments(segments: &BTreeMap<ObjectKey, Vec<ObjectKey>>) -> Encoder {
    let mut table: Vec<ObjectKey> = segments.values().flatten().copied().collect();
    table.sort_unstable();
    table.dedup();
    let mut encoder = Encoder::default();
    let keys = |keys: &mut dyn Iterator<Item = &ObjectKey>| keys.map(|key| key.to_bytes()).collect::<Vec<_>>();
    encoder.number(table.len() as u64);
    encoder.transposed(&keys(&mut table.iter()));
    encoder.number(segments.len() as u64);
    encoder.transposed(&keys(&mut segments.keys()));
    for named in segments.values() {
        encoder.number(named.len() as u64);
        for key in named {
            encoder.number(table.binary_search(key).expect("the table has every segment") as u64);
        }
    }
    encoder
}

fn decode_segments(bytes: &[u8]) -> Result<BTreeMap<ObjectKey, Vec<ObjectKey>>, Damage> {
    let mut decoder = Decoder::new(bytes);
    let n_segments = decoder.count(ObjectKey::LEN)?;
    let table = decoder.transposed(n_segments)?;
    let n_snapshots = decoder.count(ObjectKey::LEN + 1)?;
    let snapshots = decoder.transposed(n_snapshots)?;
    let mut segments = BTreeMap::new();
    for snapshot in snapshots {
        let count = decoder.count(1)?;
        let mut named = Vec::with_capacity(count);
        for _ in 0..count {
            let key = table.get(decoder.size()?).ok_or_else(|| decoder.damage("segment is not in the table"))?;
            named.push(ObjectKey::from_bytes(*key));
        }
        segments.insert(ObjectKey::from_bytes(snapshot), named);
    }
    decoder.finish()?;
    Ok(segments)
}
