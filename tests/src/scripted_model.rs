//! An OpenAI-compatible endpoint that answers as a test says, down to broken bytes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use local::RealModel;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One answer of the model. Whoever asks for a stream gets it in pieces of a few characters.
#[derive(Clone)]
pub enum ModelReply {
    /// A completion with this text.
    Text(String),
    /// A completion that calls tools: names and arguments.
    Calls(Vec<(String, String)>),
    /// A completion that says something and calls tools.
    TextAndCalls(String, Vec<(String, String)>),
    /// A completion that was cut off at its length limit.
    CutOff(String),
    /// A status and body of the endpoint's own.
    Status(u16, String),
    /// 503, to be tried again after so many seconds.
    BusyFor(u64),
    /// Nothing, and the connection stays open.
    Silence,
    /// Half of an answer, then the connection ends.
    HalfAnAnswer,
    /// Half of this text, then the connection ends.
    BreaksOff(String),
    /// Half of this text, then nothing more, and the connection stays open.
    Hangs(String),
    /// Half of this text, then an error; an error alone to who asks for no stream.
    FailsWithin(String),
    /// This text, with a pause before each piece of a stream.
    Slowly(Duration, String),
    /// This text as it is, for a stream.
    Raw(String),
    /// Another reply, late.
    After(Duration, Box<ModelReply>),
    /// The reply that fits the request.
    By(Arc<dyn Fn(&Value) -> ModelReply + Send + Sync>),
}

impl std::fmt::Debug for ModelReply {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(formatter, "Text({text:?})"),
            Self::Calls(calls) => write!(formatter, "Calls({calls:?})"),
            Self::TextAndCalls(text, calls) => write!(formatter, "TextAndCalls({text:?}, {calls:?})"),
            Self::CutOff(text) => write!(formatter, "CutOff({text:?})"),
            Self::Status(status, body) => write!(formatter, "Status({status}, {body:?})"),
            Self::BusyFor(seconds) => write!(formatter, "BusyFor({seconds})"),
            Self::Silence => write!(formatter, "Silence"),
            Self::HalfAnAnswer => write!(formatter, "HalfAnAnswer"),
            Self::BreaksOff(text) => write!(formatter, "BreaksOff({text:?})"),
            Self::Hangs(text) => write!(formatter, "Hangs({text:?})"),
            Self::FailsWithin(text) => write!(formatter, "FailsWithin({text:?})"),
            Self::Slowly(pause, text) => write!(formatter, "Slowly({pause:?}, {text:?})"),
            Self::Raw(text) => write!(formatter, "Raw({text:?})"),
            Self::After(delay, later) => write!(formatter, "After({delay:?}, {later:?})"),
            Self::By(_) => write!(formatter, "By(_)"),
        }
    }
}

impl ModelReply {
    /// A completion with these suggestions.
    pub fn suggestions(suggestions: &[Value]) -> Self {
        Self::Text(json!({ "suggestions": suggestions }).to_string())
    }
}

/// A scripted endpoint; the last reply of the script goes on for ever.
pub struct ScriptedModel {
    url: String,
    requests: Arc<Mutex<Vec<Value>>>,
    task: JoinHandle<()>,
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ScriptedModel {
    /// Starts with a script.
    pub async fn start(script: Vec<ModelReply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(answer(connection, script.clone(), Arc::clone(&seen)));
            }
        });
        Self { url, requests, task }
    }

    /// How a stack is told of it.
    pub fn as_model(&self) -> RealModel {
        RealModel { base_url: self.url.clone(), key: "test-key".to_owned(), name: "scripted".to_owned() }
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Value> {
        self.requests.lock().expect("requests").clone()
    }
}

/// What is sent: a status, more headers, a body in pieces, and what follows it.
struct Sent {
    /// 0 for no answer at all.
    status: u16,
    more: String,
    is_stream: bool,
    pieces: Vec<String>,
    pause: Duration,
    end: End,
}

