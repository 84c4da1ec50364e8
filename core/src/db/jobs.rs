//! The job table: enqueue, claim, heartbeat, finish. Semantics: `ARCHITECTURE.md`, "Jobs".
#![allow(unused_variables, reason = "contract stub")]

use std::time::Duration;

use time::OffsetDateTime;

use super::{DbError, Tx};
use crate::id::{JobId, RepositoryId, TenantId};

/// What a job does. One kind so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Bring every tracked ref of a repository up to its tip.
    Index,
}

/// Who asked for a job; also its priority (lower runs first): manual 0, push 10, first index 20, sweep 30.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A person or the CLI.
    Manual,
    /// A push webhook.
    Push,
    /// The registration.
    Register,
    /// The sweep.
    Sweep,
}

/// Where a job is. `superseded`: merged into a queued sibling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Waiting for `run_at`.
    Queued,
    /// Leased.
    Running,
    /// Finished.
    Done,
    /// Given up, with its error class.
    Dead,
    /// Cancelled by its owner.
    Cancelled,
    /// Merged into a queued sibling.
    Superseded,
}

/// Why a job failed, and so whether it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// The repository's own fault (not found, too large, refused): dead at once.
    Permanent,
    /// Network, store or database: retried with backoff.
    Transient,
    /// The remote asked to wait: snoozed, the attempt not counted.
    RateLimited,
    /// The worker died: counted apart.
    Crash,
}

/// A job as asked for.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Its owner.
    pub tenant: TenantId,
    /// Its repository.
    pub repository: RepositoryId,
    /// What it does.
    pub kind: JobKind,
    /// Who asked.
    pub trigger: Trigger,
    /// Rebuild everything (force push, new format).
    pub full: bool,
    /// Debounce: earliest start from now, capped at 30 s after the first of a burst.
    pub delay: Duration,
}

/// What [`enqueue`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enqueued {
    /// The queued job.
    pub job: JobId,
    /// Whether it was queued already and this request joined it.
    pub coalesced: bool,
}

/// A job that this worker holds. `fence` grows with every claim of any job.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Which job.
    pub job: JobId,
    /// Fence number of this claim.
    pub fence: i64,
    /// Its owner.
    pub tenant: TenantId,
    /// Its repository.
    pub repository: RepositoryId,
    /// Clone URL.
    pub url: String,
    /// `owner/name`.
    pub name: String,
    /// Ref patterns to track; empty: the default branch.
    pub ref_patterns: Vec<String>,
    /// Rebuild everything.
    pub full: bool,
    /// 1 for the first try.
    pub attempt: i32,
    /// Whether an earlier lease of this job expired (its worker may still live): raise the fence before working.
    pub rescued: bool,
}

/// A job as its owner sees it.
#[derive(Clone, Debug)]
pub struct JobRow {
    /// Which job.
    pub id: JobId,
    /// Its repository.
    pub repository: RepositoryId,
    /// Where it is.
    pub state: JobState,
    /// Who asked.
    pub trigger: Trigger,
    /// Tries so far.
    pub attempt: i32,
    /// Requests that joined it.
    pub coalesced: i32,
    /// Class of the last error.
    pub error_class: Option<String>,
    /// Text of the last error.
    pub error: Option<String>,
    /// Counts of the finished run (`files`, `skipped`, `bytes_written`, …).
    pub summary: Option<serde_json::Value>,
    /// Row made.
    pub created_at: OffsetDateTime,
    /// Earliest start.
    pub run_at: OffsetDateTime,
    /// Last start.
    pub started_at: Option<OffsetDateTime>,
    /// End.
    pub finished_at: Option<OffsetDateTime>,
}

/// Queues a job, or joins the one that is queued for the same repository and kind.
pub async fn enqueue(tx: &mut Tx, job: &NewJob) -> Result<Enqueued, DbError> {
    unimplemented!()
}
/// Rescues expired leases, then leases the next due job. Scope: worker.
pub async fn claim(tx: &mut Tx, worker: &str, lease: Duration) -> Result<Option<Claimed>, DbError> {
    unimplemented!()
}
/// Prolongs the lease; says whether a cancel was asked for. [`DbError::LeaseLost`] when it is no longer ours.
pub async fn heartbeat(tx: &mut Tx, claimed: &Claimed, lease: Duration) -> Result<bool, DbError> {
    unimplemented!()
}
/// Closes the job as done and copies `indexed_commit` to the repository for display.
pub async fn complete(tx: &mut Tx, claimed: &Claimed, commit: Option<&str>, summary: serde_json::Value) -> Result<(), DbError> {
    unimplemented!()
}
/// Records a failure: dead, snoozed or queued again with backoff, by class. Says where the job went.
pub async fn fail(tx: &mut Tx, claimed: &Claimed, class: ErrorClass, message: &str) -> Result<JobState, DbError> {
    unimplemented!()
}
/// Gives the job back untouched (SIGTERM): queued, attempt unchanged.
pub async fn release(tx: &mut Tx, claimed: &Claimed) -> Result<(), DbError> {
    unimplemented!()
}
/// Jobs that are due, or leased by anybody: `drain` waits for both. Also the time until the next is due, if any.
pub async fn outstanding(tx: &mut Tx) -> Result<(i64, Option<Duration>), DbError> {
    unimplemented!()
}
/// One job of the tenant in scope.
pub async fn get(tx: &mut Tx, job: JobId) -> Result<Option<JobRow>, DbError> {
    unimplemented!()
}
/// Newest jobs of the tenant in scope, older than `before` where given.
pub async fn list(tx: &mut Tx, repository: Option<RepositoryId>, before: Option<JobId>, limit: i64) -> Result<Vec<JobRow>, DbError> {
    unimplemented!()
}
