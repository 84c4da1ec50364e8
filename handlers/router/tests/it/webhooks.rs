//! Deliveries of GitHub: signatures, duplicates, what is ignored, and what becomes a job.

use axum::body::Body;
use axum::http::Request;
use kotadb_core::crypto;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{Answer, App};

/// A hook as its repository's owner knows it.
struct Hook {
    path: String,
    secret: String,
    repository: Value,
}

async fn hook(app: &App, tenant: &str, body: Value) -> Hook {
    let key = app.tenant(tenant).await.key;
    let repository = app.call("POST", "/api/v1/repositories", &key, Some(body)).await.body;
    let url = repository["webhook"]["url"].as_str().unwrap();
    let path = url[url.find("/webhooks/").unwrap()..].to_owned();
    // The job of the registration would swallow the ones that the tests look for.
    app.db.execute("UPDATE kotadb.jobs SET state = 'done', finished_at = now() WHERE state = 'queued'").await;
    Hook { path, secret: repository["webhook"]["secret"].as_str().unwrap().to_owned(), repository }
}

fn push(ref_name: &str) -> Value {
    json!({
        "ref": ref_name, "before": "0".repeat(40), "after": "1".repeat(40), "deleted": false, "forced": false,
        "repository": { "id": 35_129_377, "full_name": "a/b", "default_branch": "main", "private": true },
        "pusher": { "name": "x", "email": "x@example.invalid" },
    })
}

struct Delivery<'a> {
    path: &'a str,
    secret: &'a str,
    event: &'a str,
    guid: Uuid,
    content_type: &'a str,
    body: Vec<u8>,
}

impl<'a> Delivery<'a> {
    fn of(hook: &'a Hook, event: &'a str, body: &Value) -> Self {
        let body = body.to_string().into_bytes();
        let content_type = "application/json";
        Self { path: &hook.path, secret: &hook.secret, event, guid: Uuid::now_v7(), content_type, body }
    }

    async fn send(&self, app: &App) -> Answer {
        let signature = crypto::to_hex(&crypto::hmac_sha256(self.secret.as_bytes(), &self.body));
        self.send_signed(app, &format!("sha256={signature}")).await
    }

    async fn send_signed(&self, app: &App, signature: &str) -> Answer {
        let request = Request::builder()
            .method("POST")
            .uri(self.path)
            .header("content-type", self.content_type)
            .header("x-github-event", self.event)
            .header("x-github-delivery", self.guid.to_string())
            .header("x-hub-signature-256", signature);
        app.send(request.body(Body::from(self.body.clone())).unwrap()).await
    }
}

#[tokio::test]
async fn a_push_becomes_one_job_and_a_replay_none() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let delivery = Delivery::of(&hook, "push", &push("refs/heads/main"));
    let first = delivery.send(&app).await;
    assert_eq!((first.status, &first.body["status"]), (202, &json!("queued")), "{}", first.body);
    let replay = delivery.send(&app).await;
    assert_eq!((replay.status, &replay.body), (202, &json!({ "status": "duplicate" })));
    assert_eq!(
        (app.count("deliveries").await, app.count("jobs WHERE state = 'queued'").await),
        ("1".into(), "1".into())
    );
    let next = Delivery { guid: Uuid::now_v7(), ..Delivery::of(&hook, "push", &push("refs/heads/main")) };
    let next = next.send(&app).await;
    assert_eq!((&next.body["job"], &next.body["coalesced"]), (&first.body["job"], &json!(true)));
    let wait = "SELECT (run_at - first_seen_at < '2 s')::text FROM kotadb.jobs WHERE state = 'queued'";
    assert_eq!(app.db.texts(wait).await, ["true"]);
    let rows = app.db.texts("SELECT to_jsonb(d)::text FROM kotadb.deliveries d").await.concat();
    assert!(!rows.contains("example.invalid"), "payloads are not kept");
}

