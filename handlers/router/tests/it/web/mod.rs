//! Pages: who sees what, what is inert, and that a session of a browser can do no more than its key.

mod aids;
mod forms;

use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;
use kotadb_core::db::keys::{NewKey, SCOPES};
use serde_json::json;
use tower::ServiceExt;

use crate::app::{App, Tenant};
use crate::index::{publish, publish_facts, publish_program};
use crate::program::{self, PROGRAM};

/// Pages that need a session, with `{id}` of a repository.
const PAGES: [&str; 19] = [
    "/search?q=alpha",
    "/search?q=alpha&kind=symbols",
    "/search?q=alpha&kind=repositories",
    "/suggest?q=alpha",
    "/repositories",
    "/repositories/{id}",
    "/repositories/{id}/jobs",
    "/search?q=alpha+type:path",
    "/search?q=%28",
    "/repositories/{id}/files",
    "/repositories/{id}/files/a.rs",
    "/repositories/{id}/files/nowhere.rs",
    "/repositories/{id}/symbol?symbol=alpha",
    "/repositories/{id}/hover/a.rs?symbol=alpha",
    "/account",
    "/account/keys",
    "/account/members",
    "/connect",
    "/sign-in/tenant",
];

const FILES: [(&str, &str); 3] = [
    ("a.rs", "fn alpha() {}\nfn beta() {} // alpha\n"),
    ("b.py", "def alpha():\n    pass\n"),
    ("gen/c.py", "alpha = 1\n"),
];

struct Shown {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Shown {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The cookie that it sets, as a browser sends it back.
    fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    /// The token of its first form.
    fn token(&self) -> String {
        let after = |mark: &str| self.text.split(mark).nth(1)?.split('"').next().map(ToOwned::to_owned);
        after("name=\"token\" value=\"").unwrap_or_default()
    }
}

async fn ask(app: &App, request: Builder, body: String) -> Shown {
    let response = app.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Shown { status: parts.status.as_u16(), headers: parts.headers, text }
}

async fn get(app: &App, path: &str, cookie: &str) -> Shown {
    ask(app, Request::get(path).header("cookie", cookie), String::new()).await
}

/// Signs in as a person does; the cookie.
async fn sign_in(app: &App, key: &str) -> String {
    let form = get(app, "/sign-in", "").await;
    let answer = send_key(app, &form.cookie(), &form.token(), key).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.cookie()
}

async fn send_key(app: &App, cookie: &str, token: &str, key: &str) -> Shown {
    let request = Request::post("/sign-in").header("cookie", cookie);
    ask(app, request, format!("token={token}&key={key}&next=/repositories")).await
}

/// A tenant with an indexed repository, and the session of its key.
async fn member(app: &App, name: &str, repository: &str, files: &[(&str, &str)]) -> (Tenant, String, String) {
    let tenant = app.tenant(name).await;
    let id = app.register(&tenant.key, repository).await["id"].as_str().unwrap().to_owned();
    publish(&app.store, tenant.id, &id, files).await;
    let cookie = sign_in(app, &tenant.key).await;
    (tenant, id, cookie)
}

#[tokio::test]
async fn a_key_begins_a_session_and_a_form_ends_it() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let form = get(&app, "/sign-in?next=/repositories", "").await;
    assert!(form.text.contains("name=\"next\" value=\"/repositories\""), "{}", form.text);
    let (cookie, token) = (form.cookie(), form.token());
    let unknown = kotadb_core::identity::ApiKey::generate(true);
    for (token, key, told) in [
        ("", tenant.key.as_str(), "open for too long"),
        (&*"00".repeat(32), &tenant.key, "open for too long"),
        (&*token, unknown.expose(), "the API key is not valid"),
        (&*token, "%3Cscript%3E", "the API key is not valid"),
        (&*token, "a%0Ab", "no API key"),
    ] {
        let refused = send_key(&app, &cookie, token, key).await;
        assert_eq!((refused.status, refused.header("set-cookie")), (422, ""), "{key}: {}", refused.text);
        assert!(refused.text.contains(told) && !refused.text.contains("<script>"), "{key}: {}", refused.text);
    }
    let entered = send_key(&app, &cookie, &token, &tenant.key).await;
    assert_eq!((entered.status, entered.header("location")), (303, "/repositories"));
    assert!(entered.header("set-cookie").contains("HttpOnly; SameSite=Lax"), "{:?}", entered.headers);
    assert!(!entered.header("set-cookie").contains(&tenant.key));
    let session = entered.cookie();
    let home = get(&app, "/", &session).await;
    assert!(home.text.contains("Sign out") && home.header("cache-control") == "private, no-cache", "{}", home.text);
    let leave = async |token: &str| {
        let request = Request::post("/sign-out").header("cookie", &session);
        ask(&app, request, format!("token={token}")).await
    };
    assert_eq!(leave("").await.header("set-cookie"), "", "another site's form ends nothing");
    assert!(leave(&home.token()).await.header("set-cookie").contains("Max-Age=0"));
}

