//! Registration by URL with GitHub in reach: what is learnt, and what becomes of the webhook.

use kotadb_core::testing::fake_github::{Failure, FakeGithub};
use serde_json::{Value, json};

use crate::app::App;

const PATH: &str = "/api/v1/repositories";

async fn register(app: &App, key: &str, url: &str) -> (u16, Value) {
    let answer = app.call("POST", PATH, key, Some(json!({ "url": url }))).await;
    (answer.status, answer.body)
}

fn secret(answer: &Value) -> &str {
    answer["webhook"]["secret"].as_str().unwrap()
}

#[tokio::test]
async fn a_registration_makes_the_webhook_and_again_repairs_it() {
    let github = FakeGithub::start().await;
    let number = github.create("Acme/a", false);
    let app = App::with_github(&github).await;
    let key = app.tenant("one").await.key;
    let (status, first) = register(&app, &key, "acme/A").await;
    assert_eq!((status, &first["webhook"]["state"], &first["name"]), (201, &json!("active"), &json!("Acme/a")));
    assert_eq!(first["default_branch"], "main");
    let hooks = github.hooks("acme/a");
    assert_eq!((hooks.len(), hooks[0].secret.as_str()), (1, secret(&first)));
    assert_eq!(hooks[0].url, first["webhook"]["url"].as_str().unwrap());
    let stored = app.db.texts("SELECT concat_ws(' ', github_hook_id, fault) FROM kotadb.hooks").await;
    assert_eq!(stored, [hooks[0].id.to_string()]);
    let known = app.db.texts("SELECT github_repository_id::text FROM kotadb.repositories").await;
    assert_eq!(known, [number.to_string()]);

    // Somebody changed the secret, and added the hook once more.
    github.change_hooks("acme/a", |hooks| {
        hooks[0].secret = "other".to_owned();
        hooks.push(hooks[0].clone());
        hooks[1].id += 1000;
    });
    let (status, again) = register(&app, &key, "https://github.com/acme/a.git").await;
    assert_eq!(
        (status, &again["id"], &again["webhook"], &again["job"]),
        (200, &first["id"], &Value::Null, &Value::Null)
    );
    let hooks = github.hooks("acme/a");
    assert_eq!((hooks.len(), hooks[0].secret.as_str()), (1, secret(&first)));
    assert_eq!((app.count("jobs").await, app.count("hooks").await), ("1".into(), "1".into()));
}

#[tokio::test]
async fn without_a_token_it_is_set_by_hand() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    let (_, answer) = register(&app, &key, "acme/a").await;
    assert_eq!(answer["webhook"]["state"], "by_hand");
    assert!(answer["webhook"]["detail"].as_str().unwrap().contains("set URL and secret by hand"), "{answer}");
    assert_eq!(secret(&answer).len(), 64);
}

#[tokio::test]
async fn failures_of_github_never_fail_a_registration() {
    let github = FakeGithub::start().await;
    let app = App::with_github(&github).await;
    let key = app.tenant("one").await.key;
    for (n, failure) in [
        Failure::Status(401),
        Failure::Status(403),
        Failure::Status(404),
        Failure::Status(422),
        Failure::Status(451),
        Failure::Status(503),
        Failure::Cut,
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("acme/r{n}");
        github.create(&name, false);
        github.fail(&format!("GET /repos/{name}"), failure, 9);
        let (status, answer) = register(&app, &key, &name).await;
        assert_eq!((status, &answer["webhook"]["state"]), (201, &json!("faulty")), "{failure:?}");
        let shown = app.call("GET", &format!("{PATH}/{}", answer["id"].as_str().unwrap()), &key, None).await;
        assert!(shown.body["webhook_fault"].as_str().unwrap().contains("GitHub"), "{}", shown.body);
    }
    github.set_down(true);
    assert_eq!(register(&app, &key, "acme/down").await.0, 201);
    github.set_down(false);
    github.create("acme/slow", false);
    github.fail("POST /repos/acme/slow/hooks", Failure::Secondary(60), 1);
    let (_, answer) = register(&app, &key, "acme/slow").await;
    assert!(answer["webhook"]["detail"].as_str().unwrap().contains("asks to wait"), "{answer}");
    assert_eq!(app.count("jobs WHERE state = 'queued'").await, "9");
}

