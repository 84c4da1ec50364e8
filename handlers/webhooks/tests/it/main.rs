//! The real bootstrap of this family. Run with `--features lambda`. A signature is of the bytes that were sent, which API
//! Gateway may have put into base64.

use kotadb_core::crypto::{hmac_sha256, to_hex};
use kotadb_core::testing::{LambdaEvent, LambdaRuntime, TestDb};
use serde_json::Value;

const SECRET: &str = "the secret of the App";

fn ping(is_base64: bool, secret: &str) -> LambdaEvent {
    let body = br#"{"zen":"Non-blocking is better than blocking.","hook_id":7,"hook":{"type":"App"}}"#.to_vec();
    let signature = format!("sha256={}", to_hex(&hmac_sha256(secret.as_bytes(), &body)));
    let delivery = uuid::Uuid::now_v7().to_string();
    let headers = [
        ("content-type", "application/json"),
        ("x-github-event", "ping"),
        ("x-github-delivery", delivery.as_str()),
        ("x-hub-signature-256", signature.as_str()),
    ];
    LambdaEvent {
        method: "POST".into(),
        path: "/webhooks/github/app".into(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: Some(body),
        is_base64,
        ..LambdaEvent::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_of_the_decoded_body() {
    let db = TestDb::new().await;
    let mut runtime = LambdaRuntime::start().await.unwrap();
    let variables = [
        ("KOTADB_MODE", "local"),
        ("DATABASE_URL", db.pooled_url.as_str()),
        ("KOTADB_DATA_DIR", "/nonexistent"),
        ("GITHUB_APP_WEBHOOK_SECRET", SECRET),
    ];
    runtime.run(env!("CARGO_BIN_EXE_bootstrap-webhooks").as_ref(), &variables).unwrap();
    for is_base64 in [true, false] {
        let answer = runtime.invoke(&ping(is_base64, SECRET)).await.unwrap();
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let refused = runtime.invoke(&ping(is_base64, "another")).await.unwrap();
        let problem: Value = serde_json::from_slice(&refused.body).unwrap();
        assert_eq!((refused.status, problem["code"].as_str()), (401, Some("bad_signature")));
    }
}
