//! The API's description in OpenAPI 3.1, made of schemas that the functions derive. The tests check every answer
//! against it.
//!
//! Each function describes its [`Operation`]s beside its handlers. The crate `functions` adds their [`Examples`] and
//! assembles them with [`document()`]. No handler uses this module, so no Lambda binary contains it.

mod document;
mod headers;
mod operation;
mod refusals;

pub use document::{Examples, Group, document};
pub use operation::Operation;
