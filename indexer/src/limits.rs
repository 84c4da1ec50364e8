//! The limits of one repository and one job; what exceeds them is refused or left out by name.

use std::time::Duration;

/// Largest text blob that is indexed.
pub const MAX_BLOB_BYTES: u64 = 8 << 20;
/// Most files (and, apart, most folders) of one commit.
pub const MAX_FILES: usize = 500_000;
/// Most bytes of text of one run.
pub const MAX_TEXT_BYTES: u64 = 4 << 30;
/// Longest path.
pub const MAX_PATH_BYTES: usize = 4096;
/// Most refs that one repository tracks.
pub const MAX_REFS: usize = 1000;
/// Longest time of one job.
pub const JOB_DEADLINE: Duration = Duration::from_secs(2 * 3600);
/// Longest time of one listing of a remote's refs.
pub const LIST_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest time of one fetch.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(3600);
/// Most bytes that one fetch may leave on disk.
pub const MAX_FETCH_BYTES: u64 = 8 << 30;
/// Most objects that one pack of a fetch may state.
pub const MAX_FETCH_OBJECTS: u64 = 4_000_000;
/// Most address space of `git` and each of its helpers.
pub const MAX_FETCH_MEMORY: u64 = 4 << 30;
/// Most objects that one request asks for by id.
pub const MAX_WANTS: usize = 50_000;
/// Text after which a segment is closed and the next one begins.
pub const SEGMENT_TEXT_BYTES: u64 = 2 << 30;
/// Text of an unfinished segment that is worth keeping when the process is asked to end.
pub const CHECKPOINT_TEXT_BYTES: u64 = 4 << 20;
/// Bytes of postings of a segment under construction that stay in memory; more go to a file.
pub const POSTINGS_MEMORY: usize = 64 << 20;
/// Files listed at once: tips are worked off in groups of about this size, which bounds memory for any number of refs.
pub const GROUP_FILES: usize = 600_000;
