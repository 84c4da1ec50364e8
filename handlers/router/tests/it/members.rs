//! Users who sign in through Supabase, their roles, invitations, and the end of a tenant.

use kotadb_core::db::Scope;
use kotadb_core::db::keys::SCOPES;
use kotadb_core::db::members::{self, Invited, Role};
use kotadb_core::id::TenantId;
use kotadb_core::store::{Store, StoreOptions};
use kotadb_core::testing::fake_supabase::FakeSupabase;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{Answer, App, Tenant, request};
use crate::index::publish;

/// An App with a project to sign in to.
struct Signed {
    app: App,
    project: FakeSupabase,
}

impl Signed {
    async fn new() -> Self {
        let project = FakeSupabase::start().await;
        let own = project.variables();
        let variables: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Self { app: App::with(Some(Store::open(&StoreOptions::Memory).unwrap()), &variables).await, project }
    }

    async fn invite(&self, tenant: TenantId, email: &str, role: Role) -> Uuid {
        let mut tx = self.app.db.db.begin(Scope::Tenant(tenant)).await.unwrap();
        let invited = Invited::Email(email.to_owned());
        let row = members::invite(&mut tx, tenant, &invited, role, None).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        row.id
    }

    /// A token of somebody with that verified address.
    fn token(&self, email: &str) -> String {
        let user = Uuid::now_v7();
        self.project.set_user(user, email, true, None);
        self.project.token(user)
    }

    /// A member of that role, and the id of the membership.
    async fn member(&self, tenant: TenantId, role: Role) -> (String, Uuid) {
        let email = format!("{}@member.example", Uuid::now_v7());
        let id = self.invite(tenant, &email, role).await;
        let token = self.token(&email);
        assert_eq!(self.whoami(&token).await.status, 200);
        (token, id)
    }

    async fn whoami(&self, token: &str) -> Answer {
        self.app.call("GET", "/api/v1/whoami", token, None).await
    }

    async fn in_tenant(&self, token: &str, tenant: &str) -> Answer {
        let mut request = request("GET", "/api/v1/whoami", token, None);
        request.headers_mut().insert("kotadb-tenant", tenant.parse().unwrap());
        self.app.send(request).await
    }
}

#[tokio::test]
async fn an_invitation_is_taken_by_a_verified_address_or_a_linked_login() {
    let signed = Signed::new().await;
    let tenant = signed.app.tenant("one").await;
    let path = format!("/api/v1/tenants/{}/members", tenant.id);
    for body in [
        json!({ "email": "Ann@one.example", "role": "maintainer" }),
        json!({ "github_login": "octo-bob", "role": "reader" }),
    ] {
        let invited = signed.app.call("POST", &path, &tenant.key, Some(body)).await;
        assert_eq!((invited.status, &invited.body["state"]), (201, &json!("invited")), "{}", invited.body);
    }
    let (ann, bob, eve) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    // Eve writes the address of Ann and the login of Bob wherever a user may write.
    signed.project.set_user(eve, "ann@one.example", false, None);
    let mut claims = signed.project.claims(eve);
    claims["email"] = json!("ann@one.example");
    claims["user_metadata"] = json!({ "email_verified": true, "user_name": "octo-bob" });
    let of_eve = signed.project.sign(kotadb_core::testing::fake_supabase::Signing::Es256, &claims);
    let refused = signed.whoami(&of_eve).await;
    assert_eq!((refused.status, refused.code()), (403, "no_member"));
    signed.project.set_user(ann, "ann@one.example", true, None);
    signed.project.set_user(bob, "bob@two.example", true, Some((7, "Octo-Bob")));
    let answer = signed.whoami(&signed.project.token(ann)).await;
    assert_eq!((answer.status, &answer.body["role"]), (200, &json!("maintainer")), "{}", answer.body);
    assert_eq!((&answer.body["tenant"], &answer.body["key"]), (&json!(tenant.id.to_string()), &Value::Null));
    let answer = signed.whoami(&signed.project.token(bob)).await;
    assert_eq!(answer.body["scopes"], json!(["search", "repositories:read", "jobs:read", "tenant:read"]));
    let list = signed.app.call("GET", &path, &tenant.key, None).await;
    let states: Vec<_> = list.body["items"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["active", "active"], "{}", list.body);
    let again = json!({ "email": "ann@one.example", "role": "owner" });
    let again = signed.app.call("POST", &path, &tenant.key, Some(again)).await;
    assert_eq!((again.status, again.code()), (409, "conflict"));
    // Supabase is asked once a minute at most, so Eve is not looked up again.
    signed.project.set_user(eve, "ann@one.example", true, None);
    assert_eq!(signed.whoami(&of_eve).await.code(), "no_member");
}

