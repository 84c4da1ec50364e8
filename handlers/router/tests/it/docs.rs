//! Pages that explain the API: complete, and shut against anything from elsewhere.

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use kotadb_core::http::{Code, Resources};
use tower::ServiceExt;

use crate::app::config;

/// Status, headers and text.
async fn page(path: &str, tag: &str) -> (u16, axum::http::HeaderMap, String) {
    let router = kotadb_router::build(Resources::new(config("postgres://x@127.0.0.1:1/x?sslmode=disable", &[])));
    let request = Request::builder().uri(path).header("if-none-match", tag).body(Body::empty()).unwrap();
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    (parts.status.as_u16(), parts.headers, text)
}

#[tokio::test]
async fn the_reference_shows_every_operation_and_loads_nothing() {
    let (status, headers, text) = page("/docs/api", "").await;
    assert_eq!((status, &headers["content-type"]), (200, &"text/html; charset=utf-8".parse().unwrap()));
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    for forbidden in ["<script", "javascript:", " src=", "<link", "@import", "url(", " style=", " on"] {
        let found = text.split("<body>").nth(1).unwrap().match_indices(forbidden).any(|(at, _)| {
            // Words of prose may look like an attribute: only tags count.
            let body = text.split("<body>").nth(1).unwrap();
            body[..at].rfind('<') > body[..at].rfind('>')
        });
        assert!(!found, "`{forbidden}` is in a tag");
    }
    let document = crate::openapi::document();
    for (path, item) in document["paths"].as_object().unwrap() {
        assert!(text.contains(&format!("<code>{path}</code>")), "{path}");
        for operation in item.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(text.contains(&format!("<section id=\"{id}\">")), "{id}");
        }
    }
    for anchor in text.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(text.contains(&format!("id=\"{anchor}\"")), "nothing is at `#{anchor}`");
    }
    let tag = headers["etag"].to_str().unwrap();
    assert_eq!(page("/docs/api", tag).await.0, 304);
}

#[tokio::test]
async fn every_problem_has_its_page() {
    for code in Code::ALL {
        let (status, _, text) = page(&format!("/errors/{}", code.as_str()), "").await;
        assert!(status == 200 && text.contains(code.title()) && code.meaning().len() > 10, "{code:?}");
    }
    let (status, headers, text) = page("/errors/%3Cscript%3E", "").await;
    assert_eq!((status, &headers["content-type"]), (404, &"application/problem+json".parse().unwrap()));
    assert!(!text.contains("<script>"));
}

#[tokio::test]
async fn language_models_are_told_every_operation() {
    let (status, _, text) = page("/llms.txt", "").await;
    assert!(status == 200 && text.starts_with("# KotaDB\n"));
    for path in crate::openapi::document()["paths"].as_object().unwrap().keys() {
        assert!(text.contains(&format!(" {path}`: ")), "{path}");
    }
}
