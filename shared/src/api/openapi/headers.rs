//! The headers of responses, as the pipeline sends them.

use serde_json::{Value, json};

/// The rate headers, in every answer to a known key.
pub(super) const RATE: [&str; 5] =
    ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit-Policy", "RateLimit"];

/// The headers of a response: those it always has, and those it may have. `components` has every header by its name, as
/// required.
pub(super) fn of(components: &Value, always: &[&str], sometimes: &[&str]) -> Value {
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
