//! Why a segment cannot be written or read.

use crate::cursor::Damage;

/// Why a segment cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// The bytes are not what the format says; nothing read from them may be used.
    #[error("segment is corrupt: {what}")]
    Corrupt {
        /// Section and what is wrong with it.
        what: String,
    },
    /// Written by a newer KotaDB.
    #[error("segment format {found} is newer than this program reads ({supported}): upgrade KotaDB")]
    TooNew {
        /// Version the file requires of its readers.
        found: u16,
        /// Newest version this program reads.
        supported: u16,
    },
    /// A limit of the format (documents, lengths).
    #[error("segment limit exceeded: {0}")]
    Limit(&'static str),
    /// The sink refused.
    #[error("cannot write segment: {0}")]
    Write(#[from] std::io::Error),
}

/// The error for a part of the file that is not as the format says.
pub(super) fn corrupt(section: &str, what: impl std::fmt::Display) -> SegmentError {
    SegmentError::Corrupt { what: format!("{section}: {what}") }
}

impl Damage for SegmentError {
    fn found(part: &'static str, what: &'static str) -> Self {
        corrupt(part, what)
    }
}
