//! Queries made to do harm, through the route: each gets an answer or a problem that says where and what to do.

use serde_json::json;

use crate::app::App;
use crate::index::publish;

const TEXT: &str = "fn main() {\n    println!(\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\");\n}\n";

#[tokio::test]
async fn hostile_queries_get_an_answer_or_a_problem_that_helps() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let repository = app.register(&tenant.key, "a/b").await;
    publish(&app.store, tenant.id, repository["id"].as_str().unwrap(), &[("src/main.rs", TEXT)]).await;
    let ask = async |query: &str| {
        let asked = json!({ "query": query, "count": true, "facets": true, "context": 10, "explain": true });
        app.call("POST", "/api/v1/search/code", &tenant.key, Some(asked)).await
    };
    for (query, lines) in [
        ("/.*.*.*n/", 2),
        ("/(a|a)*b/", 0),
        ("/(a+)+$/", 0),
        ("/x*/", 3),
        ("/[ab]{0,9000}c/ case:yes", 0),
        ("/.*/ multiline:yes", 3),
        (r"/(?i)\pL{4}/", 2),
        (&format!("{}fn{}", "(".repeat(64), ")".repeat(64)), 1),
        (&format!("/{}/", (0..200).map(|nth| format!("{nth}|")).collect::<String>() + "main"), 1),
    ] {
        let answer = ask(query).await;
        assert_eq!((answer.status, &answer.body["total"]), (200, &json!(lines)), "{query}: {}", answer.body);
    }
    for query in [
        "/((a{100}){100}){100}/",
        "/a{1000000000}/",
        r"/\w{1000}/",
        &format!("/{}/", r"\w{10}/ /".repeat(90)),
        &format!("{}fn{}", "(".repeat(65), ")".repeat(65)),
        &format!("fn {}x", "NOT ".repeat(65)),
        &"x".repeat(1025),
        "/(/",
        "path:{a,{b",
        "\"open",
    ] {
        let answer = ask(query).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_query"), "{query}: {}", answer.body);
        let error = &answer.body["errors"][0];
        assert!(error["position"].as_u64().is_some_and(|at| at > 0), "{query}: {error}");
        assert!(error["help"].as_str().is_some_and(|help| help.len() > 10), "{query}: {error}");
    }
}

#[tokio::test]
async fn a_query_string_that_is_no_text_is_refused_or_read_as_it_can_be() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    app.register(&key, "a/b").await;
    for (query, status) in [
        ("query=%FF", 400),
        ("query=%C3%28", 400),
        ("query=%E2%84%AA", 200),
        ("query=%00", 200),
        ("query=%", 200),
        ("query=a&query=b", 400),
        ("query=", 400),
        (&format!("query={}", "%F0%9F%A6%80".repeat(256)), 200),
        (&format!("query={}", "%F0%9F%A6%80".repeat(257)), 400),
    ] {
        let answer = app.call("GET", &format!("/api/v1/search/code?{query}"), &key, None).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
        assert!(
            status == 200 || answer.body["detail"].as_str().is_some_and(|detail| detail.len() > 10),
            "{}",
            answer.body
        );
    }
}
