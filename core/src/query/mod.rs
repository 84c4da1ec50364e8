//! Floor 2, pure: what is asked, and its answer in one document. The language is described in `syntax.md`.
#![allow(unused_variables, reason = "contract stub")]

/// A parsed query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {}

/// Parses the users' query language.
pub fn parse(text: &str) -> Result<Query, ParseError> {
    unimplemented!()
}

/// Why a query cannot be understood, where, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at position {position}: {help}")]
pub struct ParseError {
    /// 1-based position in code points.
    pub position: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}
