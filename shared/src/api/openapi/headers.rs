//! The headers of responses, as the pipeline sends them.

use serde_json::{Map, Value, json};

/// The rate headers, in every answer to a known key.
pub(super) const RATE: [&str; 5] =
    ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit-Policy", "RateLimit"];

/// Every header, by name, as required.
pub(super) fn components() -> Value {
    let text = || json!({"type": "string"});
    let count = |least: u32| json!({"type": "integer", "minimum": least});
    let mut headers = Map::new();
    let mut add = |name: &str, description: &str, schema: Value, example: Value| {
        let header = json!({"description": description, "required": true, "schema": schema, "example": example});
        headers.insert(name.to_owned(), header);
    };
    add(
        "X-Request-Id",
        "The request's identifier; name it when you report a problem.",
        json!({"type": "string", "format": "uuid"}),
        json!("0198b0f6-3c5e-4b1a-9a57-6f2f3c1de0a1"),
    );
    add("Cache-Control", "Whether the answer may be kept.", text(), json!("no-store"));
    add("X-RateLimit-Limit", "Requests in the window that would run out first.", count(0), json!(100));
    add("X-RateLimit-Remaining", "Requests left in that window.", count(0), json!(99));
    add("X-RateLimit-Reset", "When that window ends, in seconds since 1970.", count(0), json!(1_795_176_060));
    add(
        "RateLimit-Policy",
        "Both windows (draft-ietf-httpapi-ratelimit-headers-10).",
        text(),
        json!("\"minute\";q=100;w=60, \"day\";q=10000;w=86400"),
    );
    add(
        "RateLimit",
        "The window that would run out first (draft-ietf-httpapi-ratelimit-headers-10).",
        text(),
        json!("\"minute\";r=99;t=42"),
    );
    add("Retry-After", "After how many seconds a retry makes sense.", count(1), json!(5));
    add(
        "Idempotent-Replayed",
        "Only on an answer that was given before to the same `Idempotency-Key`.",
        json!({"const": "true"}),
        json!("true"),
    );
    add("Preference-Applied", "What was honoured of `Prefer` (RFC 7240).", text(), json!("wait=5"));
    add(
        "X-Correlation-Id",
        "The request's `X-Correlation-ID`, or the request's identifier.",
        json!({"type": "string", "pattern": "^[!-~]{1,128}$"}),
        json!("1765572954465-eeh5x4k32"),
    );
    add("Allow", "The methods of the route.", text(), json!("GET, POST"));
    add("ETag", "Changes with the content.", text(), json!("\"1f0c9e6a2b\""));
    Value::Object(headers)
}

/// The headers of a response: those it always has, and those it may have.
pub(super) fn of(always: &[&str], sometimes: &[&str]) -> Value {
    let components = components();
    let optional = |name: &str| {
        let mut header = components[name].clone();
        if let Some(header) = header.as_object_mut() {
            header.shift_remove("required");
        }
        header
    };
    let always =
        always.iter().map(|name| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")})));
    let sometimes = sometimes.iter().map(|name| ((*name).to_owned(), optional(name)));
    Value::Object(always.chain(sometimes).collect())
}
