//! What helps to ask: suggestions, cards beside names, the bytes of a file, the same question for programs.

use super::{FILES, PROGRAM, get, member, publish_program};
use crate::app::App;

#[tokio::test]
async fn a_query_may_go_on_and_its_fault_is_told_while_it_is_written() {
    let app = App::new().await;
    let (tenant, id, session) = member(&app, "one", "acme/pool", &FILES).await;
    publish_program(&app.store, tenant.id, &id, PROGRAM).await;
    let suggest = async |query: &str| get(&app, &format!("/suggest?q={query}"), &session).await.text;
    for (query, part) in [
        ("foo+la", "data-query=\"foo lang:\""),
        ("foo+lang:rus", "data-query=\"foo lang:rust \""),
        ("repo:POOL", "data-query=\"repo:acme/pool \""),
        ("generated:o", "data-query=\"generated:only \""),
        ("acqu", "symbol?symbol=pool.py%23acquire"),
        ("a+(foo", "aria-hidden=\"true\">  ^</span>"),
    ] {
        let shown = suggest(query).await;
        assert!(shown.contains(part), "{query}: {part}: {shown}");
    }
    assert!(!suggest("foo").await.contains("fault-line"));
    assert!(!suggest("").await.contains("role=\"option\""));
    let searches = async || app.db.texts("SELECT coalesce(sum(searches), 0)::text FROM kotadb.usage_months").await;
    let before = searches().await;
    suggest("acqu").await;
    assert_eq!(searches().await, before, "what is only written is no search of the month");
}

#[tokio::test]
async fn a_name_has_a_card_with_its_declaration() {
    let app = App::new().await;
    let (tenant, id, session) = member(&app, "one", "a/b", &FILES).await;
    publish_program(&app.store, tenant.id, &id, PROGRAM).await;
    let hover = async |path: &str| get(&app, &format!("/repositories/{id}/hover/{path}"), &session).await.text;
    let one = hover("app.py?symbol=acquire").await;
    assert!(one.contains("pool.py:1") && one.contains("<span class=\"hf\">acquire</span>():"), "{one}");
    let own = hover("pool.py?symbol=close").await;
    let (here, there) = (own.find("pool.py%23close").unwrap(), own.find("lock.py%23close").unwrap());
    assert!(here < there, "that of the same file comes first: {own}");
    assert_eq!(hover("app.py?symbol=nobody").await, "");
}

#[tokio::test]
async fn a_definition_is_shown_to_its_end_and_no_further() {
    let app = App::new().await;
    let (tenant, id, session) = member(&app, "one", "a/b", &FILES).await;
    publish_program(&app.store, tenant.id, &id, PROGRAM).await;
    let page = get(&app, &format!("/repositories/{id}/symbol?symbol=acquire"), &session).await.text;
    let card = page.split("<article").nth(1).unwrap().split("</article>").next().unwrap();
    assert!(card.contains("pool.py#L2\"") && !card.contains("pool.py#L3\"") && !card.contains("close"), "{card}");
}

#[tokio::test]
async fn a_file_is_given_as_it_is_and_runs_nowhere() {
    let app = App::new().await;
    let (_, id, session) = member(&app, "one", "a/b", &[("a.html", "<script>alert(1)</script>\n")]).await;
    let raw = get(&app, &format!("/repositories/{id}/raw/a.html"), &session).await;
    assert_eq!((raw.status, raw.text.as_str()), (200, "<script>alert(1)</script>\n"));
    assert_eq!(
        (raw.header("content-type"), raw.header("x-content-type-options")),
        ("text/plain; charset=utf-8", "nosniff")
    );
    assert!(raw.header("content-security-policy").contains("sandbox"));
    assert_eq!(get(&app, &format!("/repositories/{id}/raw/a.html"), "").await.status, 303);
    let foreign = member(&app, "two", "c/d", &FILES).await.2;
    assert_eq!(get(&app, &format!("/repositories/{id}/raw/a.html"), &foreign).await.status, 404);
}

#[tokio::test]
async fn a_page_says_how_a_program_asks_the_same() {
    let app = App::new().await;
    let (_, id, session) = member(&app, "one", "acme/pool", &FILES).await;
    let page = async |path: &str| get(&app, path, &session).await.text;
    let found = page("/search?q=it's+lang:rust").await;
    assert!(found.contains("/api/v1/search/code' --data-urlencode 'query=it'\\''s lang:rust'"), "{found}");
    assert!(found.contains("{&quot;query&quot;:&quot;it's lang:rust&quot;}"), "{found}");
    let file = page(&format!("/repositories/{id}/files/a.rs")).await;
    assert!(file.contains("--data-urlencode 'path=a.rs'") && file.contains("read_file"), "{file}");
    assert!(!page("/search?q=a%E2%80%AEb").await.contains("In a terminal"), "what hides is not to be copied");
    let named = page("/search?q=POOL&kind=repositories").await;
    assert!(named.contains(&format!("href=\"/repositories/{id}\"")), "{named}");
    assert!(page("/search?q=alpha").await.contains("href=\"/search?q=%2F%5Cbalpha%5Cb%2F\""));
}
