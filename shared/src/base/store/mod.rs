//! DynamoDB for the typed stores: a [`Table`], its conditional [`Write`]s and its [`Query`]s, and the kinds of
//! failures.
//!
//! The SDK retries transient failures (timeouts, throttling, 5xx). It does not retry a cancelled transaction, because
//! only the caller can interpret the reasons; [`Table::transact`] does.

mod query;
mod retry;
mod table;
mod write;

use std::collections::HashMap;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::problem::Problem;

pub use query::{Items, Query};
pub use retry::{Try, retrying};
pub use table::Table;
pub use write::{Transacted, Write, WriteOutcome};

/// An item in DynamoDB's form.
pub type Item = HashMap<String, AttributeValue>;

/// The attribute for DynamoDB's TTL, in epoch seconds. TTL deletes late, so conditions check the expiry themselves.
pub const EXPIRES: &str = "expires";

/// A failed call to a table.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The table is unreachable, throttles, or keeps conflicting. The write may have been applied.
    #[error("{0}")]
    Unavailable(String),
    /// The request or an item is not what DynamoDB or this code expects. This is a bug.
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

/// The error for a request without a required part, which the SDK finds before sending.
impl From<BuildError> for StoreError {
    fn from(error: BuildError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Converts an SDK error to a [`StoreError`]. Keeps only the operation, the error's code and the kind of transport
/// failure, because messages and debug forms of the SDK can contain whole items.
pub fn store_error<E: ProvideErrorMetadata, R>(operation: &str, error: &SdkError<E, R>) -> StoreError {
    sdk_error("dynamodb", operation, error)
}

/// Like [`store_error`], for another service.
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

/// Deserializes a stored item.
pub fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    // serde's message may quote a value, so it is dropped.
    serde_dynamo::from_item(item)
        .map_err(|_| StoreError::Broken(format!("an item does not read as {}", std::any::type_name::<T>())))
}

/// Serializes a value to an item. A field that is `None` is left out, so that conditions and indexes do not see it.
pub fn to_item<T: Serialize>(value: &T) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::to_item(value)
        .map_err(|_| StoreError::Broken(format!("{} does not write as an item", std::any::type_name::<T>())))?;
    item.retain(|_, attribute| !attribute.is_null());
    Ok(item)
}

/// Serializes a value to an attribute.
pub fn attribute<T: Serialize>(value: T) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value)
        .map_err(|_| StoreError::Broken(format!("{} does not write as an attribute", std::any::type_name::<T>())))
}

/// A string attribute.
pub fn s(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number attribute.
pub fn n(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The key of an item, from its partition key and sort key.
pub fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    Item::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])
}

/// Serializes a value to an item with a key.
pub fn keyed<T: Serialize>(value: &T, key: Item) -> Result<Item, StoreError> {
    let mut item = to_item(value)?;
    item.extend(key);
    Ok(item)
}
