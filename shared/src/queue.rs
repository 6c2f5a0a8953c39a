//! Sending to an SQS queue: ids of work to be done, never personal data.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use serde::Serialize;

use crate::context::Context;
use crate::environment::{ConfigError, Environment};
use crate::store::StoreError;

/// The most messages that one call may send ("SendMessageBatch", Amazon SQS API Reference).
const BATCH: usize = 10;

/// A queue to send to.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue whose address is in this variable.
    pub fn new(context: &Context, variable: &'static str) -> Result<Self, ConfigError> {
        let url = context.environment.required(variable)?.to_owned();
        Ok(Self { client: Client::from_conf(config(&context.environment)?), url })
    }

    /// Sends every message. After a failure some may have been sent, so that sending again has to
    /// be harmless.
    pub async fn send<T: Serialize>(&self, messages: &[T]) -> Result<(), StoreError> {
        for batch in messages.chunks(BATCH) {
            let entries = batch.iter().enumerate().map(|(index, message)| {
                let body = serde_json::to_string(message)
                    .map_err(|_| StoreError::Broken("a message does not write as JSON".to_owned()))?;
                Ok(SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body).build()?)
            });
            let entries = entries.collect::<Result<Vec<_>, StoreError>>()?;
            let sent = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await;
            // Only the code is kept: messages of the SDK can hold what was sent.
            let sent = sent.map_err(|error| unavailable(error.code()))?;
            if let Some(failed) = sent.failed().first() {
                return Err(unavailable(Some(failed.code())));
            }
        }
        Ok(())
    }
}

fn unavailable(code: Option<&str>) -> StoreError {
    StoreError::Unavailable(format!("sqs SendMessageBatch: {}", code.unwrap_or("no answer")))
}

/// As the configuration of DynamoDB's client in [`crate::context`].
fn config(environment: &Environment) -> Result<aws_sdk_sqs::Config, ConfigError> {
    let credentials = Credentials::new(
        environment.required("AWS_ACCESS_KEY_ID")?,
        environment.required("AWS_SECRET_ACCESS_KEY")?,
        environment.optional("AWS_SESSION_TOKEN").map(str::to_owned),
        None,
        "environment",
    );
    let mut config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(environment.required("AWS_REGION")?.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::standard().with_max_attempts(4))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(1))
                .operation_attempt_timeout(Duration::from_secs(3))
                .operation_timeout(Duration::from_secs(8))
                .build(),
        );
    if let Some(endpoint) = environment.optional("AWS_ENDPOINT_URL_SQS") {
        config = config.endpoint_url(endpoint);
    }
    Ok(config.build())
}
