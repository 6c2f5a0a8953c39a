//! A function's binary against a stand-in for the Lambda runtime API: what came through API Gateway is
//! answered whole, what came by the function's own address is streamed ("Using the Lambda runtime API for
//! custom runtimes" and "Response streaming for Lambda functions", AWS Lambda Developer Guide).

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::routing::{get, post};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tests::binaries::{Program, binary};
use tests::observed::{Daemon, PARENT, SAMPLED};
use tests::{Api, ModelReply, ScriptedModel};
use tokio::process::Command;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What a function answered to one event.
struct Answered {
    headers: HeaderMap,
    /// The pieces, and when each came after the first.
    pieces: Vec<(Duration, Bytes)>,
}

impl Answered {
    fn body(&self) -> Vec<u8> {
        self.pieces.iter().flat_map(|(_, piece)| piece.to_vec()).collect()
    }

    fn is_streamed(&self) -> bool {
        let header = |name: &str| self.headers.get(name).map_or("", |value| value.to_str().unwrap());
        let is_streamed = header("lambda-runtime-function-response-mode") == "streaming";
        let form = "application/vnd.awslambda.http-integration-response";
        assert_eq!(is_streamed, header("content-type") == form);
        is_streamed
    }

    /// A streamed answer's head and body.
    fn parts(&self) -> (Value, String) {
        assert!(self.is_streamed());
        let body = self.body();
        let split = body.windows(8).position(|bytes| bytes == [0; 8]).expect("the mark between head and body");
        let head = serde_json::from_slice(&body[..split]).unwrap();
        (head, String::from_utf8(body[split + 8..].to_vec()).unwrap())
    }
}

#[derive(Clone)]
struct Shared {
    events: Arc<Mutex<Vec<Value>>>,
    answers: UnboundedSender<Answered>,
}

/// Hands out events, the last first, and then nothing.
async fn runtime_api(events: Vec<Value>) -> (String, UnboundedReceiver<Answered>) {
    let (answers, answered) = unbounded_channel();
    let shared = Shared { events: Arc::new(Mutex::new(events)), answers };
    let app = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .with_state(shared);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, answered)
}

async fn next(State(shared): State<Shared>) -> Response<Body> {
    let event = shared.events.lock().unwrap().pop();
    let Some(event) = event else { return std::future::pending().await };
    // A deadline before 2001 counts as none.
    Response::builder()
        .header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        .header("lambda-runtime-deadline-ms", "600000")
        .header("lambda-runtime-trace-id", SAMPLED)
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:lexi-chat")
        .body(Body::from(event.to_string()))
        .unwrap()
}

async fn response(State(shared): State<Shared>, headers: HeaderMap, body: Body) -> Response<Body> {
    let (mut pieces, mut first) = (Vec::new(), None);
    let mut body = body.into_data_stream();
    while let Some(piece) = body.next().await {
        let first = *first.get_or_insert_with(Instant::now);
        pieces.push((first.elapsed(), piece.unwrap()));
    }
    shared.answers.send(Answered { headers, pieces }).unwrap_or_else(|_| panic!("nobody waits"));
    Response::builder().status(202).body(Body::empty()).unwrap()
}

/// The event of a request with these headers, through API Gateway or by the function's own address.
fn event(is_own: bool, path: &str, accept: &str, key: &str) -> Value {
    let sample = std::fs::read_to_string(tests::project().join("events/lexi-chat.json")).unwrap();
    let mut event: Value = serde_json::from_str(&sample).unwrap();
    event["headers"]["accept"] = json!(accept);
    event["headers"]["authorization"] = json!(format!("Bearer {key}"));
    event["body"] = json!("{\"message\": \"Hello\"}");
    event["rawPath"] = json!(path);
    if is_own {
        event["routeKey"] = json!("$default");
        event["requestContext"]["routeKey"] = json!("$default");
        event["requestContext"]["domainName"] = json!("abc.lambda-url.eu-central-1.on.aws");
    }
    event
}

