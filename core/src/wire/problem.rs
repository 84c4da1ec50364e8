//! An error as clients see it: RFC 9457 problem details, with a stable code.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Where the kind of problem is explained, relative to the server: `/errors/<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Short sentence, the same for every occurrence of the kind.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened this time and what to do.
    pub detail: String,
    /// URI of this occurrence: `urn:uuid:<request id>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Stable, for programs.
    pub code: String,
    /// To quote when asking for help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The single faults, where there are several or where they have a place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemError>,
}

/// One fault of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemError {
    /// Field, parameter or environment variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// 1-based position in the field's text, in code points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}
