//! Timers for the template's schedules.

use std::time::Duration;

use crate::functions::Function;

/// Invokes a function at once and then once a period, until the task is dropped.
pub async fn every(period: Duration, name: String, function: Function) {
    let Function::Scheduled(run) = function else { return };
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        if let Err(cause) = run().await {
            tracing::error!(function = name, cause, "a scheduled run failed");
        }
    }
}
