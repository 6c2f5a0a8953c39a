//! Campaigns, in the `work` table: a draft for each contact of a list, which a person reviews like any
//! recommendation.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | campaign | `W#<workspace>#campaigns` | `campaign#<campaign>` |
//! | contact of a campaign | `W#<workspace>#G#<campaign>` | `contact#<lead>` |
//!
//! A contact's item is written once: in the transaction that creates its recommendation, or with the reason why there
//! is none. So nobody gets two drafts, however often and by how many workers the campaign is processed. Neither item
//! contains a name, an address or a number of a contact.

mod contact;
mod drafting;

use crate::workflow::tasks::Brief;
use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::clock::Clock;
use crate::base::context::FromContext;
use crate::base::store::{Item, StoreError, Table, Transacted, Write, WriteOutcome, from_item, key, keyed};
use crate::workflow::tasks::TaskId;
pub use contact::{CampaignCounts, Completion, Contact, Counts, Skipped, State};
pub use drafting::{Advance, Drafting};

/// A campaign that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// What the campaign says, and to which list.
    #[serde(flatten)]
    pub brief: Brief,
    /// The tenant.
    pub workspace_id: Uuid,
    /// The task that started it.
    pub task_id: Uuid,
    /// When it was started.
    pub created_at: DateTime<Utc>,
    /// The result, once every contact of the list was processed.
    pub finished: Option<Completion>,
}

/// The campaigns in the `work` table.
#[derive(Clone, Debug, FromContext)]
pub struct Campaigns {
    clock: Clock,
    #[context(Table::named(context, "WORK_TABLE")?)]
    table: Table,
}

fn all_pk(workspace_id: Uuid) -> String {
    format!("W#{workspace_id}#campaigns")
}

fn campaign_key(workspace_id: Uuid, campaign_id: Uuid) -> Item {
    key(all_pk(workspace_id), format!("campaign#{campaign_id}"))
}

fn contacts_pk(workspace_id: Uuid, campaign_id: Uuid) -> String {
    format!("W#{workspace_id}#G#{campaign_id}")
}

impl Campaigns {
    /// Starts a campaign, or returns the one that was started.
    pub async fn start(&self, brief: &Brief, task: TaskId) -> Result<Campaign, StoreError> {
        let campaign = Campaign {
            brief: brief.clone(),
            workspace_id: task.workspace_id,
            task_id: task.task_id,
            created_at: self.clock.now(),
            finished: None,
        };
        let item = keyed(&campaign, campaign_key(task.workspace_id, brief.campaign_id))?;
        match self.table.write(self.table.put_new(item)).await? {
            WriteOutcome::Applied(_) => Ok(campaign),
            WriteOutcome::Refused(there) => from_item(there.unwrap_or_default()),
        }
    }

    /// A campaign.
    pub async fn get(&self, workspace_id: Uuid, campaign_id: Uuid) -> Result<Option<Campaign>, StoreError> {
        self.table.get(campaign_key(workspace_id, campaign_id)).await
    }

    /// All campaigns of a workspace, newest first.
    pub async fn all(&self, workspace_id: Uuid) -> Result<Vec<Campaign>, StoreError> {
        let mut all: Vec<Campaign> = self.table.partition(all_pk(workspace_id)).all().await?;
        all.sort_by_key(|campaign| Reverse((campaign.created_at, campaign.brief.campaign_id)));
        Ok(all)
    }

    /// The contacts of a campaign that were processed so far, in that order.
    pub async fn contacts(&self, workspace_id: Uuid, campaign_id: Uuid) -> Result<Vec<Contact>, StoreError> {
        let contacts = self.table.partition(contacts_pk(workspace_id, campaign_id));
        let mut contacts: Vec<Contact> = contacts.all().await?;
        contacts.sort_by_key(|contact| (contact.at, contact.lead_id));
        Ok(contacts)
    }

    /// Records the outcome of a contact, with the writes that belong to it. `false` if it was recorded before; then
    /// nothing is written.
    async fn note(
        &self,
        (workspace_id, campaign_id): (Uuid, Uuid),
        contact: &Contact,
        also: Vec<Write>,
    ) -> Result<bool, StoreError> {
        let key = key(contacts_pk(workspace_id, campaign_id), format!("contact#{}", contact.lead_id));
        let put = self.table.put_new(keyed(contact, key)?);
        let writes = std::iter::once(put).chain(also);
        Ok(matches!(self.table.transact(writes).await?, Transacted::Applied))
    }

    /// Records that every contact was processed. The first record stays.
    async fn finish(&self, campaign: &Campaign, counts: Counts) -> Result<Completion, StoreError> {
        let finished = Completion { at: self.clock.now(), counts };
        let value = serde_dynamo::to_attribute_value(finished)
            .map_err(|_| StoreError::Broken("a campaign's end does not write as an item".to_owned()))?;
        let key = campaign_key(campaign.workspace_id, campaign.brief.campaign_id);
        let finish = self.table.update(key, "SET finished = if_not_exists(finished, :finished)");
        match self.table.write(finish.when("attribute_exists(pk)").bind("finished", value)).await? {
            WriteOutcome::Applied(item) => Ok(from_item::<Campaign>(item)?.finished.unwrap_or(finished)),
            WriteOutcome::Refused(_) => Err(StoreError::Broken("a campaign that is worked on is not there".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_contact_is_counted_once() {
        let contact = |state| Contact {
            lead_id: Uuid::nil(),
            state,
            recommendation_id: None,
            code: None,
            at: DateTime::<Utc>::UNIX_EPOCH,
        };
        use State::{BlockedPii, Drafted, NotWritten, Suppressed, Unreachable};
        let contacts = [Drafted, Drafted, Drafted, BlockedPii, Unreachable, Unreachable, Suppressed, NotWritten];
        let counts = CampaignCounts::from(Counts::of(&contacts.map(contact)));
        assert_eq!(
            json!(counts),
            json!({
                "contacts": 8, "drafted": 3, "blocked": 1, "skipped": 4,
                "skipped_because": {"unreachable": 2, "suppressed": 1, "not_written": 1},
            })
        );
    }
}
