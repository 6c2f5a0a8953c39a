//! The `accounts` table: workspaces and their keys.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | workspace | `W#<workspace>` | `workspace` |
//! | key, listed | `W#<workspace>` | `key#<key id>` |
//! | key | `K#<digest>` | `key` |
//! | channel, listed | `W#<workspace>` | `channel#<platform>#<channel id>` |
//! | channel | `C#<platform>#<channel id>` | `channel` |
//! | site, agent | see [`Site`] and [`Agent`] | |
//!
//! A request carries only its key, so the key's own item does not start with a workspace; its digest is as
//! hard to guess as the key. For the same reason neither does a channel's: what a provider delivers names
//! only the phone number or account that it came through, and is signed by the provider. A channel
//! belongs to one workspace, and no other can take it over.

mod channel;
mod site;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::clock::Random;
use crate::base::context::Context;
use crate::base::environment::ConfigError;
use crate::workspace::auth::rate::{Counts, Quota, Rate};
use crate::workspace::auth::{ApiKey, Permission};
pub use channel::{Channel, Taken};
pub use site::{Agent, Role, Site, Staffed};

use crate::base::store::{Item, StoreError, from_item, n, s, store_error, to_item, transact};

/// A tenant: everything else belongs to exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Its identifier.
    pub workspace_id: Uuid,
    /// Its name, as people know it.
    pub name: String,
    /// Prices in credits that differ from the price list, by action.
    #[serde(default)]
    pub prices: BTreeMap<String, u32>,
    /// Where its notifications are sent besides, if anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Where notifications are sent, and what signs them. Its `Debug` shows neither.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// The secret: `whsec_` and 32 bytes in base64 ("Standard Webhooks", specification).
    pub secret: String,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Webhook")
    }
}

/// What is stored of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Its identifier, for listing and revoking.
    pub key_id: Uuid,
    /// The workspace it belongs to.
    pub workspace_id: Uuid,
    /// SHA-256 of the key.
    pub digest: String,
    /// The key's first eight characters.
    pub prefix: String,
    /// What the key may do.
    pub permissions: BTreeSet<Permission>,
    /// How often it may be used.
    #[serde(flatten)]
    pub quota: Quota,
    /// How often it was, in its current windows.
    #[serde(flatten)]
    pub counts: Counts,
    /// Epoch seconds from which it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// Epoch seconds at which it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<i64>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl KeyRecord {
    /// The record of `key`.
    pub fn new(
        key: &ApiKey,
        key_id: Uuid,
        workspace_id: Uuid,
        permissions: BTreeSet<Permission>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            key_id,
            workspace_id,
            digest: key.digest(),
            prefix: key.prefix().to_owned(),
            permissions,
            quota: Quota::default(),
            counts: Counts::default(),
            expires_at: None,
            revoked_at: None,
            created_at: now,
        }
    }

    /// Neither revoked nor expired.
    pub fn is_valid(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires| now.timestamp() < expires)
    }

    fn rate(&self) -> Rate {
        Rate { quota: self.quota, counts: self.counts }
    }
}

/// How a request's key was received.
#[derive(Debug)]
pub enum Admission {
    /// The key may do this, and the request is counted.
    Granted(KeyRecord, Rate),
    /// The key is unknown, expired or revoked.
    Unknown,
    /// The key lacks the permission. Not counted.
    Forbidden(Rate),
    /// The key's quota is used up. Not counted.
    Exhausted(Rate),
}

/// The `accounts` table.
#[derive(Clone, Debug)]
pub struct Accounts {
    client: Client,
    random: Random,
    table: String,
    /// The windows of keys as this instance last saw them, by the key's digest.
    seen: Arc<Mutex<HashMap<String, Counts>>>,
}

/// How many keys an instance remembers before it begins anew.
const KEYS_REMEMBERED: usize = 1_000;

fn workspace_pk(workspace_id: Uuid) -> String {
    format!("W#{workspace_id}")
}

fn key_pk(digest: &str) -> String {
    format!("K#{digest}")
}

fn keyed(mut item: Item, pk: String, sk: &str) -> Item {
    item.insert("pk".to_owned(), s(pk));
    item.insert("sk".to_owned(), s(sk));
    item
}

/// How often an admission is decided anew when another request changed the key's item.
const ADMISSION_ATTEMPTS: u32 = 6;