#[tokio::test]
async fn wrong_signature_and_unknown_id_are_the_same_answer() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let known = Delivery::of(&hook, "push", &push("refs/heads/main"));
    let unknown_path = format!("/webhooks/github/{}", Uuid::now_v7());
    let mut answers = vec![
        Delivery { secret: "wrong", ..Delivery::of(&hook, "push", &push("refs/heads/main")) }.send(&app).await,
        Delivery { path: &unknown_path, ..Delivery::of(&hook, "push", &push("refs/heads/main")) }.send(&app).await,
        Delivery { path: "/webhooks/github/x", ..Delivery::of(&hook, "push", &push("refs/heads/main")) }
            .send(&app)
            .await,
        known.send_signed(&app, "sha256=00").await,
        known.send_signed(&app, "sha1=0000000000000000000000000000000000000000").await,
    ];
    let bad_json = Delivery { secret: "wrong", body: b"{".to_vec(), ..Delivery::of(&hook, "push", &json!({})) };
    answers.push(bad_json.send(&app).await);
    for answer in &mut answers {
        assert_eq!((answer.status, answer.code()), (401, "bad_signature"));
        let object = answer.body.as_object_mut().unwrap();
        let id = object.remove("request_id").unwrap();
        assert_eq!(object.remove("instance").unwrap(), format!("urn:uuid:{}", id.as_str().unwrap()));
        answer.headers.remove("x-request-id").unwrap();
        // A UUID has one length, so the length of the body says nothing either.
        answer.headers.remove("content-length");
    }
    for answer in &answers[1..] {
        assert_eq!((&answer.body, &answer.headers), (&answers[0].body, &answers[0].headers));
    }
    assert_eq!(
        (app.count("deliveries").await, app.count("jobs WHERE state = 'queued'").await),
        ("0".into(), "0".into())
    );
}

#[tokio::test]
async fn one_guid_on_two_hooks_of_two_tenants_is_two_jobs() {
    let app = App::new().await;
    let one = hook(&app, "one", json!({ "url": "a/b" })).await;
    let two = hook(&app, "two", json!({ "url": "a/b" })).await;
    let guid = Uuid::now_v7();
    for hook in [&one, &two] {
        let delivery = Delivery { guid, ..Delivery::of(hook, "push", &push("refs/heads/main")) };
        assert_eq!(delivery.send(&app).await.body["status"], "queued");
    }
    let jobs = app.db.texts("SELECT DISTINCT tenant_id::text FROM kotadb.jobs WHERE state = 'queued'").await;
    assert_eq!((jobs.len(), app.count("deliveries").await), (2, "2".into()));
}

#[tokio::test]
async fn bodies_are_measured_and_read_after_the_signature() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let large = vec![b' '; 25 * 1024 * 1024 + 1];
    let over = Delivery { body: large.clone(), ..Delivery::of(&hook, "push", &json!({})) };
    let answer = over.send(&app).await;
    assert_eq!((answer.status, answer.code()), (413, "payload_too_large"));
    let mut padded = push("refs/heads/main").to_string().into_bytes();
    padded.resize(25 * 1024 * 1024, b' ');
    let full = Delivery { body: padded, ..Delivery::of(&hook, "push", &json!({})) };
    assert_eq!(full.send(&app).await.status, 202);
    for (body, status) in [("{", 400), ("[]", 400), ("{\"ref\":1}", 400), ("{}", 400)] {
        let bad = Delivery { body: body.as_bytes().to_vec(), ..Delivery::of(&hook, "push", &json!({})) };
        assert_eq!(bad.send(&app).await.status, status, "{body}");
    }
    let text = Delivery { content_type: "text/plain", ..Delivery::of(&hook, "push", &push("refs/heads/main")) };
    assert_eq!(text.send(&app).await.status, 415);
    let form = format!("payload={}", "%7B%22zen%22%3A1%7D").into_bytes();
    let kind = "application/x-www-form-urlencoded";
    let form = Delivery { body: form, content_type: kind, ..Delivery::of(&hook, "ping", &json!({})) };
    assert_eq!(form.send(&app).await.status, 200);
}

