//! Who calls, what they may do, and what they pay.

pub mod accounts;
pub mod auth;
pub mod credits;
pub mod idempotency;
