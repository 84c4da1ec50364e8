//! A small fake of the Lambda Runtime API: hands out events one by one and collects the answers.
//! API: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

/// The fake; `address` is for `AWS_LAMBDA_RUNTIME_API`.
pub struct Runtime {
    pub address: String,
    events: mpsc::UnboundedSender<Value>,
    answers: mpsc::UnboundedReceiver<Value>,
}

struct Queues {
    events: Mutex<mpsc::UnboundedReceiver<Value>>,
    answers: mpsc::UnboundedSender<Value>,
}

impl Runtime {
    pub async fn start() -> Self {
        let (events, waiting) = mpsc::unbounded_channel();
        let (done, answers) = mpsc::unbounded_channel();
        let queues = Arc::new(Queues { events: Mutex::new(waiting), answers: done });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(respond))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(respond))
            .with_state(queues);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, events, answers }
    }

    /// Runs one invocation and gives its answer.
    pub async fn invoke(&mut self, event: Value) -> Value {
        self.events.send(event).unwrap();
        self.answers.recv().await.unwrap()
    }
}

async fn next(State(queues): State<Arc<Queues>>) -> Response {
    let Some(event) = queues.events.lock().await.recv().await else { return StatusCode::GONE.into_response() };
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:search"),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"),
    ];
    (headers, event.to_string()).into_response()
}

async fn respond(State(queues): State<Arc<Queues>>, Path(_id): Path<String>, body: String) -> StatusCode {
    let answer = serde_json::from_str(&body).unwrap_or_else(|_| json!({ "error": body }));
    queues.answers.send(answer).unwrap();
    StatusCode::ACCEPTED
}
