//! Payloads, in the shape of octokit's examples; fields that nobody reads are left out.

use serde_json::{Value, json};

use super::world::{Installation, Repo};

pub(super) fn repository(repo: &Repo, base: &str) -> Value {
    let (owner, name) = repo.name.split_once('/').unwrap_or_default();
    json!({
        "id": repo.id, "node_id": format!("R_{}", repo.id), "name": name, "full_name": repo.name,
        "private": repo.private, "visibility": if repo.private { "private" } else { "public" },
        "owner": account(owner), "html_url": format!("https://github.com/{}", repo.name), "fork": false,
        "url": format!("{base}/repos/{}", repo.name), "hooks_url": format!("{base}/repos/{}/hooks", repo.name),
        "clone_url": format!("https://github.com/{}.git", repo.name),
        "archived": repo.archived, "disabled": false, "default_branch": repo.default_branch,
    })
}

pub(super) fn short(repo: &Repo) -> Value {
    let name = repo.name.split('/').nth(1).unwrap_or_default();
    let node_id = format!("R_{}", repo.id);
    json!({ "id": repo.id, "node_id": node_id, "name": name, "full_name": repo.name, "private": repo.private })
}

pub(super) fn account(login: &str) -> Value {
    json!({ "login": login, "id": account_id(login), "type": "Organization" })
}

/// The number of an account: the same for the same name.
pub(super) fn account_id(login: &str) -> i64 {
    login.to_lowercase().bytes().fold(7, |id, byte| (id * 31 + i64::from(byte)) % 1_000_000_007)
}

pub(super) fn installation(installation: &Installation) -> Value {
    json!({
        "id": installation.id, "account": account(&installation.account), "app_id": super::APP_ID,
        "target_id": account_id(&installation.account), "target_type": "Organization",
        "repository_selection": if installation.chosen.is_some() { "selected" } else { "all" },
        "permissions": { "contents": "read", "metadata": "read", "repository_hooks": "write" },
        "events": ["push", "repository"],
        "suspended_at": installation.is_suspended.then_some("2026-01-01T00:00:00Z"),
    })
}

pub(super) fn sender() -> Value {
    json!({ "login": "ada", "id": 1, "type": "User" })
}

pub(super) fn push(repo: &Repo, base: &str, ref_name: &str, before: &str, after: &str) -> Value {
    let zero = "0".repeat(40);
    json!({
        "ref": ref_name, "before": before, "after": after, "created": before == zero, "deleted": after == zero,
        "forced": false, "base_ref": null, "compare": format!("https://github.com/{}/compare", repo.name),
        "commits": [], "head_commit": null, "repository": repository(repo, base),
        "pusher": { "name": "ada", "email": "ada@example.invalid" }, "sender": sender(),
    })
}
