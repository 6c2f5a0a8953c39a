//! Leases: they record which worker has an item of the `work` table, and until when.
//!
//! A worker takes an item with one conditional write. Its later writes require its lease: after the lease has ended,
//! the worker can neither change nor finish the item, even if no other worker has taken it.

use std::ops::{Deref, DerefMut};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::due::{Due, OVERDUE, Worker};
use crate::base::store::{Write, n, s};

/// The duration of a lease. It is longer than the functions' timeout.
pub const LEASE: TimeDelta = TimeDelta::seconds(70);

/// The number of attempts after which an item has failed; equal to the number of deliveries of a queue message.
pub const ATTEMPTS: u32 = crate::base::queue::DELIVERIES;

/// A worker's claim on an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    #[serde(rename = "lease")]
    owner: Uuid,
    /// The end of the lease, in epoch milliseconds.
    #[serde(rename = "lease_until")]
    until: i64,
}

impl Lease {
    /// A lease that starts now, with a new, unique owner id.
    pub fn new(owner: Uuid, now: DateTime<Utc>) -> Self {
        Self { owner, until: (now + LEASE).timestamp_millis() }
    }

    /// Whether it belongs to this owner.
    pub fn is_of(self, owner: Uuid) -> bool {
        self.owner == owner
    }

    /// Binds `:lease`, `:until` and `:due` of an update that takes an item.
    pub fn bind(self, update: Write) -> Write {
        let due = self.until + OVERDUE.num_milliseconds();
        update.bind("lease", s(self.owner)).bind("until", n(self.until)).bind("due", n(due))
    }

    /// Adds the condition that no other worker holds the lease.
    pub fn guard(self, write: Write) -> Write {
        write.when("lease = :lease").bind("lease", s(self.owner))
    }
}

/// The worker that has an item, and the time at which its queue message is sent again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    #[serde(flatten)]
    lease: Option<Lease>,
    #[serde(flatten)]
    due: Option<Due>,
}

impl Assignment {
    /// An item that waits for a worker from `at` on.
    pub fn waiting(worker: Worker, id: Uuid, at: DateTime<Utc>) -> Self {
        Self { lease: None, due: Some(Due::new(worker, id, at)) }
    }

    /// An item that a worker has; another one takes it over when the lease ends.
    pub fn leased(worker: Worker, id: Uuid, lease: Lease) -> Self {
        let end = DateTime::from_timestamp_millis(lease.until).unwrap_or_default();
        Self { lease: Some(lease), due: Some(Due::new(worker, id, end)) }
    }

    /// Whether a worker may take the item.
    pub fn is_free(&self, now: DateTime<Utc>) -> bool {
        self.lease.is_none_or(|lease| lease.until < now.timestamp_millis())
    }

    /// Whether the item still needs a queue message.
    pub fn is_queued(&self) -> bool {
        self.due.is_some()
    }

    /// The lease, which may have ended.
    pub fn lease(&self) -> Option<Lease> {
        self.lease
    }
}

/// An item with the lease of the worker that has it.
#[derive(Clone, Debug)]
pub struct Leased<T> {
    item: Box<T>,
    lease: Lease,
}

impl<T> Leased<T> {
    /// An item that was stored under a lease.
    pub fn new(item: T, lease: Lease) -> Self {
        Self { item: Box::new(item), lease }
    }

    /// The item alone.
    pub fn into_item(self) -> T {
        *self.item
    }

    /// Another version of the item under the same lease.
    #[must_use]
    pub fn with(&self, item: T) -> Self {
        Self::new(item, self.lease)
    }

    /// Adds the condition that the lease has not ended and that no other worker holds it.
    pub fn guard(&self, write: Write, now: DateTime<Utc>) -> Write {
        let write = self.lease.guard(write).when("lease_until >= :lease_now");
        write.bind("lease_now", n(now.timestamp_millis()))
    }
}

impl<T> Deref for Leased<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.item
    }
}

impl<T> DerefMut for Leased<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.item
    }
}

/// The result of trying to take an item.
#[derive(Debug)]
pub enum Take<T> {
    /// The caller has it until its lease ends.
    Leased(Leased<T>),
    /// Another worker has it.
    Busy,
    /// There is nothing to do: the item is finished, or was never approved.
    Finished,
    /// There is no such item.
    Unknown,
}