#[tokio::test]
async fn a_webhook_that_was_made_without_an_answer_is_found_again() {
    let github = FakeGithub::start().await;
    github.create("acme/a", false);
    let app = App::with_github(&github).await;
    let key = app.tenant("one").await.key;
    github.fail("POST /repos/acme/a/hooks", Failure::Cut, 1);
    let (_, first) = register(&app, &key, "acme/a").await;
    assert_eq!((&first["webhook"]["state"], github.hooks("acme/a").len()), (&json!("faulty"), 1));
    register(&app, &key, "acme/a").await;
    let hooks = github.hooks("acme/a");
    assert_eq!((hooks.len(), hooks[0].secret.as_str()), (1, secret(&first)));
    let noted = app.db.texts("SELECT (github_hook_id IS NOT NULL AND fault IS NULL)::text FROM kotadb.hooks").await;
    assert_eq!(noted, ["true"]);
}

#[tokio::test]
async fn a_private_repository_of_the_operator_tells_a_tenant_nothing() {
    let github = FakeGithub::start().await;
    github.create("acme/secret", true);
    github.rename("acme/secret", "codename").await;
    let app = App::with_github(&github).await;
    let tenant = app.tenant("one").await;
    let (_, answer) = register(&app, &tenant.key, "acme/secret").await;
    assert_eq!((&answer["name"], &answer["default_branch"]), (&json!("acme/secret"), &Value::Null));
    // The tenant's own installation may tell all of it.
    let installation = github.install("acme", None).await;
    app.link(tenant.id, installation, "acme").await;
    let (status, answer) = register(&app, &tenant.key, "acme/codename").await;
    assert_eq!(
        (status, &answer["name"], &answer["webhook"]["state"]),
        (201, &json!("acme/codename"), &json!("active"))
    );
    let credential = "SELECT installation_id::text FROM kotadb.repositories WHERE name = 'acme/codename'";
    assert_eq!(app.db.texts(credential).await, [installation.to_string()]);
    let other = app.tenant("two").await;
    let (_, answer) = register(&app, &other.key, "acme/codename").await;
    assert_eq!(answer["default_branch"], Value::Null, "it is the installation of another tenant");
}

#[tokio::test]
async fn a_renamed_repository_stays_the_same() {
    let github = FakeGithub::start().await;
    github.create("acme/old", false);
    let app = App::with_github(&github).await;
    let key = app.tenant("one").await.key;
    let (_, first) = register(&app, &key, "acme/old").await;
    github.rename("acme/old", "new").await;
    for name in ["acme/old", "acme/new"] {
        let (status, again) = register(&app, &key, name).await;
        assert_eq!((status, &again["id"], &again["name"]), (200, &first["id"], &json!("acme/new")), "{name}");
        assert_eq!(again["url"], "https://github.com/acme/new");
    }
    assert_eq!(app.db.texts("SELECT name::text FROM kotadb.former_names").await, ["acme/old"]);
    assert_eq!((app.count("repositories").await, github.hooks("acme/new").len()), ("1".into(), 1));
}

#[tokio::test]
async fn a_rotated_secret_is_at_github_and_the_former_stays_valid() {
    let github = FakeGithub::start().await;
    github.create("acme/a", false);
    let app = App::with_github(&github).await;
    let key = app.tenant("one").await.key;
    let (_, first) = register(&app, &key, "acme/a").await;
    let rotate = format!("{PATH}/{}/webhook/rotate", first["id"].as_str().unwrap());
    let rotated = app.call("POST", &rotate, &key, None).await;
    assert_eq!((rotated.status, &rotated.body["state"]), (200, &json!("active")), "{}", rotated.body);
    let second = rotated.body["secret"].as_str().unwrap();
    assert_ne!(second, secret(&first));
    assert_eq!((github.hooks("acme/a")[0].secret.as_str(), github.hooks("acme/a").len()), (second, 1));
    let path = first["webhook"]["url"].as_str().unwrap().replace("https://kotadb.example", "");
    for (secret, status) in [(secret(&first), 200), (second, 200), ("other", 401)] {
        assert_eq!(ping(&app, &path, secret).await, status, "{secret}");
    }
    let overlap = "SELECT round(extract(epoch FROM previous_valid_until - now()) / 3600)::text FROM kotadb.hooks";
    assert_eq!(app.db.texts(overlap).await, ["24"]);
    let third = app.call("POST", &format!("{rotate}?overlap_seconds=0"), &key, None).await;
    assert_eq!(ping(&app, &path, second).await, 401);
    assert_eq!(ping(&app, &path, third.body["secret"].as_str().unwrap()).await, 200);
    let long = app.call("POST", &format!("{rotate}?overlap_seconds=2592001"), &key, None).await;
    assert_eq!((long.status, long.code()), (400, "invalid_request"));
}

