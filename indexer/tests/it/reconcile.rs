//! What deliveries should have told and did not, against a GitHub on loopback that delivers to a real router.

use std::collections::BTreeMap;

use kotadb_core::db::Scope;
use kotadb_core::db::repositories::{self, Credential};
use kotadb_core::http::git_backend::GitServer;
use kotadb_core::testing::fake_github::Failure;

use crate::support::github::Deployment;
use crate::support::{Remote, Repository};

const MAIN: &str = "refs/heads/main";

fn commit(n: u8) -> String {
    format!("{n:040x}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_while_nobody_listened_are_repaired_by_one_run() {
    let with = Deployment::start().await;
    with.github.create("acme/a", true);
    let id = with.register("acme/a", &[], Credential::None).await;
    let first = with.reconcile().await;
    assert_eq!((first.hooks, first.jobs), (1, 0), "{first:?}");
    with.github.lose_deliveries(3);
    for n in 1..=3 {
        with.github.push("acme/a", MAIN, &commit(n)).await;
    }
    with.hold(id, &[(MAIN, &commit(3))]).await;
    let done = with.reconcile().await;
    assert_eq!((done.redelivered, done.jobs, done.failed), (3, 0, 0), "{done:?}");
    let arrived = with.github.deliveries("acme/a").into_iter().filter(|one| one.redelivery && one.status_code == 202);
    assert_eq!(arrived.count(), 3, "{:?}", with.github.deliveries("acme/a"));
    assert_eq!(with.text("SELECT count(*)::text FROM kotadb.deliveries WHERE event = 'push'").await, "3");
    assert_eq!(with.take_jobs().await, ["acme/a push"], "three pushes, one job");
    let again = with.reconcile().await;
    assert_eq!((again.redelivered, again.hooks, again.jobs), (0, 0, 0), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_are_mended_whatever_was_done_to_them() {
    let with = Deployment::start().await;
    with.github.create("acme/a", true);
    with.register("acme/a", &[], Credential::None).await;
    with.reconcile().await;
    let made = with.github.hooks("acme/a").remove(0);
    let foreign = with.github.add_hook("acme/a", "http://127.0.0.1:9/other", "s");
    type Damage = Box<dyn FnOnce(&mut Vec<kotadb_core::testing::fake_github::FakeHook>)>;
    let damages: Vec<(&str, Damage)> = vec![
        ("deleted", Box::new(|hooks| hooks.retain(|hook| hook.url.ends_with("other")))),
        ("disabled", Box::new(|hooks| hooks[0].active = false)),
        ("content type", Box::new(|hooks| hooks[0].content_type = "form".to_owned())),
        ("events", Box::new(|hooks| hooks[0].events = vec!["issues".to_owned()])),
        ("certificates", Box::new(|hooks| hooks[0].insecure_ssl = "1".to_owned())),
        ("no secret", Box::new(|hooks| hooks[0].secret.clear())),
        (
            "duplicate",
            Box::new(|hooks| {
                let mut twin = hooks[0].clone();
                twin.id += 10_000;
                hooks.push(twin);
            }),
        ),
    ];
    for (what, damage) in damages {
        with.github.change_hooks("acme/a", |hooks| {
            hooks.sort_by_key(|hook| hook.id == foreign);
            damage(hooks);
        });
        let done = with.reconcile().await;
        assert_eq!((done.hooks, done.failed), (1, 0), "{what}: {done:?}");
        let mut hooks = with.github.hooks("acme/a");
        hooks.retain(|hook| hook.id != foreign);
        assert_eq!(hooks.len(), 1, "{what}");
        let hook = hooks.remove(0);
        assert_eq!((&hook.url, &hook.secret), (&made.url, &made.secret), "{what}");
        assert!(hook.active && hook.events == ["push", "repository"] && hook.content_type == "json", "{what}");
        assert_eq!(hook.insecure_ssl, "0", "{what}");
        assert_eq!(with.reconcile().await.hooks, 0, "{what}");
    }
    assert_eq!(with.text("SELECT fault FROM kotadb.hooks WHERE fault IS NOT NULL").await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_is_set_right_and_what_it_lost_comes_again() {
    let with = Deployment::start().await;
    with.github.create("acme/a", true);
    with.register("acme/a", &[], Credential::None).await;
    with.reconcile().await;
    with.github.change_hooks("acme/a", |hooks| hooks[0].secret = "other".to_owned());
    with.github.push("acme/a", MAIN, &commit(1)).await;
    assert_eq!(with.github.deliveries("acme/a").last().unwrap().status_code, 401);
    let done = with.reconcile().await;
    assert_eq!((done.hooks, done.redelivered), (1, 1), "{done:?}");
    // The ping after the change may be answered later.
    let mut pushes = with.github.deliveries("acme/a").into_iter().filter(|delivery| delivery.event == "push");
    assert_eq!(pushes.next_back().unwrap().status_code, 202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refs_that_moved_unseen_become_one_job() {
    let with = Deployment::start().await;
    with.github.create("acme/a", true);
    let id = with.register("acme/a", &[], Credential::None).await;
    with.reconcile().await;
    assert_eq!(with.take_jobs().await, [""; 0], "it is empty on both sides");
    with.github.set_ref("acme/a", MAIN, &commit(1));
    assert_eq!(with.reconcile().await.jobs, 1);
    assert_eq!(with.reconcile().await.jobs, 0, "one waits already");
    assert_eq!(with.take_jobs().await, ["acme/a sweep"]);
    with.hold(id, &[(MAIN, &commit(1))]).await;
    assert_eq!(with.reconcile().await.jobs, 0);
    let etag = with.text("SELECT tip_etag FROM kotadb.repositories").await;
    assert_eq!(etag, format!("{0} \"{0}\"", commit(1)));
    assert_eq!(with.reconcile().await.jobs, 0, "by 304");
    // HEAD went on, and the ref came back: GitHub's ETag is the old one, and what it stands for is not.
    with.hold(id, &[(MAIN, &commit(2))]).await;
    assert_eq!(with.reconcile().await.jobs, 1);
    with.take_jobs().await;
    with.hold(id, &[(MAIN, &commit(1))]).await;
    assert_eq!(with.reconcile().await.jobs, 0);
    // Another default branch at the same commit.
    with.github.set_ref("acme/a", "refs/heads/trunk", &commit(1));
    with.github.lose_deliveries(1);
    with.github.set_default_branch("acme/a", "trunk").await;
    assert_eq!(with.reconcile().await.jobs, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patterns_are_compared_ref_by_ref() {
    let with = Deployment::start().await;
    with.github.create("acme/a", true);
    let id = with.register("acme/a", &["refs/heads/release-*", "refs/tags/v*"], Credential::None).await;
    with.github.set_ref("acme/a", MAIN, &commit(9));
    for n in 1..=120 {
        with.github.set_ref("acme/a", &format!("refs/heads/release-{n}"), &commit(n));
    }
    with.github.set_tag("acme/a", "refs/tags/v1", &commit(200), &commit(1));
    let names: Vec<_> = (1..=120).map(|n| (format!("refs/heads/release-{n}"), commit(n))).collect();
    let mut held: Vec<_> = names.iter().map(|(name, commit)| (name.as_str(), commit.as_str())).collect();
    let tag = commit(1);
    held.push(("refs/tags/v1", &tag));
    with.hold(id, &held).await;
    assert_eq!(with.reconcile().await.jobs, 0, "the tag leads to the commit that HEAD holds");
    with.github.set_ref("acme/a", "refs/heads/release-120", &commit(121));
    assert_eq!(with.reconcile().await.jobs, 1);
    with.take_jobs().await;
    with.github.set_ref("acme/a", "refs/heads/release-120", &commit(120));
    with.github.push("acme/a", "refs/heads/release-7", &commit(0)).await;
    with.take_jobs().await;
    assert_eq!(with.reconcile().await.jobs, 1, "one is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_git_tells() {
    let git = GitServer::start(BTreeMap::new(), None).await.unwrap();
    let with = Deployment::with(&[&git.origin()]).await;
    let repository = Repository::new();
    repository.write("a.rs", "fn a() {}\n");
    let first = repository.commit();
    let remote = Remote::of(&repository);
    git.insert("acme/local", &remote.path());
    let mut tx = with.database.db.begin(Scope::Tenant(with.tenant)).await.unwrap();
    let url = git.url("acme/local");
    let (row, _) = repositories::register(&mut tx, with.tenant, "acme/local", &url, &[]).await.unwrap();
    tx.commit().await.unwrap();
    with.hold(row.id, &[(MAIN, &first)]).await;
    let same = with.reconcile().await;
    assert_eq!((same.jobs, same.failed), (0, 0), "{same:?}");
    repository.write("b.rs", "fn b() {}\n");
    repository.commit();
    remote.push(&repository, "main");
    assert_eq!(with.reconcile().await.jobs, 1);
    assert_eq!(with.github.requests(), ["GET /app/hook/deliveries?per_page=100"; 2], "GitHub knows nothing of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rows_copy_of_what_is_indexed_is_repaired() {
    let with = Deployment::start().await;
    let (one, two) =
        (with.register("acme/a", &[], Credential::None).await, with.register("acme/b", &[], Credential::None).await);
    with.hold(one, &[(MAIN, &commit(1))]).await;
    with.database
        .execute(&format!(
            "UPDATE kotadb.repositories SET indexed_commit = '{}', indexed_at = now() WHERE id = '{two}'",
            commit(5)
        ))
        .await;
    let done = with.reconcile().await;
    assert_eq!(done.copies, 2, "{done:?}");
    let rows = "SELECT name || ' ' || coalesce(indexed_commit, 'none') FROM kotadb.repositories ORDER BY 1";
    assert_eq!(with.database.texts(rows).await, [format!("acme/a {}", commit(1)), "acme/b none".to_owned()]);
    assert_eq!(with.reconcile().await.copies, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_stops_the_run_and_the_next_goes_on() {
    let with = Deployment::start().await;
    for n in 0..4 {
        with.github.create(&format!("acme/r{n}"), true);
        with.register(&format!("acme/r{n}"), &[], Credential::None).await;
    }
    let other = with.install("zeta", None).await;
    with.github.create("zeta/z", true);
    with.register("zeta/z", &[], Credential::Installation(other)).await;
    with.github.fail("GET /repos/acme/r1/hooks", Failure::Secondary(1), 1);
    let first = with.reconcile().await;
    assert_eq!(
        (first.repositories, first.limited, first.failed),
        (2, true, 0),
        "r0, and that of another token: {first:?}"
    );
    let asked: Vec<_> = with.github.requests().into_iter().filter(|request| request.contains("acme/r2")).collect();
    assert_eq!(asked, [""; 0], "nothing is sent while GitHub asks to wait");
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let waiting = "SELECT count(*)::text FROM kotadb.repositories WHERE checked_at IS NULL";
    assert_eq!(with.text(waiting).await, "3");
    let second = with.reconcile().await;
    assert_eq!((second.limited, second.failed), (false, 0), "{second:?}");
    assert_eq!((with.text(waiting).await.as_str(), with.github.hooks("acme/r3").len()), ("0", 1));

    // The primary limit runs out while lost deliveries are asked for: the next run goes on where this one stopped.
    with.github.lose_deliveries(5);
    for n in 1..=5 {
        with.github.push("acme/r0", MAIN, &commit(n)).await;
    }
    let before = with.github.deliveries("acme/r0").len();
    with.database.execute("UPDATE kotadb.repositories SET checked_at = NULL WHERE name = 'acme/r0'").await;
    with.github.set_limit(Some(6), 3);
    let third = with.reconcile().await;
    assert!(third.limited && (1..5).contains(&third.redelivered), "{third:?}");
    with.github.set_limit(None, 0);
    tokio::time::sleep(std::time::Duration::from_millis(3100)).await;
    let fourth = with.reconcile().await;
    assert_eq!(third.redelivered + fourth.redelivered, 5, "each once: {third:?} {fourth:?}");
    assert_eq!(with.github.deliveries("acme/r0").len(), before + 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_ends_half_way_is_finished_by_the_next() {
    let with = Deployment::start().await;
    with.github.create("acme/a", true);
    with.register("acme/a", &[], Credential::None).await;
    // Made, but its number never came back.
    with.github.fail("POST /repos/acme/a/hooks", Failure::Cut, 1);
    let first = with.reconcile().await;
    assert_eq!((first.failed, with.github.hooks("acme/a").len()), (1, 1), "{first:?}");
    let second = with.reconcile().await;
    assert_eq!((second.failed, with.github.hooks("acme/a").len()), (0, 1), "{second:?}");
    let noted = with.text("SELECT github_hook_id::text FROM kotadb.hooks").await;
    assert_eq!(noted, with.github.hooks("acme/a")[0].id.to_string());
    // Asked for, but the answer never came: the delivery is made twice, and means one job.
    with.github.lose_deliveries(1);
    with.github.push("acme/a", MAIN, &commit(1)).await;
    let hook = &with.github.hooks("acme/a")[0];
    let lost = hook.attempts.last().unwrap().id;
    let attempt = format!("POST /repos/acme/a/hooks/{}/deliveries/{lost}/attempts", hook.id);
    with.github.fail(&attempt, Failure::Cut, 1);
    let third = with.reconcile().await;
    assert_eq!((third.failed, third.redelivered), (1, 0), "{third:?}");
    let fourth = with.reconcile().await;
    assert_eq!((fourth.failed, fourth.redelivered), (0, 0), "it arrived after all: {fourth:?}");
    assert_eq!(with.text("SELECT count(*)::text FROM kotadb.deliveries WHERE event = 'push'").await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_github_is_down_the_run_gives_up_soon() {
    let with = Deployment::start().await;
    for n in 0..10 {
        with.github.create(&format!("acme/r{n}"), true);
        with.register(&format!("acme/r{n}"), &[], Credential::None).await;
    }
    with.github.set_down(true);
    with.github.forget_requests();
    let done = with.reconcile().await;
    assert!(done.failed >= 3 && done.repositories == 0, "{done:?}");
    with.github.set_down(false);
    let done = with.reconcile().await;
    assert_eq!((done.repositories, done.failed), (10, 0), "{done:?}");
}
