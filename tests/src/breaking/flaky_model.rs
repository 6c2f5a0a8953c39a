//! A model that is not always there: what stands before it fails, hangs, answers nonsense or asks for patience.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use http::{StatusCode, Uri};
use local::RealModel;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::dice::Dice;

#[derive(Clone, Default)]
struct Shared {
    storm: Arc<Mutex<Option<(Dice, u32)>>>,
    injected: Arc<Mutex<BTreeMap<&'static str, usize>>>,
    composer: String,
    client: reqwest::Client,
}

/// The built-in composer, and what stands before it.
pub struct FlakyModel {
    url: String,
    shared: Shared,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for FlakyModel {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

impl FlakyModel {
    /// Starts; it is there until there is a storm.
    pub async fn start() -> Self {
        let ((behind, composer), (before, url)) = (listen().await, listen().await);
        let shared = Shared { composer, ..Shared::default() };
        let app = axum::Router::new().fallback(answer).with_state(shared.clone());
        let serving = tokio::spawn(async move {
            let _ = axum::serve(before, app).await;
        });
        Self { url, shared, tasks: [tokio::spawn(local::composer::serve(behind)), serving] }
    }

    /// How a stack is told of it.
    pub fn as_model(&self) -> RealModel {
        RealModel { base_url: format!("{}/v1", self.url), key: "test-key".to_owned(), name: "flaky".to_owned() }
    }

    /// From now on, so many of a thousand calls fail.
    pub fn storm(&self, dice: Dice, per_mille: u32) {
        *self.shared.storm.lock().expect("storm") = Some((dice, per_mille));
    }

    /// From now on every call is answered.
    pub fn heal(&self) {
        *self.shared.storm.lock().expect("storm") = None;
    }

    /// What was made to fail.
    pub fn injected(&self) -> BTreeMap<&'static str, usize> {
        self.shared.injected.lock().expect("injected").clone()
    }
}

async fn answer(State(shared): State<Shared>, uri: Uri, body: Bytes) -> http::Response<Body> {
    let ways =
        ["model: error", "model: too many", "model: nonsense", "model: other form", "model: hangs", "model: half"];
    let way = {
        let storm = shared.storm.lock().expect("storm");
        let failing = storm.as_ref().filter(|(dice, per_mille)| dice.below(1_000) < *per_mille as usize);
        failing.and_then(|(dice, _)| dice.one_of(&ways).copied())
    };
    if let Some(way) = way {
        *shared.injected.lock().expect("injected").entry(way).or_default() += 1;
    }
    let whole = async || {
        let sent = shared.client.post(format!("{}{}", shared.composer, uri.path())).body(body.clone());
        match sent.header("content-type", "application/json").send().await {
            Ok(answer) => {
                let kind = answer.headers().get("content-type").cloned();
                (kind, answer.bytes().await.unwrap_or_default())
            }
            Err(_) => (None, Bytes::new()),
        }
    };
    let of = |status: StatusCode, text: String| {
        let mut response = http::Response::new(Body::from(text));
        *response.status_mut() = status;
        response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
        response
    };
    let says = |text: &str| {
        let message = json!({"role": "assistant", "content": text});
        json!({"model": "flaky", "choices": [{"index": 0, "finish_reason": "stop", "message": message}]}).to_string()
    };
    match way {
        Some("model: error") => of(StatusCode::INTERNAL_SERVER_ERROR, "{}".to_owned()),
        Some("model: too many") => of(StatusCode::TOO_MANY_REQUESTS, "{}".to_owned()),
        Some("model: nonsense") => of(StatusCode::OK, "<html>".to_owned()),
        Some("model: other form") => of(StatusCode::OK, says("{\"something\": [\"else\"]}")),
        Some("model: hangs") => {
            tokio::time::sleep(Duration::from_secs(3)).await;
            of(StatusCode::OK, "{}".to_owned())
        }
        Some(_) => {
            let (_, body) = whole().await;
            of(StatusCode::OK, String::from_utf8_lossy(&body[..body.len() / 2]).into_owned())
        }
        None => {
            let (kind, body) = whole().await;
            let mut response = http::Response::new(Body::from(body));
            if let Some(kind) = kind {
                response.headers_mut().insert("content-type", kind);
            }
            response
        }
    }
}
