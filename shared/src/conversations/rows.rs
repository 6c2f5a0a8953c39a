//! Each user's rows in memory, brought up to date before every answer.
//!
//! DynamoDB cannot skip, sort by five fields and count with free filters. So an instance keeps the
//! rows that it has read, and asks the index `changed` for what changed since, with one strongly
//! consistent query: from the newest change seen, less [`OVERLAP`], which covers clocks that differ
//! and writes that were under way. Memory is bounded by forgetting whole users, the longest unused
//! first.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, PoisonError};

use aws_sdk_dynamodb::Client;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::User;
use super::row::Row;
use crate::context::{Clock, Context};
use crate::environment::ConfigError;
use crate::http::dialect::timestamp;
use crate::store::{StoreError, from_item, s, store_error};

/// How far back every look goes again.
const OVERLAP: TimeDelta = TimeDelta::seconds(15);

/// How many rows an instance keeps, of all users together.
const ROWS_KEPT: usize = 120_000;

/// What separates the texts that are searched; no search holds it.
const BETWEEN: char = '\u{1f}';

/// A row, and its texts in lower case: worked out once, because every search and every sorting by
/// name looks at all rows.
#[derive(Clone, Debug)]
pub struct Listed {
    row: Row,
    /// Name, e-mail address, company and identifier; empty where there is none.
    lower: String,
    name_length: usize,
}

impl From<Row> for Listed {
    fn from(row: Row) -> Self {
        let mut lower = row.name().map(str::to_lowercase).unwrap_or_default();
        let name_length = lower.len();
        for text in [row.email(), row.company(), Some(row.customer_phone.as_str())] {
            lower.push(BETWEEN);
            lower.push_str(&text.map(str::to_lowercase).unwrap_or_default());
        }
        lower.shrink_to_fit();
        Self { row, lower, name_length }
    }
}

impl Listed {
    /// Whether a text, in lower case, is in its name, e-mail address, company or identifier.
    pub fn says(&self, text: &str) -> bool {
        self.lower.contains(text) && !text.contains(BETWEEN)
    }

    /// The name in lower case.
    pub fn name_to_sort_by(&self) -> Option<&str> {
        self.row.name().and(self.lower.get(..self.name_length))
    }
}

impl Deref for Listed {
    type Target = Row;

    fn deref(&self) -> &Row {
        &self.row
    }
}

/// The rows of one user.
#[derive(Debug, Default)]
pub struct UserRows {
    rows: HashMap<String, Listed>,
    newest_change: Option<DateTime<Utc>>,
}

impl UserRows {
    /// Every row, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Listed> {
        self.rows.values()
    }

    /// The row of one lead.
    pub fn get(&self, customer_phone: &str) -> Option<&Listed> {
        self.rows.get(customer_phone)
    }
}

struct Kept {
    rows: Arc<Mutex<UserRows>>,
    count: usize,
    used_at: DateTime<Utc>,
}

/// The rows of the users that this instance serves.
#[derive(Clone)]
pub struct Rows {
    client: Client,
    clock: Clock,
    table: String,
    users: Arc<std::sync::Mutex<HashMap<User, Kept>>>,
}

impl Rows {
    /// Over the table named by `LEADS_TABLE`.
    pub fn new(context: &Context) -> Result<Self, ConfigError> {
        Ok(Self {
            client: context.dynamodb.clone(),
            clock: context.clock.clone(),
            table: context.environment.required("LEADS_TABLE")?.to_owned(),
            users: Arc::default(),
        })
    }

    /// Reads something of a user's rows as they stand now.
    pub async fn read<T>(&self, user: &User, read: impl FnOnce(&UserRows) -> T) -> Result<T, StoreError> {
        let kept = self.kept(user);
        let mut rows = kept.lock().await;
        self.refresh(user, &mut rows).await?;
        let answer = read(&rows);
        self.settle(user, rows.rows.len());
        Ok(answer)
    }

    fn kept(&self, user: &User) -> Arc<Mutex<UserRows>> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let used_at = self.clock.now();
        let kept = users.entry(user.clone()).or_insert_with(|| Kept { rows: Arc::default(), count: 0, used_at });
        kept.used_at = used_at;
        Arc::clone(&kept.rows)
    }

    async fn refresh(&self, user: &User, rows: &mut UserRows) -> Result<(), StoreError> {
        let query = self.client.query().table_name(&self.table).index_name("changed").consistent_read(true);
        let query = match rows.newest_change {
            None => query.key_condition_expression("pk = :pk"),
            Some(newest) => query
                .key_condition_expression("pk = :pk AND changed_at >= :since")
                .expression_attribute_values(":since", s(timestamp(newest - OVERLAP))),
        };
        let mut items = query.expression_attribute_values(":pk", s(user.rows_pk())).into_paginator().items().send();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| store_error("Query", &error))?;
            let changed = item.get("changed_at").and_then(|changed| changed.as_s().ok()?.parse::<DateTime<Utc>>().ok());
            rows.newest_change = rows.newest_change.max(changed);
            let row: Row = from_item(item)?;
            rows.rows.insert(row.customer_phone.clone(), row.into());
        }
        Ok(())
    }

    /// Notes how many rows a user has, and forgets others where that is too many.
    fn settle(&self, user: &User, count: usize) {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = users.get_mut(user) {
            kept.count = count;
        }
        while users.len() > 1 && users.values().map(|kept| kept.count).sum::<usize>() > ROWS_KEPT {
            let oldest = users.iter().filter(|(other, _)| *other != user).min_by_key(|(_, kept)| kept.used_at);
            let Some(oldest) = oldest.map(|(user, _)| user.clone()) else { break };
            users.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_search_reads_each_text_without_case_and_none_across_two() {
        let mut row = Row::new("4930".to_owned(), Uuid::nil(), DateTime::<Utc>::MIN_UTC);
        assert_eq!(Listed::from(row.clone()).name_to_sort_by(), None);
        row.contact_name = Some("Zoë ÅSTRÖM".to_owned());
        row.contact_company = Some("Acme".to_owned());
        let listed = Listed::from(row);
        assert_eq!(listed.name_to_sort_by(), Some("zoë åström"));
        assert!(["zoë", "ström", "acme", "493"].into_iter().all(|text| listed.says(text)));
        assert!(["acme4930", "\u{1f}", "acme\u{1f}4930", "Zoë"].into_iter().all(|text| !listed.says(text)));
    }
}
