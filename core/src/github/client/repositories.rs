//! Repositories as GitHub tells of them.

use serde::Deserialize;

use super::error::GithubError;
use super::pages::Listed;
use super::session::Session;

/// A repository at GitHub.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GithubRepository {
    /// Number, which survives renames and transfers.
    pub id: i64,
    /// `owner/name`, as its owner writes it.
    pub full_name: String,
    /// Whether only some may see it.
    pub private: bool,
    /// Whether it is read only.
    #[serde(default)]
    pub archived: bool,
    /// Short name of the default branch.
    #[serde(default)]
    pub default_branch: Option<String>,
}

/// An installation of the App, as the App sees it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GithubInstallation {
    /// Its number.
    pub id: i64,
    /// The account that it is installed on.
    pub account: GithubAccount,
}

/// An organisation or a person.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GithubAccount {
    /// Name in URLs.
    pub login: String,
    /// Number, which survives renames.
    pub id: i64,
}

impl Session {
    /// An installation of the App. For the App's session only.
    pub async fn app_installation(&self, id: i64) -> Result<GithubInstallation, GithubError> {
        self.fetch(&format!("/app/installations/{id}")).await
    }

    /// A repository by `owner/name`; one that was renamed answers to its former name too.
    pub async fn repository(&self, name: &str) -> Result<GithubRepository, GithubError> {
        self.fetch(&format!("/repos/{name}")).await
    }

    /// A repository by its number.
    pub async fn repository_by_id(&self, id: i64) -> Result<GithubRepository, GithubError> {
        self.fetch(&format!("/repositories/{id}")).await
    }

    /// What an installation may see. For a session of an installation only.
    pub async fn installation_repositories(&self) -> Result<Listed<GithubRepository>, GithubError> {
        self.pages("/installation/repositories?per_page=100", Some("repositories"), |_| false).await
    }

    /// What an organisation or a person owns, as far as the token may see it.
    pub async fn owner_repositories(&self, owner: &str) -> Result<Listed<GithubRepository>, GithubError> {
        match self.pages(&format!("/orgs/{owner}/repos?per_page=100"), None, |_| false).await {
            Err(GithubError::NotFound(_)) => {
                self.pages(&format!("/users/{owner}/repos?per_page=100"), None, |_| false).await
            }
            listed => listed,
        }
    }
}
