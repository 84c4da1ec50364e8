//! Why the store fails.

use crate::id::TenantId;
use crate::store::codec::Damage;

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else swapped HEAD first.
    #[error("HEAD of tenant {0} was changed by another writer: read it again and retry")]
    Conflict(TenantId),
    /// The object is not there.
    #[error("object `{0}` is not in the store")]
    NotFound(String),
    /// The object is there already; names are used once.
    #[error("object `{0}` exists already; names are used once")]
    Exists(String),
    /// The bytes are not what the format says.
    #[error("object `{object}` is corrupt: {what}")]
    Corrupt {
        /// Its name.
        object: String,
        /// What is wrong, with the range.
        what: String,
    },
    /// The backend failed.
    #[error("object store failed on `{object}`: {source}")]
    Backend {
        /// What was asked for.
        object: String,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A new root must have the version after the one that HEAD holds.
    #[error("root version {found} cannot follow version {before}: count up by one")]
    Version {
        /// Version that HEAD holds.
        before: u64,
        /// Version of the root that should replace it.
        found: u64,
    },
    /// The options make no store.
    #[error("object store options: {0}")]
    Options(String),
}

impl StoreError {
    pub(super) fn corrupt(object: &str, damage: Damage) -> Self {
        Self::Corrupt { object: object.to_owned(), what: damage.0 }
    }

    pub(super) fn backend(object: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Backend { object: object.to_owned(), source: source.into() }
    }

    /// The same error, naming the object that was read instead of its kind.
    pub(super) fn of_object(self, object: String) -> Self {
        match self {
            Self::Corrupt { what, .. } => Self::Corrupt { object, what },
            other => other,
        }
    }
}
