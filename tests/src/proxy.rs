//! What the proxies before DynamoDB and SQS share.

use std::sync::{Arc, OnceLock};

use axum::body::{Body, Bytes};
use http::HeaderMap;
use serde_json::json;

/// The emulator behind a proxy. Its address is set later, because a stack has to know the proxy first.
#[derive(Clone)]
pub struct Upstream {
    url: Arc<OnceLock<String>>,
    client: reqwest::Client,
}

impl Default for Upstream {
    fn default() -> Self {
        Self { url: Arc::default(), client: crate::client() }
    }
}

impl Upstream {
    pub fn set(&self, url: &str) {
        self.url.set(url.to_owned()).expect("one upstream");
    }

    /// Sends a call on. The emulators do not verify the signature over headers and body.
    pub async fn forward(&self, mut headers: HeaderMap, body: impl Into<reqwest::Body>) -> (u16, Bytes) {
        for name in ["content-length", "host", "accept-encoding"] {
            headers.remove(name);
        }
        let url = self.url.get().map(String::as_str).unwrap_or_default();
        match self.client.post(url).headers(headers).body(body).send().await {
            Ok(answer) => (answer.status().as_u16(), answer.bytes().await.unwrap_or_default()),
            Err(_) => (500, Bytes::from_static(br#"{"__type": "InternalServerError"}"#)),
        }
    }
}

/// An answer in the form of DynamoDB and SQS.
pub fn response(status: u16, body: impl Into<Body>) -> http::Response<Body> {
    http::Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.0")
        .body(body.into())
        .expect("a response")
}

/// The answer of AWS to a caller without permission; it is also printed, for the test that provoked it.
pub fn denied(reason: &str) -> http::Response<Body> {
    eprintln!("the template's policies: {reason}");
    let body = json!({"__type": "com.amazon.coral.service#AccessDeniedException", "Message": reason});
    response(400, body.to_string())
}