#[tokio::test]
async fn a_session_does_what_its_key_may_and_changes_nothing_without_its_token() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let session = sign_in(&app, &tenant.key).await;
    let home = get(&app, "/", &session).await;
    let token = home.token();
    let post = async |token: &str| {
        let request = Request::post("/api/v1/repositories").header("content-type", "application/json");
        let request = request.header("cookie", &session).header("kotadb-form", token);
        ask(&app, request, json!({ "url": "a/b" }).to_string()).await
    };
    assert_eq!(get(&app, "/api/v1/whoami", &session).await.status, 200);
    assert_eq!(post("").await.status, 401);
    assert_eq!(post(&"0".repeat(64)).await.status, 401);
    assert_eq!(post(&token).await.status, 201);
    app.db.execute("UPDATE kotadb.api_keys SET revoked_at = now()").await;
    let gone = get(&app, "/repositories", &session).await;
    assert_eq!((gone.status, gone.header("location")), (303, "/sign-in?next=%2Frepositories&why=key_revoked"));
    let told = get(&app, gone.header("location"), &session).await;
    assert!(told.status == 200 && told.text.contains("opens nothing any more"), "{}", told.text);
}

#[tokio::test]
async fn nobody_is_led_to_the_door_and_others_find_nothing() {
    let app = App::new().await;
    let (owner, id, _) = member(&app, "owner", "owner/private", &FILES).await;
    let foreign = member(&app, "foreign", "foreign/own", &[("x.rs", "alpha of another\n")]).await.2;
    let other = app.register(&owner.key, "owner/other").await["id"].as_str().unwrap().parse().unwrap();
    let only = NewKey { repositories: Some(vec![other]), ..NewKey::default() };
    let limited = sign_in(&app, &app.key_like(owner.id, &SCOPES, only).await.1).await;
    for page in PAGES {
        let path = page.replace("{id}", &id);
        let door = get(&app, &path, "").await;
        assert!(door.status == 303 && door.header("location").starts_with("/sign-in?next=%2F"), "{path}");
        for (who, cookie) in [("foreign", &foreign), ("limited", &limited)] {
            let shown = get(&app, &path, cookie).await;
            let wanted = if page.contains("{id}") { 404 } else { shown.status };
            assert_eq!(shown.status, wanted, "{path} by {who}: {}", shown.text);
            assert!(!shown.text.contains("private") && !shown.text.contains("a.rs"), "{path} by {who}: {}", shown.text);
            assert!(shown.header("content-type").starts_with("text/html"), "{path} by {who}");
        }
    }
}

#[tokio::test]
async fn a_key_without_a_scope_is_told_which() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let session = sign_in(&app, &app.key(tenant.id, &["search"]).await).await;
    let refused = get(&app, "/repositories", &session).await;
    assert!(refused.status == 403 && refused.text.contains("repositories:read"), "{}", refused.text);
    assert_eq!(get(&app, "/search?q=a", &session).await.status, 200);
}

