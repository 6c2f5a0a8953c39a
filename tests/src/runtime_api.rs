//! A stand-in for the Lambda runtime API, that a function's binary is run against ("Using the Lambda runtime API for
//! custom runtimes" and "Response streaming for Lambda functions", AWS Lambda Developer Guide).

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

/// What a function answered to one event.
pub struct Answered {
    /// How it was sent.
    pub headers: HeaderMap,
    /// The pieces, and when each came after the first.
    pub pieces: Vec<(Duration, Bytes)>,
}

/// The API of one function.
pub struct RuntimeApi {
    address: String,
    /// Hands an event to the function.
    pub events: UnboundedSender<Value>,
    /// When the function asked for an event.
    pub asked: UnboundedReceiver<Instant>,
    /// What it answered.
    pub answered: UnboundedReceiver<Answered>,
}

#[derive(Clone)]
struct Shared {
    events: Arc<Mutex<UnboundedReceiver<Value>>>,
    asked: UnboundedSender<Instant>,
    answered: UnboundedSender<Answered>,
}

impl RuntimeApi {
    /// Starts one.
    pub async fn start() -> Self {
        let (events, waiting) = unbounded_channel();
        let (asked_by, asked) = unbounded_channel();
        let (answered_by, answered) = unbounded_channel();
        let shared = Shared { events: Arc::new(Mutex::new(waiting)), asked: asked_by, answered: answered_by };
        let app = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .with_state(shared);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, events, asked, answered }
    }

    /// Gives a command the variables that Lambda gives a function.
    pub fn run(&self, command: &mut Command) {
        command
            .env("AWS_LAMBDA_RUNTIME_API", &self.address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256");
    }
}

async fn next(State(shared): State<Shared>) -> Response<Body> {
    // Whoever started the function may be gone.
    let _ = shared.asked.send(Instant::now());
    let event = shared.events.lock().await.recv().await;
    let Some(event) = event else { return std::future::pending().await };
    // A deadline before 2001 counts as none.
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
    let _ = shared.answered.send(Answered { headers, pieces });
    Response::builder().status(202).body(Body::empty()).expect("a response")
}
