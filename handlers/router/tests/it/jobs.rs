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
