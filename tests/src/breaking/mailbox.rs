//! Queues that deliver late, twice, in any order, and not always take what is sent to them: what the
//! functions send to instead of SQS, in whose protocol.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::dice::Dice;

/// A message, and the queue that it is in.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The queue's name.
    pub queue: String,
    /// The message's body.
    pub body: String,
}

#[derive(Default)]
struct Inner {
    letters: Mutex<Vec<Letter>>,
    storm: Mutex<Option<(Dice, u32)>>,
    injected: Mutex<BTreeMap<&'static str, usize>>,
    /// The first messages that say more than they should.
    talkative: Mutex<Vec<String>>,
    words: Vec<String>,
}

/// The queues.
pub struct Mailbox {
    url: String,
    inner: Arc<Inner>,
    task: JoinHandle<()>,
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Mailbox {
    /// Starts with nothing in them; no message may hold one of these words.
    pub async fn start(words: &[String]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Arc::new(Inner { words: words.to_vec(), ..Inner::default() });
        let app = axum::Router::new().fallback(take).with_state(Arc::clone(&inner));
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Self { url, inner, task }
    }

    /// Their address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on, so many of a thousand calls fail, and as many messages come twice.
    pub fn storm(&self, dice: Dice, per_mille: u32) {
        *self.inner.storm.lock().expect("storm") = Some((dice, per_mille));
    }

    /// From now on every message is taken, once.
    pub fn heal(&self) {
        *self.inner.storm.lock().expect("storm") = None;
    }

    /// Some message, whichever came first.
    pub fn draw(&self, dice: &Dice) -> Option<Letter> {
        let mut letters = self.inner.letters.lock().expect("letters");
        let index = dice.below(letters.len());
        (index < letters.len()).then(|| letters.swap_remove(index))
    }

    /// A message that was not worked off comes again.
    pub fn put_back(&self, letter: Letter) {
        self.inner.letters.lock().expect("letters").push(letter);
    }

    /// What was made to fail or to come twice.
    pub fn injected(&self) -> BTreeMap<&'static str, usize> {
        self.inner.injected.lock().expect("injected").clone()
    }

    /// Messages that held a word that none may hold.
    pub fn talkative(&self) -> Vec<String> {
        self.inner.talkative.lock().expect("messages").clone()
    }
}

impl Inner {
    fn happens(&self, what: &'static str) -> bool {
        let happens =
            self.storm.lock().expect("storm").as_ref().is_some_and(|(dice, n)| dice.below(1_000) < *n as usize);
        if happens {
            *self.injected.lock().expect("injected").entry(what).or_default() += 1;
        }
        happens
    }

    fn put(&self, queue: &str, body: &str) {
        let lower = body.to_lowercase();
        if self.words.iter().any(|word| lower.contains(word)) {
            self.talkative.lock().expect("messages").push(body.to_owned());
        }
        let letter = Letter { queue: queue.to_owned(), body: body.to_owned() };
        self.letters.lock().expect("letters").push(letter);
    }
}

async fn take(State(inner): State<Arc<Inner>>, body: Bytes) -> (StatusCode, [(&'static str, &'static str); 1], String) {
    let answer = |status, body: Value| (status, [("content-type", "application/x-amz-json-1.0")], body.to_string());
    let failed =
        || answer(StatusCode::INTERNAL_SERVER_ERROR, json!({"__type": "InternalError", "message": "injected"}));
    if inner.happens("queue: before") {
        return failed();
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let queue = request["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    for entry in request["Entries"].as_array().into_iter().flatten() {
        if inner.happens("queue: one of several") {
            refused.push(json!({"Id": entry["Id"], "SenderFault": false, "Code": "InternalError"}));
            continue;
        }
        let times = if inner.happens("queue: twice") { 2 } else { 1 };
        for _ in 0..times {
            inner.put(queue, entry["MessageBody"].as_str().unwrap_or_default());
        }
        taken.push(json!({"Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": "0"}));
    }
    if inner.happens("queue: after") {
        return failed();
    }
    answer(StatusCode::OK, json!({"Successful": taken, "Failed": refused}))
}
