//! The HTTP side of a function: the request pipeline and the four envelopes.

mod body;
pub mod dialect;
mod events;
mod fields;
mod pipeline;
mod query;
mod reply;
mod routes;

pub use body::Body;
pub use dialect::{Dialect, timestamp};
pub use events::{EVENT_STREAM, Events};
pub use fields::{Fields, uuid};
pub use http::header;
pub use lambda_http::Request;
pub use pipeline::{Call, Endpoint, Gate, Input, MAX_INGESTED, Response, answer, body_bytes, serve, serve_open};
pub use query::{Page, Query};
pub use reply::Reply;
pub(crate) use routes::parser;
pub use routes::{Parser, Routes, no_such_route};