#[tokio::test]
async fn an_invitation_ends_and_can_be_taken_back() {
    let signed = Signed::new().await;
    let tenant = signed.app.tenant("one").await;
    signed.invite(tenant.id, "late@one.example", Role::Owner).await;
    signed.app.db.execute("UPDATE kotadb.members SET expires_at = now()").await;
    assert_eq!(signed.whoami(&signed.token("late@one.example")).await.code(), "no_member");
    let id = signed.invite(tenant.id, "back@one.example", Role::Owner).await;
    let path = format!("/api/v1/tenants/{}/members/{id}", tenant.id);
    assert_eq!(signed.app.call("DELETE", &path, &tenant.key, None).await.status, 204);
    assert_eq!(signed.app.call("GET", &path, &tenant.key, None).await.status, 404);
    assert_eq!(signed.whoami(&signed.token("back@one.example")).await.code(), "no_member");
}

#[tokio::test]
async fn who_is_in_several_tenants_names_one() {
    let signed = Signed::new().await;
    let (one, two, three) =
        (signed.app.tenant("one").await, signed.app.tenant("two").await, signed.app.tenant("three").await);
    for tenant in [&one, &two] {
        signed.invite(tenant.id, "ann@one.example", Role::Reader).await;
    }
    let token = signed.token("ann@one.example");
    let answer = signed.whoami(&token).await;
    assert_eq!((answer.status, answer.code()), (400, "invalid_request"), "both are taken: {}", answer.body);
    for tenant in [&one, &two] {
        let answer = signed.in_tenant(&token, &tenant.id.to_string()).await;
        assert_eq!((answer.status, &answer.body["tenant"]), (200, &json!(tenant.id.to_string())), "{}", answer.body);
    }
    assert_eq!(signed.whoami(&token).await.code(), "invalid_request");
    for tenant in [three.id.to_string(), Uuid::now_v7().to_string()] {
        assert_eq!(signed.in_tenant(&token, &tenant).await.code(), "no_member");
    }
    assert_eq!(signed.in_tenant(&token, "one").await.code(), "invalid_request");
}

#[tokio::test]
async fn tokens_that_are_not_good_are_refused() {
    let signed = Signed::new().await;
    let tenant = signed.app.tenant("one").await;
    let (token, _) = signed.member(tenant.id, Role::Owner).await;
    let user: Uuid = signed.app.db.texts("SELECT user_id::text FROM kotadb.members").await[0].parse().unwrap();
    let es256 = kotadb_core::testing::fake_supabase::Signing::Es256;
    let with = |name: &str, value: Value| {
        let mut claims = signed.project.claims(user);
        claims[name] = value;
        signed.project.sign(es256, &claims)
    };
    for (token, status, code) in [
        (with("exp", json!(1_700_000_000)), 401, "token_expired"),
        (with("aud", json!("anon")), 401, "unauthorized"),
        (with("role", json!("service_role")), 401, "unauthorized"),
        (with("is_anonymous", json!(true)), 401, "unauthorized"),
        (format!("{token}x"), 401, "unauthorized"),
        (token, 200, ""),
    ] {
        let answer = signed.whoami(&token).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.body);
    }
    let without = App::new().await;
    let answer = without.call("GET", "/api/v1/whoami", &signed.project.token(user), None).await;
    assert_eq!((answer.status, answer.code()), (401, "unauthorized"));
    assert!(answer.body["detail"].as_str().unwrap().contains("SUPABASE_URL"));
}

