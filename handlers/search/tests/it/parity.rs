//! The same requests to the Lambda, through the Runtime API, and to the router, through its layers over TCP.

use std::process::{Child, Command, Stdio};

use kotadb_core::config::Config;
use kotadb_core::db::{Scope, keys, tenants};
use kotadb_core::http::Resources;
use kotadb_core::identity::ApiKey;
use kotadb_core::testing::TestDb;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::runtime::Runtime;

const REQUEST_ID: &str = "0190b0a0-0000-7000-8000-000000000001";

/// Ends the Lambda with the test.
struct Lambda(Child);

impl Drop for Lambda {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _ended_already = self.0.wait();
    }
}

struct Asked {
    method: &'static str,
    path: &'static str,
    query: String,
    key: String,
    body: Option<Value>,
}

#[derive(Debug, PartialEq, Eq)]
struct Answered {
    status: u64,
    content_type: String,
    request_id: String,
    body: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn lambda_and_router_give_the_same_answers() {
    let db = TestDb::new().await;
    let data = tempfile::tempdir().unwrap();
    let variables = [
        ("KOTADB_MODE", "local"),
        ("DATABASE_URL", db.pooled_url.as_str()),
        ("KOTADB_DATA_DIR", data.path().to_str().unwrap()),
    ];
    let key = key(&db).await;
    let router = router(&variables).await;
    let mut runtime = Runtime::start().await;
    let _lambda = start(&runtime.address, &variables);
    let path = "/api/v1/search/code";
    let body = json!({ "query": "fn alpha", "limit": 3 });
    for asked in [
        Asked { method: "GET", path, query: "query=alpha%20%22a%20b%22".into(), key: key.clone(), body: None },
        Asked { method: "POST", path, query: String::new(), key: key.clone(), body: Some(body) },
        Asked { method: "POST", path, query: String::new(), key: key.clone(), body: Some(json!({ "no": 1 })) },
        Asked { method: "GET", path, query: "query=%22open".into(), key: key.clone(), body: None },
        Asked { method: "GET", path, query: "query=a&repository=no/such".into(), key: key.clone(), body: None },
        Asked { method: "GET", path, query: "query=a".into(), key: "kdb_live_wrong".into(), body: None },
        Asked { method: "DELETE", path, query: String::new(), key: key.clone(), body: None },
        Asked { method: "GET", path: "/nowhere", query: String::new(), key, body: None },
    ] {
        let by_lambda = invoke(&mut runtime, &asked).await;
        let by_router = send(&router, &asked).await;
        assert_eq!(by_lambda, by_router, "{} {}?{}", asked.method, asked.path, asked.query);
        assert_eq!(by_router.request_id, REQUEST_ID);
    }
}

async fn key(db: &TestDb) -> String {
    let key = ApiKey::generate(true);
    let mut tx = db.db.begin(Scope::Worker).await.unwrap();
    let tenant = tenants::ensure(&mut tx, "one").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.db.begin(Scope::Tenant(tenant)).await.unwrap();
    keys::create(&mut tx, tenant, "test", &key.sha256(), &key.display(), &["search"]).await.unwrap();
    tx.commit().await.unwrap();
    key.expose().to_owned()
}

/// The router over TCP; gives its URL.
async fn router(variables: &[(&str, &str)]) -> String {
    let found = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let resources = Resources::new(Config::from_lookup(&found).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = kotadb_router::build(resources);
    tokio::spawn(kotadb_core::http::serve(listener, router, std::future::pending()));
    url
}

fn start(runtime: &str, variables: &[(&str, &str)]) -> Lambda {
    let child = Command::new(env!("CARGO_BIN_EXE_bootstrap-search"))
        .env_clear()
        .envs(variables.iter().copied())
        .env("AWS_LAMBDA_RUNTIME_API", runtime)
        .env("AWS_LAMBDA_FUNCTION_NAME", "search")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .stdout(Stdio::null())
        .spawn();
    Lambda(child.unwrap())
}

/// An event of payload format 2.0, as API Gateway and function URLs send it.
async fn invoke(runtime: &mut Runtime, asked: &Asked) -> Answered {
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": asked.path,
        "rawQueryString": asked.query,
        "headers": {
            "authorization": format!("Bearer {}", asked.key),
            "content-type": "application/json",
            "x-request-id": REQUEST_ID,
            "host": "example.lambda-url.us-east-1.on.aws",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "example",
            "domainName": "example.lambda-url.us-east-1.on.aws",
            "http": {
                "method": asked.method, "path": asked.path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test",
            },
            "requestId": "8476a536", "stage": "$default", "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1,
        },
        "body": asked.body.as_ref().map(ToString::to_string),
        "isBase64Encoded": false,
    });
    let answer = runtime.invoke(event).await;
    let header = |name: &str| answer["headers"][name].as_str().unwrap_or_else(|| panic!("{name}: {answer}")).to_owned();
    assert_eq!(answer["isBase64Encoded"], false, "{answer}");
    Answered {
        status: answer["statusCode"].as_u64().unwrap(),
        content_type: header("content-type"),
        request_id: header("x-request-id"),
        body: answer["body"].as_str().unwrap().to_owned(),
    }
}

async fn send(router: &str, asked: &Asked) -> Answered {
    let question = if asked.query.is_empty() { String::new() } else { format!("?{}", asked.query) };
    let method = asked.method.parse().unwrap();
    let mut request = reqwest::Client::new()
        .request(method, format!("{router}{}{question}", asked.path))
        .bearer_auth(&asked.key)
        .header("x-request-id", REQUEST_ID)
        .header("content-type", "application/json");
    if let Some(body) = &asked.body {
        request = request.body(body.to_string());
    }
    let answer = request.send().await.unwrap();
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    Answered {
        status: u64::from(answer.status().as_u16()),
        content_type: header("content-type"),
        request_id: header("x-request-id"),
        body: answer.text().await.unwrap(),
    }
}
