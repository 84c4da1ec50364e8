//! Symbols by name over a published index: limits, filters, and what others may not see.

use kotadb_core::facts::{Facts, Flags, Span, Symbol, SymbolKind};
use kotadb_core::text;
use serde_json::json;

use crate::app::App;
use crate::index::publish_facts;

/// Words that begin with a capital are exported classes.
fn classes(content: &str) -> Option<Facts> {
    let mut facts = Facts::default();
    for word in text::words(content.as_bytes()).filter(|word| content[word.clone()].starts_with(char::is_uppercase)) {
        let span = Span { start: word.start as u32, end: word.end as u32 };
        let name = content[word].into();
        let symbol = Symbol { name, name_span: span, flags: Flags::EXPORTED, ..Symbol::new(SymbolKind::Class) };
        facts.symbols.push(Symbol { range: span, signature: span, ..symbol });
    }
    facts.number_lines(content.as_bytes());
    Some(facts)
}

const FILES: [(&str, &str); 3] =
    [("a.rs", "struct Pool\nstruct PoolKey\n"), ("b.py", "class Pool:\n"), ("gen/c.py", "class Pool:\n")];

#[tokio::test]
async fn symbols_are_found_by_name_and_narrowed() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let repository = app.register(&tenant.key, "a/b").await;
    publish_facts(&app.store, tenant.id, repository["id"].as_str().unwrap(), &FILES, classes).await;
    let get = async |asked: &str| app.call("GET", &format!("/api/v1/search/symbols?{asked}"), &tenant.key, None).await;
    let all = get("name=Pool").await;
    assert_eq!(all.status, 200, "{}", all.body);
    let ids: Vec<_> = all.body["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["a.rs#Pool", "b.py#Pool", "a.rs#PoolKey"]);
    let first = &all.body["items"][0];
    assert_eq!((&first["kind"], &first["line"], &first["column"]), (&json!("class"), &json!(1), &json!(8)));
    assert_eq!((&first["flags"], &first["match"]), (&json!(["exported"]), &json!("exact")));
    assert_eq!((&first["repository"], &first["ref"]), (&json!("a/b"), &json!("refs/heads/main")));
    assert_eq!((&all.body["index"]["hidden"], &all.body["truncated"]), (&json!(1), &json!(false)));
    let number = async |asked: &str| get(asked).await.body["items"].as_array().unwrap().len();
    assert_eq!(number("name=pool&exact=true").await, 0);
    assert_eq!(number("name=Pool&exact=true&filter=lang:python").await, 1);
    assert_eq!(number("name=Pool&exact=true&filter=generated:only").await, 1);
    assert_eq!(number("name=Pool&kind=function,method").await, 0);
    assert_eq!(number("name=key&repository=A/B").await, 1, "a part of a name");
    let short = get("name=Pool&limit=1").await;
    assert_eq!((short.body["items"].as_array().unwrap().len(), &short.body["truncated"]), (1, &json!(true)));
    for wrong in
        ["name=", "name=a&kind=thing", "name=a&filter=text", "name=a&limit=101", "name=a&nonsense=1", "exact=true"]
    {
        assert_eq!(get(wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(get("name=a&repository=no/such").await.status, 404);
    assert_eq!(get("name=a&min_version=99").await.code(), "index_behind");
}

#[tokio::test]
async fn a_query_asks_for_symbols_too() {
    let app = App::new().await;
    let (tenant, other) = (app.tenant("one").await, app.tenant("two").await);
    let repository = app.register(&tenant.key, "a/b").await;
    publish_facts(&app.store, tenant.id, repository["id"].as_str().unwrap(), &FILES, classes).await;
    let search = async |key: &str, query: &str| {
        app.call("POST", "/api/v1/search/code", key, Some(json!({ "query": query }))).await
    };
    let hits = async |query: &str| {
        let answer = search(&tenant.key, query).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let hit = |hit: &serde_json::Value| (hit["text"].clone(), hit["symbols"][0]["id"].clone());
        answer.body["items"].as_array().unwrap().iter().map(hit).collect::<Vec<_>>()
    };
    let pool = (json!("struct Pool"), json!("a.rs#Pool"));
    assert_eq!(hits("sym:Pool lang:rust").await, std::slice::from_ref(&pool));
    assert_eq!(hits("type:symbol Pool lang:rust").await, [pool]);
    assert_eq!(hits("sym:PoolK*").await, [(json!("struct PoolKey"), json!("a.rs#PoolKey"))]);
    assert_eq!(hits("PoolKey").await[0].1, json!(null), "nobody asked for symbols");
    let kind = search(&tenant.key, "sym:PoolKey").await;
    assert_eq!(kind.body["items"][0]["symbols"], json!([{ "id": "a.rs#PoolKey", "kind": "class" }]));
    let wrong = search(&tenant.key, "type:symbls Pool").await;
    assert!(wrong.status == 400 && wrong.body.to_string().contains("did you mean `type:symbol`"), "{}", wrong.body);
    let slip = search(&tenant.key, "sym:Pol").await;
    assert!(slip.body["notes"].to_string().contains("no symbol is called `Pol`: did you mean `Pool`"), "{}", slip.body);
    let nothing = search(&other.key, "sym:Pol").await;
    assert!(!nothing.body.to_string().contains("Pool") && nothing.body["items"] == json!([]), "{}", nothing.body);
}

#[tokio::test]
async fn what_another_tenant_has_is_not_there() {
    let app = App::new().await;
    let (one, two) = (app.tenant("one").await, app.tenant("two").await);
    let repository = app.register(&one.key, "a/b").await;
    publish_facts(&app.store, one.id, repository["id"].as_str().unwrap(), &FILES, classes).await;
    let answer = app.call("GET", "/api/v1/search/symbols?name=Pool", &two.key, None).await;
    assert_eq!((answer.status, &answer.body["items"], &answer.body["index"]["hidden"]), (200, &json!([]), &json!(0)));
}
