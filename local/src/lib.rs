//! `cargo local`: runs `template.yaml` on this machine, in one process and without an account.
//!
//! The functions are the deployed ones. They reach their services over loopback, in the real protocols: an embedded
//! DynamoDB and SQS, a stand-in for the providers of e-mail, WhatsApp and SMS, and, unless a real model is
//! configured, a composer that answers from the facts in the prompt.
//!
//! Invariant: every route, table and queue comes from the template. The exceptions are the webhook routes, which are
//! entered by hand with each provider ([`providers`]).

pub mod composer;
mod dynamodb;
mod error;
mod gateway;
pub mod providers;
pub mod queues;
mod schedule;
mod secrets;
pub mod sqs;
mod stack;
mod template;

pub use error::LocalError;
pub use gateway::Gateway;
pub use secrets::Secrets;
pub use stack::{META_APP_SECRET, META_VERIFY_TOKEN, Options, Ready, RealModel, Stack};
pub use template::{DeclaredFunction, DeclaredQueue, Event, Permission, Template, TemplateError};
