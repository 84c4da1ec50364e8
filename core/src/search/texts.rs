//! Texts of a snapshot by path: segments in one wave, then what is read of them in another. What was read is kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use futures::future;

use super::cache::{OpenSegment, Part};
use super::reader::{Frame, Reader};
use crate::segment::DocId;
use crate::store::{Kind, ObjectKey, Root, Snapshot, StoreError, object_path};

/// A segment that a snapshot names and the root has.
pub(super) async fn open(reader: &Reader<'_>, root: &Root, key: ObjectKey) -> Result<Arc<OpenSegment>, StoreError> {
    let entry = root.segments.iter().find(|entry| entry.key == key);
    let missing = || StoreError::NotFound(object_path(reader.tenant, Kind::Segment, key));
    reader.segment(entry.ok_or_else(missing)?).await
}

/// The texts of documents of one segment, in the order asked.
pub(super) async fn decoded(reader: &Reader<'_>, open: &OpenSegment, docs: &[DocId]) -> Result<Vec<Bytes>, StoreError> {
    let frames = reader.frames(open, docs).await?;
    let decode = |(doc, frame): (&DocId, Frame)| match frame {
        Frame::Decoded(text) => Ok(text),
        Frame::Encoded(bytes) => {
            let decoded = open.segment.decode_frame(*doc, &bytes);
            let range = open.segment.frame_range(*doc);
            let text: Bytes = decoded.map_err(|error| reader.segment_error(open.key, &range, &error))?.into();
            reader.cache.keep(reader.tenant, open.key, Part::Content(*doc), text.clone());
            Ok(text)
        }
    };
    docs.iter().zip(frames).map(decode).collect()
}

/// The texts of paths; a path that is not there has none. Two waves at most.
pub(super) async fn of_paths(
    reader: &Reader<'_>,
    (root, snapshot): (&Root, &Snapshot),
    paths: &[Vec<u8>],
) -> Result<HashMap<Vec<u8>, Bytes>, StoreError> {
    let mut wanted = BTreeMap::<ObjectKey, (Vec<DocId>, Vec<&Vec<u8>>)>::new();
    for path in paths {
        let Some(entry) = snapshot.find(path).map(|nth| snapshot.entry(nth)) else { continue };
        if let Some(key) = snapshot.segments.get(entry.segment as usize) {
            let (docs, paths) = wanted.entry(*key).or_default();
            docs.push(entry.doc);
            paths.push(path);
        }
    }
    let segments = wanted.keys().map(|key| open(reader, root, *key));
    let segments = reader.wave(future::try_join_all(segments)).await?;
    let reads = segments.iter().zip(wanted.values()).map(|(open, (docs, _))| decoded(reader, open, docs));
    let texts = reader.wave(future::try_join_all(reads)).await?;
    let paths = wanted.into_values().flat_map(|(_, paths)| paths);
    Ok(paths.cloned().zip(texts.into_iter().flatten()).collect())
}