#[tokio::test]
async fn keys_of_a_member_do_no_more_than_the_member_and_end_with_the_membership() {
    let signed = Signed::new().await;
    let tenant = signed.app.tenant("one").await;
    let (owner, _) = signed.member(tenant.id, Role::Owner).await;
    let (token, member) = signed.member(tenant.id, Role::Maintainer).await;
    let body = json!({ "name": "ci", "scopes": ["search", "repositories:write", "keys:admin"] });
    let made = signed.app.call("POST", "/api/v1/keys", &token, Some(body)).await;
    let key = made.body["key"].as_str().unwrap();
    assert_eq!(made.body["member"], json!(member.to_string()));
    let of_key = json!({ "name": "heir", "scopes": ["search"] });
    let heir = signed.app.call("POST", "/api/v1/keys", key, Some(of_key)).await;
    assert_eq!(heir.body["member"], json!(member.to_string()), "a key's key is the member's, too");
    // An operator's key that a member rotates must not outlive the membership.
    let (operators, _) = signed.app.key_like(tenant.id, &["search"], Default::default()).await;
    let rotate = format!("/api/v1/keys/{operators}/rotate");
    let rotated = signed.app.call("POST", &rotate, &token, Some(json!({}))).await;
    assert_eq!(rotated.body["member"], json!(member.to_string()));
    let path = format!("/api/v1/tenants/{}/members/{member}", tenant.id);
    let down = signed.app.call("PATCH", &path, &owner, Some(json!({ "role": "reader" }))).await;
    assert_eq!((down.status, &down.body["role"]), (200, &json!("reader")), "{}", down.body);
    assert_eq!(signed.whoami(key).await.body["scopes"], json!(["search"]));
    assert_eq!(signed.app.call("GET", "/api/v1/keys", key, None).await.code(), "insufficient_scope");
    assert_eq!(signed.app.call("DELETE", &path, &owner, None).await.status, 204);
    for key in [key, heir.body["key"].as_str().unwrap(), rotated.body["key"].as_str().unwrap()] {
        assert_eq!(signed.whoami(key).await.code(), "key_revoked");
    }
    assert_eq!(signed.whoami(&token).await.code(), "no_member");
}

#[tokio::test]
async fn the_last_owner_cannot_go() {
    let signed = Signed::new().await;
    let tenant = signed.app.tenant("one").await;
    let repository = signed.app.register(&tenant.key, "a/b").await["id"].clone();
    let (first, first_id) = signed.member(tenant.id, Role::Owner).await;
    let path = |id: Uuid| format!("/api/v1/tenants/{}/members/{id}", tenant.id);
    signed.invite(tenant.id, "owner@invited.example", Role::Owner).await;
    let change = async |body: Value| signed.app.call("PATCH", &path(first_id), &first, Some(body)).await;
    for body in [json!({ "role": "reader" }), json!({ "repositories": [repository] })] {
        let answer = change(body).await;
        assert_eq!((answer.status, answer.code()), (409, "last_owner"), "{}", answer.body);
    }
    assert_eq!(signed.app.call("DELETE", &path(first_id), &first, None).await.code(), "last_owner");
    let (second, second_id) = signed.member(tenant.id, Role::Owner).await;
    // Each takes the other away at once: one of them stays.
    let (one, two) = (path(first_id), path(second_id));
    let deletes =
        tokio::join!(signed.app.call("DELETE", &one, &second, None), signed.app.call("DELETE", &two, &first, None));
    let mut statuses = [deletes.0.status, deletes.1.status];
    statuses.sort_unstable();
    assert!(matches!(statuses, [204, 403 | 409]), "{statuses:?}");
    let left = "SELECT count(*)::text FROM kotadb.members WHERE role = 'owner' AND user_id IS NOT NULL";
    assert_eq!(signed.app.db.texts(left).await, ["1"]);
}

