//! A function's binary against a stand-in for the Lambda runtime API: what came through API Gateway is
//! answered whole, what came by the function's own address is streamed ("Using the Lambda runtime API for
//! custom runtimes" and "Response streaming for Lambda functions", AWS Lambda Developer Guide).

use std::time::Duration;

use serde_json::{Value, json};
use tests::binaries::{Program, binary};
use tests::observed::{Daemon, PARENT};
use tests::runtime_api::{FunctionResponse, RuntimeApi};
use tests::{Api, ModelReply, ScriptedModel};
use tokio::process::Command;

fn body(answered: &FunctionResponse) -> Vec<u8> {
    answered.pieces.iter().flat_map(|(_, piece)| piece.to_vec()).collect()
}

fn is_streamed(answered: &FunctionResponse) -> bool {
    let header = |name: &str| answered.headers.get(name).map_or("", |value| value.to_str().unwrap());
    let is_streamed = header("lambda-runtime-function-response-mode") == "streaming";
    let form = "application/vnd.awslambda.http-integration-response";
    assert_eq!(is_streamed, header("content-type") == form);
    is_streamed
}

/// A streamed answer's head and body.
fn parts(answered: &FunctionResponse) -> (Value, String) {
    assert!(is_streamed(answered));
    let body = body(answered);
    let split = body.windows(8).position(|bytes| bytes == [0; 8]).expect("the mark between head and body");
    let head = serde_json::from_slice(&body[..split]).unwrap();
    (head, String::from_utf8(body[split + 8..].to_vec()).unwrap())
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
    // Sentences, because each is checked before it is shown.
    let words = "It rains. It pours. It snows. It thaws. It dries. It blows. It clears. It ends.";
    let model = ScriptedModel::start(vec![ModelReply::Slowly(Duration::from_millis(100), words.to_owned())]).await;
    let api = Api::with_model(&model).await;
    let chat = "/v1/lexi/chat";
    let events = [
        event(true, chat, "text/event-stream", &api.key),
        event(false, chat, "text/event-stream", &api.key),
        event(true, chat, "*/*", &api.key),
        event(false, chat, "*/*", &api.key),
        event(true, chat, "text/event-stream", "wrong"),
        event(true, "/v1/credits", "*/*", &api.key),
    ];
    let mut runtime = RuntimeApi::start().await;
    for event in events {
        runtime.events.send(event).unwrap();
    }
    let mut command = Command::new(binary("lexi-chat"));
    runtime.run(&mut command);
    let daemon = Daemon::start().await;
    command.envs(&api.stack.variables).env("AWS_XRAY_DAEMON_ADDRESS", &daemon.address);
    let mut function = Program::run(command.env("LOG_LEVEL", "error").env("STACK_NAME", "of-the-test"));
    let mut answers = Vec::new();
    function
        .until("six answers", Duration::from_secs(60), async || {
            while let Ok(answer) = runtime.answered.try_recv() {
                answers.push(answer);
            }
            answers.len() == 6
        })
        .await;
    let events_in = |text: &str| {
        let deltas = text.lines().filter_map(|line| line.strip_prefix("data: {\"delta\":"));
        let heard: String = deltas.map(|rest| rest.split('"').nth(1).unwrap()).collect();
        assert_eq!(heard, words);
        assert!(text.contains("\nevent: done\ndata: {\"response\":") && text.ends_with("data: [DONE]\n\n"), "{text}");
    };

    // Streamed, each piece when it is there.
    let (head, told) = parts(&answers[0]);
    assert_eq!((&head["statusCode"], &head["headers"]["x-accel-buffering"]), (&json!(200), &json!("no")));
    assert_eq!(head["headers"]["content-type"], "text/event-stream; charset=utf-8");
    assert!(head["headers"]["x-ratelimit-remaining"].is_string(), "{head}");
    events_in(&told);
    let last = answers[0].pieces.last().unwrap().0;
    assert!(answers[0].pieces.len() > 6 && last > Duration::from_millis(500), "{last:?}");

    // The same request through the HTTP API: the same events, at once.
    assert!(!is_streamed(&answers[1]));
    let whole: Value = serde_json::from_slice(&body(&answers[1])).unwrap();
    assert_eq!((&whole["statusCode"], &whole["isBase64Encoded"]), (&json!(200), &json!(false)));
    assert_eq!(whole["headers"]["content-type"], "text/event-stream; charset=utf-8");
    events_in(whole["body"].as_str().unwrap());

    // An answer without events takes the way's form, too.
    let (head, told) = parts(&answers[2]);
    assert_eq!((&head["statusCode"], &head["headers"]["content-type"]), (&json!(200), &json!("application/json")));
    let said: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(said["data"]["response"], words);
    assert!(!is_streamed(&answers[3]));
    let whole: Value = serde_json::from_slice(&body(&answers[3])).unwrap();
    let said: Value = serde_json::from_str(whole["body"].as_str().unwrap()).unwrap();
    assert_eq!(said["data"]["response"], words);

    for (answer, status, code) in [(&answers[4], 401, "invalid_key"), (&answers[5], 404, "not_found")] {
        let (head, told) = parts(answer);
        assert_eq!(head["statusCode"], status);
        assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["error"]["code"], code);
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
