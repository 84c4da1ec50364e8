//! Keys that the API gives out, and what it tells of limits.

use std::time::Duration;

use kotadb_core::db::keys::{NewKey, SCOPES};
use serde_json::{Value, json};

use crate::app::App;

#[tokio::test]
async fn a_key_is_made_shown_once_listed_used_and_revoked() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let body =
        json!({ "name": "ci", "scopes": ["search", "jobs:read", "search"], "expires_at": "2100-01-01T00:00:00Z" });
    let made = app.call("POST", "/api/v1/keys", &tenant.key, Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let (id, key) = (made.body["id"].as_str().unwrap(), made.body["key"].as_str().unwrap());
    assert_eq!(made.body["scopes"], json!(["jobs:read", "search"]));
    assert_eq!(made.body["expires_at"], "2100-01-01T00:00:00.000Z");
    assert_eq!(app.call("GET", "/api/v1/jobs", key, None).await.status, 200);
    let who = app.call("GET", "/api/v1/whoami", key, None).await;
    assert_eq!((&who.body["key"], &who.body["scopes"]), (&json!(id), &json!(["jobs:read", "search"])));
    assert_eq!((&who.body["repositories"], &who.body["role"]), (&Value::Null, &Value::Null));
    let path = format!("/api/v1/keys/{id}");
    let shown = app.call("GET", &path, &tenant.key, None).await;
    assert!(shown.body["last_used_at"].is_string() && shown.body.get("key").is_none(), "{}", shown.body);
    let list = app.call("GET", "/api/v1/keys?limit=1", &tenant.key, None).await;
    assert_eq!(list.body["items"], json!([shown.body]), "the newest first");
    let next = format!("/api/v1/keys?limit=1&cursor={}", list.body["next_cursor"].as_str().unwrap());
    let rest = app.call("GET", &next, &tenant.key, None).await;
    assert_eq!((rest.body["items"].as_array().unwrap().len(), &rest.body["next_cursor"]), (1, &Value::Null));
    for _ in 0..2 {
        assert_eq!(app.call("DELETE", &path, &tenant.key, None).await.status, 204);
    }
    assert_eq!(app.call("GET", &path, &tenant.key, None).await.status, 404, "what was deleted is not found");
    let list = app.call("GET", "/api/v1/keys?limit=1", &tenant.key, None).await;
    assert!(list.body["items"][0]["revoked_at"].is_string(), "{}", list.body);
    let refused = app.call("GET", "/api/v1/jobs", key, None).await;
    assert_eq!((refused.status, refused.code()), (401, "key_revoked"));
    let secret = app.db.texts("SELECT api_keys::text FROM kotadb.api_keys").await.join("\n");
    assert!(!secret.contains(&key[9..40]), "kept as a hash only");
}

#[tokio::test]
async fn nobody_gives_what_he_has_not() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let mine = app.register(&tenant.key, "a/mine").await["id"].as_str().unwrap().to_owned();
    let other = app.register(&tenant.key, "a/other").await["id"].as_str().unwrap().to_owned();
    let only = |id: &str| NewKey { repositories: Some(vec![id.parse().unwrap()]), ..NewKey::default() };
    let (_, limited) = app.key_like(tenant.id, &["search", "keys:admin"], only(&mine)).await;
    let make = async |key: &str, body: Value| app.call("POST", "/api/v1/keys", key, Some(body)).await;
    for (body, status, code) in [
        (json!({ "name": "x", "scopes": ["jobs:write"] }), 403, "insufficient_scope"),
        (json!({ "name": "x", "scopes": ["search"], "repositories": [other] }), 404, "not_found"),
        (json!({ "name": "x", "scopes": ["search"], "repositories": ["a/other"] }), 404, "not_found"),
        (json!({ "name": "x", "scopes": [] }), 400, "invalid_request"),
        (json!({ "name": "x", "scopes": ["root"] }), 400, "invalid_request"),
        (json!({ "name": "", "scopes": ["search"] }), 400, "invalid_request"),
        (json!({ "name": "a\u{0}b", "scopes": ["search"] }), 400, "invalid_request"),
        (json!({ "name": "x", "scopes": ["search"], "expires_at": "2020-01-01T00:00:00Z" }), 400, "invalid_request"),
        (json!({ "name": "x", "scopes": ["search"], "member": "x" }), 400, "invalid_request"),
    ] {
        let answer = make(&limited, body.clone()).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{body}: {}", answer.body);
    }
    let heir = make(&limited, json!({ "name": "x", "scopes": ["search"] })).await;
    assert_eq!(heir.body["repositories"], json!([mine]), "limited like its maker: {}", heir.body);
    // What sees more can neither be seen nor rotated nor revoked by what sees less.
    let (wide, _) = app.key_like(tenant.id, &["search"], NewKey::default()).await;
    let (strong, _) = app.key_like(tenant.id, &["search", "jobs:read"], only(&mine)).await;
    for (id, status) in [(wide, 404), (strong, 403)] {
        let rotated = app.call("POST", &format!("/api/v1/keys/{id}/rotate"), &limited, Some(json!({}))).await;
        assert_eq!(rotated.status, status, "{}", rotated.body);
        assert_eq!(app.call("DELETE", &format!("/api/v1/keys/{id}"), &limited, None).await.status, status);
    }
    let listed = app.call("GET", "/api/v1/keys", &limited, None).await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 3, "itself, its heir and the strong one");
    assert!(!listed.body.to_string().contains(&wide.to_string()));
}

