//! `cargo local`: runs `template.yaml` on this machine, in one process and without an account.
//!
//! The functions are the ones that are deployed. What differs is what stands behind their
//! endpoints: an embedded DynamoDB and SQS, a stand-in for the providers of e-mail, WhatsApp and SMS,
//! and, unless a real model is configured, a composer that answers from the facts in the prompt. All of
//! them are reached over loopback, in the protocols of the real services.
//!
//! Invariant: nothing here knows a route, a table or a queue; all come from the template. The exception
//! are the webhooks' routes, which providers are told by hand ([`providers`]).

pub mod composer;
mod dynamodb;
mod gateway;
pub mod providers;
pub mod queues;
mod schedule;
mod secrets;
pub mod sqs;
mod stack;
mod template;

pub use gateway::Gateway;
pub use secrets::Secrets;
pub use stack::{LocalError, META_APP_SECRET, META_VERIFY_TOKEN, Options, Ready, RealModel, Stack};
pub use template::{DeclaredFunction, DeclaredQueue, Event, Permission, Template, TemplateError};
