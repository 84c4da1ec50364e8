//! The client: tokens, pages, hooks, deliveries, tips, limits and what each refusal is.

use std::time::Duration;

use kotadb_core::config::Config;
use kotadb_core::crypto::Secret;
use kotadb_core::github::client::{Client, GithubError, HookSettings, TipAnswer};
use kotadb_core::testing::fake_github::{Failure, FakeGithub, OPERATOR_TOKEN};

const COMMIT: &str = "1111111111111111111111111111111111111111";

fn client(github: &FakeGithub) -> Client {
    client_of(&github.variables())
}

fn client_of(variables: &[(&'static str, String)]) -> Client {
    let lookup = |name: &str| match name {
        "GITHUB_WEBHOOK_TOKEN" => Some(OPERATOR_TOKEN.to_owned()),
        "HOME" => Some("/nonexistent".to_owned()),
        _ => variables.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone()),
    };
    Client::new(&Config::from_lookup(&lookup).unwrap()).unwrap()
}

#[tokio::test]
async fn an_installation_token_is_minted_once_and_sees_what_is_covered() {
    let github = FakeGithub::start().await;
    github.create("acme/a", true);
    github.create("acme/b", true);
    let id = github.install("acme", Some(&["acme/a"])).await;
    let client = client(&github);
    let (one, two) = tokio::join!(client.installation(id), client.installation(id));
    let (session, _) = (one.unwrap(), two.unwrap());
    assert_eq!(session.repository("acme/a").await.unwrap().full_name, "acme/a");
    assert!(matches!(session.repository("acme/b").await, Err(GithubError::NotFound(_))));
    let mints = github.requests().iter().filter(|request| request.ends_with("/access_tokens")).count();
    assert_eq!(mints, 1, "{:?}", github.requests());
    client.tokens().forget(id);
    client.installation(id).await.unwrap();
    assert_eq!(github.requests().iter().filter(|request| request.ends_with("/access_tokens")).count(), 2);
    let shown = format!("{session:?} {client:?}");
    assert!(!shown.contains("ghs_") && !shown.contains(OPERATOR_TOKEN), "{shown}");
}

#[tokio::test]
async fn suspended_and_gone_installations_are_told_apart() {
    let github = FakeGithub::start().await;
    github.create("acme/a", true);
    let id = github.install("acme", None).await;
    let client = client(&github);
    let installation = client.app().unwrap().app_installation(id).await.unwrap();
    assert_eq!((installation.id, installation.account.login.as_str()), (id, "acme"));
    github.set_suspended(id, true).await;
    assert!(
        matches!(client.installation(id).await, Err(GithubError::Forbidden(message)) if message.contains("suspended"))
    );
    github.uninstall(id).await;
    assert!(matches!(client.installation(id).await, Err(GithubError::NotFound(_))));
    let without = client_of(&github.variables()[..1]);
    assert_eq!(without.installation(id).await.unwrap_err(), GithubError::NoApp);
}

#[tokio::test]
async fn three_hundred_repositories_come_in_pages() {
    let github = FakeGithub::start().await;
    for n in 0..300 {
        github.create(&format!("acme/r{n:03}"), n % 2 == 0);
    }
    let id = github.install("acme", None).await;
    let client = client(&github);
    let listed = client.installation(id).await.unwrap().installation_repositories().await.unwrap();
    assert_eq!((listed.items.len(), listed.is_complete), (300, true));
    assert_eq!(listed.items[299].full_name, "acme/r299");
    let public = client.anonymous().owner_repositories("acme").await.unwrap();
    assert_eq!((public.items.len(), public.is_complete), (150, true));
    assert!(matches!(client.anonymous().owner_repositories("nobody").await, Err(GithubError::NotFound(_))));
}

#[tokio::test]
async fn a_renamed_repository_is_followed_and_no_other_host_is() {
    let github = FakeGithub::start().await;
    let id = github.create("acme/old", true);
    github.rename("acme/old", "new").await;
    let operator = client(&github).operator().unwrap();
    assert_eq!(operator.repository("acme/old").await.unwrap().full_name, "acme/new");
    assert_eq!(operator.repository_by_id(id).await.unwrap().full_name, "acme/new");
    let (url, secret) = ("https://kotadb.example/webhooks/github/1", Secret::new("s"));
    operator.create_hook("acme/old", &HookSettings { url, secret: &secret }).await.unwrap();
    assert_eq!(github.hooks("acme/new").len(), 1, "a body survives the redirect");

    let elsewhere = FakeGithub::start().await;
    elsewhere.create("evil/x", false);
    let away = axum_redirect(format!("{}/repos/evil/x", elsewhere.url())).await;
    let client = client_of(&[("KOTADB_GITHUB_API_URL", away)]);
    let refused = client.operator().unwrap().repository("acme/a").await;
    assert!(matches!(refused, Err(GithubError::Malformed { .. })), "{refused:?}");
    assert_eq!(elsewhere.requests(), [""; 0], "the token went nowhere");
}

/// A server that sends everybody elsewhere.
async fn axum_redirect(to: String) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let head =
                format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
        }
    });
    format!("http://127.0.0.1:{port}")
}

