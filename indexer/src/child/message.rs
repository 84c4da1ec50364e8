//! The lines between a worker and the process of a job. Both are the same program, so the lines need no versions.

use std::time::Duration;

use kotadb_core::crypto::Secret;
use kotadb_core::db::jobs::{ErrorClass, Phase};
use kotadb_core::id::{JobId, ObjectId, RepositoryId, TenantId};
use kotadb_core::store::{ObjectKey, SegmentEntry};
use kotadb_core::trace::Traceparent;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::assignment::Assignment;
use crate::error::IndexError;
use crate::graphs::Import;
use crate::halt::Reason;
use crate::job::Outcome;

/// From the worker.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// The first line: what to do.
    Run(Box<AssignmentLine>),
    /// Until when the lease may be trusted.
    Trust(Duration),
    /// Stop.
    Halt(ReasonLine),
}

/// To the worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// A step of the job.
    Step { phase: String, detail: Value },
    /// A segment is in the store.
    Uploaded(SegmentLine),
    /// A swap of HEAD is about to be sent.
    Publishing,
    /// The last line of a run that succeeded.
    Done { commit: Option<String>, summary: Value },
    /// The last line of one that was halted.
    Halted(ReasonLine),
    /// The last line of one that failed.
    Failed { class: String, message: String },
}

#[derive(Serialize, Deserialize)]
pub(super) struct AssignmentLine {
    job: Uuid,
    fence: u64,
    tenant: Uuid,
    repository: Uuid,
    now_ms: u64,
    url: String,
    /// Nobody else reads this pipe.
    token: Option<String>,
    ref_patterns: Vec<String>,
    full: bool,
    rescued: bool,
    hidden: Vec<String>,
    uploaded: Vec<SegmentLine>,
    imports: Vec<ImportLine>,
    most_bytes: Option<u64>,
    on_disk: bool,
    traceparent: Option<String>,
}

/// An [`Import`].
#[derive(Serialize, Deserialize)]
pub(super) struct ImportLine {
    commit: String,
    key: String,
    is_new: bool,
}

/// A [`SegmentEntry`].
#[derive(Debug, Serialize, Deserialize)]
pub struct SegmentLine {
    key: String,
    bytes: u64,
    hot_bytes: u64,
    n_docs: u32,
    text_bytes: u64,
}

/// A [`Reason`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReasonLine {
    LeaseLost,
    Stopped,
    Cancelled,
    ScratchFull,
}

impl From<&Import> for ImportLine {
    fn from(import: &Import) -> Self {
        Self { commit: import.commit.to_string(), key: import.key.to_string(), is_new: import.is_new }
    }
}

impl ImportLine {
    fn read(self) -> Option<Import> {
        let Self { commit, key, is_new } = self;
        Some(Import { commit: commit.parse().ok()?, key: ObjectKey::parse(&key)?, is_new })
    }
}

impl From<&Assignment> for AssignmentLine {
    fn from(assignment: &Assignment) -> Self {
        Self {
            job: assignment.job.0,
            fence: assignment.fence,
            tenant: assignment.tenant.0,
            repository: assignment.repository.0,
            now_ms: assignment.now_ms,
            url: assignment.url.clone(),
            token: assignment.token.as_ref().map(|token| token.expose().to_owned()),
            ref_patterns: assignment.ref_patterns.clone(),
            full: assignment.full,
            rescued: assignment.rescued,
            hidden: assignment.hidden.iter().map(ObjectId::to_string).collect(),
            uploaded: assignment.uploaded.iter().map(SegmentLine::from).collect(),
            imports: assignment.imports.iter().map(ImportLine::from).collect(),
            most_bytes: assignment.most_bytes,
            on_disk: assignment.on_disk,
            traceparent: assignment.traceparent.as_ref().map(ToString::to_string),
        }
    }
}

impl From<AssignmentLine> for Assignment {
    fn from(line: AssignmentLine) -> Self {
        Self {
            job: JobId(line.job),
            fence: line.fence,
            tenant: TenantId(line.tenant),
            repository: RepositoryId(line.repository),
            now_ms: line.now_ms,
            url: line.url,
            token: line.token.map(Secret::new),
            ref_patterns: line.ref_patterns,
            full: line.full,
            rescued: line.rescued,
            hidden: line.hidden.iter().filter_map(|commit| commit.parse().ok()).collect(),
            uploaded: line.uploaded.iter().filter_map(SegmentLine::entry).collect(),
            imports: line.imports.into_iter().filter_map(ImportLine::read).collect(),
            most_bytes: line.most_bytes,
            on_disk: line.on_disk,
            traceparent: line.traceparent.as_deref().and_then(Traceparent::parse),
        }
    }
}

impl From<&SegmentEntry> for SegmentLine {
    fn from(entry: &SegmentEntry) -> Self {
        let SegmentEntry { key, bytes, hot_bytes, n_docs, text_bytes } = *entry;
        Self { key: key.to_string(), bytes, hot_bytes, n_docs, text_bytes }
    }
}

