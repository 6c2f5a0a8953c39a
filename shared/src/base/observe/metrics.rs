//! Metrics in CloudWatch's embedded metric format: one line of JSON on standard output for each record, at any log
//! level. CloudWatch Logs extracts the metrics ("Specification: Embedded metric format", Amazon CloudWatch User Guide).
//!
//! [`ALL`] lists every metric; `docs/observing.md` explains them. CloudWatch bills each combination of dimension
//! values, so there are few, and none is an identifier or personal. Other fields of a line, such as the route, are for
//! CloudWatch Logs Insights.
//!
//! An event is counted once, after its transaction was applied.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::base::observe::invocation::current;

/// The namespace of all metrics.
pub const NAMESPACE: &str = "LeadFollowup";

/// The name of the dimension that every metric has.
pub const STACK: &str = "Stack";

/// The name of the dimension that separates functions.
const FUNCTION: &str = "Function";

/// The sets of dimensions under which a metric can be looked up.
type Dimensions = &'static [&'static [&'static str]];

const OF_STACK: Dimensions = &[&[STACK]];
const BY_FUNCTION: Dimensions = &[&[STACK], &[STACK, FUNCTION]];
const BY_CODE: Dimensions = &[&[STACK, "Code"]];
const BY_MODEL: Dimensions = &[&[STACK], &[STACK, "Model"]];
const BY_ACTION: Dimensions = &[&[STACK], &[STACK, "Action"]];

/// A metric and its dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The name in CloudWatch.
    pub name: &'static str,
    /// The unit in CloudWatch's terms.
    pub unit: &'static str,
    /// The sets of dimensions under which it can be looked up.
    pub dimensions: Dimensions,
}

const fn count(name: &'static str, dimensions: Dimensions) -> Metric {
    Metric { name, unit: "Count", dimensions }
}

const fn milliseconds(name: &'static str, dimensions: Dimensions) -> Metric {
    Metric { name, unit: "Milliseconds", dimensions }
}

/// Answered requests.
pub const REQUESTS: Metric = count("Requests", BY_FUNCTION);
/// Milliseconds from a request's arrival to its answer.
pub const LATENCY: Metric = milliseconds("Latency", BY_FUNCTION);
/// For each request 1 if its answer was 5xx, otherwise 0.
pub const SERVER_ERRORS: Metric = count("ServerErrors", BY_FUNCTION);
/// For each request 1 if its answer was 4xx, otherwise 0.
pub const CLIENT_ERRORS: Metric = count("ClientErrors", BY_FUNCTION);
/// Error answers, by code.
pub const ERRORS: Metric = count("Errors", BY_CODE);
/// Queue messages that a worker failed to process; SQS redelivers them.
pub const MESSAGES_FAILED: Metric = count("MessagesFailed", BY_FUNCTION);
/// Milliseconds of one call to the model, with or without a reply.
pub const MODEL_LATENCY: Metric = milliseconds("ModelLatency", BY_MODEL);
/// For each call to the model 1 if there was no reply, otherwise 0.
pub const MODEL_FAILURES: Metric = count("ModelFailures", BY_MODEL);
/// Replies of the model that broke a rule.
pub const MODEL_REPLIES_REFUSED: Metric = count("ModelRepliesRefused", BY_MODEL);
/// Input tokens, as the model reports them.
pub const MODEL_TOKENS_IN: Metric = count("ModelTokensIn", BY_MODEL);
/// The input tokens that the endpoint read from its cache, as it reports them.
pub const MODEL_TOKENS_CACHED: Metric = count("ModelTokensCached", BY_MODEL);
/// Output tokens, as the model reports them.
pub const MODEL_TOKENS_OUT: Metric = count("ModelTokensOut", BY_MODEL);
/// Calls that the endpoint refused because of its address, key, model name, parameters or account.
pub const MODEL_MISCONFIGURED: Metric = count("ModelMisconfigured", BY_MODEL);
/// Failures that opened the model's circuit breaker, or kept it open.
pub const BREAKER_OPENED: Metric = count("BreakerOpened", BY_MODEL);
/// Posted credits.
pub const CREDITS_CHARGED: Metric = count("CreditsCharged", BY_ACTION);
/// Voided holds.
pub const HOLDS_VOIDED: Metric = count("HoldsVoided", BY_ACTION);
/// Drafts and edits that were blocked because they hold another person's data.
pub const DRAFTS_BLOCKED: Metric = count("DraftsBlocked", OF_STACK);

