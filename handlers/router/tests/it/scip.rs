//! SCIP indexes as they are sent: what is taken, what is refused and leaves nothing, and who may.

use axum::body::Body;
use axum::http::Request;
use kotadb_core::http::SCIP_BODY_LIMIT;
use kotadb_core::scip::documents;
use kotadb_core::store::{Kind, ObjectKey};
use serde_json::json;

use crate::app::{Answer, App, Tenant};

/// The one field of a message, or of a document.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut length = bytes.len();
    let mut message = vec![number << 3 | 2];
    while length >= 0x80 {
        message.push(length as u8 | 0x80);
        length >>= 7;
    }
    message.push(length as u8);
    [message, bytes.to_vec()].concat()
}

/// An index of two files.
pub fn index() -> Vec<u8> {
    let document = |path: &str| field(2, &field(1, path.as_bytes()));
    [document("a.py"), document("b.py")].concat()
}

pub fn sending(path: &str, key: &str, index: Vec<u8>) -> Request<Body> {
    let request = Request::builder().method("POST").uri(path).header("authorization", format!("Bearer {key}"));
    request.header("content-type", "application/octet-stream").body(Body::from(index)).unwrap()
}

struct Sender {
    app: App,
    tenant: Tenant,
    path: String,
}

impl Sender {
    async fn new() -> Self {
        let app = App::new().await;
        let tenant = app.tenant("one").await;
        let id = app.register(&tenant.key, "a/b").await["id"].as_str().unwrap().to_owned();
        app.db.execute("UPDATE kotadb.jobs SET state = 'done', finished_at = now()").await;
        Self { app, tenant, path: format!("/api/v1/repositories/{id}/scip") }
    }

    async fn send(&self, commit: &str, index: Vec<u8>) -> Answer {
        self.app.send(sending(&format!("{}?commit={commit}", self.path), &self.tenant.key, index)).await
    }

    async fn objects(&self) -> Vec<ObjectKey> {
        let listed = self.app.store.list_kind(self.tenant.id, Kind::Scip).await.unwrap();
        listed.into_iter().map(|(key, _)| key).collect()
    }
}

#[tokio::test]
async fn an_index_is_kept_for_its_commit_and_a_job_queued() {
    let sender = Sender::new().await;
    let commit = "07".repeat(20);
    let taken = sender.send(&commit, index()).await;
    assert_eq!(taken.status, 202, "{}", taken.body);
    assert_eq!((&taken.body["commit"], &taken.body["documents"]), (&json!(commit), &json!(2)));
    assert_eq!(taken.body["job"]["state"], "queued");
    let [object] = sender.objects().await[..] else { panic!("one object is there") };
    let held = sender.app.store.get(sender.tenant.id, Kind::Scip, object).await.unwrap();
    let mut paths = Vec::new();
    documents(&held, |document| {
        paths.push(document.path.to_owned());
        Ok::<_, kotadb_core::scip::ScipError>(())
    })
    .unwrap();
    assert_eq!(paths, ["a.py", "b.py"]);
    let again = sender.send(&commit, index()).await;
    assert_eq!((&again.body["job"]["id"], &again.body["job"]["coalesced"]), (&taken.body["job"]["id"], &json!(true)));
    assert_eq!(sender.app.count("scip_indexes").await, "1", "one of a commit");
    for nth in 0..9 {
        assert_eq!(sender.send(&format!("{nth:040}"), index()).await.status, 202);
    }
    assert_eq!(sender.app.count("scip_indexes").await, "8", "the last eight");
}

#[tokio::test]
async fn what_is_no_index_is_refused_and_leaves_nothing() {
    let sender = Sender::new().await;
    let commit = "07".repeat(20);
    // A gzip stream that says it holds very much, of which nothing comes.
    let gzip = [&[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255][..], &[1, 2, 3]].concat();
    for (what, bytes, status, code) in [
        ("nothing", Vec::new(), 400, "invalid_request"),
        ("a text", b"{\"documents\": []}".to_vec(), 400, "invalid_request"),
        ("half of one", index()[..5].to_vec(), 400, "invalid_request"),
        ("half of a packed one", gzip, 400, "invalid_request"),
        ("a document that is longer than all", vec![0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], 400, "invalid_request"),
        ("a path that is no text", field(2, &field(1, b"\xFF\xFE")), 400, "invalid_request"),
        ("too much", vec![0; SCIP_BODY_LIMIT + 1], 413, "payload_too_large"),
    ] {
        let refused = sender.send(&commit, bytes).await;
        assert_eq!((refused.status, refused.code()), (status, code), "{what}: {}", refused.body);
        assert_eq!(refused.content_type, "application/problem+json", "{what}");
    }
    for wrong in ["", "main", &"0".repeat(39), &"g".repeat(40)] {
        assert_eq!(sender.send(wrong, index()).await.status, 400, "{wrong}");
    }
    let mut as_json = sending(&format!("{}?commit={commit}", sender.path), &sender.tenant.key, index());
    as_json.headers_mut().insert("content-type", "application/json".parse().unwrap());
    assert_eq!(sender.app.send(as_json).await.status, 415);
    assert!(sender.objects().await.is_empty());
    assert_eq!(
        (sender.app.count("scip_indexes").await, sender.app.count("jobs WHERE state = 'queued'").await),
        ("0".into(), "0".into())
    );
}

#[tokio::test]
async fn a_deleted_commit_takes_none_and_others_send_none() {
    let sender = Sender::new().await;
    let commit = "07".repeat(20);
    let hide = format!("{}/snapshots/{commit}", sender.path.trim_end_matches("/scip"));
    assert_eq!(sender.app.call("DELETE", &hide, &sender.tenant.key, None).await.status, 202);
    sender
        .app
        .db
        .execute(&format!(
            "INSERT INTO kotadb.hidden_commits (tenant_id, repository_id, commit_id)
         SELECT tenant_id, id, '{commit}' FROM kotadb.repositories ON CONFLICT DO NOTHING"
        ))
        .await;
    assert_eq!(sender.send(&commit, index()).await.status, 404);
    let other = sender.app.tenant("two").await.key;
    let path = format!("{}?commit={}", sender.path, "08".repeat(20));
    assert_eq!(sender.app.send(sending(&path, &other, index())).await.status, 404);
    let narrow = sender.app.key(sender.tenant.id, &["search", "jobs:write"]).await;
    assert_eq!(sender.app.send(sending(&path, &narrow, index())).await.code(), "insufficient_scope");
    assert!(sender.objects().await.is_empty());
}
