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

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::context::FromContext;
use crate::workspace::auth::rate::{Counts, Quota, Rate};
use crate::workspace::auth::{ApiKey, Permission};
pub use channel::{ChannelAccount, Taken};
pub use site::{Agent, Role, Site, Staffed};

use crate::base::store::{StoreError, Table, Try, WriteOutcome, from_item, key, keyed, n, retrying, s};

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
    pub expires_at: Option<i64>,
    /// Epoch seconds at which it was revoked.
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

/// A key's place in its workspace's list.
#[derive(Deserialize)]
struct ListedKey {
    digest: String,
}

/// The `accounts` table.
#[derive(Clone, Debug, FromContext)]
pub struct Accounts {
    #[context(Table::named(context, "ACCOUNTS_TABLE")?)]
    table: Table,
    /// The windows of keys as this instance last saw them, by the key's digest.
    #[context(Arc::default())]
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

impl Accounts {
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
        let (digest, seen) = (&digest, self.seen(&digest).unwrap_or_default());
        retrying("a key", seen, |stored| async move {
            let record = match self.count(digest, permission, now, stored).await? {
                Ok(record) => {
                    self.remember(digest.clone(), record.counts);
                    let rate = record.rate();
                    return Ok(Try::Done(Admission::Granted(record, rate)));
                }
                Err(None) => return Ok(Try::Done(Admission::Unknown)),
                Err(Some(record)) => record,
            };
            let rate = Rate { counts: record.counts.at(now), ..record.rate() };
            if !record.is_valid(now) {
                return Ok(Try::Done(Admission::Unknown));
            }
            if !record.permissions.contains(&permission) {
                return Ok(Try::Done(Admission::Forbidden(rate)));
            }
            if !rate.allows() {
                return Ok(Try::Done(Admission::Exhausted(rate)));
            }
            // Another request has changed the key's windows.
            Ok(Try::Again(record.counts))
        })
        .await
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
        let counts = stored.at(now);
        let may = "attribute_exists(pk) AND attribute_not_exists(revoked_at) \
                   AND (attribute_not_exists(expires_at) OR expires_at > :now) AND contains(#permissions, :permission)";
        let key = key(key_pk(digest), "key");
        let update = match (counts.minute, counts.day) == (stored.minute, stored.day) {
            true => {
                let count = "SET minute_count = minute_count + :one, day_count = day_count + :one";
                self.table
                    .update(key, count)
                    .when(may)
                    .when("#minute = :minute AND #day = :day AND minute_count < per_minute AND day_count < per_day")
            }
            false => {
                let count = "SET #minute = :minute, minute_count = :minute_count + :one, \
                             #day = :day, day_count = :day_count + :one";
                let update = self.table.update(key, count).when(may).when(
                    "#minute = :old_minute AND #day = :old_day AND minute_count = :old_minute_count \
                     AND day_count = :old_day_count AND :minute_count < per_minute AND :day_count < per_day",
                );
                update
                    .bind("minute_count", n(counts.minute_count))
                    .bind("day_count", n(counts.day_count))
                    .bind("old_minute", n(stored.minute))
                    .bind("old_minute_count", n(stored.minute_count))
                    .bind("old_day", n(stored.day))
                    .bind("old_day_count", n(stored.day_count))
            }
        };
        let update = update.bind("minute", n(counts.minute)).bind("day", n(counts.day)).bind("one", n(1));
        let update = update.bind("now", n(now.timestamp())).bind("permission", s(permission.name()));
        Ok(match self.table.write(update).await? {
            WriteOutcome::Applied(item) => Ok(from_item(item)?),
            WriteOutcome::Refused(refused) => Err(refused.map(from_item).transpose()?),
        })
    }

    /// A workspace by its id.
    pub async fn workspace(&self, workspace_id: Uuid) -> Result<Option<Workspace>, StoreError> {
        self.table.get(key(workspace_pk(workspace_id), "workspace")).await
    }

    /// The prices of a workspace that differ from the price list.
    pub async fn prices(&self, workspace_id: Uuid) -> Result<BTreeMap<String, u32>, StoreError> {
        Ok(self.workspace(workspace_id).await?.map(|workspace| workspace.prices).unwrap_or_default())
    }

    /// All workspaces, in no order. For operators: it reads the whole table, keys included.
    pub async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        let mut workspaces = Vec::new();
        let take = |item| from_item(item).map(|workspace| workspaces.push(workspace));
        self.table.scan("sk = :workspace", [("workspace", s("workspace"))], take).await?;
        Ok(workspaces)
    }

    /// Writes a workspace, new or changed.
    pub async fn put_workspace(&self, workspace: &Workspace) -> Result<(), StoreError> {
        let item = keyed(workspace, key(workspace_pk(workspace.workspace_id), "workspace"))?;
        self.table.write(self.table.put(item)).await.map(drop)
    }

    /// Stores a key, and its place in the workspace's list, together.
    pub async fn put_key(&self, record: &KeyRecord) -> Result<(), StoreError> {
        let mut listed = key(workspace_pk(record.workspace_id), format!("key#{}", record.key_id));
        listed.insert("digest".to_owned(), s(&record.digest));
        let own = keyed(record, key(key_pk(&record.digest), "key"))?;
        self.table.transact([self.table.put(own), self.table.put(listed)]).await.map(drop)
    }

    /// The keys of a workspace, oldest first.
    pub async fn keys(&self, workspace_id: Uuid) -> Result<Vec<KeyRecord>, StoreError> {
        let listed: Vec<ListedKey> = self.table.under(workspace_pk(workspace_id), "key#").all().await?;
        let mut keys: Vec<KeyRecord> = Vec::new();
        for ListedKey { digest } in listed {
            keys.extend(self.table.get(key(key_pk(&digest), "key")).await?);
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
        let revoke = "SET revoked_at = if_not_exists(revoked_at, :now)";
        let revoke = self.table.update(key(key_pk(&record.digest), "key"), revoke).bind("now", n(now.timestamp()));
        self.table.write(revoke).await.map(|_| true)
    }
}
