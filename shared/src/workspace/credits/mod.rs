//! The credit ledger, in the `credits` table.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | balance | `W#<workspace>` | `balance` |
//! | operation | `W#<workspace>` | `operation#<operation id>` |
//! | entry | `W#<workspace>` | `entry#<time>#<id>` |
//!
//! An operation is one charge: it is *held* before the work, then *posted* or *voided*, once. Each
//! step is one transaction over the operation and the balance, so that at every moment
//! `granted = available + held + spent`, and `available` is never below zero. Entries are what has
//! happened for good (grants, posts, voids); nothing changes or deletes them.
//!
//! The index `held` lists the held operations of all workspaces by their expiry, for the sweeper
//! alone; they are spread over [`BUCKETS`] partitions.

mod terms;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::base::clock::Random;
use crate::base::context::Context;
use crate::base::environment::ConfigError;
use crate::base::observe::metrics;
use crate::base::store::{Item, StoreError, Transacted, from_item, n, query_all, s, store_error, to_item, transact};
use crate::base::time::timestamp;
pub use terms::{Action, Balance, Discrepancy, Entry, EntryKind, Operation, State};

/// How many partitions the index `held` has: one each for the first hexadecimal digit of an
/// operation's id.
pub const BUCKETS: &str = "0123456789abcdef";

/// The `credits` table.
#[derive(Clone, Debug)]
pub struct Ledger {
    client: Client,
    random: Random,
    table: String,
}

fn pk(workspace_id: Uuid) -> String {
    format!("W#{workspace_id}")
}

fn operation_sk(operation_id: Uuid) -> String {
    format!("operation#{operation_id}")
}

/// A step of the ledger.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Grant,
    Hold,
    Post,
    Void,
}

impl Step {
    /// What one credit adds to `available`, `held`, `spent` and `granted`.
    fn movement(self) -> [(&'static str, i64); 4] {
        let [available, held, spent, granted] = match self {
            Self::Grant => [1, 0, 0, 1],
            Self::Hold => [-1, 1, 0, 0],
            Self::Post => [0, -1, 1, 0],
            Self::Void => [1, -1, 0, 0],
        };
        [(":available", available), (":held", held), (":spent", spent), (":granted", granted)]
    }

    /// What keeps every part of the balance from going below zero.
    fn condition(self) -> Option<&'static str> {
        match self {
            Self::Grant => None,
            Self::Hold => Some("available >= :amount"),
            Self::Post | Self::Void => Some("held >= :amount"),
        }
    }
}

impl Ledger {
    /// The table named by `CREDITS_TABLE`.
    pub fn new(context: &Context) -> Result<Self, ConfigError> {
        Ok(Self {
            client: context.dynamodb.clone(),
            random: context.random.clone(),
            table: context.environment.required("CREDITS_TABLE")?.to_owned(),
        })
    }

    /// A workspace's balance; all zero if it never had credits.
    pub async fn balance(&self, workspace_id: Uuid) -> Result<Balance, StoreError> {
        let sent = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", s(pk(workspace_id)))
            .key("sk", s("balance"))
            .consistent_read(true)
            .send()
            .await;
        let got = sent.map_err(|error| store_error("GetItem", &error))?;
        got.item.map_or(Ok(Balance::default()), from_item)
    }

    /// Adds credits. The same `grant_id` twice adds them once.
    pub async fn grant(
        &self,
        workspace_id: Uuid,
        grant_id: Uuid,
        amount: u32,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let marker =
            Item::from([("pk".to_owned(), s(pk(workspace_id))), ("sk".to_owned(), s(format!("grant#{grant_id}")))]);
        let entry =
            Entry { entry_id: grant_id, kind: EntryKind::Grant, amount, action: reason.to_owned(), created_at: now };
        let writes = vec![
            self.put_new(marker)?,
            self.move_credits(workspace_id, Step::Grant, amount)?,
            self.put_entry(workspace_id, &entry)?,
        ];
        transact(&self.client, &self.random, writes).await.map(drop)
    }