impl Accounts {
    /// The table named by `ACCOUNTS_TABLE`.
    pub fn new(context: &Context) -> Result<Self, ConfigError> {
        Ok(Self {
            client: context.dynamodb.clone(),
            random: context.random.clone(),
            table: context.environment.required("ACCOUNTS_TABLE")?.to_owned(),
            seen: Arc::default(),
        })
    }

    /// Decides whether a request with this key may go on, and counts it if so: one conditional
    /// `UpdateItem`, exact across instances.
    ///
    /// The condition holds everything that could refuse the request, so a refused one changes
    /// nothing; what refused it is read from the item that comes back. The condition also names the
    /// windows, as this instance last saw them; only where another instance has opened newer ones is
    /// a second call needed. If the answer of a call is lost, its repetition counts once more: the
    /// limit is never exceeded, but a key may get one request less.
    pub async fn admit(
        &self,
        key: &ApiKey,
        permission: Permission,
        now: DateTime<Utc>,
    ) -> Result<Admission, StoreError> {
        let digest = key.digest();
        let mut stored = self.seen(&digest).unwrap_or_default();
        for _ in 0..ADMISSION_ATTEMPTS {
            let record = match self.count(&digest, permission, now, stored).await? {
                Ok(record) => {
                    self.remember(digest, record.counts);
                    let rate = record.rate();
                    return Ok(Admission::Granted(record, rate));
                }
                Err(None) => return Ok(Admission::Unknown),
                Err(Some(record)) => record,
            };
            let rate = Rate { counts: record.counts.at(now), ..record.rate() };
            if !record.is_valid(now) {
                return Ok(Admission::Unknown);
            }
            if !record.permissions.contains(&permission) {
                return Ok(Admission::Forbidden(rate));
            }
            if !rate.allows() {
                return Ok(Admission::Exhausted(rate));
            }
            stored = record.counts;
        }
        Err(StoreError::Unavailable("dynamodb UpdateItem: a key's windows kept changing".to_owned()))
    }

