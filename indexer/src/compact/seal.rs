//! Sealed segments: large ones that will hardly be merged again, so that their frames are worth a higher level of zstd.
//! Nothing in a segment says that it is sealed; a few of its frames, compressed once more, do.

use bytes::Bytes;
use kotadb_core::id::TenantId;
use kotadb_core::segment::{DocId, ReadRange, Recompressor, Segment};
use kotadb_core::store::{Kind, ObjectKey, Store};

use super::inputs::Input;
use crate::error::IndexError;

/// Text from which a segment is sealed.
pub const TEXT: u64 = 64 << 20;
/// Level of zstd in sealed segments.
pub const LEVEL: i32 = 12;
/// Frames looked at.
const SAMPLE: u32 = 16;

/// Whether an input was sealed before.
pub fn of_input(input: &Input) -> Result<bool, IndexError> {
    let docs = sample(&input.segment);
    let frames = docs.iter().map(|doc| input.file.read(input.segment.frame_range(*doc)));
    judge(&input.segment, &docs, frames.collect::<Result<_, _>>()?)
}

/// Whether a segment of the store was sealed before.
pub async fn of_object(store: &Store, tenant: TenantId, key: ObjectKey, segment: &Segment) -> Result<bool, IndexError> {
    let docs = sample(segment);
    let ranges: Vec<_> = docs.iter().map(|doc| segment.frame_range(*doc)).collect();
    judge(segment, &docs, store.get_ranges(tenant, Kind::Segment, key, &ranges).await?.parts)
}

/// Documents at even distances.
fn sample(segment: &Segment) -> Vec<DocId> {
    let n_docs = u64::from(segment.n_docs());
    let nth = |nth: u32| u32::try_from(n_docs * u64::from(nth) / u64::from(SAMPLE)).unwrap_or(0);
    (0..SAMPLE.min(segment.n_docs())).map(nth).collect()
}

/// Sealed is what compressing again makes no smaller.
fn judge(segment: &Segment, docs: &[DocId], frames: Vec<Bytes>) -> Result<bool, IndexError> {
    let mut recompressor = Recompressor::new(LEVEL)?;
    let (mut before, mut after) = (0, 0);
    for (doc, bytes) in docs.iter().zip(frames) {
        before += bytes.len();
        after += recompressor.frame(segment, *doc, bytes)?.len();
    }
    Ok(after * 250 >= before * 249)
}
