//! The description of the endpoints.

use serde_json::{Map, Value};
use shared::api::openapi::Operation;

use crate::Health;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::bare::<Health>("GET /health", "getHealth", "Whether the API answers"),
        Operation::bare::<Map<String, Value>>("GET /openapi.json", "getOpenapi", "This document")
            .description("OpenAPI 3.1. It may be kept for five minutes.")
            .kept(),
        Operation::bare::<String>("GET /docs", "getDocs", "The reference, with a page to try it")
            .description("It works offline and makes no request but to this API.")
            .text("text/html")
            .kept(),
    ]
}