#[tokio::test]
async fn hooks_are_made_changed_pinged_and_deleted() {
    let github = FakeGithub::start().await;
    github.create("acme/a", true);
    let operator = client(&github).operator().unwrap();
    let (first, second) = (Secret::new("one"), Secret::new("two"));
    let url = "http://127.0.0.1:9/webhooks/github/1";
    let hook = operator.create_hook("acme/a", &HookSettings { url, secret: &first }).await.unwrap();
    assert!(hook.is_sound(), "{hook:?}");
    assert!(matches!(
        operator.create_hook("acme/a", &HookSettings { url, secret: &first }).await,
        Err(GithubError::Invalid(message)) if message.contains("already exists")
    ));
    operator.update_hook("acme/a", hook.id, &HookSettings { url, secret: &second }).await.unwrap();
    assert_eq!(github.hooks("acme/a")[0].secret, "two");
    github.change_hooks("acme/a", |hooks| hooks[0].active = false);
    let listed = operator.hooks("acme/a").await.unwrap();
    assert!(!listed.items[0].is_sound());
    operator.ping_hook("acme/a", hook.id).await.unwrap();
    github.settle().await;
    let events: Vec<_> = github.deliveries("acme/a").into_iter().map(|one| one.event).collect();
    assert_eq!(events, ["ping", "ping"], "that of its making and that which was asked for");
    operator.delete_hook("acme/a", hook.id).await.unwrap();
    assert_eq!(github.hooks("acme/a"), []);
    let anonymous = client(&github).anonymous();
    assert!(matches!(anonymous.hooks("acme/a").await, Err(GithubError::NotFound(_))));
}

#[tokio::test]
async fn lost_deliveries_are_in_the_log_and_sent_again_on_request() {
    let github = FakeGithub::start().await;
    github.create("acme/a", true);
    // Nobody listens there: what is not lost is refused.
    let hook = github.add_hook("acme/a", "http://127.0.0.1:9/x", "s");
    github.lose_deliveries(2);
    for n in 1..=120 {
        github.push("acme/a", "refs/heads/main", &format!("{n:040}")).await;
    }
    let operator = client(&github).operator().unwrap();
    let log = operator.hook_deliveries("acme/a", hook, 0).await.unwrap();
    assert_eq!((log.items.len(), log.is_complete), (120, true));
    assert!(log.items.windows(2).all(|pair| pair[0].id > pair[1].id), "the newest first");
    assert!(log.items.iter().all(kotadb_core::github::client::Delivery::is_worth_another));
    let since = log.items[4].id;
    let newer = operator.hook_deliveries("acme/a", hook, since).await.unwrap();
    assert_eq!(newer.items.len(), 4);
    operator.redeliver("acme/a", hook, log.items[119].id).await.unwrap();
    github.settle().await;
    let last = github.deliveries("acme/a").pop().unwrap();
    assert_eq!((last.redelivery, last.guid), (true, log.items[119].guid.clone()));
    assert!(matches!(operator.redeliver("acme/a", hook, 1).await, Err(GithubError::NotFound(_))));
    // Of the App, whose log only the App may read.
    let client = client(&github);
    assert_eq!(client.app().unwrap().app_deliveries(0).await.unwrap().items, []);
    assert_eq!(operator.app_deliveries(0).await.unwrap_err(), GithubError::Unauthorized);
}

