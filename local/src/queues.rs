//! The pollers of the template's SQS event sources: batches, partial batch failures, visibility and dead-letter queues
//! as in Lambda ("Using Lambda with Amazon SQS").

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use lambda_http::{Context, LambdaEvent};
use serde_json::{Value, json};
use shared::api::lambda::Function;

use crate::template::{ACCOUNT, REGION};

/// Receives the messages of a queue for a function.
pub struct Poller {
    pub client: Client,
    /// The queue's name.
    pub queue: String,
    pub url: String,
    pub batch_size: i32,
    pub function: Function,
}

impl Poller {
    /// Polls until the task is dropped.
    pub async fn run(self) {
        loop {
            if let Err(cause) = self.try_one().await {
                tracing::warn!(queue = self.queue, cause, "a poll failed");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }

    /// Receives a batch, invokes the function with it and deletes the messages that it processed. The others become
    /// visible again after the visibility timeout. Returns the number of messages received.
    pub async fn try_one(&self) -> Result<usize, String> {
        let received = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(self.batch_size.clamp(1, 10))
            .wait_time_seconds(1)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await;
        let messages = received.map_err(|_| "the queue does not answer")?.messages.unwrap_or_default();
        if messages.is_empty() {
            return Ok(0);
        }
        let Function::Queue(work) = &self.function else { return Err("its function takes no messages".to_owned()) };
        let Ok(response) = work(self.event(&messages)).await else { return Ok(messages.len()) };
        let failed: HashSet<&str> = response["batchItemFailures"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|failure| failure["itemIdentifier"].as_str())
            .collect();
        for message in messages.iter().filter(|message| !failed.contains(message.message_id().unwrap_or_default())) {
            let deleted =
                self.client.delete_message().queue_url(&self.url).set_receipt_handle(message.receipt_handle.clone());
            deleted.send().await.map_err(|_| "a message was not deleted")?;
        }
        Ok(messages.len())
    }

    fn event(&self, messages: &[Message]) -> LambdaEvent<Value> {
        let records = messages.iter().map(|message| {
            let attributes: Value = message
                .attributes
                .iter()
                .flatten()
                .map(|(name, value)| (name.as_str().to_owned(), json!(value)))
                .collect::<serde_json::Map<_, _>>()
                .into();
            json!({
                "messageId": message.message_id(),
                "receiptHandle": message.receipt_handle(),
                "body": message.body(),
                "attributes": attributes,
                "messageAttributes": {},
                "md5OfBody": message.md5_of_body(),
                "eventSource": "aws:sqs",
                "eventSourceARN": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}", self.queue),
                "awsRegion": REGION,
            })
        });
        let event = json!({ "Records": records.collect::<Vec<_>>() });
        let mut context = Context::default();
        context.xray_trace_id = event["Records"][0]["attributes"]["AWSTraceHeader"].as_str().map(str::to_owned);
        LambdaEvent::new(event, context)
    }
}