#[tokio::test]
async fn results_are_grouped_marked_and_narrowed() {
    let app = App::new().await;
    let (_, id, session) = member(&app, "one", "a/b", &FILES).await;
    let found = get(&app, "/search?q=alpha", &session).await;
    assert_eq!(found.status, 200, "{}", found.text);
    for part in [
        "<strong>3 lines</strong> in 2 files",
        "<mark class=\"hf\">alpha</mark>",
        "href=\"/search?q=alpha+lang%3Arust\"",
        &format!("/repositories/{id}/files/a.rs?at={}#L1", "07".repeat(20)),
        "1 hidden in generated files",
        "value=\"alpha\"",
    ] {
        assert!(found.text.contains(part), "{part}: {}", found.text);
    }
    assert!(found.header("server-timing").starts_with("search;dur="), "{:?}", found.headers);
    let narrowed = get(&app, "/search?q=alpha+lang%3Arust", &session).await;
    assert!(narrowed.text.contains("2 lines</strong> in 1 file") && narrowed.text.contains("remove"));
    let none = get(&app, "/search?q=Nowhere+lang:rust", &session).await;
    assert!(none.text.contains("Nothing matches") && none.text.contains("case:no"), "{}", none.text);
    let wrong = get(&app, "/search?q=a+%28b", &session).await;
    assert!(wrong.status == 400 && wrong.text.contains("a (b\n"), "{}", wrong.text);
    assert_eq!(get(&app, "/search?q=alpha&cursor=x", &session).await.status, 400);
    assert_eq!(get(&app, "/search?q=+", &session).await.header("location"), "/");
}

#[tokio::test]
async fn a_repository_shows_its_state_and_jobs() {
    let app = App::new().await;
    let (_, id, session) = member(&app, "one", "a/b", &FILES).await;
    let page = get(&app, &format!("/repositories/{id}"), &session).await;
    for part in ["not indexed yet", "Index now", "queued", "Languages", "class=\"share0\"", "data-live="] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    let part = get(&app, &format!("/repositories/{id}/jobs"), &session).await;
    assert!(part.status == 200 && part.text.starts_with("<section"), "{}", part.text);
    let list = get(&app, "/repositories", &session).await;
    assert!(list.text.contains("a/b") && list.text.contains("action=\"/api/v1/repositories\""));
}

#[tokio::test]
async fn a_file_is_shown_by_lines_and_a_folder_by_what_is_in_it() {
    let app = App::new().await;
    let files = [("src/a.rs", FILES[0].1), ("src/b c/d.py", "x = '<b>'\n"), ("z.txt", "")];
    let (_, id, session) = member(&app, "one", "a/b", &files).await;
    let show = async |path: &str| get(&app, &format!("/repositories/{id}/files{path}"), &session).await;
    let file = show("/src/a.rs").await;
    for part in ["id=\"L2\"", "<span class=\"hk\">fn</span>", "2 lines", "data-permalink", "rust"] {
        assert!(file.text.contains(part), "{part}: {}", file.text);
    }
    assert!(
        show("/src/b%20c/d.py").await.text.contains("&#39;&lt;b&gt;&#39;")
            || show("/src/b%20c/d.py").await.text.contains("'&lt;b&gt;'")
    );
    assert!(show("/z.txt").await.text.contains("This file is empty"));
    let root = show("").await;
    assert!(
        root.text.contains(&format!("/repositories/{id}/files/src/\"")) && root.text.contains("2 files"),
        "{}",
        root.text
    );
    assert!(show("/src").await.text.contains("/files/src/b%20c/\""));
    let found = show("?find=D.PY").await;
    assert!(found.text.contains("1 file</p>") || found.text.contains("1 file with"), "{}", found.text);
    assert_eq!(
        [show("/no").await.status, show("/src/a.rs?at=nowhere").await.status, show("/src/a.rs?from=99").await.status],
        [404, 404, 400]
    );
    let at = "07".repeat(20);
    assert_eq!(
        [show(&format!("/src/a.rs?at={at}")).await.status, show("/src/a.rs?at=main&from=2").await.status],
        [200, 200]
    );
}

#[tokio::test]
async fn a_symbol_has_its_callers_by_how_sure_they_are_and_its_impact() {
    let app = App::new().await;
    let (tenant, id, session) = member(&app, "one", "a/b", &FILES).await;
    publish_program(&app.store, tenant.id, &id, PROGRAM).await;
    let show = async |path: &str| get(&app, &format!("/repositories/{id}/{path}"), &session).await;
    let symbol = show("symbol?symbol=acquire").await;
    for part in [
        "Confirmed",
        "symbol?symbol=app.py%23run",
        "/files/app.py#L2",
        "<span class=\"hf\">acquire</span>():",
        "Impact of a change",
        "<svg class=\"graph\"",
        "Tests that reach it",
    ] {
        assert!(symbol.text.contains(part), "{part}: {}", symbol.text);
    }
    let several = show("symbol?symbol=close").await;
    assert!(several.text.contains("Which one?") && several.text.contains("lock.py%23close"), "{}", several.text);
    assert_eq!([show("symbol?symbol=").await.status, show("symbol?symbol=run&at=nowhere").await.status], [400, 404]);
    let file = show("files/pool.py").await;
    assert!(file.text.contains("symbol?symbol=pool.py%23acquire") && file.text.contains("Outline"), "{}", file.text);
    assert_eq!(show("symbol?symbol=pool.py%23acquire").await.status, 200);
    assert!(show("symbol?symbol=nobody").await.text.contains("No symbol has this name"));
}

