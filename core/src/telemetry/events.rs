//! The fixed sentences of the log, so that alerts and tests can look for them; facts go into fields.

/// A job was leased by this process.
pub const JOB_CLAIMED: &str = "Job claimed";
/// A job was published and closed.
pub const JOB_DONE: &str = "Job done";
/// A job failed and will be tried again.
pub const JOB_FAILED: &str = "Job failed";
/// A job failed for good.
pub const JOB_DEAD: &str = "Job dead";
/// A job was given back untouched because this process was asked to stop.
pub const JOB_RELEASED: &str = "Job released";
/// The lease of a running job was lost; nothing of it was published.
pub const LEASE_LOST: &str = "Lease lost";
/// A job was cancelled by its owner while it ran.
pub const JOB_CANCELLED: &str = "Job cancelled";
/// HEAD was swapped to a root that holds the job's commits.
pub const PUBLISHED: &str = "Published";
/// A tracked ref names no commit (a tag of a tree or blob) and is left out.
pub const REF_LEFT_OUT: &str = "Ref left out";
/// Segments of a tenant were merged.
pub const COMPACTED: &str = "Compacted";
/// Objects that nothing names any more were deleted.
pub const COLLECTED: &str = "Collected";
/// The upkeep of a tenant failed; the next sweep tries again.
pub const UPKEEP_FAILED: &str = "Upkeep failed";
/// Postgres could not be reached; it is tried again.
pub const DATABASE_UNREACHABLE: &str = "Database unreachable";
/// A delivery was refused, with the reason.
pub const WEBHOOK_REJECTED: &str = "Webhook rejected";
/// A delivery was taken, with what became of it.
pub const WEBHOOK_ACCEPTED: &str = "Webhook accepted";
/// The indexer was woken.
pub const WOKEN: &str = "Indexer woken";
/// The indexer could not be woken; the tick or the sweep does it later.
pub const WAKE_FAILED: &str = "Wake failed";
