//! Tenants and their members.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::key::texts;
use super::{Timestamp, Usage};
use crate::db::members::{MemberRow, Role};
use crate::db::tenants::TenantRow;

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberRole {
    /// Everything: members, plan, the tenant's end.
    Owner,
    /// Repositories, jobs and keys.
    Maintainer,
    /// Look and search.
    Reader,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tenant {
    /// UUID.
    #[schema(format = Uuid)]
    pub id: String,
    /// Unique among tenants.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its plan, and what it has used.
    pub usage: Usage,
}

/// What to change of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedTenant {
    /// Another name, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")]
    pub name: String,
}

/// Somebody to be invited, by one of `email` and `github_login`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "ada@example.com", "role": "reader" }))]
pub struct Invitation {
    /// The e-mail address, which must be verified when the invitation is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The account at GitHub, which must be linked then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub github_login: Option<String>,
    /// What the member may do.
    pub role: MemberRole,
    /// The repositories that the member may see, by UUID or `owner/name`. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repositories: Option<Vec<String>>,
}

/// What to change of a member: a field that is absent stays; `repositories: null` lets all be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedMember {
    /// What the member may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<MemberRole>,
    /// The repositories that the member may see.
    #[serde(default, deserialize_with = "super::repository::present", skip_serializing_if = "Option::is_none")]
    pub repositories: Option<Option<Vec<String>>>,
}

/// A member, or an invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// UUID.
    #[schema(format = Uuid)]
    pub id: String,
    /// `active` or `invited`.
    pub state: String,
    /// What the member may do.
    pub role: MemberRole,
    /// UUIDs of the repositories that the member may see; `null`: all.
    pub repositories: Option<Vec<String>>,
    /// The verified address, or the one that is invited.
    pub email: Option<String>,
    /// The linked account at GitHub, or the one that is invited.
    pub github_login: Option<String>,
    /// When the member was invited.
    pub created_at: Timestamp,
    /// When the invitation was taken.
    pub joined_at: Option<Timestamp>,
    /// When the invitation ends.
    pub expires_at: Option<Timestamp>,
}

impl From<TenantRow> for Tenant {
    fn from(row: TenantRow) -> Self {
        let usage = Usage::from(&row);
        Self { id: row.id.to_string(), name: row.name, created_at: Timestamp(row.created_at), usage }
    }
}

impl From<MemberRow> for Member {
    fn from(row: MemberRow) -> Self {
        Self {
            id: row.id.to_string(),
            state: if row.user.is_some() { "active" } else { "invited" }.to_owned(),
            role: row.role.into(),
            repositories: row.repositories.map(texts),
            email: row.email,
            github_login: row.github_login,
            created_at: Timestamp(row.created_at),
            joined_at: row.joined_at.map(Timestamp),
            expires_at: row.expires_at.map(Timestamp),
        }
    }
}

impl From<Role> for MemberRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Maintainer => Self::Maintainer,
            Role::Reader => Self::Reader,
        }
    }
}

impl From<MemberRole> for Role {
    fn from(role: MemberRole) -> Self {
        match role {
            MemberRole::Owner => Self::Owner,
            MemberRole::Maintainer => Self::Maintainer,
            MemberRole::Reader => Self::Reader,
        }
    }
}
