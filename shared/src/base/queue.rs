//! SQS: sends messages, and receives them one by one.
//!
//! SQS redelivers a message that fails, [`DELIVERIES`] times in all. Then it moves the message to the dead-letter queue
//! that `template.yaml` names, which keeps it for two weeks and raises an alarm. Independently of that, the item that
//! the message names is marked as failed after `workflow::lease::ATTEMPTS` attempts. Operators read dead-letter queues,
//! so messages hold identifiers, never personal data.

use std::panic::AssertUnwindSafe;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Region};
use aws_sdk_sqs::types::{
    MessageSystemAttributeNameForSends, MessageSystemAttributeValue, SendMessageBatchRequestEntry,
};
use futures_util::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::base::aws::{credentials, retries, retry_partition, timeouts};
use crate::base::context::Context;
use crate::base::environment::ConfigError;
use crate::base::observe::metrics::{self, MESSAGES_FAILED};
use crate::base::observe::sdk::Traced;
use crate::base::observe::traces::{Of, Subsegment, header};
use crate::base::store::{StoreError, sdk_error};

/// The limits of one call: the number of messages, and their bytes together. The latter is a little below the 256 KiB
/// that SQS allowed before 2025 and other implementations still allow ("Amazon SQS message quotas").
const MOST_MESSAGES: usize = 10;
const MOST_BYTES: usize = 240 * 1024;

/// How often a queue delivers a message before it becomes a dead letter: `maxReceiveCount` in `template.yaml`.
pub const DELIVERIES: u32 = 5;

/// How long a failed message waits before its second delivery, in seconds, if `RETRY_SECONDS` does not say otherwise.
/// Each further delivery waits twice as long.
const FIRST_RETRY: u32 = 5;

/// A queue that messages are sent to.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue whose URL is in the environment variable `variable`.
    pub fn new(context: &Context, variable: &'static str) -> Result<Self, ConfigError> {
        let environment = &context.environment;
        let mut config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(environment.required("AWS_REGION")?.to_owned()))
            .credentials_provider(credentials(environment)?)
            .retry_config(retries())
            .retry_partition(retry_partition())
            .timeout_config(timeouts())
            .interceptor(Traced);
        if let Some(endpoint) = environment.endpoint("AWS_ENDPOINT_URL_SQS") {
            config = config.endpoint_url(endpoint);
        }
        Ok(Self { client: Client::from_conf(config.build()), url: environment.required(variable)?.to_owned() })
    }

    /// Sends messages in as few calls as possible. After an error, some may have been sent.
    pub async fn send<M: Serialize>(&self, messages: &[M]) -> Result<(), StoreError> {
        let bodies = messages.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>();
        let bodies = bodies.map_err(|_| StoreError::Broken("a message does not write as JSON".to_owned()))?;
        for batch in batches(&bodies) {
            self.send_batch(batch).await?;
        }
        Ok(())
    }

    async fn send_batch(&self, bodies: &[String]) -> Result<(), StoreError> {
        // The receiver's trace continues this one.
        let trace =
            header().map(|header| MessageSystemAttributeValue::builder().data_type("String").string_value(header));
        let trace = trace.map(|value| value.build()).transpose()?;
        let entries = bodies.iter().enumerate().map(|(index, body)| {
            let entry = SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body);
            let attributes =
                trace.iter().map(|value| (MessageSystemAttributeNameForSends::AwsTraceHeader, value.clone()));
            entry.set_message_system_attributes(trace.is_some().then(|| attributes.collect())).build()
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let sent = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await;
        let sent = sent.map_err(|error| sdk_error("sqs", "SendMessageBatch", &error))?;
        match sent.failed.first() {
            None => Ok(()),
            Some(failed) => Err(StoreError::Unavailable(format!("sqs SendMessageBatch: {}", failed.code))),
        }
    }
}

/// The queue of a consumer whose failed messages come again within seconds, each time later, instead of after the queue's
/// visibility timeout.
#[derive(Clone, Debug)]
pub struct Backoff {
    queue: Queue,
    first: u32,
}

impl Backoff {
    /// Of the queue whose URL is in the environment variable `variable`.
    pub fn new(context: &Context, variable: &'static str) -> Result<Self, ConfigError> {
        let first = context.environment.parsed("RETRY_SECONDS", FIRST_RETRY)?;
        Ok(Self { queue: Queue::new(context, variable)?, first })
    }

    /// Sets when a failed message comes again. If this call fails, it comes after the visibility timeout.
    async fn postpone(&self, record: &Value) {
        let received = record["attributes"]["ApproximateReceiveCount"].as_str().and_then(|count| count.parse().ok());
        let seconds = retry_after(self.first, received.unwrap_or(1));
        let change = self.queue.client.change_message_visibility().queue_url(&self.queue.url);
        let change = change.receipt_handle(record["receiptHandle"].as_str().unwrap_or_default());
        if let Err(error) = change.visibility_timeout(i32::try_from(seconds).unwrap_or(i32::MAX)).send().await {
            let cause = sdk_error("sqs", "ChangeMessageVisibility", &error);
            tracing::warn!(%cause, "a message comes again later");
        }
    }
}

