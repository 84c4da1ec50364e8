//! Forms, as a browser without a script sends them; and how people sign in.

use axum::http::Request;
use kotadb_core::store::{Store, StoreOptions};
use kotadb_core::testing::fake_supabase::FakeSupabase;
use serde_json::json;
use uuid::Uuid;

use super::{Shown, ask, get, sign_in};
use crate::app::App;

/// A form of whoever has that session.
async fn send(app: &App, cookie: &str, path: &str, body: &str) -> Shown {
    let request = Request::post(path).header("cookie", cookie);
    ask(app, request.header("content-type", "application/x-www-form-urlencoded"), body.to_owned()).await
}

/// The page that an answer leads to, with the cookies of both.
async fn follow(app: &App, session: &str, answer: &Shown) -> Shown {
    get(app, answer.header("location"), &format!("{session}; {}", answer.cookie())).await
}

#[tokio::test]
async fn a_form_does_what_its_fields_say_and_leads_on() {
    let app = App::new().await;
    let session = sign_in(&app, &app.tenant("one").await.key).await;
    let token = get(&app, "/repositories", &session).await.token();
    let begin = format!("form-token={token}&form-back=/repositories&form-then=/repositories/%7Bid%7D");
    let made = send(&app, &session, "/api/v1/repositories", &format!("{begin}&url=a/b")).await;
    assert_eq!((made.status, made.text.as_str(), made.header("set-cookie")), (303, "", ""));
    let page = get(&app, made.header("location"), &session).await;
    assert!(page.status == 200 && page.text.contains("a/b"), "{} {}", made.header("location"), page.text);
    let refused = send(&app, &session, "/api/v1/repositories", &format!("{begin}&url=ftp://a/%3Cb%3E")).await;
    assert_eq!((refused.status, refused.header("location")), (303, "/repositories"));
    let told = follow(&app, &session, &refused).await;
    assert!(told.text.contains("role=\"alert\"") && told.text.contains("value=\"ftp://a/&lt;b&gt;\""), "{}", told.text);
    assert_eq!(told.header("cache-control"), "no-store");
    assert!(told.header("set-cookie").contains("kotadb_flash=; ") && told.header("set-cookie").contains("Max-Age=0"));
    assert!(!get(&app, "/repositories", &session).await.text.contains("role=\"alert\""), "it is told once");
}

