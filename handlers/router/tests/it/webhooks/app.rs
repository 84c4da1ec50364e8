//! The hook of the App: whose a delivery is, and what happens to installations and to what is fetched through them.

use serde_json::{Value, json};

use super::{Delivery, REPOSITORY, changed, finish_jobs, hook, push, queued};
use crate::app::{Answer, App};

const PATH: &str = "/webhooks/github/app";
const SECRET: &str = "the secret of the app";
const PREVIOUS: &str = "the one before it";

async fn app() -> App {
    let variables = [("GITHUB_APP_WEBHOOK_SECRET", SECRET), ("GITHUB_APP_WEBHOOK_SECRET_PREVIOUS", PREVIOUS)];
    let store = kotadb_core::store::Store::open(&kotadb_core::store::StoreOptions::Memory).unwrap();
    App::with(Some(store), &variables).await
}

/// Two tenants with the same repository; installation 5 is linked to the first, and both say that they fetch through it.
async fn two_tenants(app: &App) {
    for tenant in ["one", "two"] {
        hook(app, tenant, json!({ "url": "a/b" })).await;
    }
    let rows = format!(
        "INSERT INTO kotadb.installations (id, tenant_id, account, account_id)
            SELECT 5, id, 'a', 1 FROM kotadb.tenants WHERE name = 'one';
         UPDATE kotadb.repositories SET installation_id = 5, github_repository_id = {REPOSITORY}"
    );
    app.db.execute(&rows).await;
}

fn through(installation: i64, mut body: Value) -> Value {
    body["installation"] = json!({ "id": installation });
    body
}

fn installation(action: &str, id: i64) -> Value {
    json!({
        "action": action, "installation": { "id": id, "account": { "login": "acme", "id": 9, "type": "Organization" } },
        "sender": { "login": "x", "id": 1 },
    })
}

async fn send(app: &App, event: &str, body: &Value) -> Answer {
    Delivery::to(PATH, SECRET, event, body).send(app).await
}

/// `tenant reason` of each repository that stands still.
async fn still(app: &App) -> Vec<String> {
    let still = "SELECT t.name || ' ' || r.suspended_because FROM kotadb.repositories r
        JOIN kotadb.tenants t ON t.id = r.tenant_id WHERE r.suspended_at IS NOT NULL ORDER BY 1";
    app.db.texts(still).await
}

#[tokio::test]
async fn without_a_secret_it_is_not_configured() {
    let app = App::new().await;
    let answer = send(&app, "ping", &json!({})).await;
    assert_eq!((answer.status, answer.code()), (503, "not_configured"));
    assert!(answer.body.to_string().contains("GITHUB_APP_WEBHOOK_SECRET"));
}

#[tokio::test]
async fn both_secrets_verify_and_no_other() {
    let app = app().await;
    for (secret, status) in [(SECRET, 200), (PREVIOUS, 200), ("another", 401), ("", 401)] {
        assert_eq!(Delivery::to(PATH, secret, "ping", &json!({})).send(&app).await.status, status, "{secret}");
    }
    let form = form_of(&json!({ "zen": "x" }));
    let kind = "application/x-www-form-urlencoded";
    let form = Delivery { body: form, content_type: kind, ..Delivery::to(PATH, SECRET, "ping", &json!({})) };
    assert_eq!(form.send(&app).await.status, 200);
}

/// Every byte escaped, which is a form too.
fn form_of(body: &Value) -> Vec<u8> {
    let escaped: String = body.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("payload={escaped}").into_bytes()
}

