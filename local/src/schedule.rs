//! Timers for the template's schedules.

use std::time::Duration;

use lambda_http::{Context, LambdaEvent};
use serde_json::Value;
use shared::api::lambda::Function;

/// Invokes a function at once and then once a period, until the task is dropped.
pub async fn every(period: Duration, name: String, function: Function) {
    let Function::Schedule(work) = function else { return };
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        if let Err(cause) = work(LambdaEvent::new(Value::Null, Context::default())).await {
            tracing::error!(function = name, %cause, "a scheduled run failed");
        }
    }
}