#[tokio::test]
async fn headers_must_be_there() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    for missing in ["x-github-event", "x-github-delivery"] {
        let mut request = Request::builder().method("POST").uri(&hook.path);
        for (name, value) in [("x-github-event", "push"), ("x-github-delivery", "0190b0a0-0000-7000-8000-000000000001")]
        {
            if name != missing {
                request = request.header(name, value);
            }
        }
        assert_eq!(app.send(request.body(Body::empty()).unwrap()).await.status, 400, "{missing}");
    }
}

#[tokio::test]
async fn events_and_refs_decide_what_happens() {
    let app = App::new().await;
    let default = hook(&app, "one", json!({ "url": "a/b" })).await;
    let patterns = hook(&app, "two", json!({ "url": "a/b", "refs": ["release-*", "refs/tags/v*"] })).await;
    let mut deleted = push("refs/heads/main");
    deleted["deleted"] = json!(true);
    deleted["after"] = json!("0".repeat(40));
    for (hook, event, body, status, word) in [
        (&default, "ping", json!({ "zen": "x", "hook_id": 1 }), 200, "pong"),
        (&default, "star", json!({ "action": "created" }), 202, "ignored"),
        (&default, "push", push("refs/heads/other"), 202, "ignored"),
        (&default, "push", push("refs/tags/main"), 202, "ignored"),
        (&default, "push", deleted, 202, "queued"),
        (&patterns, "push", push("refs/heads/main"), 202, "ignored"),
        (&patterns, "push", push("refs/heads/release-1"), 202, "queued"),
        (&patterns, "push", push("refs/tags/v1"), 202, "queued"),
    ] {
        let answer = Delivery::of(hook, event, &body).send(&app).await;
        assert_eq!((answer.status, answer.body["status"].as_str()), (status, Some(word)), "{event} {body}");
    }
}

#[tokio::test]
async fn a_hook_is_bound_to_the_repository_of_its_first_delivery() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let ping = json!({ "zen": "x", "repository": { "id": 35_129_377 } });
    assert_eq!(Delivery::of(&hook, "ping", &ping).send(&app).await.status, 200);
    let mut foreign = push("refs/heads/main");
    foreign["repository"]["id"] = json!(1);
    let answer = Delivery::of(&hook, "push", &foreign).send(&app).await;
    assert_eq!((answer.status, answer.code()), (403, "repository_mismatch"));
    assert_eq!(app.count("deliveries").await, "0");
    assert_eq!(Delivery::of(&hook, "push", &push("refs/heads/main")).send(&app).await.status, 202);
}

#[tokio::test]
async fn a_previous_secret_verifies_while_its_overlap_lasts() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let other = Hook { secret: "x".to_owned(), path: hook.path.clone(), repository: hook.repository.clone() };
    for (until, status) in [("1 hour", 202), ("-1 hour", 401)] {
        let rotate = format!(
            "UPDATE kotadb.hooks SET previous_secret = coalesce(previous_secret, secret), secret = '\\x00',
             previous_valid_until = now() + interval '{until}'"
        );
        app.db.execute(&rotate).await;
        assert_eq!(Delivery::of(&hook, "push", &push("refs/heads/main")).send(&app).await.status, status, "{until}");
        assert_eq!(Delivery::of(&other, "push", &push("refs/heads/main")).send(&app).await.status, 401);
    }
}

#[tokio::test]
async fn a_deleted_repositorys_hook_is_unknown() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    app.db.execute("UPDATE kotadb.repositories SET deleted_at = now()").await;
    assert_eq!(Delivery::of(&hook, "push", &push("refs/heads/main")).send(&app).await.status, 401);
    assert!(hook.repository["id"].is_string());
}
