//! Brings what was built to the object store: segments first, then the snapshots that name them. Nothing is searchable
//! until HEAD is swapped.

use kotadb_core::id::TenantId;
use kotadb_core::store::{Kind, ObjectKey, Refs, SegmentEntry, Snapshot, Store};
use uuid::Uuid;

use crate::build::BuiltSegment;
use crate::error::IndexError;
use crate::fail_point;

/// Uploads a segment and removes its file.
pub async fn segment(store: &Store, tenant: TenantId, built: &BuiltSegment) -> Result<SegmentEntry, IndexError> {
    let key = store.put_file(tenant, Kind::Segment, Uuid::now_v7(), &built.path).await?;
    fail_point::hit("upload.segment");
    std::fs::remove_file(&built.path).map_err(IndexError::io(format!("cannot remove `{}`", built.path.display())))?;
    let summary = &built.summary;
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

/// Uploads a refs object; also says how many bytes it has.
pub async fn refs(store: &Store, tenant: TenantId, refs: &Refs) -> Result<(ObjectKey, u64), IndexError> {
    let bytes = refs.encode();
    let length = bytes.len() as u64;
    Ok((store.put(tenant, Kind::Refs, Uuid::now_v7(), bytes).await?, length))
}
