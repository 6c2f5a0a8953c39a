//! When a conversation is to be scored, and what its messages bear out.
//!
//! A row with messages that no extraction covers is in the index `unscored`, from the moment at
//! which it will have been quiet for long enough. The index lists rows of all workspaces, for the
//! role of `score-due` alone; they are spread over [`BUCKETS`] partitions. Whoever is told that a
//! row is due gets its lead's id and nothing that could be a phone number; the lead's links lead from
//! there to its rows.

use crate::crm::identifiers::CustomerPhone;
use crate::crm::identifiers::User;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::{join_all, try_join_all};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::load::extraction_sk;
use super::row::{Extraction, Message, Row};
use super::stored::row_of_item;
use super::{Conversations, MessageStatus};
use crate::base::store::{StoreError, Transacted, Try, key, n, retrying, s, to_item};
use crate::crm::leads::Link;

const BUCKETS: &str = "0123456789abcdef";

/// A lead whose conversation is due: ids, as they go through a queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DueLead {
    /// The tenant.
    pub workspace_id: Uuid,
    /// The lead.
    pub lead_id: Uuid,
}

/// A due row as the index shows it.
#[derive(Debug)]
pub struct DueRow {
    /// Which lead.
    pub lead: DueLead,
    sk: String,
    pk: String,
    /// Epoch milliseconds.
    score_due: i64,
}

/// A lead's row, found by the lead's id.
#[derive(Clone, Debug)]
pub struct Found {
    /// Whose lead.
    pub user: User,
    /// Which.
    pub customer_phone: CustomerPhone,
    /// The row as it stood.
    pub row: Row,
}

/// Why a model gave the scores that it gave. Kept with the extraction, not in the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reasons {
    /// Of the intent.
    pub intent: String,
    /// Of the urgency.
    pub urgency: String,
    /// Of the budget.
    pub budget: String,
    /// Of the fit.
    pub fit: String,
    /// Of the engagement.
    pub engagement: String,
}

impl Row {
    /// Whether there are messages that no extraction covers, the last of them old enough.
    pub fn is_due(&self, now: DateTime<Utc>, quiet: TimeDelta) -> bool {
        self.score_due(now, quiet).is_some_and(|due| due <= now)
    }

    /// From when on it is due, if there are messages that no extraction covers. A message whose clock is
    /// ahead counts from when it was recorded.
    fn score_due(&self, now: DateTime<Utc>, quiet: TimeDelta) -> Option<DateTime<Utc>> {
        let last = self.last_message.as_ref().filter(|_| self.total_messages() > self.scored_messages)?;
        Some(last.at.min(self.changed_at.unwrap_or(now)) + quiet)
    }
}

fn workspace_of(rows_pk: &str) -> Option<Uuid> {
    rows_pk.strip_prefix("W#")?.split('#').next()?.parse().ok()
}

impl Conversations {
    /// The attributes that put a row into the index; none if every message is covered.
    pub(super) fn due_attributes(&self, row: &Row) -> Vec<(String, aws_sdk_dynamodb::types::AttributeValue)> {
        let Some(due) = row.score_due(self.clock.now(), self.quiet) else { return Vec::new() };
        let digit = usize::from(row.lead_id.as_bytes()[0] >> 4);
        let bucket = BUCKETS.get(digit..=digit).unwrap_or("0");
        vec![("score_bucket".to_owned(), s(bucket)), ("score_due".to_owned(), n(due.timestamp_millis()))]
    }

    /// Whether a row is to be scored now.
    pub fn is_due(&self, row: &Row) -> bool {
        row.is_due(self.clock.now(), self.quiet)
    }

    /// The rows that are due, in one of the index's [`buckets`].
    pub async fn due(&self, bucket: char, now: DateTime<Utc>) -> Result<Vec<DueRow>, StoreError> {
        let query = self.table.query("score_bucket = :bucket AND score_due <= :now").global_index("unscored");
        let rows: Vec<Projected> = query.bind("bucket", s(bucket)).bind("now", n(now.timestamp_millis())).all().await?;
        rows.into_iter().map(due_row).collect()
    }

    /// Takes rows out of the index until `until`, because somebody was told of them. Whatever
    /// changes a row meanwhile puts it back in its place.
    pub async fn postpone(&self, rows: &[DueRow], until: DateTime<Utc>) -> Result<(), StoreError> {
        let postponed = rows.iter().map(|row| async move {
            let update = self.table.update(key(&row.pk, &row.sk), "SET score_due = :until").when("score_due = :seen");
            let update = update.bind("until", n(until.timestamp_millis())).bind("seen", n(row.score_due));
            self.table.write(update).await.map(drop)
        });
        join_all(postponed).await.into_iter().collect()
    }