#[tokio::test]
async fn a_push_reaches_the_installations_own_tenant_only() {
    let app = app().await;
    two_tenants(&app).await;
    let body = through(5, push("refs/heads/main"));
    let delivery = Delivery::to(PATH, SECRET, "push", &body);
    assert_eq!(delivery.send(&app).await.body["status"], "queued");
    assert_eq!(delivery.send(&app).await.body["status"], "duplicate");
    let whose = "SELECT t.name FROM kotadb.jobs j JOIN kotadb.tenants t ON t.id = j.tenant_id WHERE j.state = 'queued'";
    assert_eq!(app.db.texts(whose).await, ["one"]);
    let row = "SELECT concat_ws(' ', t.name, d.installation_id, d.event, d.outcome) FROM kotadb.app_deliveries d
        JOIN kotadb.tenants t ON t.id = d.tenant_id";
    assert_eq!(app.db.texts(row).await, ["one 5 push queued"]);
    finish_jobs(&app).await;
    let mut other = through(5, push("refs/heads/main"));
    other["repository"]["id"] = json!(1);
    other["repository"]["full_name"] = json!("a/other");
    for (body, why) in [
        (through(6, push("refs/heads/main")), "no tenant is linked"),
        (other, "not registered through this installation"),
        (through(5, push("refs/heads/other")), "not tracked"),
    ] {
        let answer = send(&app, "push", &body).await;
        assert_eq!((answer.status, answer.body["status"].as_str()), (202, Some("ignored")));
        assert!(answer.body["reason"].as_str().unwrap().contains(why), "{}", answer.body);
    }
    assert_eq!(send(&app, "push", &push("refs/heads/main")).await.status, 400, "no installation");
    assert_eq!(queued(&app).await, "0");
}

#[tokio::test]
async fn an_unknown_number_is_learnt_by_the_url() {
    let app = app().await;
    two_tenants(&app).await;
    app.db.execute("UPDATE kotadb.repositories SET github_repository_id = NULL").await;
    let mut body = through(5, push("refs/heads/main"));
    body["repository"]["full_name"] = json!("A/B");
    assert_eq!(send(&app, "push", &body).await.body["status"], "queued");
    let known = "SELECT github_repository_id::text FROM kotadb.repositories WHERE github_repository_id IS NOT NULL";
    assert_eq!(app.db.texts(known).await, [REPOSITORY.to_string()]);
}

#[tokio::test]
async fn events_of_repositories_work_as_by_their_own_hooks() {
    let app = app().await;
    two_tenants(&app).await;
    assert_eq!(send(&app, "repository", &through(5, changed("archived", "a/b"))).await.body["status"], "applied");
    assert_eq!(still(&app).await, ["one archived"]);
    assert_eq!(send(&app, "repository", &through(5, changed("unarchived", "a/b"))).await.body["status"], "queued");
    assert_eq!(send(&app, "repository", &through(5, changed("renamed", "a/c"))).await.body["status"], "applied");
    let names = "SELECT t.name || ' ' || r.name FROM kotadb.repositories r JOIN kotadb.tenants t ON t.id = r.tenant_id ORDER BY 1";
    assert_eq!(app.db.texts(names).await, ["one a/c", "two a/b"]);
}

#[tokio::test]
async fn an_installation_is_written_down_and_never_comes_back() {
    let app = app().await;
    let row = "SELECT concat_ws(' ', id, account, account_id, suspended_at IS NOT NULL, deleted_at IS NOT NULL) FROM kotadb.installations";
    for (action, state) in [
        ("created", "7 acme 9 f f"),
        ("new_permissions_accepted", "7 acme 9 f f"),
        ("suspend", "7 acme 9 t f"),
        ("unsuspend", "7 acme 9 f f"),
        ("deleted", "7 acme 9 f t"),
        // Changed places with the deletion.
        ("created", "7 acme 9 f t"),
    ] {
        let answer = send(&app, "installation", &installation(action, 7)).await;
        assert_eq!((answer.status, answer.body["status"].as_str()), (202, Some("applied")), "{action}");
        assert_eq!(app.db.texts(row).await, [state], "{action}");
    }
    assert_eq!(app.count("app_deliveries WHERE tenant_id IS NULL").await, "6");
}

