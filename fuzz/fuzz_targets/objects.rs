//! HEAD, refs, snapshots and deltas of any content whose checksum is true: a value that survives being written and read
//! again, or an error.

#![no_main]

use kotadb_core::store::{Refs, Root, Snapshot, SnapshotDelta};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut bytes = data.to_vec();
    bytes.extend(crc32c::crc32c(data).to_le_bytes());
    if let Ok(root) = Root::decode(&bytes) {
        assert_eq!(Root::decode(&root.encode()).ok(), Some(root));
    }
    if let Ok(refs) = Refs::decode(&bytes) {
        assert_eq!(Refs::decode(&refs.encode()).ok(), Some(refs));
    }
    if let Ok(snapshot) = Snapshot::decode(&bytes) {
        assert_eq!(Snapshot::decode(&snapshot.encode()).ok(), Some(snapshot));
    }
    if let Ok(delta) = SnapshotDelta::decode(&bytes) {
        assert_eq!(SnapshotDelta::decode(&delta.encode()).ok(), Some(delta));
    }
});
