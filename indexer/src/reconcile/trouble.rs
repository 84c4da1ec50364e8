//! Why one thing could not be compared.

use kotadb_core::db::DbError;
use kotadb_core::github::client::GithubError;
use kotadb_core::store::StoreError;

use crate::error::IndexError;

/// On which side it failed.
#[derive(Debug)]
pub(super) enum Trouble {
    Github(GithubError),
    Index(IndexError),
}

impl From<GithubError> for Trouble {
    fn from(error: GithubError) -> Self {
        Self::Github(error)
    }
}

impl From<IndexError> for Trouble {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

impl From<DbError> for Trouble {
    fn from(error: DbError) -> Self {
        Self::Index(error.into())
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Index(error.into())
    }
}
