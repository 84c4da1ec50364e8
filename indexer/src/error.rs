//! Why a run ended without an index, and what that means for its job.

use kotadb_core::db::DbError;
use kotadb_core::db::jobs::ErrorClass;
use kotadb_core::github::RemoteError;
use kotadb_core::github::client::GithubError;
use kotadb_core::segment::SegmentError;
use kotadb_core::store::StoreError;

use crate::halt::Reason;

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The clone URL breaks a rule.
    #[error("the repository's URL is refused: {0}")]
    Remote(#[from] RemoteError),
    /// The host's name leads where nothing may be fetched from.
    #[error("`{host}` leads to `{address}`, {rule}: only hosts with public addresses are fetched from by name")]
    AddressRefused {
        /// The host.
        host: String,
        /// Where its name leads.
        address: std::net::IpAddr,
        /// What kind of address that is.
        rule: &'static str,
    },
    /// There is no token, or the remote does not take it; the message says what to do.
    #[error("{0}")]
    Credential(&'static str),
    /// The repository names its objects by SHA-256.
    #[error("SHA-256 repositories are not supported: give a repository with SHA-1 object names")]
    Sha256Repository,
    /// `git` failed; the message is the end of what it said.
    #[error("git {what} failed: {message}")]
    Git {
        /// What it was asked to do.
        what: &'static str,
        /// Whether another try can help.
        class: ErrorClass,
        /// Its standard error, trimmed.
        message: String,
    },
    /// The remote leads elsewhere, perhaps to an address that was never checked.
    #[error("the remote answers with a redirect, which is not followed: register the URL that it leads to")]
    Redirected,
    /// No room for what is fetched.
    #[error("the disk of the indexer is full: give `KOTADB_DATA_DIR` more room")]
    DiskFull,
    /// A limit of the repository.
    #[error("repository too large: {0}")]
    TooLarge(&'static str),
    /// With this the tenant would have more in the store than its plan allows.
    #[error(
        "the plan of the tenant allows {most} bytes of index, and with this push there would be {bytes}: delete \
         repositories or snapshots, or ask the operator for another plan; what was indexed before stays"
    )]
    PlanFull {
        /// What the plan allows.
        most: u64,
        /// What there would be.
        bytes: u64,
    },
    /// More tracked refs than the limit.
    #[error("{0} refs match the tracked patterns, at most 1000 can be indexed: narrow the patterns")]
    TooManyRefs(usize),
    /// A pattern of the registration is none.
    #[error("{0}")]
    BadPattern(String),
    /// A ref or commit that the repository does not have.
    #[error("`{0}` names no commit of this repository")]
    UnknownRef(String),
    /// The run has to stop: lease lost, process asked to stop, job cancelled.
    #[error("{0}")]
    Halted(Reason),
    /// The job ran longer than it may.
    #[error("the job took longer than 2 hours: split the repository or track fewer refs")]
    Deadline,
    /// The process of the job asked for more memory than it may have.
    #[error(
        "the run needed more memory than there was: it is tried again; give the indexer more memory if this goes on"
    )]
    OutOfMemory,
    /// The process of the job died.
    #[error("the process of the job died {0}")]
    Died(String),
    /// What the process of the job said it failed of.
    #[error("{message}")]
    Told {
        /// As it was classed there.
        class: ErrorClass,
        /// As it was put there.
        message: String,
    },
    /// A segment that this run builds on was dropped from the root by another publish.
    #[error("a segment this run builds on was dropped by another publish")]
    HeldGone,
    /// GitHub gave no token.
    #[error("no token to fetch with: {0}")]
    Github(#[from] GithubError),
    /// The object store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Postgres failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A segment cannot be written or read.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The fetched objects cannot be read.
    #[error("cannot read the repository: {}", .0.message())]
    Repository(#[from] git2::Error),
    /// The disk of this machine failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The cause.
        source: std::io::Error,
    },
    /// What a merge wrote is not what it read; nothing was published.
    #[error("a merge of segments went wrong: {0}")]
    BadMerge(&'static str),
    /// A thread of the build ended without a result.
    #[error("a build thread ended without a result")]
    BuildThread,
}

impl IndexError {
    /// An error of the disk, saying what was tried.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// What the failure means for the job.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Remote(_)
            | Self::AddressRefused { .. }
            | Self::Credential(_)
            | Self::Redirected
            | Self::Sha256Repository
            | Self::TooLarge(_)
            | Self::TooManyRefs(_)
            | Self::PlanFull { .. }
            | Self::BadPattern(_)
            | Self::UnknownRef(_) => ErrorClass::Permanent,
            Self::Git { class, .. } | Self::Told { class, .. } => *class,
            Self::Github(GithubError::RateLimited { .. }) => ErrorClass::RateLimited,
            Self::Github(error) if !error.passes() => ErrorClass::Permanent,
            Self::Died(_) => ErrorClass::Crash,
            Self::Deadline => ErrorClass::Deadline,
            Self::Db(_) => ErrorClass::Database,
            // The disk of this machine too, be it full; another try may find it empty.
            Self::Store(_) | Self::Segment(_) | Self::Io { .. } => ErrorClass::Storage,
            _ => ErrorClass::Transient,
        }
    }

    /// Whether the lease is gone, so that the job row is no longer ours to write.
    pub fn is_lease_lost(&self) -> bool {
        matches!(self, Self::Halted(Reason::LeaseLost) | Self::Db(DbError::LeaseLost))
    }
}
