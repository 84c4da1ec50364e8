//! Accounts at GitHub that members link, installations that come along, and what a lost access hides.

use axum::body::Body;
use axum::http::Request;
use kotadb_core::db::Scope;
use kotadb_core::db::members::{self, Invited, Role};
use kotadb_core::store::{Store, StoreOptions};
use kotadb_core::testing::fake_github::{CLIENT_ID, CLIENT_SECRET, FakeGithub};
use kotadb_core::testing::fake_supabase::FakeSupabase;
use serde_json::json;
use uuid::Uuid;

use crate::app::{Answer, App, Tenant};
use crate::index::publish;

struct Linked {
    app: App,
    github: FakeGithub,
    project: FakeSupabase,
    tenant: Tenant,
}

/// Somebody who has begun.
struct Begun {
    url: String,
    cookie: String,
}

fn variables(github: &FakeGithub, project: &FakeSupabase) -> Vec<(&'static str, String)> {
    let mut variables = [github.variables(), project.variables()].concat();
    // The web side of an Enterprise Server is at the same origin.
    variables.push(("KOTADB_GITHUB_API_URL", format!("{}/api/v3", github.url())));
    variables.push(("GITHUB_CLIENT_ID", CLIENT_ID.to_owned()));
    variables.push(("GITHUB_CLIENT_SECRET", CLIENT_SECRET.to_owned()));
    variables
}

impl Linked {
    async fn new() -> Self {
        let (github, project) = (FakeGithub::start().await, FakeSupabase::start().await);
        let variables = variables(&github, &project);
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let app = App::with(Some(Store::open(&StoreOptions::Memory).unwrap()), &variables).await;
        let tenant = app.tenant("acme").await;
        Self { app, github, project, tenant }
    }

    /// The same with another master key: the one before is lost.
    fn with_master_key(self, key: &str) -> Self {
        let variables = variables(&self.github, &self.project);
        let mut variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        variables.push(("KOTADB_MASTER_KEY", key));
        let app = App::over(self.app.db, self.app.store, &variables);
        Self { app, ..self }
    }

    async fn member(&self, role: Role) -> String {
        let (user, email) = (Uuid::now_v7(), format!("{}@member.example", Uuid::now_v7()));
        let mut tx = self.app.db.db.begin(Scope::Tenant(self.tenant.id)).await.unwrap();
        members::invite(&mut tx, self.tenant.id, &Invited::Email(email.clone()), role, None).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        self.project.set_user(user, &email, true, None);
        let token = self.project.token(user);
        assert_eq!(self.get("/api/v1/whoami", &token).await.status, 200);
        token
    }

    async fn get(&self, path: &str, key: &str) -> Answer {
        self.app.call("GET", path, key, None).await
    }

    async fn begin(&self, key: &str, query: &str) -> Begun {
        let answer = self.get(&format!("/auth/github{query}"), key).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/auth/github", "Max-Age=600"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Begun { url: answer.body["url"].as_str().unwrap().to_owned(), cookie }
    }

    /// The browser follows an address that GitHub sends it to.
    async fn follow(&self, url: &str, cookie: &str) -> Answer {
        let path = url.strip_prefix("https://kotadb.example").unwrap();
        self.app.send(Request::builder().uri(path).header("cookie", cookie).body(Body::empty()).unwrap()).await
    }

    async fn link(&self, key: &str, login: &str) -> Answer {
        let begun = self.begin(key, "").await;
        self.follow(self.github.allow(&begun.url, login).as_str(), &begun.cookie).await
    }

    /// A repository that is fetched through an installation, with a file that names it.
    async fn register(&self, name: &str, installation: i64, private: bool) -> (String, i64) {
        let github_id = self.github.create(name, private);
        let id = self.app.register(&self.tenant.key, name).await["id"].as_str().unwrap().to_owned();
        self.app
            .db
            .execute(&format!(
                "UPDATE kotadb.repositories SET installation_id = {installation}, github_repository_id = {github_id},
                     is_private = {private} WHERE id = '{id}'"
            ))
            .await;
        publish(&self.app.store, self.tenant.id, &id, &[("a.rs", "fn common() {}\n")]).await;
        (id, github_id)
    }

    /// Lets time pass for what was seen at GitHub.
    async fn later(&self, minutes: u32) {
        let (ago, table) = (format!("interval '{minutes} minutes'"), "kotadb.github_access");
        self.app
            .db
            .execute(&format!("UPDATE {table} SET checked_at = checked_at - {ago}, tried_at = tried_at - {ago}"))
            .await;
    }