/// The seconds until a message comes again that was delivered `received` times.
fn retry_after(first: u32, received: u32) -> u32 {
    first << received.clamp(1, DELIVERIES).saturating_sub(1)
}

/// The seconds that a message with the default backoff waits in all until its last delivery.
pub fn waited() -> u32 {
    (1..DELIVERIES).map(|received| retry_after(FIRST_RETRY, received)).sum()
}

/// Splits a list into batches that fit in one call.
fn batches(bodies: &[String]) -> Vec<&[String]> {
    let (mut batches, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (index, body) in bodies.iter().enumerate() {
        if index > start && (index - start == MOST_MESSAGES || bytes + body.len() > MOST_BYTES) {
            batches.push(&bodies[start..index]);
            (start, bytes) = (index, 0);
        }
        bytes += body.len();
    }
    if start < bodies.len() {
        batches.push(&bodies[start..]);
    }
    batches
}

/// A function that receives queue messages.
pub trait Consumer: Send + Sync + 'static {
    /// The content of a message.
    type Message: DeserializeOwned + Send;

    /// Processes one message. It must be safe to do so twice: SQS delivers at least once.
    fn try_one(&self, message: Self::Message) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// When failed messages come again; `None`: after the queue's visibility timeout.
    fn backoff(&self) -> Option<&Backoff> {
        None
    }
}

/// Passes on the records of an SQS event one by one, and returns Lambda's partial batch response ("Implementing partial
/// batch responses", AWS Lambda Developer Guide). If a record cannot be read, fails or panics, only that record is
/// reported as failed.
pub async fn consume<C: Consumer>(consumer: &C, event: &Value) -> Value {
    let mut failures = Vec::new();
    for record in event["Records"].as_array().into_iter().flatten() {
        let id = record["messageId"].as_str().unwrap_or_default();
        let mut part = Subsegment::begin("message", Of::Function);
        let outcome = part.around(AssertUnwindSafe(one(consumer, record)).catch_unwind()).await;
        let outcome = outcome.unwrap_or_else(|_| Err(StoreError::Broken("a consumer panicked".to_owned())));
        if let Err(error) = outcome {
            tracing::error!(message = id, cause = %error, "a message failed");
            part.failed("the message is delivered again");
            if let Some(backoff) = consumer.backoff() {
                backoff.postpone(record).await;
            }
            metrics::record(&[(MESSAGES_FAILED, 1)], &[]);
            failures.push(json!({ "itemIdentifier": id }));
        }
    }
    json!({ "batchItemFailures": failures })
}

async fn one<C: Consumer>(consumer: &C, record: &Value) -> Result<(), StoreError> {
    // serde's message may quote the body, so it is dropped.
    let message = serde_json::from_str(record["body"].as_str().unwrap_or_default())
        .map_err(|_| StoreError::Broken("the message is not what this function takes".to_owned()))?;
    consumer.try_one(message).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_batch_holds_more_than_a_call_takes() {
        let sizes = |lengths: &[usize]| {
            let bodies: Vec<String> = lengths.iter().map(|length| "x".repeat(*length)).collect();
            batches(&bodies).iter().map(|batch| batch.len()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[]), [0_usize; 0]);
        assert_eq!(sizes(&[1; 23]), [10, 10, 3]);
        assert_eq!(sizes(&[100 * 1024; 5]), [2, 2, 1]);
        assert_eq!(sizes(&[1, MOST_BYTES, 1]), [1, 1, 1]);
    }

    #[test]
    fn a_message_waits_twice_as_long_each_time() {
        assert_eq!([0, 1, 2, 3, 4, 5, 9].map(|received| retry_after(5, received)), [5, 5, 10, 20, 40, 80, 80]);
        assert_eq!(waited(), 75);
    }

    struct Even;

    impl Consumer for Even {
        type Message = u32;

        async fn try_one(&self, message: u32) -> Result<(), StoreError> {
            assert_ne!(message, 5, "a panic");
            if message.is_multiple_of(2) { Ok(()) } else { Err(StoreError::Unavailable("odd".to_owned())) }
        }
    }

    #[tokio::test]
    async fn each_record_that_fails_is_reported_alone() {
        let bodies = ["2", "3", "{", "4", "5", "6"];
        let records = bodies.iter().map(|body| json!({"messageId": format!("m{body}"), "body": body}));
        let event = json!({ "Records": records.collect::<Vec<_>>() });
        let failed = ["m3", "m{", "m5"].map(|id| json!({ "itemIdentifier": id }));
        assert_eq!(consume(&Even, &event).await, json!({ "batchItemFailures": failed }));
    }
}
