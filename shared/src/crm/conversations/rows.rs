//! The rows of each user in memory, refreshed before every answer.
//!
//! DynamoDB cannot skip, sort by five fields and count with free filters. So an instance keeps the rows that it has
//! read. Before each answer it queries the index `changed`, strongly consistently, for changes since its last query
//! minus [`OVERLAP`], which covers clock differences and writes in progress. Erased leads leave tombstones there. Rows
//! that were refreshed so long ago that tombstones may be gone are read again. Memory is bounded by evicting whole
//! users, the least recently used first.

use crate::crm::identifiers::User;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::try_join;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::Listed;
use super::erased::{RELIED_ON, erased};
use crate::base::clock::Clock;
use crate::base::context::FromContext;
use crate::base::store::{Item, StoreError, Table, from_item, s};
use crate::base::time::timestamp;

/// How far back every query overlaps the one before.
const OVERLAP: TimeDelta = TimeDelta::seconds(30);

/// The memory that the rows of all users may take, in bytes: some 150,000 rows, and well below the memory of the
/// functions that keep them.
const KEPT: usize = 192_000_000;

/// How many rows are asked for at a time: about the megabyte that one answer may have. The embedded
/// DynamoDB reads all that are left for every page, unless it is told how many.
const PAGE: usize = 1_000;

/// The rows of one user.
#[derive(Debug, Default)]
pub struct UserRows {
    rows: Vec<Listed>,
    /// Where each lead's row is.
    places: HashMap<Arc<str>, usize>,
    /// What they take of memory.
    bytes: usize,
    /// When the last query began; `None` before the first.
    read_until: Option<DateTime<Utc>>,
}

impl UserRows {
    /// Every row, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Listed> {
        self.rows.iter()
    }

    fn put(&mut self, row: Listed) {
        if !row.has_events {
            return self.remove(&row.customer_phone);
        }
        self.bytes += row.bytes();
        match self.places.entry(Arc::clone(&row.customer_phone)) {
            Entry::Occupied(place) => {
                let before = std::mem::replace(&mut self.rows[*place.get()], row);
                self.bytes -= before.bytes();
            }
            Entry::Vacant(place) => {
                place.insert(self.rows.len());
                self.rows.push(row);
            }
        }
    }
}

impl UserRows {
    /// Removes the rows of an erased lead.
    fn forget(&mut self, lead_id: Uuid) {
        while let Some(place) = self.rows.iter().position(|row| row.lead_id == lead_id) {
            self.remove(&Arc::clone(&self.rows[place].customer_phone));
        }
    }

    fn remove(&mut self, customer_phone: &str) {
        let Some(place) = self.places.remove(customer_phone) else { return };
        self.bytes -= self.rows.swap_remove(place).bytes();
        if let Some(moved) = self.rows.get(place) {
            self.places.insert(Arc::clone(&moved.customer_phone), place);
        }
    }
}

struct Kept {
    rows: Arc<Mutex<UserRows>>,
    bytes: usize,
    used_at: DateTime<Utc>,
}

/// The rows of the users that this instance serves.
#[derive(Clone, FromContext)]
pub struct Rows {
    clock: Clock,
    #[context(Table::named(context, "LEADS_TABLE")?)]
    table: Table,
    #[context(Arc::default())]
    users: Arc<std::sync::Mutex<HashMap<User, Kept>>>,
}

impl Rows {
    /// Reads something of a user's rows as they stand now.
    pub async fn read<T>(&self, user: &User, read: impl FnOnce(&UserRows) -> T) -> Result<T, StoreError> {
        let kept = self.kept(user);
        let mut rows = kept.lock().await;
        self.refresh(user, &mut rows).await?;
        let answer = read(&rows);
        self.settle(user, rows.bytes);
        Ok(answer)
    }

    fn kept(&self, user: &User) -> Arc<Mutex<UserRows>> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let used_at = self.clock.now();
        let kept = users.entry(user.clone()).or_insert_with(|| Kept { rows: Arc::default(), bytes: 0, used_at });
        kept.used_at = used_at;
        Arc::clone(&kept.rows)
    }

    /// Reads what changed since the last time. A row that a write changes meanwhile has a newer time
    /// of change, and is found by the next look.
    async fn refresh(&self, user: &User, rows: &mut UserRows) -> Result<(), StoreError> {
        let started = self.clock.now();
        if rows.read_until.is_some_and(|until| started - until > RELIED_ON) {
            *rows = UserRows::default();
        }
        let since = rows.read_until.map(|until| timestamp(until - OVERLAP));
        let (mut items, mut next) = self.page(user, since.as_deref(), None).await?;
        loop {
            let page = std::mem::take(&mut items);
            let keep = async {
                for item in page {
                    match erased(&item) {
                        Some(lead_id) => rows.forget(lead_id),
                        None => rows.put(Listed::new(from_item(item)?)?),
                    }
                }
                Ok(())
            };
            // The next page is on its way while this one is worked on.
            match next.take() {
                None => break keep.await?,
                Some(key) => ((items, next), ()) = try_join(self.page(user, since.as_deref(), Some(key)), keep).await?,
            }
        }
        rows.read_until = Some(started);
        Ok(())
    }

    /// One page of the rows that changed since `since`, in the order of their changes, and where the
    /// next one starts.
    async fn page(
        &self,
        user: &User,
        since: Option<&str>,
        from: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let query = match since {
            None => self.table.query("pk = :pk"),
            Some(since) => self.table.query("pk = :pk AND changed_at >= :since").bind("since", s(since)),
        };
        let query = query.bind("pk", s(user.rows_pk())).index("changed").after(from).page_size(PAGE);
        let query = query.only("sk, lead_id, version, contact_name, contact_email, contact_company, #row");
        let page = query.page().await?;
        Ok((page.items.unwrap_or_default(), page.last_evaluated_key))
    }

    /// Notes what a user's rows take, and forgets others where that is too much.
    fn settle(&self, user: &User, bytes: usize) {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = users.get_mut(user) {
            kept.bytes = bytes;
        }
        while users.len() > 1 && users.values().map(|kept| kept.bytes).sum::<usize>() > KEPT {
            let oldest = users.iter().filter(|(other, _)| *other != user).min_by_key(|(_, kept)| kept.used_at);
            let Some(oldest) = oldest.map(|(user, _)| user.clone()) else { break };
            users.remove(&oldest);
        }
    }
}
