//! Members of tenants and invitations, which are members without a user. Scope: the tenant's, unless stated.

use sqlx::postgres::PgRow;
use time::OffsetDateTime;
use uuid::Uuid;

use super::keys::SCOPES;
use super::tx::{Statement, column};
use super::{Db, DbError, Scope, Tx};
use crate::id::{RepositoryId, TenantId};

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything: members, plan, the tenant's end.
    Owner,
    /// Repositories, jobs and keys.
    Maintainer,
    /// Look and search.
    Reader,
}

impl Role {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Maintainer => "maintainer",
            Self::Reader => "reader",
        }
    }

    /// From what is stored.
    pub(super) fn parse(text: &str) -> Result<Self, DbError> {
        let known = [Self::Owner, Self::Maintainer, Self::Reader].into_iter().find(|role| role.as_str() == text);
        known.ok_or_else(|| DbError::Statement(format!("`{text}` is no role")))
    }

    /// The scopes that it gives.
    pub fn scopes(self) -> Vec<&'static str> {
        let is_given = |scope: &&str| match self {
            Self::Owner => true,
            Self::Maintainer => *scope != "tenant:admin",
            Self::Reader => matches!(*scope, "search" | "repositories:read" | "jobs:read" | "tenant:read"),
        };
        SCOPES.into_iter().filter(is_given).collect()
    }
}

/// By what somebody is invited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invited {
    /// The verified e-mail address.
    Email(String),
    /// The linked account at GitHub.
    GithubLogin(String),
}

/// A member, or an invitation.
#[derive(Clone, Debug)]
pub struct MemberRow {
    /// Its id.
    pub id: Uuid,
    /// Who it is; `None`: an invitation.
    pub user: Option<Uuid>,
    /// What the member may do.
    pub role: Role,
    /// The repositories that the member may see; `None`: all of the tenant.
    pub repositories: Option<Vec<RepositoryId>>,
    /// The user's verified address, or the one that is invited.
    pub email: Option<String>,
    /// The user's linked account, or the one that is invited.
    pub github_login: Option<String>,
    /// Row made.
    pub created_at: OffsetDateTime,
    /// When the invitation was taken.
    pub joined_at: Option<OffsetDateTime>,
    /// When the invitation ends.
    pub expires_at: Option<OffsetDateTime>,
}

/// What a row is read from.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT m.id, m.user_id, m.role, m.repository_ids, coalesce(u.email, m.email) AS email,
                 coalesce(u.github_login, m.github_login) AS github_login, m.created_at, m.joined_at, m.expires_at
             FROM kotadb.members m LEFT JOIN kotadb.users u ON u.id = m.user_id ",
            $rest
        )
    };
}

/// Invites somebody for 14 days; who is invited already by the same address or login is invited anew, with this role.
/// `None`: that one is a member.
pub async fn invite(
    tx: &mut Tx,
    tenant: TenantId,
    who: &Invited,
    role: Role,
    repositories: Option<&[RepositoryId]>,
) -> Result<Option<MemberRow>, DbError> {
    let (email, login) = match who {
        Invited::Email(email) => (Some(email.clone()), None),
        Invited::GithubLogin(login) => (None, Some(login.clone())),
    };
    let known = Statement::new(
        "SELECT FROM kotadb.members m JOIN kotadb.users u ON u.id = m.user_id
         WHERE m.tenant_id = $1 AND (lower(u.email) = lower($2) OR lower(u.github_login) = lower($3))",
    );
    if tx.row(known.bind(tenant.0).bind(email.clone()).bind(login.clone())).await?.is_some() {
        return Ok(None);
    }
    let forget = Statement::new(
        "DELETE FROM kotadb.members
         WHERE tenant_id = $1 AND user_id IS NULL AND (lower(email) = lower($2) OR lower(github_login) = lower($3))",
    );
    tx.run(forget.bind(tenant.0).bind(email.clone()).bind(login.clone())).await?;
    let id = Uuid::now_v7();
    let insert = Statement::new(
        "INSERT INTO kotadb.members (id, tenant_id, role, repository_ids, email, github_login, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, now() + interval '14 days')",
    );
    let ids = repositories.map(|ids| ids.iter().map(|id| id.0).collect::<Vec<_>>());
    tx.run(insert.bind(id).bind(tenant.0).bind(role.as_str()).bind(ids).bind(email).bind(login)).await?;
    get(tx, id).await
}

/// One member or invitation.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<MemberRow>, DbError> {
    tx.row(Statement::new(select!("WHERE m.id = $1")).bind(id)).await?.as_ref().map(read).transpose()
}

