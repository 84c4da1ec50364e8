//! The fixed sentences of the log, so that alerts and tests can look for them; facts go into fields.

/// A job was leased by this process.
pub const JOB_CLAIMED: &str = "Job claimed";
/// A job was published and closed.
pub const JOB_DONE: &str = "Job done";
/// A job failed and will be tried again.
pub const JOB_FAILED: &str = "Job failed";
/// There is no memory for the scratch of jobs, or too little: it is on disk, for the reason given.
pub const SCRATCH_ON_DISK: &str = "Scratch on disk";
/// A job outgrew the memory for its scratch and begins again on disk.
pub const SCRATCH_MOVED: &str = "Scratch moved to disk";
/// A job failed for good.
pub const JOB_DEAD: &str = "Job dead";
/// A job was given back untouched because this process was asked to stop.
pub const JOB_RELEASED: &str = "Job released";
/// What an earlier try of a job had uploaded cannot be read any more and is built again.
pub const UPLOADED_GONE: &str = "Uploaded segment gone";
/// A step of a job could not be recorded; the job goes on.
pub const STEP_NOT_RECORDED: &str = "Step not recorded";
/// The lease of a running job was lost; nothing of it was published.
pub const LEASE_LOST: &str = "Lease lost";
/// A job was cancelled by its owner while it ran.
pub const JOB_CANCELLED: &str = "Job cancelled";
/// HEAD was swapped to a root that holds the job's commits.
pub const PUBLISHED: &str = "Published";
/// The graph of a tip could not be made: callers there are known by name only.
pub const GRAPH_FAILED: &str = "Graph failed";
/// An SCIP index that was sent cannot be read any more: graphs are made without it.
pub const IMPORT_LOST: &str = "Import lost";
/// A tracked ref names no commit (a tag of a tree or blob) and is left out.
pub const REF_LEFT_OUT: &str = "Ref left out";
/// The fence of a job was below HEAD's, as after a restore of the database, and was raised above it.
pub const FENCE_RAISED: &str = "Fence raised";
/// Finished jobs and old deliveries were forgotten.
pub const PRUNED: &str = "Pruned";
/// The session that hears of queued jobs broke; they are found by looking, until it is opened again.
pub const LISTENER_LOST: &str = "Listener lost";
/// Segments of a tenant were merged.
pub const COMPACTED: &str = "Compacted";
/// Objects that nothing names any more were deleted.
pub const COLLECTED: &str = "Collected";
/// Secrets that the previous master key had sealed were sealed anew.
pub const RESEALED: &str = "Sealed anew";
/// The objects of a deleted tenant were deleted.
pub const TENANT_REMOVED: &str = "Tenant removed";
/// Jobs were queued for repositories whose schedule is due.
pub const SCHEDULED: &str = "Scheduled jobs queued";
/// A part of a sweep failed; the next sweep tries again.
pub const SWEEP_FAILED: &str = "Sweep failed";
/// The upkeep of a tenant failed; the next sweep tries again.
pub const UPKEEP_FAILED: &str = "Upkeep failed";
/// A run of the reconciler, with what it repaired.
pub const RECONCILED: &str = "Reconciled";
/// Something could not be compared with GitHub; the next run tries again.
pub const RECONCILE_FAILED: &str = "Reconcile failed";
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
