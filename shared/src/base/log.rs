//! Structured logs: one JSON object a line, with `timestamp` and `level`, which Lambda reads.
//!
//! Never logged: bodies, paths, names, addresses, phone numbers, e-mail addresses, message texts, keys. Logged: request
//! ids, route templates, statuses, codes, counts, times.

use std::fmt::Display;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, ParseError};

use crate::base::environment::Environment;

/// The filter for `LOG_LEVEL` (default `info`), which applies to this project's own events. Libraries stay at `error`:
/// at finer levels the SDK logs whole requests, and warns of every failed condition.
pub fn filter<T: Display>(environment: &Environment, ours: &[T]) -> Result<EnvFilter, ParseError> {
    let level = environment.optional("LOG_LEVEL").unwrap_or("info");
    let mut filter = EnvFilter::default().add_directive(LevelFilter::ERROR.into());
    for target in ours {
        filter = filter.add_directive(format!("{target}={level}").parse()?);
    }
    Ok(filter)
}

/// Sends this process's events to standard output as JSON. Replaces panic messages, which can quote data, by their
/// place in the code.
pub fn to_stdout(filter: EnvFilter) {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter)
        .init();
    quiet_panics();
}

/// Replaces every panic message by the panic's place in the code.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(at, "panicked");
    }));
}
