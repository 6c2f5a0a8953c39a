//! A request on its way from the door to its handler and back.

pub mod exactly_once;
pub mod http;
pub mod lambda;
pub mod openapi;
mod schema;
