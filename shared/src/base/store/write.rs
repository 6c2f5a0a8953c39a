//! A conditional write of one item, alone or in a transaction.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Delete, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};

use super::{Item, StoreError, Table, n, store_error};

/// The change to an item.
#[derive(Clone, Debug)]
enum Change {
    Put(Item),
    Update { key: Item, expression: String },
    Delete(Item),
    Check(Item),
}

/// A conditional write of one item. Expressions write a word that DynamoDB reserves, such as `state` or `name`, as
/// `#state`.
#[derive(Clone, Debug)]
pub struct Write {
    table: String,
    change: Change,
    condition: Option<String>,
    values: HashMap<String, AttributeValue>,
}

/// The result of a single write.
#[derive(Debug)]
pub enum WriteOutcome {
    /// The write was applied. After an update, this is the new item.
    Applied(Item),
    /// The condition failed. This is the item that failed it, if it exists.
    Refused(Option<Item>),
}

/// The result of a transaction.
#[derive(Debug)]
pub enum Transacted {
    /// Every write was applied.
    Applied,
    /// No write was applied. For each write, in order: `None` if its condition held, otherwise the item that failed it
    /// (empty if it does not exist).
    Refused(Vec<Option<Item>>),
}

/// How often a transaction is tried while it conflicts with others.
const ATTEMPTS: u32 = 8;