    fn seen(&self, digest: &str) -> Option<Counts> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(digest).copied()
    }

    fn remember(&self, digest: String, counts: Counts) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= KEYS_REMEMBERED {
            seen.clear();
        }
        seen.insert(digest, counts);
    }

    /// One more request in the windows of `now`, if the stored ones are those of `stored`. `Err`
    /// holds the item that refused.
    async fn count(
        &self,
        digest: &str,
        permission: Permission,
        now: DateTime<Utc>,
        stored: Counts,
    ) -> Result<Result<KeyRecord, Option<KeyRecord>>, StoreError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", s(key_pk(digest)))
            .key("sk", s("key"))
            .expression_attribute_values(":now", n(now.timestamp()))
            .expression_attribute_values(":permission", s(permission.name()))
            .expression_attribute_values(":one", n(1))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let counts = stored.at(now);
        let request = match (counts.minute, counts.day) == (stored.minute, stored.day) {
            true => request
                .update_expression("SET minute_count = minute_count + :one, day_count = day_count + :one")
                .condition_expression(
                    "attribute_exists(pk) AND attribute_not_exists(revoked_at) \
                     AND (attribute_not_exists(expires_at) OR expires_at > :now) \
                     AND contains(#permissions, :permission) AND #minute = :minute AND #day = :day \
                     AND minute_count < per_minute AND day_count < per_day",
                )
                .expression_attribute_values(":minute", n(counts.minute))
                .expression_attribute_values(":day", n(counts.day)),
            false => request
                .update_expression(
                    "SET #minute = :minute, minute_count = :minute_count + :one, #day = :day, day_count = :day_count + :one",
                )
                .condition_expression(
                    "attribute_exists(pk) AND attribute_not_exists(revoked_at) \
                     AND (attribute_not_exists(expires_at) OR expires_at > :now) \
                     AND contains(#permissions, :permission) AND #minute = :old_minute AND #day = :old_day \
                     AND minute_count = :old_minute_count AND day_count = :old_day_count \
                     AND :minute_count < per_minute AND :day_count < per_day",
                )
                .expression_attribute_values(":minute", n(counts.minute))
                .expression_attribute_values(":minute_count", n(counts.minute_count))
                .expression_attribute_values(":day", n(counts.day))
                .expression_attribute_values(":day_count", n(counts.day_count))
                .expression_attribute_values(":old_minute", n(stored.minute))
                .expression_attribute_values(":old_minute_count", n(stored.minute_count))
                .expression_attribute_values(":old_day", n(stored.day))
                .expression_attribute_values(":old_day_count", n(stored.day_count)),
        };
        let sent = request
            .expression_attribute_names("#permissions", "permissions")
            .expression_attribute_names("#minute", "minute")
            .expression_attribute_names("#day", "day")
            .send()
            .await;
        match sent {
            Ok(updated) => Ok(Ok(from_item(updated.attributes.unwrap_or_default())?)),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Err(refused.item().cloned().map(from_item).transpose()?))
                }
                _ => Err(store_error("UpdateItem", &error)),
            },
        }
    }

    /// A workspace by its id.
    pub async fn workspace(&self, workspace_id: Uuid) -> Result<Option<Workspace>, StoreError> {
        self.get(workspace_pk(workspace_id), "workspace".to_owned()).await?.map(from_item).transpose()
    }

    /// All workspaces, in no order. For operators: it reads the whole table, keys included.
    pub async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        let mut items = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression("sk = :workspace")
            .expression_attribute_values(":workspace", s("workspace"))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut workspaces = Vec::new();
        while let Some(item) = items.next().await {
            workspaces.push(from_item(item.map_err(|error| store_error("Scan", &error))?)?);
        }
        Ok(workspaces)
    }

    /// Writes a workspace, new or changed.
    pub async fn put_workspace(&self, workspace: &Workspace) -> Result<(), StoreError> {
        let item = keyed(to_item(workspace)?, workspace_pk(workspace.workspace_id), "workspace");
        let sent = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        sent.map(drop).map_err(|error| store_error("PutItem", &error))
    }

    /// Stores a key, and its place in the workspace's list, together.
    pub async fn put_key(&self, record: &KeyRecord) -> Result<(), StoreError> {
        let listed = Item::from([("digest".to_owned(), s(&record.digest))]);
        let writes = [
            keyed(to_item(record)?, key_pk(&record.digest), "key"),
            keyed(listed, workspace_pk(record.workspace_id), &format!("key#{}", record.key_id)),
        ]
        .map(|item| {
            let put = Put::builder().table_name(&self.table).set_item(Some(item)).build();
            put.map(|put| TransactWriteItem::builder().put(put).build())
        });
        transact(&self.client, &self.random, writes.into_iter().collect::<Result<_, BuildError>>()?).await.map(drop)
    }

    /// The keys of a workspace, oldest first.
    pub async fn keys(&self, workspace_id: Uuid) -> Result<Vec<KeyRecord>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :key)")
            .expression_attribute_values(":pk", s(workspace_pk(workspace_id)))
            .expression_attribute_values(":key", s("key#"))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut keys: Vec<KeyRecord> = Vec::new();
        while let Some(listed) = pages.next().await {
            let listed = listed.map_err(|error| store_error("Query", &error))?;
            let digest = listed.get("digest").and_then(|digest| digest.as_s().ok()).cloned().unwrap_or_default();
            if let Some(item) = self.get(key_pk(&digest), "key".to_owned()).await? {
                keys.push(from_item(item)?);
            }
        }
        keys.sort_by_key(|key| (key.created_at, key.key_id));
        Ok(keys)
    }

    /// Revokes a key from now on. `false` if the workspace has no such key. Revoking twice keeps
    /// the first time.
    pub async fn revoke(&self, workspace_id: Uuid, key_id: Uuid, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let Some(record) = self.keys(workspace_id).await?.into_iter().find(|key| key.key_id == key_id) else {
            return Ok(false);
        };
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", s(key_pk(&record.digest)))
            .key("sk", s("key"))
            .update_expression("SET revoked_at = if_not_exists(revoked_at, :now)")
            .expression_attribute_values(":now", n(now.timestamp()))
            .send()
            .await;
        sent.map(|_| true).map_err(|error| store_error("UpdateItem", &error))
    }

    async fn get(&self, pk: String, sk: String) -> Result<Option<Item>, StoreError> {
        let sent = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", s(pk))
            .key("sk", s(sk))
            .consistent_read(true)
            .send()
            .await;
        sent.map(|got| got.item).map_err(|error| store_error("GetItem", &error))
    }
}
