//! DynamoDB as the typed stores see it: which failures are which, and the one retry of a
//! transaction that lost against another.
//!
//! The SDK retries what it can tell is transient (timeouts, throttling, 5xx). It does not retry a
//! cancelled transaction, because only the caller can read the reasons; [`transact`] does.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
pub use aws_sdk_dynamodb::types::TransactWriteItem;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, DeleteRequest, KeysAndAttributes, PutRequest, WriteRequest,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::clock::Random;
use crate::base::problem::Problem;

/// An item as DynamoDB holds it.
pub type Item = HashMap<String, AttributeValue>;

/// The attribute that DynamoDB's TTL reads: epoch seconds. TTL deletes late, so conditions check
/// expiry themselves.
pub const EXPIRES: &str = "expires";

/// A call to a table that did not work out.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The table cannot be reached, throttles, or keeps conflicting. A write may or may not have
    /// been applied.
    #[error("{0}")]
    Unavailable(String),
    /// The request or an item is not what DynamoDB or this code expects: a bug.
    #[error("{0}")]
    Broken(String),
}

impl From<StoreError> for Problem {
    #[track_caller]
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(cause) => Self::unavailable(cause),
            StoreError::Broken(cause) => Self::internal(cause),
        }
    }
}

/// A request that lacks a required part: the SDK finds it before sending.
impl From<BuildError> for StoreError {
    fn from(error: BuildError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Sorts an SDK error into [`StoreError`]. Only the operation, the error's code and the kind of
/// transport failure are kept: messages and debug forms of the SDK can hold whole items.
pub fn store_error<E: ProvideErrorMetadata, R>(operation: &str, error: &SdkError<E, R>) -> StoreError {
    sdk_error("dynamodb", operation, error)
}

/// As [`store_error`], of another service.
pub(crate) fn sdk_error<E: ProvideErrorMetadata, R>(
    service: &str,
    operation: &str,
    error: &SdkError<E, R>,
) -> StoreError {
    let code = error.code().unwrap_or(match error {
        SdkError::ConstructionFailure(_) => "ConstructionFailure",
        SdkError::TimeoutError(_) => "Timeout",
        SdkError::DispatchFailure(_) => "DispatchFailure",
        SdkError::ResponseError(_) => "ResponseError",
        _ => "ServiceError",
    });
    let text = format!("{service} {operation}: {code}");
    match code {
        "ConstructionFailure"
        | "ValidationException"
        | "SerializationException"
        | "AccessDeniedException"
        | "ItemCollectionSizeLimitExceededException" => StoreError::Broken(text),
        _ => StoreError::Unavailable(text),
    }
}

/// A stored item as its type.
pub fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    // serde's message may quote a value, so it is left out.
    serde_dynamo::from_item(item)
        .map_err(|_| StoreError::Broken(format!("an item does not read as {}", std::any::type_name::<T>())))
}

/// A type as the item that is stored.
pub fn to_item<T: Serialize>(value: &T) -> Result<Item, StoreError> {
    serde_dynamo::to_item(value)
        .map_err(|_| StoreError::Broken(format!("{} does not write as an item", std::any::type_name::<T>())))
}

/// A string attribute.
pub fn s(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number attribute.
pub fn n(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Everything that a query finds, on all its pages.
pub async fn query_all<T: DeserializeOwned>(query: QueryFluentBuilder) -> Result<Vec<T>, StoreError> {
    let mut items = query.into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(item) = items.next().await {
        found.push(from_item(item.map_err(|error| store_error("Query", &error))?)?);
    }
    Ok(found)
}

/// The longest wait before what a throttled batch left over is asked for, or sent, again.
const UNPROCESSED_PAUSE: Duration = Duration::from_millis(200);

/// The items that have these keys, in no order, strongly consistent. No two keys may be the same.
pub async fn get_all(client: &Client, random: &Random, table: &str, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
    let mut found = Vec::new();
    // 100 is what one BatchGetItem takes.
    for chunk in keys.chunks(100) {
        let mut pending = chunk.to_vec();
        while !pending.is_empty() {
            let wanted = KeysAndAttributes::builder().set_keys(Some(pending)).consistent_read(true).build();
            let sent = client.batch_get_item().request_items(table, wanted?).send().await;
            let got = sent.map_err(|error| store_error("BatchGetItem", &error))?;
            found.extend(got.responses.unwrap_or_default().into_values().flatten());
            let left = got.unprocessed_keys.unwrap_or_default().remove(table);
            pending = left.map(|left| left.keys).unwrap_or_default();
            if !pending.is_empty() {
                tokio::time::sleep(random.up_to(UNPROCESSED_PAUSE)).await;
            }
        }
    }
    Ok(found)
}

/// Writes items, new or in the place of what is there, in batches: without conditions and not all
/// at once. No two may have the same key.
pub async fn put_all(client: &Client, random: &Random, table: &str, items: Vec<Item>) -> Result<(), StoreError> {
    let mut writes = Vec::with_capacity(items.len());
    for item in items {
        let request = PutRequest::builder().set_item(Some(item)).build();
        writes.push(WriteRequest::builder().put_request(request?).build());
    }
    write_all(client, random, table, writes).await
}

/// Deletes the items that have these keys, which are all different, in batches: without conditions and not all at
/// once.
pub async fn delete_all(client: &Client, random: &Random, table: &str, keys: Vec<Item>) -> Result<(), StoreError> {
    let mut writes = Vec::with_capacity(keys.len());
    for key in keys {
        let request = DeleteRequest::builder().set_key(Some(key)).build();
        writes.push(WriteRequest::builder().delete_request(request?).build());
    }
    write_all(client, random, table, writes).await
}

async fn write_all(client: &Client, random: &Random, table: &str, writes: Vec<WriteRequest>) -> Result<(), StoreError> {
    // 25 is what one BatchWriteItem takes.
    for chunk in writes.chunks(25) {
        let mut pending = chunk.to_vec();
        while !pending.is_empty() {
            let sent = client.batch_write_item().request_items(table, pending).send().await;
            let done = sent.map_err(|error| store_error("BatchWriteItem", &error))?;
            pending = done.unprocessed_items.unwrap_or_default().remove(table).unwrap_or_default();
            if !pending.is_empty() {
                tokio::time::sleep(random.up_to(UNPROCESSED_PAUSE)).await;
            }
        }
    }
    Ok(())
}

/// What became of a transaction.
#[derive(Debug)]
pub enum Transacted {
    /// Every write was applied.
    Applied,
    /// Nothing was applied. For each write, in order: `None` if its condition held, otherwise the
    /// item that failed it (empty if there was no item).
    Refused(Vec<Option<Item>>),
}

/// How often a transaction is tried against others that touch the same items.
const ATTEMPTS: u32 = 8;

/// Writes all of `writes` or nothing. A conflict with another transaction, and throttling, are
/// tried again with full jitter; a failed condition is the caller's to read. The SDK gives every
/// call a client token, so its own retries of one call apply once ("TransactWriteItems", Amazon
/// DynamoDB API Reference).
pub async fn transact(
    client: &Client,
    random: &Random,
    writes: Vec<TransactWriteItem>,
) -> Result<Transacted, StoreError> {
    for attempt in 0..ATTEMPTS {
        let Err(error) = client.transact_write_items().set_transact_items(Some(writes.clone())).send().await else {
            return Ok(Transacted::Applied);
        };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
            return Err(store_error("TransactWriteItems", &error));
        };
        let reasons = cancelled.cancellation_reasons();
        // Beside a conflict, a failed condition says nothing of what the other transaction is about
        // to write; conditions are read only where all of them were decided.
        if !reasons.iter().filter_map(|reason| reason.code()).any(passes) {
            let failed = |reason: &CancellationReason| {
                (reason.code() == Some("ConditionalCheckFailed")).then(|| reason.item().cloned().unwrap_or_default())
            };
            let failed: Vec<_> = reasons.iter().map(failed).collect();
            let other = reasons
                .iter()
                .filter_map(|reason| reason.code())
                .find(|code| !matches!(*code, "None" | "ConditionalCheckFailed"));
            return match other {
                Some(code) => Err(StoreError::Broken(format!("dynamodb TransactWriteItems: {code}"))),
                None => Ok(Transacted::Refused(failed)),
            };
        }
        tokio::time::sleep(random.up_to(Duration::from_millis(10 << attempt.min(6)))).await;
    }
    Err(StoreError::Unavailable("dynamodb TransactWriteItems: TransactionConflict".to_owned()))
}

/// Whether a cancellation reason passes by itself.
fn passes(code: &str) -> bool {
    matches!(code, "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded")
}