#[tokio::test]
async fn each_invocation_is_answered_in_the_form_that_its_way_takes() {
    let words = "It was a dark and stormy night.";
    let model = ScriptedModel::start(vec![ModelReply::Slowly(Duration::from_millis(100), words.to_owned())]).await;
    let api = Api::with_model(&model).await;
    let chat = "/v1/lexi/chat";
    let mut events = vec![
        event(true, chat, "text/event-stream", &api.key),
        event(false, chat, "text/event-stream", &api.key),
        event(true, chat, "*/*", &api.key),
        event(false, chat, "*/*", &api.key),
        event(true, chat, "text/event-stream", "wrong"),
        event(true, "/v1/credits", "*/*", &api.key),
    ];
    events.reverse();
    let (runtime, mut answered) = runtime_api(events).await;
    let daemon = Daemon::start().await;
    let mut function = Program::run(
        Command::new(binary("lexi-chat"))
            .env("AWS_LAMBDA_RUNTIME_API", runtime)
            .env("AWS_LAMBDA_FUNCTION_NAME", "lexi-chat")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .envs(&api.stack.variables)
            .env("AWS_XRAY_DAEMON_ADDRESS", &daemon.address)
            .env("LOG_LEVEL", "error")
            .env("STACK_NAME", "of-the-test"),
    );
    let mut answers = Vec::new();
    function
        .until("six answers", Duration::from_secs(60), async || {
            while let Ok(answer) = answered.try_recv() {
                answers.push(answer);
            }
            answers.len() == 6
        })
        .await;
    let events_in = |text: &str| {
        let deltas = text.lines().filter_map(|line| line.strip_prefix("data: {\"delta\":"));
        let heard: String = deltas.map(|rest| rest.split('"').nth(1).unwrap()).collect();
        assert_eq!(heard, words);
        assert!(text.contains("\n\nevent: done\ndata: {\"response\":") && text.ends_with("data: [DONE]\n\n"), "{text}");
    };

    // Streamed, each piece when it is there.
    let (head, body) = answers[0].parts();
    assert_eq!((&head["statusCode"], &head["headers"]["x-accel-buffering"]), (&json!(200), &json!("no")));
    assert_eq!(head["headers"]["content-type"], "text/event-stream; charset=utf-8");
    assert!(head["headers"]["x-ratelimit-remaining"].is_string(), "{head}");
    events_in(&body);
    let last = answers[0].pieces.last().unwrap().0;
    assert!(answers[0].pieces.len() > 6 && last > Duration::from_millis(500), "{last:?}");

    // The same request through the HTTP API: the same events, at once.
    assert!(!answers[1].is_streamed());
    let whole: Value = serde_json::from_slice(&answers[1].body()).unwrap();
    assert_eq!((&whole["statusCode"], &whole["isBase64Encoded"]), (&json!(200), &json!(false)));
    assert_eq!(whole["headers"]["content-type"], "text/event-stream; charset=utf-8");
    events_in(whole["body"].as_str().unwrap());

    // An answer without events takes the way's form, too.
    let (head, body) = answers[2].parts();
    assert_eq!((&head["statusCode"], &head["headers"]["content-type"]), (&json!(200), &json!("application/json")));
    let said: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(said["data"]["response"], words);
    assert!(!answers[3].is_streamed());
    let whole: Value = serde_json::from_slice(&answers[3].body()).unwrap();
    let said: Value = serde_json::from_str(whole["body"].as_str().unwrap()).unwrap();
    assert_eq!(said["data"]["response"], words);

    for (answer, status, code) in [(&answers[4], 401, "invalid_key"), (&answers[5], 404, "not_found")] {
        let (head, body) = answer.parts();
        assert_eq!(head["statusCode"], status);
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["error"]["code"], code);
    }

    // Metrics are lines of their own whatever the level of the log, and the traces go on from Lambda's.
    let lines: Vec<Value> = function.output().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let requests: Vec<_> = lines.iter().filter(|line| line["Requests"] == 1).collect();
    assert_eq!(requests.len(), 6, "{lines:?}");
    for line in requests {
        assert!(line["_aws"]["CloudWatchMetrics"].is_array(), "{line}");
        assert_eq!((&line["Stack"], &line["Function"]), (&json!("of-the-test"), &json!("lexi-chat")));
    }
    let traced = daemon.all().await;
    let requests = traced.iter().filter(|part| part["parent_id"] == PARENT).collect::<Vec<_>>();
    assert_eq!(requests.len(), 6, "{requests:?}");
    assert_eq!(traced.iter().filter(|part| part["name"] == "chat scripted").count(), 4);
}
