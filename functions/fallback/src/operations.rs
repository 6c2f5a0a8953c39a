//! The description of the endpoints.

use serde_json::{Map, Value};
use shared::api::openapi::Operation;

use crate::Health;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::bare::<Health>("GET /health", "getHealth", "Check that the API answers"),
        Operation::bare::<Map<String, Value>>("GET /openapi.json", "getOpenapi", "Get this document")
            .description("The document follows OpenAPI 3.1. You may cache it for five minutes.")
            .kept(),
        Operation::bare::<String>("GET /docs", "getDocs", "Read the reference and try the API")
            .description("The page works offline and calls only this API.")
            .text("text/html")
            .kept(),
    ]
}
