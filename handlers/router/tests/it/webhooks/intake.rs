//! What is let in: signatures, duplicates, sizes and shapes, and the sender's binding to one repository.

use axum::body::Body;
use axum::http::Request;
use kotadb_core::crypto::MasterKey;
use serde_json::json;
use uuid::Uuid;

use super::{Delivery, Hook, hook, push, queued};
use crate::app::{App, MASTER_KEY};

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
async fn a_hook_is_bound_to_the_repository_of_its_first_delivery() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let ping = json!({ "zen": "x", "repository": { "id": 35_129_377 } });
    assert_eq!(Delivery::of(&hook, "ping", &ping).send(&app).await.status, 200);
    let mut foreign = push("refs/heads/main");
    foreign["repository"]["id"] = json!(1);
    let answer = Delivery::of(&hook, "push", &foreign).send(&app).await;
    assert_eq!((answer.status, answer.code()), (403, "repository_mismatch"));
    assert_eq!(app.count("deliveries").await, "1", "the ping alone");
    assert_eq!(Delivery::of(&hook, "push", &push("refs/heads/main")).send(&app).await.status, 202);
}

#[tokio::test]
async fn a_hook_is_bound_to_its_number_and_its_headers() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let (target, kind) = ("x-github-hook-installation-target-id", "x-github-hook-installation-target-type");
    let main = || Delivery::of(&hook, "push", &push("refs/heads/main"));
    let ping = |number: i64| {
        let body = json!({ "zen": "x", "hook_id": number, "hook": { "events": ["push"], "config": { "content_type": "json" } } });
        Delivery::of(&hook, "ping", &body).with("x-github-hook-id", number)
    };
    assert_eq!(ping(7).send(&app).await.status, 200);
    assert_eq!(main().with("x-github-hook-id", 7).send(&app).await.status, 202);
    let answer = main().with("x-github-hook-id", 8).send(&app).await;
    assert_eq!((answer.status, answer.code()), (403, "repository_mismatch"));
    // It was made anew at GitHub: its ping says so.
    assert_eq!(ping(8).send(&app).await.status, 200);
    assert_eq!(main().with("x-github-hook-id", 8).send(&app).await.status, 202);
    for (id, of, status) in [(35_129_377, "repository", 202), (1, "repository", 403), (1, "organization", 202)] {
        let answer = main().with(target, id).with(kind, of).send(&app).await;
        assert_eq!(answer.status, status, "{id} {of}");
    }
    app.db.execute("INSERT INTO kotadb.installations (id, account, account_id) VALUES (5, 'a', 1)").await;
    app.db.execute("UPDATE kotadb.repositories SET installation_id = 5").await;
    for (installation, status) in [(5, 202), (6, 403)] {
        let mut body = push("refs/heads/main");
        body["installation"] = json!({ "id": installation });
        assert_eq!(Delivery::of(&hook, "push", &body).send(&app).await.status, status, "{installation}");
    }
}

/// The example of GitHub's documentation.
#[tokio::test]
async fn the_documented_signature_verifies() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let id = hook.path.rsplit('/').next().unwrap();
    let sealed = MasterKey::from_base64(MASTER_KEY, None).unwrap();
    let sealed = sealed.seal(&format!("hook:{id}"), b"It's a Secret to Everybody");
    let sealed = kotadb_core::crypto::to_hex(&sealed);
    app.db.execute(&format!("UPDATE kotadb.hooks SET secret = decode('{sealed}', 'hex')")).await;
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    for (body, status) in [("Hello, World!", 202), ("Hello, World?", 401)] {
        // An event that is not read, because that text is no JSON.
        let delivery = Delivery { body: body.into(), ..Delivery::of(&hook, "star", &json!({})) };
        assert_eq!(delivery.send_signed(&app, signature).await.status, status, "{body}");
    }
}

#[tokio::test]
async fn a_previous_secret_verifies_while_its_overlap_lasts() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let other = Hook {
        secret: "x".to_owned(),
        path: hook.path.clone(),
        repository: hook.repository.clone(),
        key: hook.key.clone(),
    };
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

/// What OPERATIONS.md says to do when the master key is lost: another one, and a new secret for every hook.
#[tokio::test]
async fn a_lost_master_key_costs_each_hook_a_new_secret() {
    let app = App::new().await;
    let before = hook(&app, "one", json!({ "url": "a/b" })).await;
    let another = [("KOTADB_MASTER_KEY", "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=")];
    let app = App::over(app.db, app.store, &another);
    let refused = Delivery::of(&before, "push", &push("refs/heads/main")).send(&app).await;
    assert!(matches!(refused.status, 401 | 503), "{} {}", refused.status, refused.body);
    assert_eq!(queued(&app).await, "0");
    let listed = app.call("GET", "/api/v1/repositories", &before.key, None).await;
    assert_eq!(listed.status, 200, "keys and rows are not sealed: {}", listed.body);
    let path = format!("/api/v1/repositories/{}/webhook/rotate", before.repository["id"].as_str().unwrap());
    let rotated = app.call("POST", &path, &before.key, None).await;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    let after = Hook { secret: rotated.body["secret"].as_str().unwrap().to_owned(), ..before };
    assert_eq!(Delivery::of(&after, "push", &push("refs/heads/main")).send(&app).await.status, 202);
    assert_eq!(queued(&app).await, "1");
}
