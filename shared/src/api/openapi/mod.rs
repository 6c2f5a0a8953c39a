//! The description of the API in OpenAPI 3.1, made of schemas that the functions derive; the tests check every answer
//! against it.
//!
//! Each function describes its [`Operation`]s beside its handlers; the crate `functions` adds their [`Examples`] and
//! puts them together with [`document()`]. No handler reaches this, so that nothing of it is in a Lambda binary.

mod document;
mod headers;
mod operation;
mod refusals;

pub use document::{Examples, Group, document};
pub use operation::Operation;