#[tokio::test]
async fn an_unchanged_tip_costs_nothing() {
    let github = FakeGithub::start().await;
    github.create("acme/a", true);
    let operator = client(&github).operator().unwrap();
    assert_eq!(operator.tip("acme/a", "HEAD", None).await.unwrap(), TipAnswer::Nothing, "it is empty");
    github.set_ref("acme/a", "refs/heads/main", COMMIT);
    github.set_ref("acme/a", "refs/heads/release-1/x", COMMIT);
    github.set_tag("acme/a", "refs/tags/v1", &"2".repeat(40), COMMIT);
    let TipAnswer::Commit(commit, etag) = operator.tip("acme/a", "HEAD", None).await.unwrap() else { panic!() };
    assert_eq!(commit.to_string(), COMMIT);
    github.set_limit(Some(1), 60);
    assert_eq!(operator.tip("acme/a", "HEAD", etag.as_deref()).await.unwrap(), TipAnswer::Same);
    assert_eq!(operator.tip("acme/a", "refs/heads/none", etag.as_deref()).await.unwrap(), TipAnswer::Nothing);
    github.set_limit(None, 0);
    let client = client(&github);
    let refs = client.operator().unwrap().refs("acme/a", "refs/heads/release-").await.unwrap();
    assert_eq!(refs.items.iter().map(|tip| tip.ref_name.as_str()).collect::<Vec<_>>(), ["refs/heads/release-1/x"]);
    let tags = client.operator().unwrap().refs("acme/a", "refs/tags/").await.unwrap();
    assert!(tags.items[0].is_tag);
    let behind = client.operator().unwrap().tip("acme/a", "refs/tags/v1", None).await.unwrap();
    assert!(matches!(behind, TipAnswer::Commit(commit, _) if commit.to_string() == COMMIT));
}

#[tokio::test]
async fn limits_are_kept_without_asking_and_by_token() {
    let github = FakeGithub::start().await;
    github.create("acme/a", false);
    let client = client(&github);
    let operator = client.operator().unwrap();
    github.fail("GET /repos/acme/a", Failure::Secondary(1), 1);
    let limited = operator.repository("acme/a").await;
    assert!(matches!(limited, Err(GithubError::RateLimited { .. })), "{limited:?}");
    let asked = github.requests().len();
    assert!(matches!(operator.repository("acme/a").await, Err(GithubError::RateLimited { .. })));
    assert_eq!(github.requests().len(), asked, "nothing is sent while it asks to wait");
    client.anonymous().repository("acme/a").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    operator.repository("acme/a").await.unwrap();

    github.set_limit(Some(1), 3000);
    operator.repository("acme/a").await.unwrap();
    let asked = github.requests().len();
    let Err(GithubError::RateLimited { until }) = operator.repository("acme/a").await else { panic!() };
    assert_eq!(github.requests().len(), asked, "the last answer said that none is left");
    let wait = (until - time::OffsetDateTime::now_utc()).whole_seconds();
    assert!((2990..=3000).contains(&wait), "{wait}");
}

#[tokio::test]
async fn each_refusal_is_an_error_of_its_own() {
    let github = FakeGithub::start().await;
    github.create("acme/a", false);
    let client = client(&github);
    let operator = client.operator().unwrap();
    let thing = "/repos/acme/a".to_owned();
    for (failure, error) in [
        (Failure::Status(401), GithubError::Unauthorized),
        (Failure::Status(403), GithubError::Forbidden("scripted".to_owned())),
        (Failure::Status(404), GithubError::NotFound(thing.clone())),
        (Failure::Status(410), GithubError::NotFound(thing.clone())),
        (Failure::Status(451), GithubError::Blocked(thing)),
        (Failure::Status(422), GithubError::Invalid("scripted".to_owned())),
        (Failure::Status(502), GithubError::Unavailable("status 502".to_owned())),
    ] {
        github.fail("GET /repos/acme/a", failure, 1);
        let refused = operator.repository("acme/a").await.unwrap_err();
        assert_eq!(refused, error);
        assert_eq!(refused.passes(), failure == Failure::Status(502));
    }
    github.fail("GET /repos/acme/a", Failure::Cut, 1);
    assert!(matches!(operator.repository("acme/a").await, Err(GithubError::Unavailable(_))));
    github.set_down(true);
    assert!(matches!(operator.repository("acme/a").await, Err(GithubError::Unavailable(_))));
    github.set_down(false);
    operator.repository("acme/a").await.unwrap();
    let stranger = client.user(Secret::new("ghp_wrong"));
    assert_eq!(stranger.repository("acme/a").await.unwrap_err(), GithubError::Unauthorized);
}
