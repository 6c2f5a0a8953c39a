//! What an operator sees of an invocation: its metrics and its trace.

pub mod invocation;
pub mod metrics;
pub(crate) mod sdk;
pub mod traces;