async fn ping(app: &App, path: &str, secret: &str) -> u16 {
    let body = br#"{"zen":"x"}"#;
    let tag = kotadb_core::crypto::to_hex(&kotadb_core::crypto::hmac_sha256(secret.as_bytes(), body));
    let request = axum::http::Request::builder()
        .method("POST")
        .uri(path)
        .header("content-type", "application/json")
        .header("x-github-event", "ping")
        .header("x-github-delivery", uuid::Uuid::now_v7().to_string())
        .header("x-hub-signature-256", format!("sha256={tag}"));
    app.send(request.body(axum::body::Body::from(&body[..])).unwrap()).await.status
}

#[tokio::test]
async fn a_deleted_repository_takes_its_webhook_along() {
    let github = FakeGithub::start().await;
    github.create("acme/a", false);
    let app = App::with_github(&github).await;
    let key = app.tenant("one").await.key;
    let (_, first) = register(&app, &key, "acme/a").await;
    github.add_hook("acme/a", "https://elsewhere.example/hook", "s");
    let path = format!("{PATH}/{}", first["id"].as_str().unwrap());
    assert_eq!(app.call("DELETE", &path, &key, None).await.status, 204);
    let urls: Vec<_> = github.hooks("acme/a").into_iter().map(|hook| hook.url).collect();
    assert_eq!(urls, ["https://elsewhere.example/hook"], "only ours");
}

#[tokio::test]
async fn settings_are_checked_kept_and_changed() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    let body = json!({ "url": "acme/a", "refs": ["main"], "priority": 5, "schedule": " 0  3 * * 1-5 " });
    let first = app.call("POST", PATH, &key, Some(body)).await.body;
    assert_eq!((&first["priority"], &first["schedule"]), (&json!(5), &json!("0 3 * * 1-5")));
    let path = format!("{PATH}/{}", first["id"].as_str().unwrap());
    app.db.execute("UPDATE kotadb.jobs SET state = 'done', finished_at = now()").await;
    let same = app.call("PATCH", &path, &key, Some(json!({ "priority": 7 }))).await;
    assert_eq!((same.status, &same.body["priority"], &same.body["job"]), (200, &json!(7), &Value::Null));
    assert_eq!((&same.body["schedule"], &same.body["refs"]), (&json!("0 3 * * 1-5"), &json!(["refs/heads/main"])));
    let other =
        app.call("PATCH", &path, &key, Some(json!({ "refs": ["v*"], "priority": null, "schedule": null }))).await;
    assert_eq!(other.body["refs"], json!(["refs/heads/v*"]));
    assert!(other.body["priority"].is_null() && other.body["schedule"].is_null() && other.body["job"].is_string());
    for (body, field) in [
        (json!({ "priority": 101 }), "priority"),
        (json!({ "priority": -1 }), "priority"),
        (json!({ "schedule": "* * * *" }), "schedule"),
        (json!({ "schedule": "* * * * ;" }), "schedule"),
        (json!({ "refs": ["a b"] }), "refs"),
    ] {
        let refused = app.call("PATCH", &path, &key, Some(body.clone())).await;
        assert_eq!((refused.status, &refused.body["errors"][0]["field"]), (400, &json!(field)), "{body}");
    }
    let unknown = app.call("PATCH", &path, &key, Some(json!({ "url": "a/b" }))).await;
    assert_eq!((unknown.status, unknown.code()), (400, "invalid_request"));
}

#[tokio::test]
async fn another_tenants_installation_changes_no_webhook() {
    let github = FakeGithub::start().await;
    github.create("acme/a", false);
    let installation = github.install("acme", None).await;
    let app = App::with_github(&github).await;
    let (one, other) = (app.tenant("one").await, app.tenant("other").await);
    app.link(other.id, installation, "acme").await;
    let (_, registered) = register(&app, &one.key, "acme/a").await;
    let before = github.hooks("acme/a");
    assert_eq!(before.len(), 1, "made with the operator's token");
    // As if the row had come to name it all the same.
    app.db.execute(&format!("UPDATE kotadb.repositories SET installation_id = {installation}")).await;
    github.forget_requests();
    let path = format!("{PATH}/{}", registered["id"].as_str().unwrap());
    let rotated = app.call("POST", &format!("{path}/webhook/rotate"), &one.key, None).await;
    assert_eq!((rotated.status, &rotated.body["state"]), (200, &json!("by_hand")), "{}", rotated.body);
    assert_eq!(app.call("DELETE", &path, &one.key, None).await.status, 204);
    assert_eq!(github.requests(), [""; 0], "nothing was asked of GitHub in that name");
    assert_eq!(github.hooks("acme/a")[0].secret, before[0].secret);
}
