//! An OpenAI-compatible endpoint with scripted replies, down to broken bytes.

use std::fmt::{Debug, Formatter};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use local::RealModel;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::Server;

/// A reply of the model; in a stream, it comes in pieces of a few characters.
#[derive(Clone, Debug)]
pub enum ModelReply {
    Text(String),
    /// Tool calls, with names and arguments.
    Calls(Vec<(String, String)>),
    TextAndCalls(String, Vec<(String, String)>),
    /// A completion that the length limit ended.
    CutOff(String),
    /// A status and a body.
    Status(u16, String),
    /// Status 503, to be retried after so many seconds.
    BusyFor(u64),
    /// No answer on an open connection.
    Silence,
    /// Half of an answer, then the end of the connection.
    HalfAnAnswer,
    /// Half of this text, then the end of the connection.
    BreaksOff(String),
    /// Half of this text, then silence on an open connection.
    Hangs(String),
    /// Half of this text, then an error; without a stream, only an error.
    FailsWithin(String),
    /// This text, with a pause before each piece of a stream.
    Slowly(Duration, String),
    /// The bytes of a stream.
    Raw(String),
    /// Another reply after a delay.
    After(Duration, Box<ModelReply>),
    /// A reply chosen by the request.
    By(Arc<dyn Choose>),
}

pub trait Choose: Fn(&Value) -> ModelReply + Send + Sync {}

impl<F: Fn(&Value) -> ModelReply + Send + Sync> Choose for F {}

impl Debug for dyn Choose {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("_")
    }
}

impl ModelReply {
    /// A completion with these suggestions.
    pub fn suggestions(suggestions: &[Value]) -> Self {
        Self::Text(json!({ "suggestions": suggestions }).to_string())
    }
}

/// A scripted endpoint; the last reply of the script repeats.
pub struct ScriptedModel {
    server: Server,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl ScriptedModel {
    pub async fn start(script: Vec<ModelReply>) -> Self {
        let requests = Arc::<Mutex<Vec<_>>>::default();
        let recorded = Arc::clone(&requests);
        let server = Server::with(async move |listener| {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(answer(connection, script.clone(), Arc::clone(&recorded)));
            }
        });
        Self { server: server.await, requests }
    }

