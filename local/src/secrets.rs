//! A stand-in for AWS Secrets Manager that answers `GetSecretValue` ("GetSecretValue", AWS Secrets Manager API
//! Reference).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The secrets of a stack, by name. `Debug` shows none.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Mutex<HashMap<String, String>>>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secrets(..)")
    }
}

impl Secrets {
    /// Adds or replaces a secret.
    pub fn put(&self, name: &str, value: &str) {
        self.lock().insert(name.to_owned(), value.to_owned());
    }

    pub fn remove(&self, name: &str) {
        self.lock().remove(name);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves the secrets at this path alone. Everyone on the machine can reach the port, and the model's key is real.
    pub async fn serve(self, listener: TcpListener, path: &str) {
        let service = Router::new().route(path, post(answer)).with_state(self);
        drop(axum::serve(listener, service).await);
    }
}

async fn answer(State(secrets): State<Secrets>, headers: HeaderMap, body: String) -> (StatusCode, Json<Value>) {
    let error = |kind: &str| (StatusCode::BAD_REQUEST, Json(json!({"__type": kind})));
    if headers.get("x-amz-target").is_none_or(|target| target != "secretsmanager.GetSecretValue") {
        return error("UnknownOperationException");
    }
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    let name = body["SecretId"].as_str().unwrap_or_default();
    match secrets.lock().get(name) {
        Some(value) => (StatusCode::OK, Json(json!({"Name": name, "SecretString": value}))),
        None => error("ResourceNotFoundException"),
    }
}
