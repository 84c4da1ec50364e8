//! What a worker hands to the run of a job: all that a run needs to know, so that it needs no database.

use std::collections::BTreeSet;

use kotadb_core::crypto::Secret;
use kotadb_core::db::jobs::Claimed;
use kotadb_core::id::{JobId, ObjectId, RepositoryId, TenantId};
use kotadb_core::store::SegmentEntry;
use kotadb_core::telemetry::fields;
use kotadb_core::trace::Traceparent;
use tracing::Span;

use crate::graphs::Import;

/// One job, as its run sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Which job.
    pub job: JobId,
    /// Fence of the claim.
    pub fence: u64,
    /// Its owner.
    pub tenant: TenantId,
    /// Its repository.
    pub repository: RepositoryId,
    /// When it was claimed, by the database's clock, in milliseconds since 1970.
    pub now_ms: u64,
    /// Clone URL.
    pub url: String,
    /// The token that it is fetched with.
    pub token: Option<Secret>,
    /// Ref patterns to track; empty: the default branch.
    pub ref_patterns: Vec<String>,
    /// Build on nothing that is held.
    pub full: bool,
    /// An earlier worker may still live: its fence is raised before anything else.
    pub rescued: bool,
    /// Commits that the owner deleted: they are not indexed again.
    pub hidden: BTreeSet<ObjectId>,
    /// Segments that an earlier try of this job has uploaded.
    pub uploaded: Vec<SegmentEntry>,
    /// SCIP indexes that were sent for the repository, the oldest first.
    pub imports: Vec<Import>,
    /// Most bytes of segments that the plan of the tenant allows; `None`: any number.
    pub most_bytes: Option<u64>,
    /// Its scratch is on disk: it outgrew memory before.
    pub on_disk: bool,
    /// The trace of the request that queued it.
    pub traceparent: Option<Traceparent>,
}

impl Assignment {
    /// Of a claim; what is not in its row is given.
    pub fn new(
        claimed: &Claimed,
        token: Option<Secret>,
        hidden: BTreeSet<ObjectId>,
        uploaded: Vec<SegmentEntry>,
    ) -> Self {
        Self {
            job: claimed.job,
            fence: u64::try_from(claimed.fence).unwrap_or_default(),
            tenant: claimed.tenant,
            repository: claimed.repository,
            now_ms: claimed.now_ms,
            url: claimed.url.clone(),
            token,
            ref_patterns: claimed.ref_patterns.clone(),
            full: claimed.full,
            rescued: claimed.rescued,
            hidden,
            uploaded,
            imports: Vec::new(),
            most_bytes: None,
            on_disk: false,
            traceparent: claimed.traceparent.clone(),
        }
    }

    /// What its lines in the log are told apart by, in whichever process they are written.
    pub fn span(&self) -> Span {
        job_span(self.job, self.repository, self.traceparent.as_ref())
    }

    /// The same once more, on disk, with what it has uploaded meanwhile.
    pub fn moved_to_disk(&self, uploaded: Vec<SegmentEntry>) -> Self {
        let mut moved = Self { on_disk: true, ..self.clone() };
        moved.uploaded.extend(uploaded);
        moved
    }
}

/// The span of a job: the trace of the request that queued it goes on there.
pub fn job_span(job: JobId, repository: RepositoryId, traceparent: Option<&Traceparent>) -> Span {
    tracing::info_span!(
        "job",
        { fields::JOB_ID } = %job,
        { fields::REPOSITORY_ID } = %repository,
        { fields::TRACE_ID } = traceparent.map(Traceparent::trace_id),
        { fields::PARENT_ID } = traceparent.map(Traceparent::parent_id),
    )
}
