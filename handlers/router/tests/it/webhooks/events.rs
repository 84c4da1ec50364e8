//! What the hook of a repository does with each event.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Delivery, REPOSITORY, changed, finish_jobs, hook, push, queued};
use crate::app::App;

/// The columns that events change, as one text.
async fn state(app: &App) -> String {
    let state = "SELECT concat_ws(' ', name, url, default_branch, is_private, coalesce(suspended_because, 'going'),
        CASE WHEN upstream_gone_at IS NOT NULL THEN 'gone' END) FROM kotadb.repositories";
    app.db.texts(state).await.remove(0)
}

async fn outcomes(app: &App) -> Vec<String> {
    let rows = "SELECT concat_ws(' ', event, action, outcome, CASE WHEN job_id IS NOT NULL THEN 'job' END)
        FROM kotadb.deliveries ORDER BY received_at, delivery_id";
    app.db.texts(rows).await
}

#[tokio::test]
async fn events_and_refs_decide_what_happens() {
    let app = App::new().await;
    let default = hook(&app, "one", json!({ "url": "a/b" })).await;
    let patterns = hook(&app, "two", json!({ "url": "a/b", "refs": ["release-*", "refs/tags/v*"] })).await;
    let ended = |ref_name: &str| {
        let mut body = push(ref_name);
        body["deleted"] = json!(true);
        body["after"] = json!("0".repeat(40));
        body
    };
    let with = |field: &str, body: Value| {
        let mut body = body;
        body[field] = json!(true);
        body
    };
    for (hook, event, body, status, word) in [
        (&default, "ping", json!({ "zen": "x", "hook_id": 1 }), 200, "pong"),
        (&default, "star", json!({ "action": "created" }), 202, "ignored"),
        (&default, "a_new_event", json!([1]), 202, "ignored"),
        (&default, "installation", json!({ "action": "suspend", "installation": { "id": 1 } }), 202, "ignored"),
        (&default, "push", push("refs/heads/other"), 202, "ignored"),
        (&default, "push", push("refs/tags/main"), 202, "ignored"),
        (&default, "push", ended("refs/tags/v1"), 202, "ignored"),
        (&default, "push", ended("refs/heads/main"), 202, "queued"),
        (&default, "push", with("forced", push("refs/heads/main")), 202, "queued"),
        (&patterns, "push", push("refs/heads/main"), 202, "ignored"),
        (&patterns, "push", with("created", push("refs/heads/other")), 202, "ignored"),
        (&patterns, "push", with("created", push("refs/heads/release-1")), 202, "queued"),
        (&patterns, "push", ended("refs/heads/release-1"), 202, "queued"),
        (&patterns, "push", push("refs/tags/v1"), 202, "queued"),
        (&patterns, "push", ended("refs/tags/v1"), 202, "queued"),
    ] {
        finish_jobs(&app).await;
        let answer = Delivery::of(hook, event, &body).send(&app).await;
        assert_eq!((answer.status, answer.body["status"].as_str()), (status, Some(word)), "{event} {body}");
        assert_eq!(queued(&app).await, if word == "queued" { "1" } else { "0" }, "{event} {body}");
    }
    assert_eq!(app.count("deliveries").await, "15", "each is accounted for");
}

#[tokio::test]
async fn a_push_during_a_run_makes_exactly_one_follow_up() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    Delivery::of(&hook, "push", &push("refs/heads/main")).send(&app).await;
    let run = "UPDATE kotadb.jobs SET state = 'running', lease_expires_at = now() + interval '1 minute' WHERE state = 'queued'";
    app.db.execute(run).await;
    let mut jobs = Vec::new();
    for _ in 0..3 {
        let answer = Delivery::of(&hook, "push", &push("refs/heads/main")).send(&app).await;
        jobs.push(answer.body["job"].as_str().unwrap().to_owned());
    }
    jobs.dedup();
    assert_eq!((jobs.len(), queued(&app).await.as_str()), (1, "1"));
    assert_eq!(app.count("jobs WHERE state = 'running'").await, "1");
}

#[tokio::test]
async fn an_ignored_delivery_may_be_repeated_when_its_ref_is_tracked() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let delivery = Delivery::of(&hook, "push", &push("refs/heads/other"));
    for _ in 0..2 {
        assert_eq!(delivery.send(&app).await.body["status"], "ignored");
    }
    app.db.execute("UPDATE kotadb.repositories SET ref_patterns = '{refs/heads/other}'").await;
    assert_eq!(delivery.send(&app).await.body["status"], "queued");
    assert_eq!(delivery.send(&app).await.body["status"], "duplicate");
    assert_eq!((app.count("deliveries").await.as_str(), queued(&app).await.as_str()), ("1", "1"));
    assert_eq!(outcomes(&app).await, ["push queued job"]);
}

