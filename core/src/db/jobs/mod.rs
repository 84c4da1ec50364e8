//! The job table: enqueue, claim, heartbeat, finish. Semantics: `ARCHITECTURE.md`, "Jobs". Here: what a job is;
//! [`queue`] has the side of its owner, [`lease`] and [`finish`] that of a worker, [`policy`] what becomes of a failed one,
//! [`mod@events`] what happened to it, [`told`] what it will bring, [`checkpoint`] what it has made so far, [`control`] what stops it, starts it again and
//! forgets it.

pub mod checkpoint;
mod control;
mod events;
mod finish;
mod lease;
mod policy;
mod queue;
mod told;

use std::time::Duration;

use time::OffsetDateTime;

pub(super) use self::control::PRUNE_BATCH;
pub use self::control::{Moved, cancel, prune, retry};
pub use self::events::{JobEvent, Phase, events, record};
pub use self::finish::{complete, doubt, fail, release};
pub use self::lease::{Spend, claim, heartbeat, raise_fence};
pub use self::queue::{enqueue, get, list, outstanding};
pub(super) use self::queue::{millis, read};
pub(super) use self::told::told_commits;
pub use self::told::{Told, behind, tell};
use super::DbError;
use super::repositories::Credential;
use crate::id::{JobId, RepositoryId, TenantId};
use crate::trace::Traceparent;

/// What a job does. One kind so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Bring every tracked ref of a repository up to its tip.
    Index,
}

/// Who asked for a job; also its priority (lower runs first): manual 0, push 10, first index 20, sweep 30. All but manual are
/// automatic: the repository's own priority goes before theirs, and while it is suspended they wait.
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
    /// The network or the remote: retried with backoff.
    Transient,
    /// The remote asked to wait: snoozed, the attempt not counted.
    RateLimited,
    /// The worker died: counted apart; the third suspends the repository. A fault of ours, as those below.
    Crash,
    /// The object store or the disk failed: retried with backoff.
    Storage,
    /// Postgres failed: retried with backoff.
    Database,
    /// The job ran longer than it may: tried once more.
    Deadline,
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
    /// With what it is fetched.
    pub credential: Credential,
    /// Ref patterns to track; empty: the default branch.
    pub ref_patterns: Vec<String>,
    /// Rebuild everything.
    pub full: bool,
    /// 1 for the first try.
    pub attempt: i32,
    /// When it was claimed, by the database's clock, in milliseconds since 1970.
    pub now_ms: u64,
    /// Whether an earlier run of this job may still live, or a swap of HEAD that it sent: raise the fence before working.
    pub rescued: bool,
    /// The trace of the request that queued it.
    pub traceparent: Option<Traceparent>,
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

/// A column of one of the types below, which an older program may not know all values of.
fn known<T>(text: &str, parse: fn(&str) -> Option<T>) -> Result<T, DbError> {
    parse(text).ok_or_else(|| DbError::Statement(format!("`{text}` is unknown here: run the program that wrote it")))
}

/// The text that a value has in its column, both ways.
macro_rules! column_text {
    ($name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        impl $name {
            /// The text of its column.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),*
                }
            }

            /// The value of that text.
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

column_text!(JobKind { Index = "index" });
column_text!(Trigger { Manual = "manual", Push = "push", Register = "register", Sweep = "sweep" });
column_text!(JobState {
    Queued = "queued",
    Running = "running",
    Done = "done",
    Dead = "dead",
    Cancelled = "cancelled",
    Superseded = "superseded",
});
column_text!(Phase {
    Claimed = "claimed",
    Listed = "listed",
    Fetched = "fetched",
    Built = "built",
    Uploaded = "uploaded",
    Published = "published",
    Done = "done",
    Failed = "failed",
    Released = "released",
    Rescued = "rescued",
    Cancelled = "cancelled",
    Retried = "retried",
});
column_text!(ErrorClass {
    Permanent = "permanent",
    Transient = "transient",
    RateLimited = "rate_limited",
    Crash = "crash",
    Storage = "storage",
    Database = "database",
    Deadline = "deadline",
});
