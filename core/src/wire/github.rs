//! Accounts at GitHub as they are linked.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a browser is to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GithubRedirect {
    /// An address of GitHub.
    pub url: String,
}

/// An account that is linked now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkedGithub {
    /// Its login.
    pub login: String,
    /// GitHub's number of the installation of the App that was linked to the tenant.
    pub installation: Option<i64>,
}
