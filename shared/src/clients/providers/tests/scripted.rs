//! A provider that answers as scripted, byte for byte, and records the requests.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The reaction to a request.
#[derive(Clone, Copy)]
pub enum Reply {
    /// Answers with status, further header lines and body.
    Answer(u16, &'static str, &'static str),
    /// Answers with half of a body.
    Half(u16, &'static str),
    /// Closes the connection without an answer.
    Drop,
    /// Never answers.
    Silence,
}

pub struct Scripted {
    pub url: String,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Scripted {
    /// Starts a provider that reacts to every request in this way.
    pub async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut bytes = Vec::new();
                while !is_whole(&bytes) {
                    let mut buffer = [0; 4096];
                    let read = connection.read(&mut buffer).await.unwrap_or(0);
                    bytes.extend_from_slice(&buffer[..read]);
                    if read == 0 {
                        break;
                    }
                }
                seen.lock().unwrap().push(String::from_utf8(bytes).unwrap());
                let (status, more, body, sent) = match reply {
                    Reply::Answer(status, more, body) => (status, more, body, body.len()),
                    Reply::Half(status, body) => (status, "", body, body.len() / 2),
                    Reply::Drop => continue,
                    Reply::Silence => {
                        tokio::time::sleep(Duration::from_secs(60)).await;
                        continue;
                    }
                };
                let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{more}\r\n", body.len());
                connection.write_all(head.as_bytes()).await.unwrap();
                connection.write_all(&body.as_bytes()[..sent]).await.unwrap();
            }
        });
        Self { url, requests, task }
    }

    /// The requests so far, with head and body.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}
