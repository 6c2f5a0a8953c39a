//! The integration tests: one file per subject, each test against a stack of its own, over HTTP.

mod credits;
mod faults;
mod idempotency;
mod keys;
mod model;
mod pipeline;
mod round_trips;
mod suggest_followups;
