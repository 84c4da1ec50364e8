//! What people do at GitHub. Each sends the events that GitHub would, and waits for their deliveries.

use serde_json::{Value, json};

use super::world::{FakeHook, Installation, Repo};
use super::{FakeGithub, events};

impl FakeGithub {
    /// A repository `owner/name` with the default branch `main` and no commit; its number. Sends nothing.
    pub fn create(&self, name: &str, private: bool) -> i64 {
        let mut world = self.world();
        let id = world.next_id();
        let repo = Repo {
            id,
            name: name.to_owned(),
            private,
            archived: false,
            default_branch: "main".to_owned(),
            refs: [].into(),
            hooks: Vec::new(),
        };
        world.repos.insert(id, repo);
        id
    }

    /// Moves a ref, or makes it, and sends nothing, as when a delivery is lost before GitHub knows of it.
    pub fn set_ref(&self, name: &str, ref_name: &str, commit: &str) {
        self.world().named_mut(name).refs.insert(ref_name.to_owned(), (commit.to_owned(), None));
    }

    /// Makes an annotated tag that leads to `commit`; sends nothing.
    pub fn set_tag(&self, name: &str, ref_name: &str, tag: &str, commit: &str) {
        let target = (tag.to_owned(), Some(commit.to_owned()));
        self.world().named_mut(name).refs.insert(ref_name.to_owned(), target);
    }

    /// `push`. Forty zeros delete the ref.
    pub async fn push(&self, name: &str, ref_name: &str, commit: &str) {
        let zero = "0".repeat(40);
        let (id, body) = {
            let mut world = self.world();
            let base = world.base.clone();
            let repo = world.named_mut(name);
            let before = repo.refs.get(ref_name).map_or(zero.clone(), |(id, _)| id.clone());
            match commit == zero {
                true => drop(repo.refs.remove(ref_name)),
                false => drop(repo.refs.insert(ref_name.to_owned(), (commit.to_owned(), None))),
            }
            (repo.id, events::push(repo, &base, ref_name, &before, commit))
        };
        self.shared.send(self.shared.parcels(Some(id), "push", &body)).await;
    }

    /// `repository.renamed`: `to` is the new name without the owner.
    pub async fn rename(&self, name: &str, to: &str) {
        let from = name.split('/').nth(1).unwrap_or_default().to_owned();
        let changes = json!({ "repository": { "name": { "from": from } } });
        let full = format!("{}/{to}", name.split('/').next().unwrap_or_default());
        self.change(name, "renamed", Some(changes), |repo| repo.name = full).await;
    }

    /// `repository.transferred` to another owner.
    pub async fn transfer(&self, name: &str, owner: &str) {
        let (from, short) = name.split_once('/').unwrap_or_default();
        let changes = json!({ "owner": { "from": { "user": events::account(from) } } });
        let full = format!("{owner}/{short}");
        self.change(name, "transferred", Some(changes), |repo| repo.name = full).await;
    }

    /// `repository.archived` or `repository.unarchived`.
    pub async fn set_archived(&self, name: &str, archived: bool) {
        let action = if archived { "archived" } else { "unarchived" };
        self.change(name, action, None, |repo| repo.archived = archived).await;
    }

    /// `repository.privatized` or `repository.publicized`.
    pub async fn set_private(&self, name: &str, private: bool) {
        let action = if private { "privatized" } else { "publicized" };
        self.change(name, action, None, |repo| repo.private = private).await;
    }

    /// `repository.edited`, with another default branch.
    pub async fn set_default_branch(&self, name: &str, branch: &str) {
        let from = self.world().named(name).default_branch.clone();
        let changes = json!({ "default_branch": { "from": from } });
        self.change(name, "edited", Some(changes), |repo| repo.default_branch = branch.to_owned()).await;
    }

    /// `repository.deleted`: the repository is gone, its webhooks too.
    pub async fn delete(&self, name: &str) {
        let (id, body) = {
            let world = self.world();
            let repo = world.named(name);
            (repo.id, self.repository_event(repo, &world.base, "deleted"))
        };
        let parcels = self.shared.parcels(Some(id), "repository", &body);
        self.world().repos.remove(&id);
        self.shared.send(parcels).await;
    }

    /// Gives the App its webhook.
    pub fn set_app_hook(&self, url: &str, secret: &str) {
        self.world().app_hook = Some((url.to_owned(), secret.to_owned()));
    }

