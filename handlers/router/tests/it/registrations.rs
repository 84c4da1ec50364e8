//! Registration by a pattern of names.

use kotadb_core::testing::fake_github::{Failure, FakeGithub};
use serde_json::{Value, json};

use crate::app::App;

const PATH: &str = "/api/v1/registrations";

fn actions(answer: &Value) -> Vec<(String, String)> {
    let rows = answer["repositories"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.map(|row| (text(&row["name"]), text(&row["action"]))).collect()
}

#[tokio::test]
async fn a_preview_lists_and_writes_nothing() {
    let github = FakeGithub::start().await;
    for name in ["acme/lib-a", "acme/lib-b", "acme/app", "zeta/lib-a"] {
        github.create(name, false);
    }
    github.create("acme/lib-secret", true);
    github.create("acme/lib-old", false);
    github.set_archived("acme/lib-old", true).await;
    let app = App::with_github(&github).await;
    let key = app.tenant("one").await.key;
    app.register(&key, "acme/lib-b").await;
    let body = json!({ "pattern": "Acme/lib-*", "refs": ["main"], "priority": 40 });
    let preview = app.call("POST", &format!("{PATH}?preview=true"), &key, Some(body.clone())).await;
    assert_eq!((preview.status, &preview.body["registration"]), (200, &Value::Null), "{}", preview.body);
    let expected = [("acme/lib-a", "register"), ("acme/lib-b", "registered"), ("acme/lib-old", "archived")];
    let expected: Vec<_> = expected.iter().map(|(name, action)| ((*name).to_owned(), (*action).to_owned())).collect();
    assert_eq!(actions(&preview.body), expected, "the operator's private repositories are not shown");
    assert_eq!((app.count("registrations").await, app.count("repositories").await), ("0".into(), "1".into()));

    let made = app.call("POST", PATH, &key, Some(body.clone())).await;
    assert_eq!(
        (made.status, &made.body["registered"], &made.body["left"]),
        (201, &json!(1), &json!(0)),
        "{}",
        made.body
    );
    let registration = &made.body["registration"];
    assert_eq!((&registration["pattern"], &registration["priority"]), (&json!("acme/lib-*"), &json!(40)));
    let row = "SELECT concat_ws(' ', name, ref_patterns::text, priority, is_private) FROM kotadb.repositories WHERE name = 'acme/lib-a'";
    assert_eq!(app.db.texts(row).await, ["acme/lib-a {refs/heads/main} 40 f"]);
    let again = app.call("POST", PATH, &key, Some(body)).await;
    assert_eq!((&again.body["registered"], &again.body["registration"]["id"]), (&json!(0), &registration["id"]));
    assert_eq!(
        (app.count("repositories").await, app.count("hooks").await, app.count("jobs").await),
        ("2".into(), "2".into(), "2".into())
    );

    let listed = app.call("GET", PATH, &key, None).await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 1);
    let one = format!("{PATH}/{}", registration["id"].as_str().unwrap());
    let other = app.tenant("two").await.key;
    assert_eq!(app.call("GET", PATH, &other, None).await.body["items"], json!([]));
    assert_eq!(app.call("DELETE", &one, &other, None).await.status, 404);
    assert_eq!(app.call("DELETE", &one, &key, None).await.status, 204);
    assert_eq!(app.call("DELETE", &one, &key, None).await.status, 404);
    assert_eq!(app.count("repositories WHERE deleted_at IS NULL").await, "2", "what it registered stays");
}

#[tokio::test]
async fn all_of_an_installation_of_the_tenant_alone() {
    let github = FakeGithub::start().await;
    for n in 0..300 {
        github.create(&format!("acme/r{n:03}"), true);
    }
    let installation = github.install("acme", None).await;
    let app = App::with_github(&github).await;
    let (owner, other) = (app.tenant("owner").await, app.tenant("other").await);
    app.link(owner.id, installation, "acme").await;
    let body = json!({ "installation": installation });
    let foreign = app.call("POST", PATH, &other.key, Some(body.clone())).await;
    assert_eq!((foreign.status, foreign.code()), (404, "not_found"));
    let none =
        app.call("POST", &format!("{PATH}?preview=true"), &other.key, Some(json!({ "pattern": "acme/*" }))).await;
    assert_eq!((none.status, &none.body["matched"]), (200, &json!(0)));
    let made = app.call("POST", PATH, &owner.key, Some(body)).await;
    let left = made.body["left"].as_u64().unwrap();
    assert_eq!((made.status, &made.body["matched"]), (201, &json!(300)));
    assert_eq!(made.body["registered"].as_u64().unwrap() + left, 300, "{left}");
    assert_eq!(made.body["registration"]["pattern"], "acme/*");
    assert_eq!(
        app.count(&format!("repositories WHERE installation_id = {installation}")).await,
        (300 - left).to_string()
    );
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let github = FakeGithub::start().await;
    github.create("acme/a", false);
    let app = App::with_github(&github).await;
    let key = app.tenant("one").await.key;
    for (body, code) in [
        (json!({}), "invalid_request"),
        (json!({ "pattern": "*/*" }), "repository_refused"),
        (json!({ "pattern": "acme/*", "schedule": "x" }), "repository_refused"),
        (json!({ "pattern": "nobody/*" }), "repository_refused"),
        (json!({ "installation": 1 }), "not_found"),
    ] {
        let answer = app.call("POST", PATH, &key, Some(body.clone())).await;
        assert_eq!(answer.code(), code, "{body}: {}", answer.body);
    }
    github.fail("GET /orgs/acme/repos", Failure::Secondary(60), 1);
    let limited = app.call("POST", PATH, &key, Some(json!({ "pattern": "acme/*" }))).await;
    assert_eq!((limited.status, limited.code()), (503, "unavailable"), "{}", limited.body);
    assert!(limited.body["detail"].as_str().unwrap().contains("wait until"), "{}", limited.body);
    assert_eq!(app.count("registrations").await, "0");
}
