//! The integration tests: one file per subject, each test against a stack of its own, over HTTP.

mod cargo_lambda;
mod command_line;
mod contacts;
mod contacts_and_rows;
mod credits;
mod faults;
mod idempotency;
mod identifiers;
mod ingestion;
mod keys;
mod lead_follow_up;
mod lead_pages;
mod leads;
mod local_stack;
mod logs;
mod model;
mod pipeline;
mod queues;
mod recording_faults;
mod round_trips;
mod scoring;
mod scoring_faults;
mod suggest_followups;
mod template;
mod webhook_faults;
mod webhooks;
