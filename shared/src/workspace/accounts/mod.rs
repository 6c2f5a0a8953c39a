//! The `accounts` table: workspaces, their keys, channels, sites and agents.
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
//! Two kinds of items do not start with a workspace. A request carries only its key, so the key's item starts with the
//! key's digest, which is as hard to guess as the key. A provider's delivery names only the phone number or account
//! that it came through, so a channel's item starts with that; the provider signs the delivery. A channel belongs to
//! one workspace, and no other workspace can take it over.

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

/// A tenant. Everything else belongs to exactly one workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// The UUID that starts the keys of all its items.
    pub workspace_id: Uuid,
    /// The name that people see.
    pub name: String,
    /// The workspace's own prices in credits, by action; other actions use the price list.
    #[serde(default)]
    pub prices: BTreeMap<String, u32>,
    /// The webhook that also receives the notifications; null if there is none.
    pub webhook: Option<Webhook>,
    /// The time at which the workspace was created.
    pub created_at: DateTime<Utc>,
}

/// A webhook for notifications and its signing secret. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// The URL.
    pub url: String,
    /// The signing secret: `whsec_` and 32 bytes in base64 ("Standard Webhooks", specification).
    pub secret: String,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Webhook")
    }
}

/// The stored part of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// The key's UUID, for listing and revoking.
    pub key_id: Uuid,
    /// The workspace that owns the key.
    pub workspace_id: Uuid,
    /// What its owner calls it.
    pub name: Option<String>,
    /// SHA-256 of the key, in lower-case hexadecimal.
    pub digest: String,
    /// The key's first eight characters.
    pub prefix: String,
    /// The key's permissions.
    pub permissions: BTreeSet<Permission>,
    /// The key's rate limits.
    #[serde(flatten)]
    pub quota: Quota,
    /// The key's counts in its current windows.
    #[serde(flatten)]
    pub counts: Counts,
    /// The epoch second from which the key is refused; null if it never expires.
    pub expires_at: Option<i64>,
    /// The epoch second of its revocation; null if it is not revoked.
    pub revoked_at: Option<i64>,
    /// The time at which the key was created.
    pub created_at: DateTime<Utc>,
}

impl KeyRecord {
    /// The record of a new `key`.
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
            name: None,
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

    /// The minute of its last request; `None` before the first.
    pub fn last_used_at(&self) -> Option<DateTime<Utc>> {
        let minutes = (self.counts.minute > 0).then_some(self.counts.minute)?;
        DateTime::from_timestamp(minutes * 60, 0)
    }

    /// Whether the key is neither revoked nor expired.
    pub fn is_valid(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires| now.timestamp() < expires)
    }

    fn rate(&self) -> Rate {
        Rate { quota: self.quota, counts: self.counts }
    }
}

/// The decision on a request's key.
#[derive(Debug)]
pub enum Admission {
    /// The key may do this, and the request is counted.
    Granted(Box<KeyRecord>, Rate),
    /// The key is unknown, expired or revoked.
    Unknown,
    /// The key lacks the permission. The request is not counted.
    Forbidden(Rate),
    /// The key's rate limit is used up. The request is not counted.
    Exhausted(Rate),
}

/// A key's entry in its workspace's list.
#[derive(Deserialize)]
struct ListedKey {
    digest: String,
}

/// The `accounts` table.
#[derive(Clone, Debug, FromContext)]
pub struct Accounts {
    #[context(Table::named(context, "ACCOUNTS_TABLE")?)]
    table: Table,
    /// The last known windows of keys, by the key's digest.
    #[context(Arc::default())]
    seen: Arc<Mutex<HashMap<String, Counts>>>,
}

/// How many keys an instance remembers before it starts over.
const KEYS_REMEMBERED: usize = 1_000;

fn workspace_pk(workspace_id: Uuid) -> String {
    format!("W#{workspace_id}")
}

fn key_pk(digest: &str) -> String {
    format!("K#{digest}")
}

