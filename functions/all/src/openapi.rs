//! The description of the whole API in OpenAPI 3.1: the operations of every function, in groups, with the examples of
//! `examples.json`. `cargo openapi` prints it; `docs/openapi.json` is what it printed last, and is served at
//! `/openapi.json`.

use serde_json::{Value, json};

const INTRODUCTION: &str = "\
Tells a sales team what to do next with each lead and writes the draft. Each call is charged exactly once, and nothing \
is sent that a person has not approved.

**Keys.** Send `Authorization: Bearer wbk_…` with every request, except those under *Service* and *Webhooks*. A key \
belongs to one workspace and has permissions; each operation names the one that it needs.

**Limits.** A key may send a number of requests a minute and a UTC day. The headers `RateLimit` and `X-RateLimit-*` say \
how many are left. A refused request does not count.

**Retries.** Operations that take an `Idempotency-Key` do the work of a key once and repeat the answer for 24 hours. \
`Retry-After` says when to retry.

**Formats.** `/v1` answers `{data, meta?}`, `/api/agents` `{success, data}`, `/api/v1/ai/followup` the bare object, \
`/users` `{success, data, pagination?, timestamp, correlationId}`. Each has its own error body. Bodies are JSON in \
UTF-8, at most 256 KiB, or 5 MB under *Ingestion* and *Webhooks*. Times are ISO 8601 in UTC. An unknown route is 404, a \
wrong method 405 with `Allow`. Answers may get more fields; none is taken away.";

/// Builds the whole document. It fails if `examples.json` is malformed.
pub fn document() -> serde_json::Result<Value> {
    let examples = serde_json::from_str(include_str!("../examples.json"))?;
    let info = json!({
        "title": "Lead Follow-up",
        "version": env!("CARGO_PKG_VERSION"),
        "summary": "AI-assisted follow-up of sales leads.",
        "description": INTRODUCTION,
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
    });
    shared::api::openapi::document(&crate::groups(), &info, &examples)
}

/// The document as `docs/openapi.json` holds it.
pub fn text() -> serde_json::Result<String> {
    Ok(format!("{:#}\n", document()?))
}