#[tokio::test]
async fn a_ping_verifies_the_hook_and_tells_its_faults() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let row = "SELECT concat_ws(' ', verified_at IS NOT NULL, github_hook_id, fault) FROM kotadb.hooks";
    assert_eq!(app.db.texts(row).await, ["f"]);
    let ping = |events: Value, kind: &str| {
        let known = json!({ "type": "Repository", "id": 109, "active": true, "events": events, "config": { "content_type": kind } });
        json!({ "zen": "x", "hook_id": 109, "hook": known, "repository": super::repository("a/b") })
    };
    for (body, fault) in [
        (
            ping(json!(["star"]), "form"),
            "t 109 its content type is `form`: set it to `application/json`; it does not send `push`: add that event",
        ),
        (ping(json!(["push"]), "json"), "t 109"),
        (ping(json!(["*"]), "json"), "t 109"),
    ] {
        let answer = Delivery::of(&hook, "ping", &body).send(&app).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({ "status": "pong" })));
        assert_eq!(app.db.texts(row).await, [fault]);
    }
    app.db.execute("UPDATE kotadb.hooks SET verified_at = NULL").await;
    Delivery::of(&hook, "push", &push("refs/heads/main")).send(&app).await;
    assert_eq!(app.db.texts(row).await, ["t 109"], "any delivery verifies it");
}

#[tokio::test]
async fn a_rename_is_followed_and_the_former_name_still_leads_there() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let mut renamed = changed("renamed", "a/New");
    renamed["changes"] = json!({ "repository": { "name": { "from": "b" } } });
    let delivery = Delivery::of(&hook, "repository", &renamed);
    assert_eq!(delivery.send(&app).await.body["status"], "applied");
    assert_eq!(delivery.send(&app).await.body["status"], "duplicate");
    assert_eq!(state(&app).await, "a/New https://github.com/a/new t going");
    assert_eq!(outcomes(&app).await, ["repository renamed applied"]);
    for name in ["a/b", "A/new"] {
        let listed = app.call("GET", &format!("/api/v1/jobs?repository={name}"), &hook.key, None).await;
        assert_eq!((listed.status, listed.body["items"].as_array().unwrap().len()), (200, 1), "{name}");
    }
    // Somebody else's former name says nothing, and one that is in use again means the repository that uses it.
    let stranger = app.tenant("two").await.key;
    assert_eq!(app.call("GET", "/api/v1/jobs?repository=a/b", &stranger, None).await.status, 404);
    app.register(&hook.key, "a/b").await;
    let listed = app.call("GET", "/api/v1/jobs?repository=a/b", &hook.key, None).await.body;
    assert_ne!(listed["items"][0]["repository"], hook.repository["id"]);
    // Its name is taken by another registration: nothing is changed.
    let taken = Delivery::of(&hook, "repository", &changed("renamed", "a/b")).send(&app).await;
    assert_eq!(taken.body["status"], "ignored", "{}", taken.body);
    let odd = Delivery::of(&hook, "repository", &changed("renamed", "../b")).send(&app).await;
    assert_eq!(odd.body["status"], "ignored", "{}", odd.body);
}

#[tokio::test]
async fn what_leads_to_it_anew_is_looked_at_again_where_a_job_may_have_missed_it() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let given_up = |class: &str| format!("state = 'dead', error_class = '{class}', finished_at = now()");
    let running = "state = 'running', lease_expires_at = now() + interval '1 minute'".to_owned();
    for (action, newest, jobs) in [
        ("renamed", given_up("permanent"), "1"),
        ("renamed", given_up("crash"), "0"),
        ("renamed", running.clone(), "1"),
        ("renamed", "state = 'done', finished_at = now()".to_owned(), "0"),
        ("publicized", given_up("permanent"), "1"),
        ("privatized", given_up("permanent"), "0"),
        ("transferred", given_up("permanent"), "0"),
    ] {
        app.db.execute("DELETE FROM kotadb.jobs").await;
        Delivery::of(&hook, "push", &push("refs/heads/main")).send(&app).await;
        app.db.execute(&format!("UPDATE kotadb.jobs SET {newest}")).await;
        let answer = Delivery::of(&hook, "repository", &changed(action, "a/new")).send(&app).await;
        assert_eq!(answer.body["status"], "applied", "{action}: {}", answer.body);
        assert_eq!(queued(&app).await, jobs, "{action} after {newest}");
    }
}

