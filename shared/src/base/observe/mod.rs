//! The metrics and traces of an invocation.

pub mod invocation;
pub mod metrics;
pub(crate) mod sdk;
pub mod traces;