    /// `installation.created`, on all repositories of the account or those that are named; its number.
    pub async fn install(&self, account: &str, names: Option<&[&str]>) -> i64 {
        let id = {
            let mut world = self.world();
            let chosen = names.map(|names| names.iter().map(|name| world.named(name).id).collect());
            let id = world.next_id();
            let installation = Installation { id, account: account.to_owned(), chosen, is_suspended: false };
            world.installations.insert(id, installation);
            id
        };
        self.installation_event(id, "created").await;
        id
    }

    /// `installation.suspend` or `installation.unsuspend`.
    pub async fn set_suspended(&self, installation: i64, is_suspended: bool) {
        if let Some(one) = self.world().installations.get_mut(&installation) {
            one.is_suspended = is_suspended;
        }
        self.installation_event(installation, if is_suspended { "suspend" } else { "unsuspend" }).await;
    }

    /// `installation.deleted`.
    pub async fn uninstall(&self, installation: i64) {
        let body = self.installation_body(installation, "deleted");
        {
            let mut world = self.world();
            world.installations.remove(&installation);
            world.minted.retain(|_, of| *of != installation);
        }
        self.shared.send(self.shared.parcels(None, "installation", &body)).await;
    }

    /// `installation_repositories.added` or `.removed`, for an installation on chosen repositories.
    pub async fn choose(&self, installation: i64, name: &str, is_in: bool) {
        let body = {
            let mut world = self.world();
            let repo = world.named(name).clone();
            let one = world.installations.get_mut(&installation).expect("an installation of this fake");
            let chosen = one.chosen.get_or_insert_default();
            let changed = if is_in { chosen.insert(repo.id) } else { chosen.remove(&repo.id) };
            assert!(changed, "`{name}` was chosen before, or not");
            let (added, removed) = if is_in { (vec![&repo], vec![]) } else { (vec![], vec![&repo]) };
            let list = |repos: Vec<&Repo>| repos.into_iter().map(events::short).collect::<Vec<_>>();
            json!({
                "action": if is_in { "added" } else { "removed" }, "installation": events::installation(one),
                "repository_selection": "selected", "repositories_added": list(added),
                "repositories_removed": list(removed), "requester": null, "sender": events::sender(),
            })
        };
        self.shared.send(self.shared.parcels(None, "installation_repositories", &body)).await;
    }

    /// Somebody adds a webhook by hand; its number.
    pub fn add_hook(&self, name: &str, url: &str, secret: &str) -> i64 {
        let mut world = self.world();
        let id = world.next_id();
        let hook = FakeHook {
            id,
            url: url.to_owned(),
            secret: secret.to_owned(),
            active: true,
            events: vec!["push".to_owned()],
            content_type: "json".to_owned(),
            insecure_ssl: "0".to_owned(),
            attempts: Vec::new(),
        };
        world.named_mut(name).hooks.push(hook);
        id
    }

    /// Somebody changes or deletes webhooks by hand: what `change` leaves is what the repository has.
    pub fn change_hooks(&self, name: &str, change: impl FnOnce(&mut Vec<FakeHook>)) {
        change(&mut self.world().named_mut(name).hooks);
    }

    async fn change(&self, name: &str, action: &str, changes: Option<Value>, change: impl FnOnce(&mut Repo)) {
        let (id, body) = {
            let mut world = self.world();
            let base = world.base.clone();
            let repo = world.named_mut(name);
            change(repo);
            let (id, now) = (repo.id, repo.name.clone());
            let mut body = self.repository_event(repo, &base, action);
            if let Some(changes) = changes {
                body["changes"] = changes;
            }
            if now != name {
                world.former.insert(name.to_lowercase(), id);
            }
            (id, body)
        };
        self.shared.send(self.shared.parcels(Some(id), "repository", &body)).await;
    }

    fn repository_event(&self, repo: &Repo, base: &str, action: &str) -> Value {
        json!({ "action": action, "repository": events::repository(repo, base), "sender": events::sender() })
    }

    async fn installation_event(&self, id: i64, action: &str) {
        let body = self.installation_body(id, action);
        self.shared.send(self.shared.parcels(None, "installation", &body)).await;
    }

    fn installation_body(&self, id: i64, action: &str) -> Value {
        let world = self.world();
        let one = world.installations.get(&id).expect("an installation of this fake");
        let repositories: Vec<_> =
            world.repos.values().filter(|repo| world.covers(id, repo)).map(events::short).collect();
        json!({
            "action": action, "installation": events::installation(one), "repositories": repositories,
            "sender": events::sender(),
        })
    }
}