impl SegmentLine {
    /// `None`: its name is none.
    pub fn entry(&self) -> Option<SegmentEntry> {
        let Self { key, bytes, hot_bytes, n_docs, text_bytes } = self;
        let (bytes, hot_bytes, n_docs, text_bytes) = (*bytes, *hot_bytes, *n_docs, *text_bytes);
        Some(SegmentEntry { key: ObjectKey::parse(key)?, bytes, hot_bytes, n_docs, text_bytes })
    }
}

impl From<Reason> for ReasonLine {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::LeaseLost => Self::LeaseLost,
            Reason::Stopped => Self::Stopped,
            Reason::Cancelled => Self::Cancelled,
            Reason::ScratchFull => Self::ScratchFull,
        }
    }
}

impl From<ReasonLine> for Reason {
    fn from(line: ReasonLine) -> Self {
        match line {
            ReasonLine::LeaseLost => Self::LeaseLost,
            ReasonLine::Stopped => Self::Stopped,
            ReasonLine::Cancelled => Self::Cancelled,
            ReasonLine::ScratchFull => Self::ScratchFull,
        }
    }
}

impl Reply {
    pub(super) fn step(phase: Phase, detail: Value) -> Self {
        Self::Step { phase: phase.as_str().to_owned(), detail }
    }

    /// The last line.
    pub(super) fn of(result: Result<Outcome, IndexError>) -> Self {
        match result {
            Ok(outcome) => {
                Self::Done { commit: outcome.commit.map(|commit| commit.to_string()), summary: outcome.summary }
            }
            Err(error) if error.is_lease_lost() => Self::Halted(ReasonLine::LeaseLost),
            Err(IndexError::Halted(reason)) => Self::Halted(reason.into()),
            Err(error) => Self::Failed { class: error.class().as_str().to_owned(), message: error.to_string() },
        }
    }

    /// What the last line says; `None`: it is not the last one.
    pub(super) fn end(self) -> Option<Result<Outcome, IndexError>> {
        Some(match self {
            Self::Step { .. } | Self::Uploaded(_) | Self::Publishing => return None,
            Self::Done { commit, summary } => {
                let commit = commit.and_then(|commit| commit.parse().ok());
                Ok(Outcome { commit, summary })
            }
            Self::Halted(reason) => Err(IndexError::Halted(reason.into())),
            Self::Failed { class, message } => {
                let class = ErrorClass::parse(&class).unwrap_or(ErrorClass::Transient);
                Err(IndexError::Told { class, message })
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_assignment_arrives_as_it_was_sent() {
        let key = ObjectKey { id: Uuid::from_u128(5), hash: [1, 2, 3, 4, 5, 6, 7, 8] };
        let sent = Assignment {
            job: JobId(Uuid::from_u128(1)),
            fence: 7,
            tenant: TenantId(Uuid::from_u128(2)),
            repository: RepositoryId(Uuid::from_u128(3)),
            now_ms: 8,
            url: "https://github.com/a/b.git".to_owned(),
            token: Some(Secret::new("hush".to_owned())),
            ref_patterns: vec!["refs/heads/*".to_owned()],
            full: true,
            rescued: true,
            hidden: BTreeSet::from([ObjectId([9; 20])]),
            imports: vec![Import {
                commit: ObjectId([7; 20]),
                key: ObjectKey::new(Uuid::from_u128(9), [3; 32]),
                is_new: true,
            }],
            uploaded: vec![SegmentEntry { key, bytes: 5, hot_bytes: 4, n_docs: 3, text_bytes: 2 }],
            most_bytes: Some(6),
            on_disk: true,
            traceparent: Traceparent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        };
        let line = serde_json::to_string(&Order::Run(Box::new((&sent).into()))).unwrap();
        assert!(!line.contains('\n'));
        let Order::Run(arrived) = serde_json::from_str(&line).unwrap() else { panic!("{line}") };
        let arrived = Assignment::from(*arrived);
        assert!(arrived.traceparent.is_some());
        assert_eq!(arrived, sent);
        assert!(!format!("{arrived:?}").contains("hush"));
    }

    #[test]
    fn the_last_line_says_what_the_run_came_to() {
        let there = |result| {
            let line = serde_json::to_string(&Reply::of(result)).unwrap();
            serde_json::from_str::<Reply>(&line).unwrap().end().unwrap()
        };
        let outcome = Outcome { commit: Some(ObjectId([1; 20])), summary: serde_json::json!({ "files": 3 }) };
        assert_eq!(there(Ok(outcome.clone())).unwrap(), outcome);
        for reason in [Reason::LeaseLost, Reason::Stopped, Reason::Cancelled, Reason::ScratchFull] {
            assert!(matches!(there(Err(IndexError::Halted(reason))), Err(IndexError::Halted(told)) if told == reason));
        }
        let failed = there(Err(IndexError::TooManyRefs(2000))).unwrap_err();
        assert_eq!(failed.class(), ErrorClass::Permanent);
        assert_eq!(failed.to_string(), IndexError::TooManyRefs(2000).to_string());
    }
}
