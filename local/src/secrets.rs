//! What stands in for AWS Secrets Manager: `GetSecretValue` over the secrets that the stack was started with
//! ("GetSecretValue", AWS Secrets Manager API Reference).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The secrets of a stack, by name. Its `Debug` shows none.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Mutex<HashMap<String, String>>>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secrets(..)")
    }
}

impl Secrets {
    /// Gives a secret a value, or another one.
    pub fn put(&self, name: &str, value: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), value.to_owned());
    }

    /// Takes a secret away.
    pub fn remove(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Answers at this path alone: what listens on loopback listens to everybody on the machine, and a model's
    /// key is a real one.
    pub async fn serve(self, listener: TcpListener, path: &str) {
        let service = Router::new().route(path, post(answer)).with_state(self);
        // Ends when the stack does.
        drop(axum::serve(listener, service).await);
    }
}

async fn answer(State(secrets): State<Secrets>, headers: HeaderMap, body: String) -> (StatusCode, Json<Value>) {
    let refused = |kind: &str| (StatusCode::BAD_REQUEST, Json(json!({"__type": kind})));
    if headers.get("x-amz-target").is_none_or(|target| target != "secretsmanager.GetSecretValue") {
        return refused("UnknownOperationException");
    }
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    let name = body["SecretId"].as_str().unwrap_or_default();
    match secrets.0.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
        Some(value) => (StatusCode::OK, Json(json!({"Name": name, "SecretString": value}))),
        None => refused("ResourceNotFoundException"),
    }
}