    async fn seen(&self, key: &str) -> Vec<String> {
        let list = self.get("/api/v1/repositories", key).await;
        let names: Vec<String> =
            list.body["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        let search = self.get("/api/v1/search/code?query=common&count=true", key).await;
        assert_eq!(search.body["total"], json!(names.len()), "{names:?}: {}", search.body);
        names
    }
}

#[tokio::test]
async fn an_account_is_linked_by_a_way_that_was_begun_here() {
    let linked = Linked::new().await;
    let (ann, eve) = (linked.member(Role::Reader).await, linked.member(Role::Reader).await);
    linked.github.add_person("octo");
    let begun = linked.begin(&ann, "").await;
    let other = linked.begin(&eve, "").await;
    let back = linked.github.allow(&begun.url, "octo");
    for (url, cookie) in [
        (back.as_str(), ""),
        (back.as_str(), other.cookie.as_str()),
        (back.as_str(), "kotadb_github=AAAA"),
        (&back.as_str().replace("state=", "state=0"), &begun.cookie),
        ("https://kotadb.example/auth/github/callback?error=access_denied", &begun.cookie),
        ("https://kotadb.example/auth/github/callback", &begun.cookie),
    ] {
        let answer = linked.follow(url, cookie).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_request"), "{url}: {}", answer.body);
    }
    // A code of another way: its verifier is not this one's.
    let stolen = linked.github.allow(&other.url, "octo");
    let code = |url: &reqwest::Url| url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let mixed = back.as_str().replace(&code(&back), &code(&stolen));
    assert_eq!(linked.follow(&mixed, &begun.cookie).await.status, 400);
    let answer = linked.follow(back.as_str(), &begun.cookie).await;
    assert_eq!((answer.status, &answer.body), (200, &json!({ "login": "octo", "installation": null })));
    assert!(answer.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(linked.follow(back.as_str(), &begun.cookie).await.status, 400, "a code is good once");
    let kept = linked.app.db.texts("SELECT github_tokens::text FROM kotadb.github_tokens").await;
    assert!(kept.len() == 1 && !kept[0].contains("ghu_"), "sealed: {kept:?}");
    linked.link(&ann, "octo").await;
    let valid = "SELECT count(*)::text FROM kotadb.github_tokens WHERE revoked_at IS NULL";
    assert_eq!(linked.app.db.texts(valid).await, ["1"], "a new link takes the place of the former");
    let members = linked.get(&format!("/api/v1/tenants/{}/members", linked.tenant.id), &ann).await;
    assert_eq!(members.body["items"][0]["github_login"], json!("octo"));
    let of_operator = linked.get("/auth/github", &linked.tenant.key).await;
    assert_eq!((of_operator.status, of_operator.code()), (403, "insufficient_scope"));
}

#[tokio::test]
async fn without_its_variables_the_way_says_which() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    let answer = app.call("GET", "/auth/github", &key, None).await;
    assert_eq!((answer.status, answer.code()), (503, "not_configured"));
    let fields: Vec<_> = answer.body["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET"]);
    assert_eq!(app.call("GET", "/auth/github/callback", "", None).await.code(), "not_configured");
}

#[tokio::test]
async fn an_installation_is_linked_only_by_who_sees_it() {
    let linked = Linked::new().await;
    let (owner, reader) = (linked.member(Role::Owner).await, linked.member(Role::Reader).await);
    linked.github.create("acme/a", true);
    let installation = linked.github.install("acme", None).await;
    linked.github.add_person("octo");
    let refused = linked.get(&format!("/auth/github?installation={installation}"), &reader).await;
    assert_eq!(refused.code(), "insufficient_scope");
    let with = format!("?installation={installation}");
    let unseen = linked.begin(&owner, &with).await;
    let answer = linked.follow(linked.github.allow(&unseen.url, "octo").as_str(), &unseen.cookie).await;
    assert_eq!((answer.status, answer.code()), (404, "not_found"), "{}", answer.body);
    let of_nobody = "SELECT count(*)::text FROM kotadb.installations WHERE tenant_id IS NOT NULL";
    assert_eq!(linked.app.db.texts(of_nobody).await, ["0"]);
    linked.github.set_access("octo", "acme/a", true);
    // As GitHub sends a browser back that has just installed the App: without a code, so the way begins anew.
    let begun = linked.begin(&owner, "").await;
    let set_up =
        format!("https://kotadb.example/auth/github/callback?installation_id={installation}&setup_action=install");
    let again = linked.follow(&set_up, &begun.cookie).await;
    assert_eq!(again.status, 303, "{}", again.body);
    let cookie = again.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let location = again.headers["location"].to_str().unwrap();
    let answer = linked.follow(linked.github.allow(location, "octo").as_str(), &cookie).await;
    assert_eq!((answer.status, &answer.body["installation"]), (200, &json!(installation)), "{}", answer.body);
    // Another tenant's member who sees it too does not take it away.
    let other = linked.app.tenant("other").await;
    linked.app.db.execute(&format!("UPDATE kotadb.installations SET tenant_id = '{}'", other.id)).await;
    let begun = linked.begin(&owner, &with).await;
    let answer = linked.follow(linked.github.allow(&begun.url, "octo").as_str(), &begun.cookie).await;
    assert_eq!((answer.status, answer.code()), (404, "not_found"));
}

