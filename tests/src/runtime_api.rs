//! A stand-in for the Lambda runtime API, for running a function's binary ("Using the Lambda runtime API for custom
//! runtimes" and "Response streaming for Lambda functions", AWS Lambda Developer Guide).

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::routing::{get, post};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::observed::SAMPLED;
use crate::server::Server;

/// A function's response to an event.
pub struct FunctionResponse {
    pub headers: HeaderMap,
    /// The pieces, each with its time after the first.
    pub pieces: Vec<(Duration, Bytes)>,
}

/// The API of one function.
pub struct RuntimeApi {
    server: Server,
    /// Sends an event to the function.
    pub events: UnboundedSender<Value>,
    /// The times at which the function asked for an event.
    pub asked: UnboundedReceiver<Instant>,
    pub answered: UnboundedReceiver<FunctionResponse>,
}

#[derive(Clone)]
struct Shared {
    events: Arc<Mutex<UnboundedReceiver<Value>>>,
    asked: UnboundedSender<Instant>,
    answered: UnboundedSender<FunctionResponse>,
}

impl RuntimeApi {
    pub async fn start() -> Self {
        let (events, waiting) = unbounded_channel();
        let (asked_by, asked) = unbounded_channel();
        let (answered_by, answered) = unbounded_channel();
        let shared = Shared { events: Arc::new(Mutex::new(waiting)), asked: asked_by, answered: answered_by };
        let app = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .with_state(shared);
        Self { server: Server::start(app).await, events, asked, answered }
    }

    /// Sets the variables that Lambda sets for a function.
    pub fn run(&self, command: &mut Command) {
        command
            .env("AWS_LAMBDA_RUNTIME_API", self.server.url().trim_start_matches("http://"))
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256");
    }
}

async fn next(State(shared): State<Shared>) -> Response<Body> {
    // The test may be over.
    let _ = shared.asked.send(Instant::now());
    let event = shared.events.lock().await.recv().await;
    let Some(event) = event else { return std::future::pending().await };
    // A deadline before 2001 stands for none.
    Response::builder()
        .header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        .header("lambda-runtime-deadline-ms", "600000")
        .header("lambda-runtime-trace-id", SAMPLED)
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:function")
        .body(Body::from(event.to_string()))
        .expect("a response")
}

async fn response(State(shared): State<Shared>, headers: HeaderMap, body: Body) -> Response<Body> {
    let (mut pieces, mut first) = (Vec::new(), None);
    let mut body = body.into_data_stream();
    while let Some(piece) = body.next().await {
        let first = *first.get_or_insert_with(Instant::now);
        pieces.push((first.elapsed(), piece.expect("a piece")));
    }
    let _ = shared.answered.send(FunctionResponse { headers, pieces });
    Response::builder().status(202).body(Body::empty()).expect("a response")
}
