//! The `$default` route. An unknown path is 404, and a known path with another method is 405 with `Allow`, in the
//! dialect of the path's prefix. It also answers `GET /health`, and serves the description of the API at
//! `/openapi.json` and the reference to read and try it at `/docs`.

pub mod operations;
mod pages;

use schemars::JsonSchema;
use serde::Serialize;
use shared::api::http::{Body, Dialect, Reply, Request, Response, answer, no_such_route};
use shared::api::lambda::{Definition, OpenEndpoint};
use shared::base::clock::{Clock, Random};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};

pub use operations::operations;

include!(concat!(env!("OUT_DIR"), "/routes.rs"));

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::open::<Fallback>("fallback");

/// The function and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct Fallback {
    clock: Clock,
    random: Random,
}

/// Whether the API answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    /// Always `ok`.
    #[schemars(extend("const" = "ok"))]
    pub status: &'static str,
}

impl OpenEndpoint for Fallback {
    async fn answer(&self, request: Request) -> Response {
        let (method, path) = (request.method().as_str(), request.uri().path());
        let is_own = path == "/health" || pages::page("GET", path).is_some();
        // Monitors and proxies ask for the head alone (RFC 9110, section 9.3.2).
        let is_head = method == "HEAD" && is_own;
        let method = if is_head { "GET" } else { method };
        let answer = |result| answer(&self.clock, &self.random, dialect(path), &request, result);
        let answer = match pages::page(method, path) {
            Some(page) => page.with_headers(answer(Ok(page.reply(request.headers())))),
            None => answer(outcome(method, path, request.uri().query())),
        };
        if is_head { answer.map(|_| Body::whole("")) } else { answer }
    }
}

/// The dialect of a path that belongs to no function, by its prefix.
pub fn dialect(path: &str) -> Dialect {
    let within = |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if within("/api/agents") {
        Dialect::Agents
    } else if within("/api/v1/ai/followup") {
        Dialect::Followup
    } else if within("/users") {
        Dialect::Leads
    } else {
        Dialect::Leadlex
    }
}

fn outcome(method: &str, path: &str, query: Option<&str>) -> Result<Reply, Problem> {
    if (method, path) == ("GET", "/health") {
        return Reply::of(&Health { status: "ok" });
    }
    let unknown = |path: &str| no_such_route(ROUTES.iter().copied(), method, path);
    // Clients that join addresses end them in a slash.
    let plain = path.trim_end_matches('/');
    let is_route = plain.len() < path.len() && (plain == "/health" || unknown(plain).code == Code::MethodNotAllowed);
    if is_route && plain.starts_with('/') && !plain.starts_with("//") {
        return Ok(Reply::redirect(query.map_or_else(|| plain.to_owned(), |query| format!("{plain}?{query}"))));
    }
    Err(unknown(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_method_of_a_route_is_told_which_it_takes() {
        let outcome = |method, path| outcome(method, path, None);
        let problem = outcome("GET", "/v1/ai/suggest-followups").unwrap_err();
        assert_eq!((problem.code, problem.allow.as_deref()), (Code::MethodNotAllowed, Some("POST")));
        assert_eq!(outcome("GET", "/v1/nothing").unwrap_err().code, Code::NoSuchRoute);
    }

    #[test]
    fn a_slash_at_the_end_leads_to_the_route_without_it() {
        for (path, query, expected) in [
            ("/v1/credits/", None, Some("/v1/credits")),
            ("/v1/credits//", Some("page=2"), Some("/v1/credits?page=2")),
            ("/functions/v1/api-gateway/v1/credits/", None, Some("/functions/v1/api-gateway/v1/credits")),
            ("/users/me/leads/", None, Some("/users/me/leads")),
            ("/v1/nothing/", None, None),
            ("//evil.example/", None, None),
        ] {
            let location = outcome("GET", path, query).ok().and_then(|reply| reply.location);
            assert_eq!(location.as_deref(), expected, "{path}");
        }
    }
}