#[tokio::test]
async fn what_an_account_does_not_see_is_hidden_within_the_hour() {
    let linked = Linked::new().await;
    let installation = linked.github.install("acme", None).await;
    linked.app.link(linked.tenant.id, installation, "acme").await;
    let (private, _) = linked.register("acme/private", installation, true).await;
    linked.register("acme/public", installation, false).await;
    linked.app.register(&linked.tenant.key, "else/where").await;
    let elsewhere = linked.app.db.texts("SELECT id::text FROM kotadb.repositories WHERE name = 'else/where'").await;
    publish(&linked.app.store, linked.tenant.id, &elsewhere[0], &[("a.rs", "fn common() {}\n")]).await;
    let token = linked.member(Role::Owner).await;
    let (some, all) = (["acme/public", "else/where"], ["acme/private", "acme/public", "else/where"]);
    assert_eq!(linked.seen(&token).await, some, "nothing is linked yet");
    linked.github.add_person("octo");
    linked.github.set_access("octo", "acme/private", true);
    assert_eq!(linked.link(&token, "octo").await.status, 200);
    assert_eq!(linked.seen(&token).await, all);
    let body = json!({ "name": "ci", "scopes": ["search", "repositories:read"] });
    let key =
        linked.app.call("POST", "/api/v1/keys", &token, Some(body)).await.body["key"].as_str().unwrap().to_owned();
    assert_eq!(linked.seen(&key).await, all);
    let one = format!("/api/v1/repositories/{private}");

    // Gone at GitHub: found after half an hour, by a request that does not wait for it.
    linked.github.set_access("octo", "acme/private", false);
    linked.later(29).await;
    assert_eq!(linked.seen(&token).await, all);
    linked.later(2).await;
    assert_eq!(linked.get("/api/v1/whoami", &token).await.status, 200);
    let checked = "SELECT (checked_at > now() - interval '1 minute')::text FROM kotadb.github_access";
    while linked.app.db.texts(checked).await != ["true"] {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for key in [&token, &key] {
        assert_eq!(linked.seen(key).await, some);
        assert_eq!(linked.get(&one, key).await.status, 404);
    }
    assert_eq!(linked.seen(&linked.tenant.key).await, all, "an operator's key is nobody's");

    // Back again, and then GitHub is away: what was confirmed holds for an hour.
    linked.github.set_access("octo", "acme/private", true);
    linked.later(61).await;
    assert_eq!(linked.seen(&token).await, all, "an answer that is not sure waits for GitHub");
    linked.github.set_down(true);
    linked.later(59).await;
    assert_eq!(linked.seen(&key).await, all);
    linked.later(2).await;
    for key in [&token, &key] {
        assert_eq!(linked.seen(key).await, some);
    }
    linked.github.set_down(false);
    linked.later(2).await;
    assert_eq!(linked.seen(&token).await, all);
}

#[tokio::test]
async fn a_token_that_ends_is_renewed_until_it_is_taken_back() {
    let linked = Linked::new().await;
    let installation = linked.github.install("acme", None).await;
    linked.app.link(linked.tenant.id, installation, "acme").await;
    linked.register("acme/private", installation, true).await;
    let token = linked.member(Role::Reader).await;
    linked.github.add_person("octo");
    linked.github.set_access("octo", "acme/private", true);
    linked.github.set_expiring(true);
    linked.link(&token, "octo").await;
    linked.github.end_tokens("octo", false);
    let over = "UPDATE kotadb.github_tokens SET expires_at = now()";
    linked.app.db.execute(over).await;
    linked.later(61).await;
    assert_eq!(linked.seen(&token).await, ["acme/private"]);
    linked.github.end_tokens("octo", true);
    linked.app.db.execute(over).await;
    linked.later(31).await;
    assert_eq!(linked.get("/api/v1/whoami", &token).await.status, 200);
    linked.later(30).await;
    assert_eq!(linked.seen(&token).await, [""; 0]);
}

/// What OPERATIONS.md says of a lost master key: who has linked an account does so once more, and sees what it sees.
#[tokio::test]
async fn a_lost_master_key_costs_each_account_another_sign_in() {
    let linked = Linked::new().await;
    let installation = linked.github.install("acme", None).await;
    linked.app.link(linked.tenant.id, installation, "acme").await;
    linked.register("acme/private", installation, true).await;
    let token = linked.member(Role::Reader).await;
    linked.github.add_person("octo");
    linked.github.set_access("octo", "acme/private", true);
    assert_eq!(linked.link(&token, "octo").await.status, 200);
    assert_eq!(linked.seen(&token).await, ["acme/private"]);

    let linked = linked.with_master_key("ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=");
    linked.later(61).await;
    assert_eq!(linked.seen(&token).await, [""; 0], "GitHub cannot be asked with what nobody can open");
    assert_eq!(linked.get("/api/v1/whoami", &token).await.status, 200, "Supabase's tokens are not ours to seal");
    assert_eq!(linked.link(&token, "octo").await.status, 200);
    assert_eq!(linked.seen(&token).await, ["acme/private"]);
}
