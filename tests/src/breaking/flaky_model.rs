//! The built-in composer behind a proxy that fails, hangs, replies with nonsense or reports too many requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use http::{StatusCode, Uri};
use local::RealModel;
use serde_json::json;

use crate::dice::Dice;
use crate::server::Server;

#[derive(Clone, Default)]
struct Shared {
    storm: Arc<Mutex<Option<(Dice, u32)>>>,
    injected: Arc<Mutex<BTreeMap<&'static str, usize>>>,
    composer: String,
    client: reqwest::Client,
}

pub struct FlakyModel {
    server: Server,
    shared: Shared,
    _composer: Server,
}

impl FlakyModel {
    /// Starts the model, which answers every call until there is a storm.
    pub async fn start() -> Self {
        let composer = Server::with(local::composer::serve).await;
        let shared = Shared { composer: composer.url().to_owned(), ..Shared::default() };
        let app = axum::Router::new().fallback(answer).with_state(shared.clone());
        Self { server: Server::start(app).await, shared, _composer: composer }
    }

    /// The model as an option of a stack.
    pub fn as_model(&self) -> RealModel {
        RealModel {
            base_url: format!("{}/v1", self.server.url()),
            key: "test-key".to_owned(),
            name: "flaky".to_owned(),
        }
    }

    /// Makes so many of a thousand calls fail.
    pub fn storm(&self, dice: Dice, per_mille: u32) {
        *self.shared.storm.lock().expect("storm") = Some((dice, per_mille));
    }

    /// Answers every call from now on.
    pub fn heal(&self) {
        *self.shared.storm.lock().expect("storm") = None;
    }

    /// The number of failed calls by fault.
    pub fn injected(&self) -> BTreeMap<&'static str, usize> {
        self.shared.injected.lock().expect("injected").clone()
    }
}

async fn answer(State(shared): State<Shared>, uri: Uri, body: Bytes) -> http::Response<Body> {
    let faults =
        ["model: error", "model: too many", "model: nonsense", "model: other form", "model: hangs", "model: half"];
    let fault = {
        let storm = shared.storm.lock().expect("storm");
        let failing = storm.as_ref().filter(|(dice, per_mille)| dice.below(1_000) < *per_mille as usize);
        failing.and_then(|(dice, _)| dice.one_of(&faults).copied())
    };
    if let Some(fault) = fault {
        *shared.injected.lock().expect("injected").entry(fault).or_default() += 1;
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
    let completion = |text: &str| {
        let message = json!({"role": "assistant", "content": text});
        json!({"model": "flaky", "choices": [{"index": 0, "finish_reason": "stop", "message": message}]}).to_string()
    };
    match fault {
        Some("model: error") => of(StatusCode::INTERNAL_SERVER_ERROR, "{}".to_owned()),
        Some("model: too many") => of(StatusCode::TOO_MANY_REQUESTS, "{}".to_owned()),
        Some("model: nonsense") => of(StatusCode::OK, "<html>".to_owned()),
        Some("model: other form") => of(StatusCode::OK, completion("{\"something\": [\"else\"]}")),
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
