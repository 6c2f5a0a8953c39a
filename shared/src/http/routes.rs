//! Several endpoints in one function, told apart by method and path.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use lambda_http::RequestExt;

use super::pipeline::{Endpoint, Gate, Request, Response, serve, without_base};

type Handler = Arc<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>;

/// The endpoints of a function.
#[derive(Clone)]
pub struct Routes {
    gate: Gate,
    endpoints: Vec<(&'static str, &'static str, Handler)>,
}

impl Routes {
    /// No endpoints yet, behind a gate.
    pub fn new(gate: Gate) -> Self {
        Self { gate, endpoints: Vec::new() }
    }

    /// Adds an endpoint; method and path as in `template.yaml`.
    #[must_use]
    pub fn with<E: Endpoint>(mut self, method: &'static str, path: &'static str, endpoint: E) -> Self {
        let (gate, endpoint) = (self.gate.clone(), Arc::new(endpoint));
        let handler: Handler = Arc::new(move |request| {
            let (gate, endpoint) = (gate.clone(), Arc::clone(&endpoint));
            Box::pin(async move { serve(&gate, &endpoint, request).await })
        });
        self.endpoints.push((method, path, handler));
        self
    }

    /// The endpoint of a request. `None` if the template sends the function a request that it does
    /// not know.
    pub fn answer(&self, request: Request) -> Option<BoxFuture<'static, Response>> {
        let raw = request.raw_http_path();
        let path = without_base(if raw.is_empty() { request.uri().path() } else { raw });
        let method = request.method().as_str();
        let found = self.endpoints.iter().find(|(known, template, _)| *known == method && matches(template, path));
        found.map(|(_, _, handler)| handler(request))
    }
}

/// Whether a path fits a template such as `/users/{user_id}/leads`. A variable part may be empty: whoever
/// reads it says what it has to be.
pub fn matches(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(expected), Some(given)) if expected == given => {}
            (Some(expected), Some(_)) if expected.starts_with('{') => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_match_whole_paths() {
        assert!(matches("/v1/credits", "/v1/credits"));
        assert!(matches("/users/{user_id}/leads", "/users/a/leads"));
        assert!(matches("/users/{user_id}/leads", "/users//leads"));
        for path in ["/users/a", "/users/a/leads/b", "/v1/credits"] {
            assert!(!matches("/users/{user_id}/leads", path), "{path}");
        }
    }
}
