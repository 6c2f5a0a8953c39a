//! The HTTP side of a function: the request pipeline and the four envelopes.

mod admission;
mod arrival;
mod body;
mod call;
pub mod dialect;
mod events;
mod fields;
mod gate;
mod pipeline;
mod query;
mod rendering;
mod reply;
mod respond;
mod routes;

pub use admission::body_bytes;
pub use body::Body;
pub use call::{Call, Endpoint, Input, MAX_INGESTED};
pub use dialect::Dialect;
pub use events::{EVENT_STREAM, Events};
pub use fields::{Fields, uuid};
pub use gate::Gate;
pub use http::header;
pub use lambda_http::Request;
pub use pipeline::{answer, serve, serve_open};
pub use query::{Page, Query};
pub use reply::Reply;
pub use respond::Response;
pub(crate) use routes::parser;
pub use routes::{Parser, Routes, no_such_route};
