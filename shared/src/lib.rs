//! What every function of Lead Follow-up builds on: the request pipeline, keys and rate limits,
//! idempotency, the credit ledger, the model client and the typed stores.
//!
//! Invariants of this crate:
//! - Nothing here knows a route, a function or whether it runs in AWS or on a laptop; the
//!   difference is an endpoint in the [`environment`]. The exception is the route that each SMS names for
//!   its reports ([`providers::sms`]).
//! - Every key of a workspace's items starts with that workspace, so that no query can reach
//!   another tenant. The exceptions are named where they are made: a key is found by its digest and a
//!   channel by its provider's identifier ([`accounts`]), the sweeper finds holds by their expiry
//!   ([`credits`]), and `score-due` finds conversations that are due ([`conversations::scoring`]).
//! - Time and identifiers come in through the [`context`].

pub mod analysis;
pub mod api;
pub mod base;
pub mod campaigns;
pub mod chats;
pub mod clients;
pub mod commands;
pub mod crm;
pub mod due;
pub mod erasure;
pub mod notifications;
pub mod outcomes;
pub mod outreach;
pub mod recommendations;
pub mod tasks;
pub mod workspace;

pub use pii;
