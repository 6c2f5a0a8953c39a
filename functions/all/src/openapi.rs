//! The description of the whole API in OpenAPI 3.1: the operations of every function, in groups, with the examples of
//! `examples.json`. `cargo openapi` prints it; `docs/openapi.json` is what it printed last, and is served at
//! `/openapi.json`.

use serde_json::{Value, json};

const INTRODUCTION: &str = "\
Reads what is known of a lead, asks a language model for the next step, charges credits for it exactly once, and \
sends nothing that a person has not approved.

**Keys.** Every request but those under *Service* and *Webhooks* needs `Authorization: Bearer wbk_…`. A key belongs \
to a workspace and has permissions; each operation names the one that it asks for.

**Limits.** A key may send so many requests in a minute and in a UTC day; the headers `RateLimit` and \
`X-RateLimit-*` say how many are left. A refused request does not count.

**Retries.** Where `Idempotency-Key` is honoured, the same key with the same request is worked once and answered \
alike for 24 hours. `Retry-After` says when a retry makes sense.

**Forms.** Four APIs in one: `/v1` answers `{data, meta?}`, `/api/agents` `{success, data}`, `/api/v1/ai/followup` \
the bare object, `/users` `{success, data, pagination?, timestamp, correlationId}`; each has its own error body. \
Bodies are JSON in UTF-8, at most 256 KiB, 5 MB under *Ingestion* and *Webhooks*. Times are ISO 8601 in UTC. An unknown \
route is 404, another method 405 with `Allow`. More fields may be added to answers; none is taken away.";

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
