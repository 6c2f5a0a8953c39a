//! Several endpoints in one function, selected by method and path.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use lambda_http::RequestExt;

use super::arrival::without_base;
use super::call::{self, Endpoint};
use super::dialect::Dialect;
use super::gate::Gate;
use super::pipeline::serve_route;
use super::request::Input;
use super::respond::Response;
use crate::base::problem::{Code, Problem};
use lambda_http::Request;

type Handler = Arc<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>;

/// Parses an input as an endpoint does, and drops the result.
pub type Parser = Arc<dyn Fn(&Input) + Send + Sync>;

/// The parser of an endpoint.
pub(crate) fn parser<E: Endpoint>(endpoint: &Arc<E>) -> Parser {
    let endpoint = Arc::clone(endpoint);
    Arc::new(move |input| drop(call::parse(endpoint.as_ref(), input.clone())))
}

#[derive(Clone)]
struct Route {
    method: &'static str,
    path: &'static str,
    dialect: Dialect,
    handler: Handler,
    parser: Parser,
}

/// The endpoints of a function.
#[derive(Clone)]
pub struct Routes {
    gate: Gate,
    routes: Vec<Route>,
}

impl Routes {
    /// No endpoints yet.
    pub fn new(gate: Gate) -> Self {
        Self { gate, routes: Vec::new() }
    }

    /// Adds an endpoint. Method and path are those of `template.yaml`.
    #[must_use]
    pub fn with<E: Endpoint>(mut self, method: &'static str, path: &'static str, endpoint: E) -> Self {
        let (gate, endpoint) = (self.gate.clone(), Arc::new(endpoint));
        let parser = parser(&endpoint);
        let handler: Handler = Arc::new(move |request| {
            let (gate, endpoint) = (gate.clone(), Arc::clone(&endpoint));
            Box::pin(async move { serve_route(&gate, &endpoint, request, Some((method, path))).await })
        });
        self.routes.push(Route { method, path, dialect: E::DIALECT, handler, parser });
        self
    }

    /// The parsers of all endpoints.
    pub(crate) fn parsers(&self) -> Vec<Parser> {
        self.routes.iter().map(|route| Arc::clone(&route.parser)).collect()
    }

    /// Answers a request by its endpoint, or with 404 or 405 in the first endpoint's dialect. Only requests to the
    /// function URL can match no endpoint.
    pub fn answer(&self, request: Request) -> BoxFuture<'static, Response> {
        let raw = request.raw_http_path();
        let path = without_base(if raw.is_empty() { request.uri().path() } else { raw });
        let method = request.method().as_str();
        let found = self.routes.iter().find(|route| route.method == method && matches(route.path, path));
        if let Some(route) = found {
            return (route.handler)(request);
        }
        let routes = self.routes.iter().map(|route| (route.method, route.path));
        let problem = no_such_route(routes, method, path);
        let dialect = self.routes.first().map_or(Dialect::Leadlex, |route| route.dialect);
        let response = self.gate.refuse(dialect, &request, problem);
        Box::pin(std::future::ready(response))
    }
}

/// The problem for a request that matches none of some routes: an unknown path, or a path with another method.
pub fn no_such_route<'a>(routes: impl Iterator<Item = (&'a str, &'a str)>, method: &str, path: &str) -> Problem {
    let mut allowed: Vec<&str> =
        routes.filter(|(_, template)| matches(template, path)).map(|(method, _)| method).collect();
    allowed.dedup();
    if allowed.is_empty() {
        return Problem::new(Code::NoSuchRoute, "no such route");
    }
    let allow = allowed.join(", ");
    let problem = Problem::new(Code::MethodNotAllowed, format!("this route does not take {method}; it takes {allow}"));
    Problem { allow: Some(allow), ..problem }
}

/// Whether a path matches a template such as `/users/{user_id}/leads`. A variable part may be empty; its parser
/// complains.
fn matches(template: &str, path: &str) -> bool {
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