#[tokio::test]
async fn a_key_is_made_shown_once_and_revoked() {
    let app = App::new().await;
    let session = sign_in(&app, &app.tenant("one").await.key).await;
    let token = get(&app, "/account/keys", &session).await.token();
    let begin = format!("form-token={token}&form-back=/account/keys");
    let body = format!("{begin}&name=agent&scopes%5B%5D=search&scopes%5B%5D=jobs:read");
    let made = send(&app, &session, "/api/v1/keys", &body).await;
    assert_eq!((made.status, made.header("location")), (303, "/account/keys"), "{}", made.text);
    assert!(!made.header("set-cookie").contains("kdb_"), "it is sealed");
    let page = follow(&app, &session, &made).await;
    let key = page.text.split("<output id=\"key\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let who = app.call("GET", "/api/v1/whoami", &key, None).await;
    assert_eq!(who.body["scopes"], json!(["jobs:read", "search"]), "{}", who.body);
    assert!(!get(&app, "/account/keys", &session).await.text.contains(&key));
    let action = page.text.split("action=\"/api/v1/keys/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let gone = send(&app, &session, &format!("/api/v1/keys/{action}"), &format!("{begin}&form-method=DELETE")).await;
    assert_eq!((gone.status, gone.header("set-cookie")), (303, ""), "{}", gone.text);
    assert_eq!(app.call("GET", "/api/v1/whoami", &key, None).await.code(), "key_revoked");
}

#[tokio::test]
async fn a_form_of_nobody_or_of_another_site_changes_nothing() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    let (session, other) = (sign_in(&app, &key).await, sign_in(&app, &key).await);
    let foreign = get(&app, "/repositories", &other).await.token();
    for token in ["", "zz", &foreign, &"0".repeat(64), "%0A"] {
        let body = format!("form-token={token}&form-back=/repositories&form-then=//evil.example&url=a/b");
        let answer = send(&app, &session, "/api/v1/repositories", &body).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/repositories"), "{token}");
        assert!(follow(&app, &session, &answer).await.text.contains("open for too long"), "{token}");
    }
    assert_eq!(send(&app, "", "/api/v1/repositories", "url=a/b").await.status, 401);
    let large = format!("form-back=/repositories&url={}", "x".repeat(100_000));
    assert_eq!(send(&app, &session, "/api/v1/repositories", &large).await.header("location"), "/");
    assert_eq!(app.count("repositories").await, "0");
}

#[tokio::test]
async fn who_is_in_several_tenants_chooses_one() {
    let supabase = FakeSupabase::start().await;
    let own = supabase.variables();
    let variables: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let app = App::with(Some(Store::open(&StoreOptions::Memory).unwrap()), &variables).await;
    let user = Uuid::now_v7();
    supabase.set_user(user, "ada@example.com", true, None);
    let mut ids = Vec::new();
    for name in ["first", "second", "third"] {
        let tenant = app.tenant(name).await;
        let invitation = json!({ "email": "ada@example.com", "role": "owner" });
        let path = format!("/api/v1/tenants/{}/members", tenant.id);
        if name != "third" {
            assert_eq!(app.call("POST", &path, &tenant.key, Some(invitation)).await.status, 201);
        }
        ids.push(tenant.id.to_string());
    }
    let begun = get(&app, "/sign-in/github", "").await;
    let challenge = begun.header("location").split("code_challenge=").nth(1).unwrap().split('&').next().unwrap();
    let code = supabase.come_back(user, challenge);
    let entered = get(&app, &format!("/sign-in/github/back?code={code}"), &begun.cookie()).await;
    assert_eq!((entered.status, entered.header("location")), (303, "/sign-in/tenant"), "{}", entered.text);
    let choice = get(&app, "/sign-in/tenant", &entered.cookie()).await;
    assert!(choice.text.contains("first") && choice.text.contains("second"), "{}", choice.text);
    assert!(!choice.text.contains("third"), "{}", choice.text);
    let choose = async |session: &str, token: &str, id: &str| {
        send(&app, session, "/sign-in/tenant", &format!("token={token}&tenant={id}")).await
    };
    assert_eq!(choose(&entered.cookie(), &choice.token(), &ids[2]).await.status, 404);
    assert_eq!(choose(&entered.cookie(), "", &ids[1]).await.status, 400);
    let chosen = choose(&entered.cookie(), &choice.token(), &ids[1]).await;
    assert_eq!((chosen.status, chosen.header("location")), (303, "/"));
    let account = get(&app, "/account", &chosen.cookie()).await;
    assert!(account.text.contains("second") && account.text.contains("Choose another"), "{}", account.text);
    let again = get(&app, "/sign-in/tenant", &chosen.cookie()).await;
    let changed = choose(&chosen.cookie(), &again.token(), &ids[0]).await.cookie();
    assert!(get(&app, "/account", &changed).await.text.contains("first"));
}

#[tokio::test]
async fn who_signs_in_at_github_is_the_member_that_supabase_says() {
    let supabase = FakeSupabase::start().await;
    let own = supabase.variables();
    let variables: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let app = App::with(Some(Store::open(&StoreOptions::Memory).unwrap()), &variables).await;
    let (tenant, user, stranger) = (app.tenant("one").await, Uuid::now_v7(), Uuid::now_v7());
    supabase.set_user(user, "ada@example.com", true, None);
    supabase.set_user(stranger, "eve@example.com", true, None);
    let invitation = json!({ "email": "ada@example.com", "role": "owner" });
    let path = format!("/api/v1/tenants/{}/members", tenant.id);
    assert_eq!(app.call("POST", &path, &tenant.key, Some(invitation)).await.status, 201);
    assert!(get(&app, "/sign-in", "").await.text.contains("href=\"/sign-in/github\""));
    let way = async || {
        let begun = get(&app, "/sign-in/github", "").await;
        let to = begun.header("location").to_owned();
        assert!(to.contains("redirect_to=https%3A%2F%2Fkotadb.example%2Fsign-in%2Fgithub%2Fback"), "{to}");
        let challenge = to.split("code_challenge=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        (begun.cookie(), challenge)
    };
    let back = async |cookie: &str, code: &str| get(&app, &format!("/sign-in/github/back?code={code}"), cookie).await;
    let (cookie, challenge) = way().await;
    let code = supabase.come_back(user, &challenge);
    let (other, _) = way().await;
    assert_eq!(back("", &supabase.come_back(user, &challenge)).await.status, 400, "begun elsewhere");
    assert_eq!(back(&other, &supabase.come_back(user, &challenge)).await.status, 400, "of another session");
    let entered = back(&cookie, &code).await;
    assert_eq!((entered.status, entered.header("location")), (303, "/"), "{}", entered.text);
    let members = get(&app, "/account/members", &entered.cookie()).await;
    assert!(members.text.contains("ada@example.com"), "{}", members.text);
    assert_eq!(back(&cookie, &code).await.status, 400, "a code is good once");
    let (cookie, challenge) = way().await;
    let refused = back(&cookie, &supabase.come_back(stranger, &challenge)).await;
    assert_eq!((refused.status, refused.header("set-cookie")), (403, ""), "{}", refused.text);
}