/// What a search tells besides its lines, and everything else that could give a repository away.
#[tokio::test]
async fn a_limited_member_is_limited_everywhere() {
    let signed = Signed::new().await;
    let tenant = signed.app.tenant("one").await;
    let mine = signed.app.register(&tenant.key, "a/mine").await;
    let other = signed.app.register(&tenant.key, "a/secret").await;
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    publish(&signed.app.store, tenant.id, &id(&mine), &[("a.rs", "fn common() {}\n"), ("b.rs", "fn common() {}\n")])
        .await;
    publish(&signed.app.store, tenant.id, &id(&other), &[("s.py", "def common(): hush\n")]).await;
    let (token, member) = signed.member(tenant.id, Role::Owner).await;
    let (boss, _) = signed.member(tenant.id, Role::Owner).await;
    let path = format!("/api/v1/tenants/{}/members/{member}", tenant.id);
    let changed = signed.app.call("PATCH", &path, &boss, Some(json!({ "repositories": ["a/mine"] }))).await;
    assert_eq!(changed.body["repositories"], json!([id(&mine)]), "{}", changed.body);
    let only = json!({ "name": "x", "scopes": SCOPES, "repositories": ["a/mine"] });
    let key = signed.app.call("POST", "/api/v1/keys", &tenant.key, Some(only)).await;
    let key = key.body["key"].as_str().unwrap().to_owned();
    for who in [&token, &key] {
        let get = async |path: &str| signed.app.call("GET", path, who, None).await;
        let search = get("/api/v1/search/code?query=common&count=true&facets=true&limit=1&explain=true").await;
        assert_eq!((search.status, &search.body["total"]), (200, &json!(2)), "{}", search.body);
        let text = search.body.to_string();
        for hint in ["secret", "s.py", "python", "Python", "hush", &id(&other)] {
            assert!(!text.contains(hint), "`{hint}` in {text}");
        }
        let next =
            format!("/api/v1/search/code?query=common&limit=1&cursor={}", search.body["next_cursor"].as_str().unwrap());
        let next = get(&next).await;
        assert_eq!(next.body["items"].as_array().unwrap().len(), 1, "{}", next.body);
        assert_eq!(next.body["next_cursor"], Value::Null);
        for nothing in ["query=hush", "query=common+repo:a/secret", "query=common+lang:python"] {
            let answer = get(&format!("/api/v1/search/code?{nothing}&count=true")).await;
            assert_eq!(answer.body["items"], json!([]), "{nothing}: {}", answer.body);
            assert!(!answer.body["notes"].to_string().contains("secret"), "{}", answer.body);
        }
        let repositories = get("/api/v1/repositories?limit=1").await;
        assert_eq!(repositories.body["items"].as_array().unwrap().len(), 1);
        assert_eq!(repositories.body["total"], json!(1));
        let rest = repositories.body["next_cursor"].as_str().map(ToOwned::to_owned);
        if let Some(cursor) = rest {
            let rest = get(&format!("/api/v1/repositories?limit=1&cursor={cursor}")).await;
            assert_eq!((&rest.body["items"], &rest.body["next_cursor"]), (&json!([]), &Value::Null));
        }
        let jobs = get("/api/v1/jobs?limit=1").await;
        assert_eq!((jobs.body["items"].as_array().unwrap().len(), &jobs.body["next_cursor"]), (1, &Value::Null));
        assert_eq!(jobs.body["items"][0]["repository"], mine["id"], "the newest is of the other repository");
        let member = get(&format!("/api/v1/tenants/{}/members", tenant.id)).await;
        assert!(!member.body.to_string().contains(&id(&other)));
        let repository = signed.app.call("POST", "/api/v1/repositories", who, Some(json!({ "url": "a/secret" }))).await;
        assert_eq!(repository.code(), "insufficient_scope");
    }
}

#[tokio::test]
async fn a_deleted_tenant_is_gone_at_once() {
    let signed = Signed::new().await;
    let tenant = signed.app.tenant("one").await;
    let repository = signed.app.register(&tenant.key, "a/b").await;
    let (token, _) = signed.member(tenant.id, Role::Owner).await;
    let other = signed.app.tenant("two").await;
    let path = format!("/api/v1/tenants/{}", tenant.id);
    let shown = signed.app.call("GET", &path, &token, None).await;
    assert_eq!((&shown.body["name"], &shown.body["usage"]["plan"]), (&json!("one"), &json!("standard")));
    let taken = signed.app.call("PATCH", &path, &token, Some(json!({ "name": "two" }))).await;
    assert_eq!((taken.status, taken.code()), (409, "conflict"));
    let renamed = signed.app.call("PATCH", &path, &token, Some(json!({ "name": "uno" }))).await;
    assert_eq!(renamed.body["name"], "uno");
    assert_eq!(signed.app.call("DELETE", &path, &token, None).await.status, 204);
    assert_eq!(signed.whoami(&token).await.code(), "no_member");
    assert_eq!(signed.whoami(&tenant.key).await.code(), "key_revoked");
    assert_eq!(signed.whoami(&other.key).await.status, 200);
    let job = format!("SELECT state FROM kotadb.jobs WHERE id = '{}'", repository["job"].as_str().unwrap());
    assert_eq!(signed.app.db.texts(&job).await, ["cancelled"]);
    let Tenant { id, .. } = signed.app.tenant("uno").await;
    assert_ne!(id, tenant.id, "the name is free again");
}