    /// The endpoint as an option of a stack.
    pub fn as_model(&self) -> RealModel {
        RealModel {
            base_url: format!("{}/v1", self.server.url()),
            key: "test-key".to_owned(),
            name: "scripted".to_owned(),
        }
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Value> {
        self.requests.lock().expect("requests").clone()
    }
}

/// An HTTP response, whole or not.
struct Response {
    /// 0 for no answer at all.
    status: u16,
    /// Further headers.
    headers: String,
    is_stream: bool,
    pieces: Vec<String>,
    pause: Duration,
    end: End,
}

/// What follows the pieces of a body.
enum End {
    /// The end of a whole body.
    Whole,
    /// The end of the connection, before the body's.
    Cut,
    /// Nothing, on an open connection.
    Silence,
}

async fn answer(mut connection: TcpStream, script: Vec<ModelReply>, requests: Arc<Mutex<Vec<Value>>>) {
    let Some(request) = read_request(&mut connection).await else { return };
    let index = {
        let mut requests = requests.lock().expect("requests");
        requests.push(request.clone());
        requests.len() - 1
    };
    let mut reply = script[index.min(script.len() - 1)].clone();
    loop {
        reply = match reply {
            ModelReply::After(delay, later) => {
                tokio::time::sleep(delay).await;
                *later
            }
            ModelReply::By(choose) => choose(&request),
            other => break send(connection, response_of(other, &request)).await,
        }
    }
}

fn response_of(reply: ModelReply, request: &Value) -> Response {
    let streams = request["stream"] == true;
    let turn = request["messages"].as_array().map_or(0, Vec::len);
    let completion = |text: &str, calls: &[(String, String)], reason: &str| match streams {
        true => streamed(text, calls, reason, turn),
        false => vec![whole(text, calls, reason, turn)],
    };
    let of = |pieces: Vec<String>| Response {
        status: 200,
        headers: String::new(),
        is_stream: streams,
        pieces,
        pause: Duration::ZERO,
        end: End::Whole,
    };
    let half = |text: &str, end: End| {
        let pieces = completion(text, &[], "stop");
        let pieces = match pieces.as_slice() {
            [one] => vec![one[..one.len() / 2].to_owned()],
            several => several[..several.len() / 2].to_vec(),
        };
        Response { end, ..of(pieces) }
    };
    match reply {
        ModelReply::Text(text) => of(completion(&text, &[], "stop")),
        ModelReply::Calls(calls) => of(completion("", &calls, "tool_calls")),
        ModelReply::TextAndCalls(text, calls) => of(completion(&text, &calls, "tool_calls")),
        ModelReply::CutOff(text) => of(completion(&text, &[], "length")),
        ModelReply::Status(status, body) => Response { status, is_stream: false, ..of(vec![body]) },
        ModelReply::BusyFor(seconds) => {
            Response { status: 503, headers: format!("retry-after: {seconds}\r\n"), is_stream: false, ..of(Vec::new()) }
        }
        ModelReply::Silence => Response { status: 0, end: End::Silence, ..of(Vec::new()) },
        ModelReply::HalfAnAnswer => half("{}", End::Cut),
        ModelReply::BreaksOff(text) => half(&text, End::Cut),
        ModelReply::Hangs(text) => half(&text, End::Silence),
        ModelReply::FailsWithin(text) => {
            let error = json!({"error": {"message": "overloaded", "type": "server_error"}});
            if !streams {
                return Response { status: 500, ..of(vec![error.to_string()]) };
            }
            let mut failing = half(&text, End::Whole);
            failing.pieces.push(format!("data: {error}\n\n"));
            failing
        }
        ModelReply::Slowly(pause, text) => Response { pause, ..of(completion(&text, &[], "stop")) },
        ModelReply::Raw(text) => Response { is_stream: true, ..of(vec![text]) },
        ModelReply::After(..) | ModelReply::By(_) => unreachable!("resolved before"),
    }
}

fn call_id(turn: usize, index: usize) -> String {
    format!("call_{turn}_{index}")
}

fn whole(text: &str, calls: &[(String, String)], reason: &str, turn: usize) -> String {
    let mut message = json!({"role": "assistant", "content": text});
    if !calls.is_empty() {
        let call = |(index, (name, arguments)): (usize, &(String, String))| {
            let function = json!({"name": name, "arguments": arguments});
            json!({"id": call_id(turn, index), "type": "function", "function": function})
        };
        message["tool_calls"] = calls.iter().enumerate().map(call).collect();
    }
    let choice = json!({"index": 0, "finish_reason": reason, "message": message});
    json!({"model": "scripted-1", "choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 5}})
        .to_string()
}

fn streamed(text: &str, calls: &[(String, String)], reason: &str, turn: usize) -> Vec<String> {
    let event = |delta: Value, reason: Option<&str>| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        format!("data: {}\n\n", json!({"model": "scripted-1", "choices": [choice]}))
    };
    let pieces = |text: &str| {
        let characters: Vec<char> = text.chars().collect();
        characters.chunks(4).map(String::from_iter).collect::<Vec<_>>()
    };
    let mut events: Vec<_> = pieces(text).iter().map(|piece| event(json!({"content": piece}), None)).collect();
    for (index, (name, arguments)) in calls.iter().enumerate() {
        let function = json!({"name": name, "arguments": ""});
        let call = json!({"index": index, "id": call_id(turn, index), "type": "function", "function": function});
        events.push(event(json!({"tool_calls": [call]}), None));
        events.extend(pieces(arguments).iter().map(|piece| {
            let piece = json!({"index": index, "function": {"arguments": piece}});
            event(json!({"tool_calls": [piece]}), None)
        }));
    }
    events.push(event(json!({}), Some(reason)));
    let usage = json!({"prompt_tokens": 7, "completion_tokens": 5});
    events.push(format!("data: {}\n\n", json!({"choices": [], "usage": usage})));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

async fn send(mut connection: TcpStream, response: Response) {
    if response.status > 0 {
        let length: usize = response.pieces.iter().map(String::len).sum();
        // A body that is cut off or hangs promises more bytes.
        let length = match (response.is_stream, &response.end) {
            (true, _) => String::new(),
            (false, End::Whole) => format!("content-length: {length}\r\n"),
            (false, _) => format!("content-length: {}\r\n", length + 1),
        };
        let content_type = if response.is_stream { "text/event-stream" } else { "application/json" };
        let head = format!(
            "HTTP/1.1 {} X\r\ncontent-type: {content_type}\r\n{length}connection: close\r\n{}\r\n",
            response.status, response.headers
        );
        let _ = connection.write_all(head.as_bytes()).await;
    }
    for piece in &response.pieces {
        tokio::time::sleep(response.pause).await;
        let _ = connection.write_all(piece.as_bytes()).await;
    }
    if matches!(response.end, End::Silence) {
        // Waits until the client closes the connection.
        let _ = connection.read(&mut [0; 1]).await;
        return;
    }
    let _ = connection.shutdown().await;
}

async fn read_request(connection: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let read = connection.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return serde_json::from_str(body).ok();
            }
        }
    }
}