/// Members and invitations after `after`, the oldest first.
pub async fn list(tx: &mut Tx, after: Option<Uuid>, limit: i64) -> Result<Vec<MemberRow>, DbError> {
    let select = Statement::new(select!("WHERE ($1::uuid IS NULL OR m.id > $1) ORDER BY m.id LIMIT $2"));
    tx.rows(select.bind(after).bind(limit)).await?.iter().map(read).collect()
}

/// Gives another role, or other repositories (`Some(None)`: all); `None`: no such member.
pub async fn change(
    tx: &mut Tx,
    id: Uuid,
    role: Option<Role>,
    repositories: Option<Option<Vec<RepositoryId>>>,
) -> Result<Option<MemberRow>, DbError> {
    let update = Statement::new(
        "UPDATE kotadb.members SET role = coalesce($2, role),
             repository_ids = CASE WHEN $3 THEN $4 ELSE repository_ids END
         WHERE id = $1",
    );
    let is_given = repositories.is_some();
    let ids = repositories.flatten().map(|ids| ids.into_iter().map(|id| id.0).collect::<Vec<_>>());
    tx.run(update.bind(id).bind(role.map(Role::as_str)).bind(is_given).bind(ids)).await?;
    get(tx, id).await
}

/// Takes a member or an invitation away; `false`: no such one. The keys that the member made open nothing from then on.
pub async fn remove(tx: &mut Tx, tenant: TenantId, id: Uuid) -> Result<bool, DbError> {
    super::keys::revoke_of(tx, tenant, Some(id)).await?;
    let access = "DELETE FROM kotadb.github_access a USING kotadb.members m
        WHERE m.id = $1 AND a.tenant_id = m.tenant_id AND a.user_id = m.user_id";
    tx.run(Statement::new(access).bind(id)).await?;
    Ok(tx.run(Statement::new("DELETE FROM kotadb.members WHERE id = $1").bind(id)).await? == 1)
}

/// Whether an unlimited owner is left who has joined. The lock makes those who take owners away at the same time count one
/// after the other.
pub async fn has_owner(tx: &mut Tx, tenant: TenantId) -> Result<bool, DbError> {
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('kotadb.members ' || $1::text, 0))";
    tx.run(Statement::new(lock).bind(tenant.0)).await?;
    let select = "SELECT FROM kotadb.members WHERE tenant_id = $1 AND role = 'owner' AND user_id IS NOT NULL
        AND repository_ids IS NULL LIMIT 1";
    Ok(tx.row(Statement::new(select).bind(tenant.0)).await?.is_some())
}

/// What is certain of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// A verified e-mail address.
    pub email: Option<String>,
    /// A linked account at GitHub: number and login.
    pub github: Option<(i64, String)>,
}

/// Whether it is time to ask Supabase who a user is. Any scope.
pub async fn claim_verification(db: &Db, user: Uuid) -> Result<bool, DbError> {
    let mut tx = db.begin(Scope::Anonymous).await?;
    let claim = Statement::new("SELECT kotadb.claim_verification($1) AS claimed").bind(user);
    let claimed = tx.row(claim).await?.map_or(Ok(false), |row| column(&row, "claimed"))?;
    tx.commit().await?;
    Ok(claimed)
}

/// Notes what is certain of a user, who takes the invitations that are meant; how many. Any scope.
pub async fn note_user(tx: &mut Tx, user: Uuid, identity: &Identity) -> Result<i32, DbError> {
    let (id, login) = identity.github.clone().unzip();
    let note = Statement::new("SELECT kotadb.note_user($1, $2, $3, $4) AS taken");
    let note = note.bind(user).bind(identity.email.clone()).bind(id).bind(login);
    tx.row(note).await?.map_or(Ok(0), |row| column(&row, "taken"))
}

fn read(row: &PgRow) -> Result<MemberRow, DbError> {
    let repositories: Option<Vec<Uuid>> = column(row, "repository_ids")?;
    Ok(MemberRow {
        id: column(row, "id")?,
        user: column(row, "user_id")?,
        role: Role::parse(&column::<String>(row, "role")?)?,
        repositories: repositories.map(|ids| ids.into_iter().map(RepositoryId).collect()),
        email: column(row, "email")?,
        github_login: column(row, "github_login")?,
        created_at: column(row, "created_at")?,
        joined_at: column(row, "joined_at")?,
        expires_at: column(row, "expires_at")?,
    })
}
