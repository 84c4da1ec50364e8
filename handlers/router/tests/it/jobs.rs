//! Listing and showing jobs.

use serde_json::json;

use crate::app::App;

#[tokio::test]
async fn jobs_are_listed_newest_first_and_filtered() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    let mut ids = Vec::new();
    for name in ["a/a", "b/b", "c/c"] {
        ids.push(app.register(&key, name).await["job"].as_str().unwrap().to_owned());
    }
    ids.reverse();
    let first = app.call("GET", "/api/v1/jobs?limit=2", &key, None).await;
    let listed = |body: &serde_json::Value| -> Vec<String> {
        body["items"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(&first.body), ids[..2]);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let second = app.call("GET", &format!("/api/v1/jobs?limit=2&cursor={cursor}"), &key, None).await;
    assert_eq!((listed(&second.body), &second.body["next_cursor"]), (ids[2..].to_vec(), &json!(null)));
    let filtered = app.call("GET", "/api/v1/jobs?repository=B/b", &key, None).await;
    assert_eq!(listed(&filtered.body), [ids[1].clone()]);
    let shown = app.call("GET", &format!("/api/v1/jobs/{}", ids[0]), &key, None).await;
    assert_eq!((shown.status, &shown.body["attempt"], &shown.body["error"]), (200, &json!(0), &json!(null)));
}

#[tokio::test]
async fn a_job_is_cancelled_retried_and_told_what_happened() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    let stranger = app.tenant("two").await.key;
    let id = app.register(&key, "a/a").await["job"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/jobs/{id}");
    for move_ in ["cancel", "retry"] {
        assert_eq!(app.call("POST", &format!("{path}/{move_}"), &stranger, None).await.status, 404);
    }
    let early = app.call("POST", &format!("{path}/retry"), &key, None).await;
    assert_eq!((early.status, &early.body["code"]), (409, &json!("job_state")));
    let cancelled = app.call("POST", &format!("{path}/cancel"), &key, None).await;
    assert_eq!((cancelled.status, &cancelled.body["state"]), (200, &json!("cancelled")));
    assert_eq!(app.call("POST", &format!("{path}/cancel"), &key, None).await.status, 409);
    let retried = app.call("POST", &format!("{path}/retry"), &key, None).await;
    assert_eq!((retried.status, &retried.body["id"], &retried.body["coalesced"]), (202, &json!(id), &json!(false)));
    let shown = app.call("GET", &path, &key, None).await;
    assert_eq!(shown.body["state"], json!("queued"));
    let phases: Vec<_> = shown.body["events"].as_array().unwrap().iter().map(|event| event["phase"].clone()).collect();
    assert_eq!(phases, ["cancelled", "retried"]);
    assert_eq!(app.call("GET", &path, &stranger, None).await.status, 404);
}

#[tokio::test]
async fn moving_a_job_needs_its_scope_and_a_visible_repository() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let id = app.register(&tenant.key, "a/a").await["job"].as_str().unwrap().to_owned();
    let reader = app.key(tenant.id, &["jobs:read"]).await;
    let refused = app.call("POST", &format!("/api/v1/jobs/{id}/cancel"), &reader, None).await;
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("insufficient_scope")));
    assert_eq!(app.call("GET", &format!("/api/v1/jobs/{id}"), &reader, None).await.body["state"], json!("queued"));
}