enum End {
    /// The body is whole.
    Whole,
    /// The connection ends before the body does.
    Cut,
    /// Nothing more comes, and the connection stays open.
    Silence,
}

async fn answer(mut connection: TcpStream, script: Vec<ModelReply>, seen: Arc<Mutex<Vec<Value>>>) {
    let Some(request) = read_request(&mut connection).await else { return };
    let index = {
        let mut seen = seen.lock().expect("requests");
        seen.push(request.clone());
        seen.len() - 1
    };
    let mut reply = script[index.min(script.len() - 1)].clone();
    loop {
        reply = match reply {
            ModelReply::After(delay, later) => {
                tokio::time::sleep(delay).await;
                *later
            }
            ModelReply::By(choose) => choose(&request),
            other => break send(connection, sent(other, &request)).await,
        }
    }
}

fn sent(reply: ModelReply, request: &Value) -> Sent {
    let streams = request["stream"] == true;
    let turn = request["messages"].as_array().map_or(0, Vec::len);
    let completion = |text: &str, calls: &[(String, String)], reason: &str| match streams {
        true => streamed(text, calls, reason, turn),
        false => vec![whole(text, calls, reason, turn)],
    };
    let of = |pieces: Vec<String>| Sent {
        status: 200,
        more: String::new(),
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
        Sent { end, ..of(pieces) }
    };
    match reply {
        ModelReply::Text(text) => of(completion(&text, &[], "stop")),
        ModelReply::Calls(calls) => of(completion("", &calls, "tool_calls")),
        ModelReply::TextAndCalls(text, calls) => of(completion(&text, &calls, "tool_calls")),
        ModelReply::CutOff(text) => of(completion(&text, &[], "length")),
        ModelReply::Status(status, body) => Sent { status, is_stream: false, ..of(vec![body]) },
        ModelReply::BusyFor(seconds) => {
            Sent { status: 503, more: format!("retry-after: {seconds}\r\n"), is_stream: false, ..of(Vec::new()) }
        }
        ModelReply::Silence => Sent { status: 0, end: End::Silence, ..of(Vec::new()) },
        ModelReply::HalfAnAnswer => half("{}", End::Cut),
        ModelReply::BreaksOff(text) => half(&text, End::Cut),
        ModelReply::Hangs(text) => half(&text, End::Silence),
        ModelReply::FailsWithin(text) => {
            let error = json!({"error": {"message": "overloaded", "type": "server_error"}});
            if !streams {
                return Sent { status: 500, ..of(vec![error.to_string()]) };
            }
            let mut failing = half(&text, End::Whole);
            failing.pieces.push(format!("data: {error}\n\n"));
            failing
        }
        ModelReply::Slowly(pause, text) => Sent { pause, ..of(completion(&text, &[], "stop")) },
        ModelReply::Raw(text) => Sent { is_stream: true, ..of(vec![text]) },
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
        let begun = json!({"index": index, "id": call_id(turn, index), "type": "function", "function": function});
        events.push(event(json!({"tool_calls": [begun]}), None));
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

async fn send(mut connection: TcpStream, sent: Sent) {
    if sent.status > 0 {
        let length: usize = sent.pieces.iter().map(String::len).sum();
        // What is cut off or hangs promises more than comes.
        let length = match (sent.is_stream, &sent.end) {
            (true, _) => String::new(),
            (false, End::Whole) => format!("content-length: {length}\r\n"),
            (false, _) => format!("content-length: {}\r\n", length + 1),
        };
        let content_type = if sent.is_stream { "text/event-stream" } else { "application/json" };
        let head = format!(
            "HTTP/1.1 {} X\r\ncontent-type: {content_type}\r\n{length}connection: close\r\n{}\r\n",
            sent.status, sent.more
        );
        let _ = connection.write_all(head.as_bytes()).await;
    }
    for piece in &sent.pieces {
        tokio::time::sleep(sent.pause).await;
        let _ = connection.write_all(piece.as_bytes()).await;
    }
    if matches!(sent.end, End::Silence) {
        // As long as the other side waits.
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
