//! Queues that deliver late, twice, in any order, and not always take what is sent to them: what the
//! functions send to instead of SQS, in whose protocol.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::server::Server;

/// A message, and the queue that it is in.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The queue's name.
    pub queue: String,
    /// The message's body.
    pub body: String,
    /// How often it was received.
    pub received: u32,
}

/// How often a message is received before it is a dead letter, as the template has it.
const MOST_RECEIPTS: u32 = 5;

/// What became of the messages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Taken from their senders; those that came twice count twice.
    pub taken: usize,
    /// Worked off.
    pub worked_off: usize,
    /// Still there.
    pub left: usize,
    /// Received too often: now, and ever.
    pub dead: (usize, usize),
}

#[derive(Default)]
struct Inner {
    letters: Mutex<Vec<Letter>>,
    dead: Mutex<Vec<Letter>>,
    tally: Mutex<Tally>,
    storm: Mutex<Option<(Dice, u32)>>,
    injected: Mutex<BTreeMap<&'static str, usize>>,
    /// The first messages that say more than they should.
    talkative: Mutex<Vec<String>>,
    words: Vec<String>,
}

/// The queues.
pub struct Mailbox {
    server: Server,
    inner: Arc<Inner>,
}

impl Mailbox {
    /// Starts with nothing in them; no message may hold one of these words.
    pub async fn start(words: &[String]) -> Self {
        let inner = Arc::new(Inner { words: words.to_vec(), ..Inner::default() });
        let app = axum::Router::new().fallback(take).with_state(Arc::clone(&inner));
        Self { server: Server::start(app).await, inner }
    }

    /// Their address.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// From now on, so many of a thousand calls fail, and as many messages come twice.
    pub fn storm(&self, dice: Dice, per_mille: u32) {
        *self.inner.storm.lock().expect("storm") = Some((dice, per_mille));
    }

    /// From now on every message is taken, once.
    pub fn heal(&self) {
        *self.inner.storm.lock().expect("storm") = None;
    }

    /// Some message, whichever came first, of any queue that does not stand still.
    pub fn draw(&self, dice: &Dice, still: Option<&str>) -> Option<Letter> {
        let mut letters = self.inner.letters.lock().expect("letters");
        let (letters_of, mut moving) = (letters.iter().enumerate(), Vec::new());
        moving.extend(letters_of.filter(|(_, letter)| still != Some(letter.queue.as_str())).map(|(index, _)| index));
        let index = *dice.one_of(&moving)?;
        let mut letter = letters.swap_remove(index);
        letter.received += 1;
        Some(letter)
    }

    /// A message was worked off; `is_twice` if it comes again all the same.
    pub fn worked_off(&self, letter: Letter, is_twice: bool) {
        self.inner.tally.lock().expect("tally").worked_off += 1;
        if is_twice {
            self.inner.put(Letter { received: 0, ..letter });
        }
    }

    /// A message that was not worked off comes again, unless it came too often.
    pub fn put_back(&self, letter: Letter) {
        if letter.received < MOST_RECEIPTS {
            return self.inner.letters.lock().expect("letters").push(letter);
        }
        self.inner.tally.lock().expect("tally").dead.1 += 1;
        self.inner.dead.lock().expect("dead letters").push(letter);
    }

    /// An operator has the dead letters worked on once more.
    pub fn redrive(&self) {
        let dead = std::mem::take(&mut *self.inner.dead.lock().expect("dead letters"));
        let again = dead.into_iter().map(|letter| Letter { received: 0, ..letter });
        self.inner.letters.lock().expect("letters").extend(again);
    }

    /// What became of the messages so far.
    pub fn tally(&self) -> Tally {
        let tally = *self.inner.tally.lock().expect("tally");
        let left = self.inner.letters.lock().expect("letters").len();
        Tally { left, dead: (self.inner.dead.lock().expect("dead letters").len(), tally.dead.1), ..tally }
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

    fn put(&self, letter: Letter) {
        let lower = letter.body.to_lowercase();
        if self.words.iter().any(|word| lower.contains(word)) {
            self.talkative.lock().expect("messages").push(letter.body.clone());
        }
        self.tally.lock().expect("tally").taken += 1;
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
            let body = entry["MessageBody"].as_str().unwrap_or_default().to_owned();
            inner.put(Letter { queue: queue.to_owned(), body, received: 0 });
        }
        taken.push(json!({"Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": "0"}));
    }
    if inner.happens("queue: after") {
        return failed();
    }
    answer(StatusCode::OK, json!({"Successful": taken, "Failed": refused}))
}