#[tokio::test]
async fn without_a_graph_names_are_what_is_told() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let id = app.register(&tenant.key, "a/b").await["id"].as_str().unwrap().to_owned();
    publish_facts(&app.store, tenant.id, &id, PROGRAM, program::facts).await;
    let session = sign_in(&app, &tenant.key).await;
    let names = get(&app, &format!("/repositories/{id}/symbol?symbol=acquire"), &session).await;
    for part in ["names are all that is known", "Likely", "symbol?symbol=app.py%23run"] {
        assert!(names.text.contains(part), "{part}: {}", names.text);
    }
    assert!(!names.text.contains("Confirmed") && !names.text.contains("Impact"), "{}", names.text);
}

/// What a repository may try, each with what may not be on a page because of it.
const HOSTILE: [(&str, &str); 4] = [
    ("<img src=x onerror=alert(1)>.rs", "<script>alpha(1)</script>\n"),
    ("a\" onmouseover=\"alert(2).py", "alpha \"'><svg onload=alert(3)>\n"),
    ("b/\u{202e}sr.exe", "alpha \u{202e} \u{2066}// admin\u{2069}\u{0} \u{200b}\n"),
    ("javascript:alert(4)", "alpha\u{1b}[31m &lt; {{7*7}} ${7*7}\n"),
];

#[tokio::test]
async fn what_a_repository_holds_is_text_on_every_page() {
    let app = App::new().await;
    let mut files = HOSTILE;
    files.sort_unstable();
    let (_, id, session) = member(&app, "one", "a/b", &files).await;
    let encoded = |path: &str| path.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let shown = files.iter().map(|(path, _)| format!("/repositories/{id}/files/{}", encoded(path)));
    let shown: Vec<String> = shown.collect();
    for path in &shown {
        assert_eq!(get(&app, path, &session).await.status, 200, "{path}");
    }
    let query = "/search?q=alpha+%3Cscript%3Ealert%285%29%3C/script%3E+OR+alpha";
    for path in PAGES.iter().map(|page| page.replace("{id}", &id)).chain([query.to_owned()]).chain(shown) {
        let shown = get(&app, &path, &session).await;
        for raw in ["<img", "<svg onload", "<script>", "\" onmouseover", "href=\"javascript:"] {
            assert!(!shown.text.contains(raw), "{raw} on {path}: {}", shown.text);
        }
        for hidden in ['\u{202e}', '\u{2066}', '\u{0}', '\u{200b}', '\u{1b}'] {
            assert!(!shown.text.contains(hidden), "{hidden:?} on {path}");
        }
    }
    let found = get(&app, "/search?q=alpha", &session).await;
    assert!(found.text.contains("U+202E") && found.text.contains("&lt;script&gt;"), "{}", found.text);
}

#[tokio::test]
async fn a_browser_may_load_what_is_ours_and_run_nothing_inline() {
    let app = App::new().await;
    let (_, id, session) = member(&app, "one", "a/b", &FILES).await;
    let missing = "/repositories/0190b0a0-0000-7000-8000-000000000001".to_owned();
    for path in
        PAGES.iter().map(|page| page.replace("{id}", &id)).chain(["/".to_owned(), "/sign-in".to_owned(), missing])
    {
        let shown = get(&app, &path, &session).await;
        let policy = shown.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self';"), "{path}: {policy}");
        assert!(!shown.text.contains(" style=") && !shown.text.contains("<style"), "{path}");
        for tag in shown.text.split("<script").skip(1) {
            assert!(tag.starts_with(" src=\"/assets/page."), "{path}: {tag}");
        }
    }
    let home = get(&app, "/", &session).await;
    for asset in home.text.split("\"/assets/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let shown = get(&app, &format!("/assets/{asset}"), "").await;
        assert_eq!(
            (shown.status, shown.header("cache-control")),
            (200, "public, max-age=31536000, immutable"),
            "{asset}"
        );
    }
    assert_eq!(get(&app, "/assets/style.css", "").await.status, 404);
}
