//! The timers behind the template's schedules.

use std::time::Duration;

use lambda_http::{Context, LambdaEvent};
use serde_json::Value;
use shared::api::lambda::Function;

/// Invokes a function every so often until the task is dropped; the first time at once.
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
