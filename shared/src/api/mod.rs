//! A request's way from the gateway to its handler and back.

pub mod exactly_once;
pub mod http;
pub mod lambda;
pub mod openapi;
mod schema;
