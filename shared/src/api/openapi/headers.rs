//! The headers of responses, as the pipeline sends them.

use std::sync::LazyLock;

use serde_json::{Value, json};

/// The rate headers, in every answer to a known key.
pub(super) const RATE: [&str; 5] =
    ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit-Policy", "RateLimit"];

/// Every header by its name, as one that is always there.
pub(super) static COMPONENTS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("headers.json")).unwrap_or_default());

/// The headers of a response: those it always has, and those it may have.
pub(super) fn of(always: &[&str], sometimes: &[&str]) -> Value {
    let always = always.iter().map(|name| (name, json!({"$ref": format!("#/components/headers/{name}")})));
    let sometimes = sometimes.iter().map(|name| {
        let mut header = COMPONENTS[*name].clone();
        if let Some(header) = header.as_object_mut() {
            header.shift_remove("required");
        }
        (name, header)
    });
    always.chain(sometimes).map(|(name, header)| ((*name).to_owned(), header)).collect()
}
