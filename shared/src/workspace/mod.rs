//! The caller's workspace: its keys and permissions, its accounts, and its credits.

pub mod accounts;
pub mod auth;
pub mod credits;
pub mod idempotency;
