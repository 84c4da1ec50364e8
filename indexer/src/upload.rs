//! Brings what was built to the object store: segments first, then the snapshots that name them. Nothing is searchable
//! until HEAD is swapped.

use std::path::Path;

use kotadb_core::id::TenantId;
use kotadb_core::segment::SegmentSummary;
use kotadb_core::store::{Kind, ObjectKey, Refs, SegmentEntry, Snapshot, SnapshotDelta, Store};
use uuid::Uuid;

use crate::error::IndexError;
use crate::shelf::BuiltSegment;
use crate::{disk, fail_point};

/// Uploads a segment and removes its file.
pub async fn segment(store: &Store, tenant: TenantId, built: &BuiltSegment) -> Result<SegmentEntry, IndexError> {
    file(store, tenant, &built.path, &built.summary).await
}

/// Uploads the file of a segment and removes it.
pub async fn file(
    store: &Store,
    tenant: TenantId,
    path: &Path,
    summary: &SegmentSummary,
) -> Result<SegmentEntry, IndexError> {
    let key = store.put_file(tenant, Kind::Segment, Uuid::now_v7(), path).await?;
    fail_point::hit("upload.segment");
    disk::remove(path).map_err(IndexError::io(format!("cannot remove `{}`", path.display())))?;
    Ok(SegmentEntry {
        key,
        bytes: summary.bytes,
        hot_bytes: summary.hot_bytes,
        n_docs: summary.n_docs,
        text_bytes: summary.text_bytes,
    })
}

/// Uploads a snapshot; also says how many bytes it has.
pub async fn snapshot(store: &Store, tenant: TenantId, snapshot: &Snapshot) -> Result<(ObjectKey, u64), IndexError> {
    let bytes = snapshot.encode();
    let length = bytes.len() as u64;
    fail_point::hit("upload.before_snapshot");
    let key = store.put(tenant, Kind::Snapshot, Uuid::now_v7(), bytes).await?;
    fail_point::hit("upload.snapshot");
    Ok((key, length))
}

/// Uploads a delta; also says how many bytes it has.
pub async fn delta(store: &Store, tenant: TenantId, delta: &SnapshotDelta) -> Result<(ObjectKey, u64), IndexError> {
    let bytes = delta.encode();
    let length = bytes.len() as u64;
    fail_point::hit("upload.before_snapshot");
    let key = store.put(tenant, Kind::Snapshot, Uuid::now_v7(), bytes).await?;
    fail_point::hit("upload.snapshot");
    Ok((key, length))
}

/// Uploads a refs object; also says how many bytes it has.
pub async fn refs(store: &Store, tenant: TenantId, refs: &Refs) -> Result<(ObjectKey, u64), IndexError> {
    let bytes = refs.encode();
    let length = bytes.len() as u64;
    Ok((store.put(tenant, Kind::Refs, Uuid::now_v7(), bytes).await?, length))
}
