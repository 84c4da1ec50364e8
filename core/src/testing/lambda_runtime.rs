//! A small fake of the Lambda Runtime API, which hands out events one by one and collects the answers, and the events that API
//! Gateway sends there (payload format 2.0). API: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

/// The fake, and the Lambda that asks it, which ends with it.
#[derive(Debug)]
pub struct LambdaRuntime {
    address: String,
    events: mpsc::UnboundedSender<Value>,
    answers: mpsc::UnboundedReceiver<Value>,
    lambda: Option<Child>,
}

#[derive(Debug)]
struct Queues {
    events: Mutex<mpsc::UnboundedReceiver<Value>>,
    answers: mpsc::UnboundedSender<Value>,
}

/// An HTTP request as API Gateway and function URLs put it.
#[derive(Clone, Debug, Default)]
pub struct LambdaEvent {
    /// Method.
    pub method: String,
    /// Path, with the stage where API Gateway leaves it there.
    pub path: String,
    /// Query, without `?`.
    pub query: String,
    /// Headers but cookies; of those that come twice, the values joined.
    pub headers: Vec<(String, String)>,
    /// Cookies, each `name=value`.
    pub cookies: Vec<String>,
    /// Body.
    pub body: Option<Vec<u8>>,
    /// Whether it comes as base64, as all does that need not be text.
    pub is_base64: bool,
    /// Stage; empty: `$default`.
    pub stage: String,
}

/// What a Lambda answered.
#[derive(Clone, Debug)]
pub struct LambdaAnswer {
    /// Status.
    pub status: u16,
    /// Headers in lower case, and cookies as `set-cookie`, sorted.
    pub headers: Vec<(String, String)>,
    /// Body, decoded.
    pub body: Vec<u8>,
}

impl LambdaRuntime {
    /// The fake alone.
    pub async fn start() -> io::Result<Self> {
        let (events, waiting) = mpsc::unbounded_channel();
        let (done, answers) = mpsc::unbounded_channel();
        let queues = Arc::new(Queues { events: Mutex::new(waiting), answers: done });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(respond))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(respond))
            .with_state(queues);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, events, answers, lambda: None })
    }

    /// Starts a bootstrap with these variables and no others.
    pub fn run(&mut self, bootstrap: &Path, variables: &[(&str, &str)]) -> io::Result<()> {
        let child = Command::new(bootstrap)
            .env_clear()
            .envs(variables.iter().copied())
            .env("AWS_LAMBDA_RUNTIME_API", &self.address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "kotadb")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .stdout(Stdio::null())
            .spawn()?;
        self.lambda = Some(child);
        Ok(())
    }

    /// Runs one invocation. `None`: the Lambda is gone, or what it answered is none.
    pub async fn invoke(&mut self, event: &LambdaEvent) -> Option<LambdaAnswer> {
        self.events.send(event.json()).ok()?;
        LambdaAnswer::read(&self.answers.recv().await?)
    }
}

impl Drop for LambdaRuntime {
    fn drop(&mut self) {
        if let Some(lambda) = &mut self.lambda {
            let _ended_already = lambda.kill();
            let _ended_already = lambda.wait();
        }
    }
}

impl LambdaEvent {
    fn json(&self) -> Value {
        let stage = if self.stage.is_empty() { "$default" } else { &self.stage };
        let headers: Map<String, Value> =
            self.headers.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        let body = self.body.as_ref().map(|body| match self.is_base64 {
            true => STANDARD.encode(body),
            false => String::from_utf8_lossy(body).into_owned(),
        });
        json!({
            "version": "2.0", "routeKey": "$default", "rawPath": self.path, "rawQueryString": self.query,
            "headers": headers, "cookies": self.cookies,
            "requestContext": {
                "accountId": "123456789012", "apiId": "example", "domainName": "example.lambda-url.us-east-1.on.aws",
                "http": {
                    "method": self.method, "path": self.path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                    "userAgent": "test",
                },
                "requestId": "8476a536", "stage": stage, "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1,
            },
            "body": body, "isBase64Encoded": self.is_base64,
        })
    }
}

impl LambdaAnswer {
    fn read(answer: &Value) -> Option<Self> {
        let text = answer["body"].as_str().unwrap_or_default();
        let body = match answer["isBase64Encoded"].as_bool()? {
            true => STANDARD.decode(text).ok()?,
            false => text.as_bytes().to_vec(),
        };
        let pairs = |name: &str| answer[name].as_object().into_iter().flatten().collect::<Vec<_>>();
        let single = pairs("headers").into_iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?)));
        let many = pairs("multiValueHeaders").into_iter().flat_map(|(name, values)| {
            let values = values.as_array().into_iter().flatten().filter_map(Value::as_str);
            values.map(move |value| (name.clone(), value)).collect::<Vec<_>>()
        });
        let cookies = answer["cookies"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let cookies = cookies.map(|cookie| ("set-cookie".to_owned(), cookie));
        let all = single.chain(many).chain(cookies);
        let mut headers: Vec<_> = all.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        headers.sort();
        headers.dedup();
        Some(Self { status: u16::try_from(answer["statusCode"].as_u64()?).ok()?, headers, body })
    }
}

async fn next(State(queues): State<Arc<Queues>>) -> Response {
    let Some(event) = queues.events.lock().await.recv().await else { return StatusCode::GONE.into_response() };
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:kotadb"),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"),
    ];
    (headers, event.to_string()).into_response()
}

async fn respond(State(queues): State<Arc<Queues>>, UrlPath(_id): UrlPath<String>, body: String) -> StatusCode {
    let answer = serde_json::from_str(&body).unwrap_or_else(|_| json!({ "error": body }));
    // Nobody waits once the test is over.
    let _ = queues.answers.send(answer);
    StatusCode::ACCEPTED
}
