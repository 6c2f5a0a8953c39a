//! The base of every function: its context, the store and the queues, errors, the log, metrics and traces.

pub(crate) mod aws;
pub mod channel;
pub mod clock;
pub mod context;
pub mod environment;
pub mod log;
pub mod observe;
pub mod problem;
pub mod queue;
pub mod store;
pub mod time;