/// Sets the table and the condition of a write on a request builder. All seven builders have the same methods.
macro_rules! conditional {
    ($builder:expr, $write:ident, $names:ident) => {
        $builder
            .table_name($write.table)
            .set_condition_expression($write.condition)
            .set_expression_attribute_names($names)
            .set_expression_attribute_values(Some($write.values).filter(|values| !values.is_empty()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    };
}

impl Write {
    /// Adds a condition. Conditions that are already set must hold as well.
    #[must_use]
    pub fn when(mut self, condition: &str) -> Self {
        self.condition = Some(match self.condition {
            Some(before) => format!("({before}) AND ({condition})"),
            None => condition.to_owned(),
        });
        self
    }

    /// Requires that the item does not exist.
    #[must_use]
    pub fn when_new(self) -> Self {
        self.when("attribute_not_exists(pk)")
    }

    /// Requires that the item has this version.
    #[must_use]
    pub fn when_version(self, version: u64) -> Self {
        self.when("#version = :version_before").bind("version_before", n(version))
    }

    /// Sets the value of `:name` in the expressions.
    #[must_use]
    pub fn bind(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(format!(":{name}"), value);
        self
    }

    fn names(&self) -> Option<HashMap<String, String>> {
        let update = match &self.change {
            Change::Update { expression, .. } => expression.as_str(),
            Change::Put(_) | Change::Delete(_) | Change::Check(_) => "",
        };
        names([update, self.condition.as_deref().unwrap_or_default()])
    }

    /// Converts the write to a part of a transaction.
    fn into_item(self) -> Result<TransactWriteItem, StoreError> {
        let (names, item) = (self.names(), TransactWriteItem::builder());
        Ok(match self.change {
            Change::Put(put) => item.put(conditional!(Put::builder().set_item(Some(put)), self, names).build()?),
            Change::Update { key, expression } => {
                let update = Update::builder().set_key(Some(key)).update_expression(expression);
                item.update(conditional!(update, self, names).build()?)
            }
            Change::Delete(key) => {
                item.delete(conditional!(Delete::builder().set_key(Some(key)), self, names).build()?)
            }
            Change::Check(key) => {
                item.condition_check(conditional!(ConditionCheck::builder().set_key(Some(key)), self, names).build()?)
            }
        }
        .build())
    }
}

/// The attribute names for every `#name` in some expressions.
pub(super) fn names<const N: usize>(expressions: [&str; N]) -> Option<HashMap<String, String>> {
    let is_end = |character: char| !character.is_ascii_alphanumeric() && character != '_';
    let words = expressions.into_iter().flat_map(|expression| expression.split('#').skip(1));
    let names: BTreeSet<&str> = words.filter_map(|rest| rest.split(is_end).next()).collect();
    let names: HashMap<_, _> = names.into_iter().map(|name| (format!("#{name}"), name.to_owned())).collect();
    Some(names).filter(|names| !names.is_empty())
}

impl Table {
    /// Puts an item, and replaces an existing one.
    pub fn put(&self, item: Item) -> Write {
        self.change(Change::Put(item))
    }

    /// Puts an item that does not exist yet.
    pub fn put_new(&self, item: Item) -> Write {
        self.put(item).when_new()
    }

    /// Updates an item with an update expression.
    pub fn update(&self, key: Item, expression: &str) -> Write {
        self.change(Change::Update { key, expression: expression.to_owned() })
    }

    /// Deletes an item.
    pub fn delete(&self, key: Item) -> Write {
        self.change(Change::Delete(key))
    }

    /// Checks a condition without changing the item. Only valid in a transaction.
    pub fn check(&self, key: Item) -> Write {
        self.change(Change::Check(key))
    }

    fn change(&self, change: Change) -> Write {
        Write { table: self.name.clone(), change, condition: None, values: HashMap::new() }
    }

    /// Applies a single write.
    pub async fn write(&self, write: Write) -> Result<WriteOutcome, StoreError> {
        let names = write.names();
        match write.change {
            Change::Put(item) => {
                let put = conditional!(self.client.put_item().set_item(Some(item)), write, names);
                outcome("PutItem", put.send().await.map(|_| Item::new()), |error| match error {
                    PutItemError::ConditionalCheckFailedException(refused) => Some(refused),
                    _ => None,
                })
            }
            Change::Update { key, expression } => {
                let update = self.client.update_item().set_key(Some(key)).update_expression(expression);
                let update = conditional!(update.return_values(ReturnValue::AllNew), write, names);
                let sent = update.send().await.map(|updated| updated.attributes.unwrap_or_default());
                outcome("UpdateItem", sent, |error| match error {
                    UpdateItemError::ConditionalCheckFailedException(refused) => Some(refused),
                    _ => None,
                })
            }
            Change::Delete(key) => {
                let delete = conditional!(self.client.delete_item().set_key(Some(key)), write, names);
                outcome("DeleteItem", delete.send().await.map(|_| Item::new()), |error| match error {
                    DeleteItemError::ConditionalCheckFailedException(refused) => Some(refused),
                    _ => None,
                })
            }
            Change::Check(_) => Err(StoreError::Broken("a check alone is no write".to_owned())),
        }
    }

    /// Applies all of `writes` or none; they may belong to several tables. Retries conflicts with other transactions
    /// and throttling, with full jitter. The caller handles failed conditions. The SDK gives every call a client token,
    /// so its own retries of one call apply once ("TransactWriteItems", Amazon DynamoDB API Reference).
    pub async fn transact(&self, writes: impl IntoIterator<Item = Write>) -> Result<Transacted, StoreError> {
        let writes: Vec<_> = writes.into_iter().map(Write::into_item).collect::<Result<_, _>>()?;
        for attempt in 0..ATTEMPTS {
            let sent = self.client.transact_write_items().set_transact_items(Some(writes.clone())).send().await;
            let Err(error) = sent else { return Ok(Transacted::Applied) };
            match refusal(&error)? {
                Some(refused) => return Ok(Transacted::Refused(refused)),
                None => tokio::time::sleep(self.random.up_to(Duration::from_millis(10 << attempt.min(6)))).await,
            }
        }
        Err(StoreError::Unavailable("dynamodb TransactWriteItems: TransactionConflict".to_owned()))
    }
}

/// The result of a single write that was sent. `refused` returns the error's part about a failed condition, if any.
fn outcome<E: ProvideErrorMetadata, R>(
    operation: &str,
    sent: Result<Item, SdkError<E, R>>,
    refused: impl FnOnce(&E) -> Option<&ConditionalCheckFailedException>,
) -> Result<WriteOutcome, StoreError> {
    sent.map(WriteOutcome::Applied).or_else(|error| match error.as_service_error().and_then(refused) {
        Some(refused) => Ok(WriteOutcome::Refused(refused.item().cloned())),
        None => Err(store_error(operation, &error)),
    })
}

/// The items that failed a transaction's conditions; `None` if the transaction should be retried.
fn refusal<R>(error: &SdkError<TransactWriteItemsError, R>) -> Result<Option<Vec<Option<Item>>>, StoreError> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return Err(store_error("TransactWriteItems", error));
    };
    let reasons = cancelled.cancellation_reasons();
    // If the transaction also conflicted with another one, the failed condition does not reflect what the other will
    // write. So conditions count only if all of them were evaluated.
    if reasons.iter().filter_map(CancellationReason::code).any(passes) {
        return Ok(None);
    }
    let is_broken = |code: &&str| !matches!(*code, "None" | "ConditionalCheckFailed");
    if let Some(code) = reasons.iter().filter_map(CancellationReason::code).find(is_broken) {
        return Err(StoreError::Broken(format!("dynamodb TransactWriteItems: {code}")));
    }
    let failed = |reason: &CancellationReason| {
        (reason.code() == Some("ConditionalCheckFailed")).then(|| reason.item().cloned().unwrap_or_default())
    };
    Ok(Some(reasons.iter().map(failed).collect()))
}

/// Whether a cancellation reason is transient.
fn passes(code: &str) -> bool {
    matches!(code, "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_an_expression_are_found() {
        let names = names(["SET #state = :held, #name.#first = :x", "#state = :a AND size(#of_it)>:b"]).unwrap();
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort();
        let names: Vec<_> = names.iter().map(|(name, attribute)| (name.as_str(), attribute.as_str())).collect();
        assert_eq!(names, [("#first", "first"), ("#name", "name"), ("#of_it", "of_it"), ("#state", "state")]);
        assert_eq!(super::names(["available >= :amount"]), None);
    }
}
