//! What every function of Lead Follow-up builds on, in seven wings. A wing uses only the wings above it; the test
//! `the_wings` reads the imports and fails on an arrow the other way.
//!
//! - [`base`]: what every function stands on: context, clock, store, queue, errors, log, metrics and traces.
//! - [`clients`]: what is not ours: the model, the senders of messages, secrets, and the HTTP client for them.
//! - [`workspace`]: who calls, what they may do and what they pay: accounts, keys, credits, idempotency.
//! - [`api`]: a request on its way from the door to its handler and back, and the OpenAPI document.
//! - [`crm`]: who we know and what was said: leads, conversations, lists, prospects.
//! - [`outreach`]: how a lead may be written to: the channel and priority model, drafts, opt-outs, the PII gate.
//! - [`workflow`]: what is proposed, decided and carried out: recommendations, tasks, campaigns, commands.
//!
//! What in a text identifies a person is found by [`pii`], a crate of its own.
//!
//! Invariants:
//! - Nothing here knows a function, or whether it runs in AWS or on a laptop: the difference is an endpoint in the
//!   [`base::environment`].
//! - Every key of a workspace's items starts with that workspace, so that no query reaches another tenant. Exceptions
//!   are named where they are made: a key is found by its digest and a channel by its provider's identifier
//!   ([`workspace::accounts`]), the sweeper finds holds by their expiry ([`workspace::credits`]), and `score-due`
//!   finds conversations that are due ([`crm::conversations::scoring`]).
//! - Time and identifiers come in through the [`base::context`].

#![warn(missing_docs)]

// The derive macro names this crate so, within it and without.
extern crate self as shared;

pub mod api;
pub mod base;
pub mod clients;
pub mod crm;
pub mod outreach;
pub mod workflow;
pub mod workspace;

pub use pii;