#[tokio::test]
async fn a_transferred_repository_stands_still() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let mut moved = changed("transferred", "c/b");
    moved["changes"] = json!({ "owner": { "from": { "user": { "login": "a" } } } });
    assert_eq!(Delivery::of(&hook, "repository", &moved).send(&app).await.body["status"], "applied");
    assert_eq!(state(&app).await, "c/b https://github.com/c/b t transferred");
    let answer = Delivery::of(&hook, "push", &push("refs/heads/main")).send(&app).await;
    assert_eq!(answer.body, json!({ "status": "ignored", "reason": "the repository stands still: transferred" }));
    assert_eq!(queued(&app).await, "0");
}

#[tokio::test]
async fn a_deleted_repository_ends_its_jobs() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    Delivery::of(&hook, "push", &push("refs/heads/main")).send(&app).await;
    let run = "UPDATE kotadb.jobs SET state = 'running', lease_expires_at = now() + interval '1 minute' WHERE state = 'queued'";
    app.db.execute(run).await;
    Delivery::of(&hook, "push", &push("refs/heads/main")).send(&app).await;
    assert_eq!(
        Delivery::of(&hook, "repository", &changed("deleted", "a/b")).send(&app).await.body["status"],
        "applied"
    );
    assert_eq!(state(&app).await, "a/b https://github.com/a/b t gone gone");
    assert_eq!(queued(&app).await, "0");
    assert_eq!(app.count("jobs WHERE state = 'running' AND cancel_requested_at IS NOT NULL").await, "1");
    // Changed places with the deletion: nothing runs any more.
    let late = Delivery::of(&hook, "push", &push("refs/heads/main")).send(&app).await;
    assert_eq!((late.body["status"].as_str(), queued(&app).await.as_str()), (Some("ignored"), "0"));
    assert_eq!(app.count("repositories WHERE deleted_at IS NULL").await, "1", "for a week");
}

#[tokio::test]
async fn archives_branches_and_visibility_are_followed() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let mut edited = changed("edited", "a/b");
    edited["changes"] = json!({ "default_branch": { "from": "main" } });
    edited["repository"]["default_branch"] = json!("trunk");
    let mut described = changed("edited", "a/b");
    described["changes"] = json!({ "description": { "from": null } });
    for (body, word, state_after, jobs) in [
        (changed("publicized", "a/b"), "applied", "f going", "0"),
        (changed("privatized", "a/b"), "applied", "t going", "0"),
        (changed("unarchived", "a/b"), "applied", "t going", "0"),
        (changed("archived", "a/b"), "applied", "t archived", "0"),
        (changed("unarchived", "a/b"), "queued", "t going", "1"),
        (described, "ignored", "t going", "0"),
        (changed("created", "a/b"), "ignored", "t going", "0"),
        (edited, "queued", "trunk t going", "1"),
    ] {
        finish_jobs(&app).await;
        let answer = Delivery::of(&hook, "repository", &body).send(&app).await;
        assert_eq!(answer.body["status"], word, "{body}");
        let after = state(&app).await.replace("a/b https://github.com/a/b ", "");
        assert_eq!((after.as_str(), queued(&app).await.as_str()), (state_after, jobs), "{body}");
    }
    let of_others = json!({ "action": "archived", "repository": { "id": REPOSITORY + 1, "full_name": "a/b" } });
    assert_eq!(Delivery::of(&hook, "repository", &of_others).send(&app).await.status, 403);
}

#[tokio::test]
async fn deliveries_that_change_places_end_the_same() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let mut older = push("refs/heads/main");
    older["after"] = json!("2".repeat(40));
    let newer = Delivery::of(&hook, "push", &push("refs/heads/main"));
    let older = Delivery { guid: Uuid::now_v7(), ..Delivery::of(&hook, "push", &older) };
    let first = newer.send(&app).await.body;
    let second = older.send(&app).await.body;
    // The job looks at the remote, so neither order loses the newest tip.
    assert_eq!((&first["job"], &second["coalesced"]), (&second["job"], &json!(true)));
    let sent = "SELECT count(*)::text FROM kotadb.jobs j WHERE to_jsonb(j)::text LIKE '%2222222%'";
    assert_eq!(app.db.texts(sent).await, ["0"], "what the payload says is not kept");
}
