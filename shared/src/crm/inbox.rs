//! The inbox, in the `leads` table: what a provider has delivered and nobody has worked on yet.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | delivered item | `W#<workspace>#I#<digest>` | `inbox` |
//!
//! A queue's message carries only where the item is. The key is a digest of the provider's identifier, because that can
//! contain a phone number. The same item always gets the same key. TTL removes items that nobody has processed.

use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::base::clock::Clock;
use crate::base::context::FromContext;
use crate::base::store::{EXPIRES, Item, StoreError, Table, key, keyed, n};
use crate::workspace::accounts::ChannelAccount;

/// How long an item waits for somebody to work on it.
const KEPT: TimeDelta = TimeDelta::days(7);

/// One thing that a provider has delivered, as it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Delivered {
    /// An item of `messages[]`, with the item of `contacts[]` that describes its sender.
    WhatsappMessage {
        /// The message.
        message: Value,
        /// The contact, if the webhook contained it.
        contact: Option<Value>,
    },
    /// An item of `statuses[]`.
    WhatsappStatus {
        /// The status.
        status: Value,
    },
    /// An item of `message_echoes[]`: what the business has sent from its own app.
    WhatsappEcho {
        /// The message.
        echo: Value,
    },
    /// An item of `messaging[]`.
    InstagramMessage {
        /// The event.
        messaging: Value,
    },
}

/// Where an item is: what a queue's message says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The tenant.
    pub workspace_id: Uuid,
    /// Digest of the provider's identifier.
    pub item: String,
}

impl Place {
    /// The key for the item with the provider's identifier `id`, in one or several parts, on a channel.
    pub fn new(channel: &ChannelAccount, id: &[&str]) -> Self {
        let mut digest = Sha256::new();
        for part in [channel.platform.name(), &channel.channel_id].iter().chain(id) {
            digest.update(part.len().to_be_bytes());
            digest.update(part.as_bytes());
        }
        Self { workspace_id: channel.workspace_id, item: HEXLOWER.encode(&digest.finalize()) }
    }

    fn pk(&self) -> String {
        format!("W#{}#I#{}", self.workspace_id, self.item)
    }
}

/// An item with the channel that it came through.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// The channel, as it was then.
    pub channel: ChannelAccount,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// What came.
    pub delivered: Delivered,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    channel: ChannelAccount,
    received_at: DateTime<Utc>,
    /// Stored as JSON text, because a payload may be nested deeper than DynamoDB allows for an item.
    delivered: String,
}

/// The inbox.
#[derive(Clone, Debug, FromContext)]
pub struct Inbox {
    clock: Clock,
    #[context(Table::named(context, "LEADS_TABLE")?)]
    table: Table,
}

impl Inbox {
    /// Stores an item until a worker has processed it. If the same item is delivered again, it overwrites the first.
    pub async fn put(&self, place: &Place, channel: &ChannelAccount, delivered: &Delivered) -> Result<(), StoreError> {
        let received_at = self.clock.now();
        let delivered = serde_json::to_string(delivered);
        let delivered = delivered.map_err(|_| StoreError::Broken("an item does not write as JSON".to_owned()))?;
        let stored = Stored { channel: channel.clone(), received_at, delivered };
        let mut item = keyed(&stored, item_key(place))?;
        item.insert(EXPIRES.to_owned(), n((received_at + KEPT).timestamp()));
        self.table.write(self.table.put(item)).await.map(drop)
    }

    /// An item, if it is still there.
    pub async fn get(&self, place: &Place) -> Result<Option<Received>, StoreError> {
        let stored: Option<Stored> = self.table.get(item_key(place)).await?;
        let Some(Stored { channel, received_at, delivered }) = stored else { return Ok(None) };
        let delivered = serde_json::from_str(&delivered);
        let delivered = delivered.map_err(|_| StoreError::Broken("a delivered item does not read".to_owned()))?;
        Ok(Some(Received { channel, received_at, delivered }))
    }

    /// Forgets an item.
    pub async fn delete(&self, place: &Place) -> Result<(), StoreError> {
        self.table.write(self.table.delete(item_key(place))).await.map(drop)
    }
}

fn item_key(place: &Place) -> Item {
    key(place.pk(), "inbox")
}
