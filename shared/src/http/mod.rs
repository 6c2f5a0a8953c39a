//! The HTTP side of a function: the request pipeline and the four envelopes.

pub mod dialect;
mod fields;
mod pipeline;
mod query;
mod reply;
mod routes;

pub use dialect::{Dialect, timestamp};
pub use fields::Fields;
pub use lambda_http::Request;
pub use pipeline::{Call, Endpoint, Gate, Input, MAX_INGESTED, Response, answer, body_bytes, serve, serve_open};
pub use query::Query;
pub use reply::Reply;
pub use routes::{Routes, matches};
