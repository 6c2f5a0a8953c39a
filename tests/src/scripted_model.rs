//! An OpenAI-compatible endpoint that answers as a test says, down to broken bytes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use local::RealModel;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One answer of the model.
#[derive(Clone, Debug)]
pub enum ModelReply {
    /// A completion with this text.
    Text(String),
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
    /// Another reply, late.
    After(Duration, Box<ModelReply>),
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

async fn answer(mut connection: TcpStream, script: Vec<ModelReply>, seen: Arc<Mutex<Vec<Value>>>) {
    let Some(request) = read_request(&mut connection).await else { return };
    let index = {
        let mut seen = seen.lock().expect("requests");
        seen.push(request);
        seen.len() - 1
    };
    let mut reply = script[index.min(script.len() - 1)].clone();
    while let ModelReply::After(delay, later) = reply {
        tokio::time::sleep(delay).await;
        reply = *later;
    }
    let completion = |text: &str, reason: &str| {
        let choice = json!({"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text}});
        json!({"model": "scripted-1", "choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 5}})
            .to_string()
    };
    let mut more = String::new();
    let (status, body, cut) = match reply {
        ModelReply::BusyFor(seconds) => {
            more = format!("retry-after: {seconds}\r\n");
            (503, String::new(), false)
        }
        ModelReply::Text(text) => (200, completion(&text, "stop"), false),
        ModelReply::CutOff(text) => (200, completion(&text, "length"), false),
        ModelReply::Status(status, body) => (status, body, false),
        ModelReply::HalfAnAnswer => (200, completion("{}", "stop"), true),
        ModelReply::Silence | ModelReply::After(..) => {
            // As long as the other side waits.
            let _ = connection.read(&mut [0; 1]).await;
            return;
        }
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n{more}\r\n",
        body.len()
    );
    let sent = if cut { &body[..body.len() / 2] } else { &body[..] };
    let _ = connection.write_all(format!("{head}{sent}").as_bytes()).await;
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