    /// The rows of a lead that is known by its id.
    pub async fn find(&self, lead: &DueLead) -> Result<Vec<Found>, StoreError> {
        let links = self.leads.links(lead.workspace_id, lead.lead_id).await?;
        let found = links.into_iter().map(|Link { user, customer_phone }| async move {
            let row = self.row(&user, &customer_phone).await?;
            Ok::<_, StoreError>(row.map(|row| Found { user, customer_phone, row }))
        });
        Ok(try_join_all(found).await?.into_iter().flatten().collect())
    }

    /// A lead's newest messages, oldest first.
    pub async fn newest_messages(&self, found: &Found, most: usize) -> Result<Vec<Message>, StoreError> {
        let newest = self.messages_by_time(&found.user, &found.customer_phone).newest_first().page_size(most);
        let mut messages: Vec<Message> = newest.first(most).await?;
        messages.reverse();
        // What waits for approval was not said.
        Ok(messages.into_iter().filter(|message| message.status != MessageStatus::Pending).collect())
    }

    /// Records what a model made of the messages that `found` counts. Nothing is recorded, and
    /// `false` given, if the row has other messages or another extraction by now: then the model has
    /// not seen all of it, or somebody else was first.
    pub async fn record_scoring(
        &self,
        found: &Found,
        extraction: &Extraction,
        reasons: &Reasons,
        prompt_version: &str,
    ) -> Result<bool, StoreError> {
        let seen = &found.row;
        retrying("a lead", seen.clone(), |stored| async move {
            let mut row = stored.clone();
            row.take_extraction(extraction.clone());
            row.version += 1;
            let mut event = to_item(extraction)?;
            event.insert("reasons".to_owned(), aws_sdk_dynamodb::types::AttributeValue::M(to_item(reasons)?));
            event.insert("prompt_version".to_owned(), s(prompt_version));
            let event = self.put_event(&found.user, &found.customer_phone, &extraction_sk(extraction), event);
            let writes = [event, self.put_row(&found.user, &row, Some(&stored))?];
            let Transacted::Refused(refused) = self.table.transact(writes).await? else {
                return Ok(Try::Done(true));
            };
            let theirs = refused.into_iter().nth(1).flatten().filter(|item| !item.is_empty());
            let Some(theirs) = theirs.map(row_of_item).transpose()? else { return Ok(Try::Done(false)) };
            if theirs.total_messages() != seen.total_messages() || theirs.extraction != seen.extraction {
                return Ok(Try::Done(false));
            }
            // Only the contact has changed, or a template was sent.
            Ok(Try::Again(theirs))
        })
        .await
    }
}

/// The partitions of the index.
pub fn buckets() -> impl Iterator<Item = char> {
    BUCKETS.chars()
}

/// A row as the index shows it.
#[derive(Deserialize)]
struct Projected {
    pk: String,
    sk: String,
    lead_id: Uuid,
    score_due: i64,
}

fn due_row(Projected { pk, sk, lead_id, score_due }: Projected) -> Result<DueRow, StoreError> {
    let workspace_id =
        workspace_of(&pk).ok_or_else(|| StoreError::Broken("a row's key names no workspace".to_owned()))?;
    Ok(DueRow { lead: DueLead { workspace_id, lead_id }, pk, sk, score_due })
}

/// Whether one of the texts holds these words, whatever the case, as words of their own.
pub fn stands_in<'a>(words: &str, mut texts: impl Iterator<Item = &'a str>) -> bool {
    let words = words.to_lowercase();
    let inside = |text: &str| {
        let text = text.to_lowercase();
        text.match_indices(&words).any(|(at, found)| {
            let before = text[..at].chars().next_back();
            let after = text[at + found.len()..].chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        })
    };
    !words.is_empty() && texts.any(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole_and_in_any_case() {
        let texts = ["Hi, my name is SIDDHANT.", "I write from Älpen GmbH"];
        let stands = |words: &str| stands_in(words, texts.into_iter());
        assert!(stands("siddhant") && stands("älpen gmbh") && stands("Hi"));
        assert!(!stands("sid") && !stands("Jane") && !stands("") && !stands("nam"));
    }

    #[test]
    fn the_workspace_is_read_from_the_rows_key() {
        let user = User::new(Uuid::max(), "u").map(|user| user.rows_pk());
        assert_eq!(user.ok().and_then(|pk| workspace_of(&pk)), Some(Uuid::max()));
        assert_eq!(workspace_of("U#1"), None);
    }
}
