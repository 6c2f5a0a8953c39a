//! The HTTP side of a function: the request pipeline and the envelopes.

mod admission;
mod answer;
mod arrival;
mod body;
mod call;
pub mod dialect;
mod events;
mod gate;
mod pipeline;

mod reply;
pub mod request;
mod respond;
mod routes;
mod statuses;

pub use admission::body_bytes;
pub use answer::{Answer, Answered, Page, PageMeta, Pagination};
pub use body::Body;
pub use call::{Call, Endpoint, MAX_INGESTED};
pub use dialect::Dialect;
pub use events::{EVENT_STREAM, Events};
pub use gate::Gate;
pub use http::header;
pub use lambda_http::Request;
pub use pipeline::{answer, serve, serve_open};
pub use reply::Reply;
pub use request::{FromRequest, Input, Json, Pages, Path, Prefer, Query, uuid};
pub use respond::Response;
pub(crate) use routes::parser;
pub use routes::{Parser, Routes, no_such_route};