#[tokio::test]
async fn a_suspended_installation_stops_its_repositories_until_it_goes_on() {
    let app = app().await;
    two_tenants(&app).await;
    let key = app.tenant("one").await.key;
    let paused = app.register(&key, "a/paused").await["id"].as_str().unwrap().to_owned();
    let pause = format!(
        "UPDATE kotadb.repositories SET installation_id = 5, suspended_at = now(), suspended_because = 'owner' WHERE id = '{paused}'"
    );
    app.db.execute(&pause).await;
    finish_jobs(&app).await;
    assert_eq!(send(&app, "installation", &installation("suspend", 5)).await.body["status"], "applied");
    assert_eq!(still(&app).await, ["one installation", "one owner"]);
    assert_eq!(send(&app, "push", &through(5, push("refs/heads/main"))).await.body["status"], "ignored");
    assert_eq!(send(&app, "installation", &installation("unsuspend", 5)).await.body["status"], "queued");
    assert_eq!((still(&app).await, queued(&app).await.as_str()), (vec!["one owner".to_owned()], "1"));
    finish_jobs(&app).await;
    assert_eq!(send(&app, "installation", &installation("deleted", 5)).await.body["status"], "applied");
    send(&app, "installation", &installation("unsuspend", 5)).await;
    assert_eq!((still(&app).await.len(), queued(&app).await.as_str()), (2, "0"), "what is deleted stays deleted");
}

#[tokio::test]
async fn repositories_come_into_and_leave_an_installation() {
    let app = app().await;
    two_tenants(&app).await;
    let tenant = app.tenant("one").await;
    let pattern = format!(
        "INSERT INTO kotadb.registrations (id, tenant_id, pattern, installation_id, checked_at)
            VALUES (gen_random_uuid(), '{}', 'a/*', 5, now())",
        tenant.id
    );
    app.db.execute(&pattern).await;
    let body = |added: Value, removed: Value| {
        let body = json!({ "action": "added", "repositories_added": added, "repositories_removed": removed });
        through(5, body)
    };
    let one = json!([{ "id": REPOSITORY, "name": "b", "full_name": "a/b", "private": true }]);
    let answer = send(&app, "installation_repositories", &body(json!([]), one.clone())).await;
    assert_eq!((answer.body["status"].as_str(), still(&app).await), (Some("applied"), vec!["one access".to_owned()]));
    let answer = send(&app, "installation_repositories", &body(one.clone(), json!([]))).await;
    assert_eq!((answer.body["status"].as_str(), still(&app).await.len()), (Some("queued"), 0));
    assert_eq!(app.count("registrations WHERE checked_at IS NULL").await, "1", "patterns are looked at again");
    finish_jobs(&app).await;
    app.db.execute("UPDATE kotadb.repositories SET installation_id = NULL").await;
    assert_eq!(send(&app, "installation_repositories", &body(one, json!([]))).await.body["status"], "queued");
    let linked = "SELECT t.name FROM kotadb.repositories r JOIN kotadb.tenants t ON t.id = r.tenant_id WHERE r.installation_id = 5";
    assert_eq!((app.db.texts(linked).await, queued(&app).await.as_str()), (vec!["one".to_owned()], "1"));
}

#[tokio::test]
async fn a_revoked_authorization_forgets_the_tokens() {
    let app = app().await;
    two_tenants(&app).await;
    let tokens = "INSERT INTO kotadb.github_tokens (id, tenant_id, login, sealed)
            SELECT gen_random_uuid(), id, CASE name WHEN 'one' THEN 'Ada' ELSE 'bob' END, 'sealed' FROM kotadb.tenants;
        UPDATE kotadb.repositories r SET installation_id = NULL, token_id = t.id FROM kotadb.github_tokens t
            WHERE t.tenant_id = r.tenant_id";
    app.db.execute(tokens).await;
    let body = json!({ "action": "revoked", "sender": { "login": "ada", "id": 1 } });
    assert_eq!(send(&app, "github_app_authorization", &body).await.body["status"], "applied");
    let left = "SELECT concat_ws(' ', login, revoked_at IS NOT NULL, octet_length(sealed)) FROM kotadb.github_tokens ORDER BY 1";
    assert_eq!(app.db.texts(left).await, ["Ada t 0", "bob f 6"]);
    assert_eq!(still(&app).await, ["one access"]);
}
