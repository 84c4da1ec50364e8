//! The limits of one repository and one job; what exceeds them is refused or left out by name.

use std::time::Duration;

use kotadb_core::store::GRACE;

const HOUR: u64 = 3600;

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
pub const JOB_DEADLINE: Duration = Duration::from_secs(2 * HOUR);
/// How often somebody sweeps at least.
pub const SWEEP_EVERY: Duration = Duration::from_secs(HOUR);
/// How long text may be in the store after it was deleted.
pub const GONE_WITHIN: Duration = Duration::from_secs(25 * HOUR);
/// How old a segment may be that an unfinished try has left for the next one.
pub const CHECKPOINT_LIFE: Duration = Duration::from_secs(12 * HOUR);
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
/// Bytes of postings of a segment under construction that stay in memory, and half as many of names; more go to files.
pub const POSTINGS_MEMORY: usize = 64 << 20;
/// Files listed at once: tips are worked off in groups of about this size, which bounds memory for any number of refs.
pub const GROUP_FILES: usize = 600_000;

/// A job that began before a deletion may publish until its deadline. The next sweep takes that out of the root, the first
/// one after the grace deletes it, and one of the sweeps may be missed or take an hour.
const _: () = assert!(JOB_DEADLINE.as_secs() + 3 * SWEEP_EVERY.as_secs() + GRACE.as_secs() <= GONE_WITHIN.as_secs());
/// Whoever holds on to a root is done before what only it names may go.
const _: () = assert!(JOB_DEADLINE.as_secs() < GRACE.as_secs());
/// A try publishes what an earlier one has left before the collector may take that for lost.
const _: () = assert!(CHECKPOINT_LIFE.as_secs() + JOB_DEADLINE.as_secs() < GRACE.as_secs());
