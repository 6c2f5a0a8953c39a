//! DynamoDB as the typed stores see it: a [`Table`], its conditional [`Write`]s and its [`Query`]s, and which failures
//! are which.
//!
//! The SDK retries what it can tell is transient (timeouts, throttling, 5xx). It does not retry a
//! cancelled transaction, because only the caller can read the reasons; [`Table::transact`] does.

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

/// A type as the item that is stored. A field that is `None` is left out, so that conditions and indexes see none.
pub fn to_item<T: Serialize>(value: &T) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::to_item(value)
        .map_err(|_| StoreError::Broken(format!("{} does not write as an item", std::any::type_name::<T>())))?;
    item.retain(|_, attribute| !attribute.is_null());
    Ok(item)
}

/// A value as the attribute that is stored.
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

/// The key of an item.
pub fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    Item::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])
}

/// A value as the item of a key.
pub fn keyed<T: Serialize>(value: &T, key: Item) -> Result<Item, StoreError> {
    let mut item = to_item(value)?;
    item.extend(key);
    Ok(item)
}