    /// The writes of a HOLD: the operation, if absent, and the credits from available to held.
    /// The last one is refused where the balance does not cover the amount.
    pub fn hold(&self, operation: &Operation) -> Result<[TransactWriteItem; 2], StoreError> {
        let mut item = to_item(operation)?;
        item.insert("pk".to_owned(), s(pk(operation.workspace_id)));
        item.insert("sk".to_owned(), s(operation_sk(operation.operation_id)));
        Ok([self.put_new(item)?, self.move_credits(operation.workspace_id, Step::Hold, operation.amount)?])
    }

    /// The write that lets a successor keep a hold that its predecessor left behind.
    pub fn extend(&self, operation: &Operation) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .key("pk", s(pk(operation.workspace_id)))
            .key("sk", s(operation_sk(operation.operation_id)))
            .update_expression("SET hold_expires = :expires")
            .condition_expression("#state = :held")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":held", s("held"))
            .expression_attribute_values(":expires", n(operation.hold_expires))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }

    /// The writes of a POST: the operation from held to posted, the credits from held to spent,
    /// and the entry.
    pub fn post(&self, operation: &Operation, now: DateTime<Utc>) -> Result<[TransactWriteItem; 3], StoreError> {
        self.resolve(operation, Step::Post, now, None)
    }

    /// The writes of a VOID: the operation from held to voided, the credits from held back to
    /// available, and the entry.
    pub fn void(&self, operation: &Operation, now: DateTime<Utc>) -> Result<[TransactWriteItem; 3], StoreError> {
        self.resolve(operation, Step::Void, now, None)
    }

    /// Voids every hold that has expired; gives how many. Safe to run at any time, any number of
    /// times at once: an operation that was resolved or extended meanwhile is left alone.
    pub async fn void_expired(&self, now: DateTime<Utc>) -> Result<usize, StoreError> {
        let mut voided = 0;
        for bucket in BUCKETS.chars() {
            for operation in self.expired(bucket, now).await? {
                let writes = self.resolve(&operation, Step::Void, now, Some(now))?;
                if let Transacted::Applied = transact(&self.client, &self.random, writes.to_vec()).await? {
                    count_void(&operation);
                    voided += 1;
                }
            }
        }
        Ok(voided)
    }

    async fn expired(&self, bucket: char, now: DateTime<Utc>) -> Result<Vec<Operation>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("held")
            .key_condition_expression("held_bucket = :bucket AND hold_expires <= :now")
            .expression_attribute_values(":bucket", s(bucket))
            .expression_attribute_values(":now", n(now.timestamp_millis()))
            .into_paginator()
            .items()
            .send();
        let mut expired = Vec::new();
        while let Some(item) = pages.next().await {
            expired.push(from_item(item.map_err(|error| store_error("Query", &error))?)?);
        }
        Ok(expired)
    }

    /// Entries, newest first: at most `limit` after the first `skip`.
    pub async fn entries(&self, workspace_id: Uuid, skip: usize, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let mut items = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :entry)")
            .expression_attribute_values(":pk", s(pk(workspace_id)))
            .expression_attribute_values(":entry", s("entry#"))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(i32::try_from(skip.saturating_add(limit)).unwrap_or(i32::MAX))
            .into_paginator()
            .items()
            .send();
        let (mut seen, mut entries) = (0, Vec::new());
        while entries.len() < limit
            && let Some(item) = items.next().await
        {
            let item = item.map_err(|error| store_error("Query", &error))?;
            seen += 1;
            if seen > skip {
                entries.push(from_item(item)?);
            }
        }
        Ok(entries)
    }

    /// Recomputes a workspace's balance from its entries and held operations. An empty answer
    /// means that they agree. Traffic meanwhile is noticed and the reading done again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the balance changed during every one of ten readings.
    pub async fn verify(&self, workspace_id: Uuid) -> Result<Vec<Discrepancy>, StoreError> {
        for _ in 0..10 {
            let balance = self.balance(workspace_id).await?;
            let entries = self.entries(workspace_id, 0, usize::MAX).await?;
            let held = self.held(workspace_id).await?;
            if self.balance(workspace_id).await?.version == balance.version {
                return Ok(terms::discrepancies(&balance, &entries, &held));
            }
        }
        Err(StoreError::Unavailable("the balance kept changing while it was verified".to_owned()))
    }

    /// The held operations of a workspace.
    pub async fn held(&self, workspace_id: Uuid) -> Result<Vec<Operation>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :operation)")
            .filter_expression("#state = :held")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":pk", s(pk(workspace_id)))
            .expression_attribute_values(":operation", s("operation#"))
            .expression_attribute_values(":held", s("held"))
            .consistent_read(true);
        query_all(query).await
    }

    fn resolve(
        &self,
        operation: &Operation,
        step: Step,
        now: DateTime<Utc>,
        only_if_expired_at: Option<DateTime<Utc>>,
    ) -> Result<[TransactWriteItem; 3], StoreError> {
        let (name, kind) = match step {
            Step::Post => ("posted", EntryKind::Charge),
            _ => ("voided", EntryKind::Void),
        };
        let mut update = Update::builder()
            .table_name(&self.table)
            .key("pk", s(pk(operation.workspace_id)))
            .key("sk", s(operation_sk(operation.operation_id)))
            .update_expression("SET #state = :state, resolved_at = :now REMOVE held_bucket")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":held", s("held"))
            .expression_attribute_values(":state", s(name))
            .expression_attribute_values(":now", s(timestamp(now)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        update = match only_if_expired_at {
            None => update.condition_expression("#state = :held"),
            Some(at) => update
                .condition_expression("#state = :held AND hold_expires <= :expired")
                .expression_attribute_values(":expired", n(at.timestamp_millis())),
        };
        let entry = Entry {
            entry_id: operation.operation_id,
            kind,
            amount: operation.amount,
            action: operation.action.clone(),
            created_at: now,
        };
        Ok([
            TransactWriteItem::builder().update(update.build()?).build(),
            self.move_credits(operation.workspace_id, step, operation.amount)?,
            self.put_entry(operation.workspace_id, &entry)?,
        ])
    }

    fn move_credits(&self, workspace_id: Uuid, step: Step, amount: u32) -> Result<TransactWriteItem, StoreError> {
        let mut update = Update::builder()
            .table_name(&self.table)
            .key("pk", s(pk(workspace_id)))
            .key("sk", s("balance"))
            .update_expression(
                "ADD available :available, held :held, spent :spent, granted :granted, entries :entries, version :one",
            )
            .expression_attribute_values(":entries", n(u8::from(step != Step::Hold)))
            .expression_attribute_values(":one", n(1))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, sign) in step.movement() {
            update = update.expression_attribute_values(name, n(sign * i64::from(amount)));
        }
        if let Some(condition) = step.condition() {
            update = update.condition_expression(condition).expression_attribute_values(":amount", n(amount));
        }
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }

    fn put_entry(&self, workspace_id: Uuid, entry: &Entry) -> Result<TransactWriteItem, StoreError> {
        let mut item = to_item(entry)?;
        item.insert("pk".to_owned(), s(pk(workspace_id)));
        item.insert("sk".to_owned(), s(format!("entry#{}#{}", timestamp(entry.created_at), entry.entry_id)));
        self.put_new(item)
    }

    fn put_new(&self, item: Item) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }
}

/// Counts an operation that was posted or voided.
pub(crate) fn count_resolved(operation: &Operation) {
    match operation.state {
        State::Held => {}
        State::Posted => {
            metrics::record(&[(metrics::CREDITS_CHARGED, operation.amount.into())], &[("Action", &operation.action)]);
        }
        State::Voided => count_void(operation),
    }
}

fn count_void(operation: &Operation) {
    metrics::record(&[(metrics::HOLDS_VOIDED, 1)], &[("Action", &operation.action)]);
}
