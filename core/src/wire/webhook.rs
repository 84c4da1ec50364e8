//! What a webhook delivery is answered with, and a call of the tick.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The fate of a verified delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum DeliveryAnswer {
    /// A `ping`: the hook works.
    Pong,
    /// A job will bring the repository up to date.
    Queued {
        /// UUID of the job.
        #[schema(format = Uuid)]
        job: String,
        /// Whether the job was queued already.
        coalesced: bool,
    },
    /// What happened at GitHub was taken over.
    Applied {
        /// One sentence.
        change: String,
    },
    /// Seen before: nothing was done.
    Duplicate,
    /// Nothing to do, and why.
    Ignored {
        /// One sentence.
        reason: String,
    },
}

impl DeliveryAnswer {
    /// Its `status`.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Pong => "pong",
            Self::Queued { .. } => "queued",
            Self::Applied { .. } => "applied",
            Self::Duplicate => "duplicate",
            Self::Ignored { .. } => "ignored",
        }
    }
}

/// What a call of `/internal/wake` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum WakeAnswer {
    /// The indexer was called.
    Woken,
    /// There is nothing to do for it.
    Idle,
}