impl Accounts {
    /// Decides whether a request with this key is allowed, and counts it if so: one conditional `UpdateItem`, exact
    /// across instances.
    ///
    /// The condition includes every reason to refuse the request, so a refused request changes nothing, and the
    /// returned item shows the reason. The condition also names the last known windows; a second call is needed only if
    /// another instance has opened newer ones. If the answer to a call is lost, its repetition counts once more: the
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
                    return Ok(Try::Done(Admission::Granted(Box::new(record), rate)));
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
            // Another request has opened new windows for the key.
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

    /// Counts one request in the windows of `now`, if the stored windows equal those of `stored`. `Err` has the item
    /// that refused.
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

    /// The workspace with this id.
    pub async fn workspace(&self, workspace_id: Uuid) -> Result<Option<Workspace>, StoreError> {
        self.table.get(key(workspace_pk(workspace_id), "workspace")).await
    }

    /// A workspace's own prices in credits, by action.
    pub async fn prices(&self, workspace_id: Uuid) -> Result<BTreeMap<String, u32>, StoreError> {
        Ok(self.workspace(workspace_id).await?.map(|workspace| workspace.prices).unwrap_or_default())
    }

    /// All workspaces, in any order. For operators: it reads the whole table, keys included.
    pub async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        let mut workspaces = Vec::new();
        let take = |item| from_item(item).map(|workspace| workspaces.push(workspace));
        self.table.scan("sk = :workspace", [("workspace", s("workspace"))], take).await?;
        Ok(workspaces)
    }

    /// Creates or replaces a workspace.
    pub async fn put_workspace(&self, workspace: &Workspace) -> Result<(), StoreError> {
        let item = keyed(workspace, key(workspace_pk(workspace.workspace_id), "workspace"))?;
        self.table.write(self.table.put(item)).await.map(drop)
    }

    /// Stores a key together with its entry in the workspace's list.
    pub async fn put_key(&self, record: &KeyRecord) -> Result<(), StoreError> {
        let mut listed = key(workspace_pk(record.workspace_id), format!("key#{}", record.key_id));
        listed.insert("digest".to_owned(), s(&record.digest));
        let own = keyed(record, key(key_pk(&record.digest), "key"))?;
        self.table.transact([self.table.put(own), self.table.put(listed)]).await.map(drop)
    }

    /// All keys of a workspace, oldest first.
    pub async fn keys(&self, workspace_id: Uuid) -> Result<Vec<KeyRecord>, StoreError> {
        let listed: Vec<ListedKey> = self.table.under(workspace_pk(workspace_id), "key#").all().await?;
        let mut keys: Vec<KeyRecord> = Vec::new();
        for ListedKey { digest } in listed {
            keys.extend(self.table.get(key(key_pk(&digest), "key")).await?);
        }
        keys.sort_by_key(|key| (key.created_at, key.key_id));
        Ok(keys)
    }

    /// A key of a workspace by its identifier.
    pub async fn key(&self, workspace_id: Uuid, key_id: Uuid) -> Result<Option<KeyRecord>, StoreError> {
        let listed = self.table.get(key(workspace_pk(workspace_id), format!("key#{key_id}"))).await?;
        let Some(ListedKey { digest }) = listed else { return Ok(None) };
        self.table.get(key(key_pk(&digest), "key")).await
    }

    /// Revokes a key from now on. Revoking twice keeps the first time.
    pub async fn revoke(&self, record: &KeyRecord, now: DateTime<Utc>) -> Result<(), StoreError> {
        let revoke = "SET revoked_at = if_not_exists(revoked_at, :now)";
        let revoke = self.table.update(key(key_pk(&record.digest), "key"), revoke).bind("now", n(now.timestamp()));
        self.table.write(revoke).await.map(drop)
    }

    /// Lets a key end at `at`, unless it ends earlier.
    pub async fn expire(&self, record: &KeyRecord, at: DateTime<Utc>) -> Result<(), StoreError> {
        let expire = self.table.update(key(key_pk(&record.digest), "key"), "SET expires_at = :at");
        let expire = expire.bind("at", n(at.timestamp())).when("attribute_not_exists(expires_at) OR expires_at > :at");
        self.table.write(expire).await.map(drop)
    }
}