/// Every metric.
pub const ALL: [Metric; 17] = [
    REQUESTS,
    LATENCY,
    SERVER_ERRORS,
    CLIENT_ERRORS,
    ERRORS,
    MESSAGES_FAILED,
    MODEL_LATENCY,
    MODEL_FAILURES,
    MODEL_REPLIES_REFUSED,
    MODEL_TOKENS_IN,
    MODEL_TOKENS_CACHED,
    MODEL_TOKENS_OUT,
    MODEL_MISCONFIGURED,
    BREAKER_OPENED,
    CREDITS_CHARGED,
    HOLDS_VOIDED,
    DRAFTS_BLOCKED,
];

/// The writer of metric lines; by default there is none.
#[derive(Clone, Default)]
pub struct Metrics(Option<Arc<Mutex<dyn Write + Send>>>);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Metrics").field(&self.0.is_some()).finish()
    }
}

impl Metrics {
    /// Writes each line to `writer` in one piece.
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        Self(Some(Arc::new(Mutex::new(writer))))
    }
}

/// Records values of the current invocation. `said` has the values of their dimensions and the other fields of the
/// line.
pub(crate) fn record(values: &[(Metric, u64)], said: &[(&str, &str)]) {
    let Some(observer) = current().map(|invocation| invocation.observer) else { return };
    let Some(writer) = &observer.metrics.0 else { return };
    let own = [(STACK, observer.stack.as_str()), (FUNCTION, observer.function.as_str())];
    let document = document(observer.clock.now().timestamp_millis(), values, own.iter().chain(said));
    let line = format!("{}\n", Value::Object(document));
    // There is no place to report a failed write.
    drop(writer.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes()));
}

/// The content of a line: the metrics, grouped by equal dimensions, and then their values.
fn document<'a>(
    timestamp: i64,
    values: &[(Metric, u64)],
    said: impl Iterator<Item = &'a (&'a str, &'a str)>,
) -> Map<String, Value> {
    let mut directives: Vec<(Dimensions, Vec<Value>)> = Vec::new();
    for (metric, _) in values {
        let told = json!({"Name": metric.name, "Unit": metric.unit});
        match directives.iter_mut().find(|(dimensions, _)| *dimensions == metric.dimensions) {
            Some((_, metrics)) => metrics.push(told),
            None => directives.push((metric.dimensions, vec![told])),
        }
    }
    let directives = directives
        .into_iter()
        .map(|(dimensions, metrics)| json!({"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": metrics}));
    let head = json!({"Timestamp": timestamp, "CloudWatchMetrics": directives.collect::<Vec<_>>()});
    let said = said.map(|(name, value)| ((*name).to_owned(), json!(value)));
    let values = values.iter().map(|(metric, value)| (metric.name.to_owned(), json!(value)));
    std::iter::once(("_aws".to_owned(), head)).chain(said).chain(values).collect()
}

/// Counts a blocked draft.
pub(crate) fn draft_blocked() {
    record(&[(DRAFTS_BLOCKED, 1)], &[]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_declares_its_metrics_by_their_dimensions() {
        let said = [("Stack", "s"), ("Function", "f"), ("Code", "not_found")];
        let document = document(7, &[(REQUESTS, 1), (ERRORS, 1), (LATENCY, 12)], said.iter());
        let expected = json!({
            "_aws": {"Timestamp": 7, "CloudWatchMetrics": [
                {
                    "Namespace": "LeadFollowup",
                    "Dimensions": [["Stack"], ["Stack", "Function"]],
                    "Metrics": [{"Name": "Requests", "Unit": "Count"}, {"Name": "Latency", "Unit": "Milliseconds"}],
                },
                {
                    "Namespace": "LeadFollowup",
                    "Dimensions": [["Stack", "Code"]],
                    "Metrics": [{"Name": "Errors", "Unit": "Count"}],
                },
            ]},
            "Stack": "s", "Function": "f", "Code": "not_found", "Requests": 1, "Errors": 1, "Latency": 12,
        });
        assert_eq!(Value::Object(document), expected);
    }
}
