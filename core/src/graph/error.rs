//! Why a graph cannot be written, read or asked.

use crate::cursor::Damage;

/// Why a graph cannot be written, read or asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// The bytes are not what the format says; nothing read from them may be used.
    #[error("graph is corrupt: {what}")]
    Corrupt {
        /// Part and what is wrong with it.
        what: String,
    },
    /// Written by a newer KotaDB.
    #[error("graph format {found} is newer than this program reads ({supported}): upgrade KotaDB")]
    TooNew {
        /// Version the file requires of its readers.
        found: u16,
        /// Newest version this program reads.
        supported: u16,
    },
    /// Written by an older KotaDB; the next push makes it anew.
    #[error("graph format {found} is older than this program reads ({supported}): index the repository again")]
    TooOld {
        /// Version of its writer.
        found: u16,
        /// Oldest version this program reads.
        supported: u16,
    },
    /// What a builder was given does not fit together, or exceeds a limit of the format.
    #[error("cannot build the graph: {0}")]
    Build(String),
    /// The sink refused, or the base of a delta cannot be read.
    #[error("cannot read or write a graph: {0}")]
    Io(#[from] std::io::Error),
    /// The answer needs blocks that are not there yet: [`super::View::take_wanted`] says which. Ask again with them.
    #[error("blocks of the graph are not loaded yet")]
    Missing,
}

/// The error for a part of the file that is not as the format says.
#[cold]
pub(super) fn corrupt(part: &str, what: impl std::fmt::Display) -> GraphError {
    GraphError::Corrupt { what: format!("{part}: {what}") }
}

impl Damage for GraphError {
    fn found(part: &'static str, what: &'static str) -> Self {
        corrupt(part, what)
    }
}
