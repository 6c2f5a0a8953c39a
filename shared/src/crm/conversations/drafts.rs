//! Removes the drafts that earlier versions recorded in conversations: a follow-up's WhatsApp text stood there as a
//! `pending` message of the agent, whatever a reviewer decided. Now a conversation holds what was sent.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use super::load::{TemplateSend, message_sk};
use super::row::{Message, Sender};
use super::{Conversations, MessageStatus};
use crate::base::store::{Item, StoreError, Transacted, Try, from_item, key, retrying, s};
use crate::crm::identifiers::{CustomerPhone, User};

/// The identifier of a draft, before the identifier of its command.
const DRAFT: &str = "follow-up-";

/// How many drafts of a lead one transaction removes.
const TOGETHER: usize = 50;

/// The number of drafts that were found or removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DraftsFound {
    /// Drafts.
    pub drafts: usize,
    /// Leads whose counters and last message they changed.
    pub leads: usize,
    /// Of these, leads without any message that was sent: they leave the lead list.
    pub emptied: usize,
}

/// A lead's conversations.
type Place = (User, CustomerPhone);

fn is_draft(message: &Message) -> bool {
    let command = message.message_id.strip_prefix(DRAFT).and_then(|id| id.parse::<Uuid>().ok());
    command.is_some() && message.sender == Sender::Agent && message.status == MessageStatus::Pending
}

impl Conversations {
    /// Finds the drafts in a workspace's conversations, and removes them unless it is a `dry_run`. Scans the table.
    /// After an error, removing again removes the rest.
    pub async fn remove_drafts(&self, workspace_id: Uuid, dry_run: bool) -> Result<DraftsFound, StoreError> {
        let mut found = BTreeMap::<String, usize>::new();
        let filter = "begins_with(pk, :workspace) AND begins_with(sk, :draft)";
        let values = [("workspace", s(format!("W#{workspace_id}#U#"))), ("draft", s(format!("message#{DRAFT}")))];
        let take = |item: Item| {
            let pk = item.get("pk").and_then(|pk| pk.as_s().ok()).cloned().unwrap_or_default();
            if is_draft(&from_item(item)?) {
                *found.entry(pk).or_default() += 1;
            }
            Ok(())
        };
        self.table.scan(filter, values, take).await?;
        let mut counts = DraftsFound::default();
        for (pk, drafts) in found {
            let place =
                place(workspace_id, &pk).ok_or_else(|| StoreError::Broken("a draft holds no key".to_owned()))?;
            let (removed, is_empty) = if dry_run {
                let messages = self.messages(&place.0, &place.1).await?;
                (drafts, messages.iter().all(is_draft) && self.templates(&place).await?.is_empty())
            } else {
                self.remove_from(&place).await?
            };
            counts.drafts += removed;
            counts.leads += usize::from(removed > 0);
            counts.emptied += usize::from(removed > 0 && is_empty);
        }
        Ok(counts)
    }

    async fn templates(&self, (user, lead): &Place) -> Result<Vec<TemplateSend>, StoreError> {
        self.table.under(user.events_pk(lead), "template#").all().await
    }

    /// Removes the drafts of a lead. Gives their number, and whether the lead has no event any more.
    async fn remove_from(&self, place: &Place) -> Result<(usize, bool), StoreError> {
        let (user, lead) = place;
        retrying("a lead", 0, |removed: usize| async move {
            // The row first: what comes meanwhile changes it.
            let before = self.row(user, lead).await?;
            let messages = self.messages(user, lead).await?;
            let (mut drafts, mut others): (Vec<_>, Vec<_>) = messages.into_iter().partition(is_draft);
            others.extend(drafts.drain(drafts.len().min(TOGETHER)..));
            if drafts.is_empty() {
                let is_empty = before.is_none_or(|row| !row.has_events());
                return Ok::<_, StoreError>(Try::Done((removed, is_empty)));
            }
            let deletes = drafts.iter().map(|draft| {
                let delete = self.table.delete(key(user.events_pk(lead), message_sk(draft)));
                delete.when("#status = :pending").bind("pending", s("pending"))
            });
            let mut writes: Vec<_> = deletes.collect();
            if let Some(before) = &before {
                let row = before.without(drafts.len() as u64, &others, &self.templates(place).await?);
                writes.push(self.put_row(user, &row, Some(before))?);
            }
            let is_applied = matches!(self.table.transact(writes).await?, Transacted::Applied);
            Ok(Try::Again(if is_applied { removed + drafts.len() } else { removed }))
        })
        .await
    }
}

/// The partition of a lead's messages, read back.
fn place(workspace_id: Uuid, events_pk: &str) -> Option<Place> {
    let (user, lead) = events_pk.strip_prefix(&format!("W#{workspace_id}#U#"))?.split_once("#M#")?;
    User::new(workspace_id, user).ok().zip(CustomerPhone::parse(lead).ok())
}