#[tokio::test]
async fn a_rotated_key_and_its_successor_are_both_valid_for_a_while() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let (id, key) = app.key_like(tenant.id, &["search"], NewKey::default()).await;
    let path = format!("/api/v1/keys/{id}/rotate");
    let long = app.call("POST", &path, &tenant.key, Some(json!({ "overlap_seconds": 2_592_001 }))).await;
    assert_eq!(long.status, 400);
    let rotated = app.call("POST", &path, &tenant.key, Some(json!({ "overlap_seconds": 1 }))).await;
    assert_eq!(rotated.status, 201, "{}", rotated.body);
    let successor = rotated.body["key"].as_str().unwrap();
    assert_eq!((&rotated.body["scopes"], &rotated.body["name"]), (&json!(["search"]), &json!("test")));
    let search = "/api/v1/search/code?query=a";
    for key in [key.as_str(), successor] {
        assert_eq!(app.call("GET", search, key, None).await.status, 200);
    }
    let former = app.call("GET", &format!("/api/v1/keys/{id}"), &tenant.key, None).await;
    assert_eq!(former.body["successor"], rotated.body["id"]);
    let again = app.call("POST", &path, &tenant.key, Some(json!({}))).await;
    assert_eq!((again.status, again.code()), (409, "conflict"));
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(app.call("GET", search, &key, None).await.code(), "key_expired");
    assert_eq!(app.call("GET", search, successor, None).await.status, 200);
}

#[tokio::test]
async fn a_plan_limits_keys_and_repositories() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    app.register(&tenant.key, "a/b").await;
    app.db
        .execute(
            "INSERT INTO kotadb.plans (name, max_keys, max_repositories) VALUES ('tiny', 2, 1);
             UPDATE kotadb.tenants SET plan = 'tiny'",
        )
        .await;
    let full = app.call("POST", "/api/v1/repositories", &tenant.key, Some(json!({ "url": "a/c" }))).await;
    assert_eq!((full.status, full.code()), (403, "quota_exceeded"), "{}", full.body);
    let known = app.call("POST", "/api/v1/repositories", &tenant.key, Some(json!({ "url": "a/b" }))).await;
    assert_eq!(known.status, 200, "the same URL is no other repository");
    let body = json!({ "name": "x", "scopes": ["search"] });
    let made = app.call("POST", "/api/v1/keys", &tenant.key, Some(body.clone())).await;
    assert_eq!(made.status, 201);
    let over = app.call("POST", "/api/v1/keys", &tenant.key, Some(body)).await;
    assert_eq!((over.status, over.code()), (403, "quota_exceeded"));
    let path = format!("/api/v1/keys/{}/rotate", made.body["id"].as_str().unwrap());
    assert_eq!(app.call("POST", &path, &tenant.key, Some(json!({}))).await.status, 201, "one takes the other's place");
    let usage = app.call("GET", "/api/v1/usage", &tenant.key, None).await.body;
    assert_eq!(usage["repositories"], json!({ "used": 1, "limit": 1 }));
    assert_eq!((&usage["plan"], &usage["units_per_minute"]), (&json!("tiny"), &Value::Null));
}

#[tokio::test]
async fn searches_of_the_month_are_counted_and_end() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    app.db
        .execute(
            "INSERT INTO kotadb.plans (name, units_per_minute, searches_per_month) VALUES ('three', 1000, 3);
             UPDATE kotadb.tenants SET plan = 'three'",
        )
        .await;
    // Many at once must not slip through together.
    let search = || app.call("GET", "/api/v1/search/code?query=a", &tenant.key, None);
    let answers = futures::future::join_all((0..8).map(|_| search())).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 403, 403, 403, 403, 403]);
    let over = answers.iter().find(|answer| answer.status == 403).unwrap();
    assert_eq!(over.code(), "quota_exceeded");
    let wait: u64 = over.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=31 * 86_400).contains(&wait), "{wait}");
    let usage = app.call("GET", "/api/v1/usage", &tenant.key, None).await.body;
    assert_eq!((&usage["searches"], &usage["requests"]), (&json!({ "used": 3, "limit": 3 }), &json!(4)));
    assert_eq!(app.call("GET", "/api/v1/jobs", &tenant.key, None).await.status, 200, "only searches end");
}

#[tokio::test]
async fn a_bucket_is_never_overdrawn_and_fills_evenly() {
    let app = App::new().await;
    let (tenant, other) = (app.tenant("one").await, app.tenant("two").await);
    app.db
        .execute(
            "INSERT INTO kotadb.plans (name, units_per_minute) VALUES ('sixty', 60);
             UPDATE kotadb.tenants SET plan = 'sixty' WHERE name = 'one'",
        )
        .await;
    let ask = || app.call("GET", "/api/v1/jobs", &tenant.key, None);
    let answers = futures::future::join_all((0..80).map(|_| ask())).await;
    let passed = answers.iter().filter(|answer| answer.status == 200).count();
    // A second of asking fills one unit.
    assert!((60..=66).contains(&passed), "{passed}");
    let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert_eq!(refused.headers["x-ratelimit-remaining"], "0");
    assert_eq!(app.call("GET", "/api/v1/jobs", &other.key, None).await.status, 200, "each has a bucket of its own");
    let fresh = app.key(tenant.id, &SCOPES).await;
    assert_eq!(app.call("GET", "/api/v1/jobs", &fresh, None).await.headers["x-ratelimit-remaining"], "59");
    app.db.execute("UPDATE kotadb.rate_limits SET full_again_at = full_again_at - interval '10 seconds'").await;
    let answers = futures::future::join_all((0..20).map(|_| ask())).await;
    let passed = answers.iter().filter(|answer| answer.status == 200).count();
    assert!((10..=13).contains(&passed), "{passed}");
}
