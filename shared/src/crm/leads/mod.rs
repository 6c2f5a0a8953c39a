//! The `leads` table: leads, the identities that find them, and what happened with them.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | lead | `W#<workspace>#L#<lead>` | `lead` |
//! | activity | `W#<workspace>#L#<lead>` | `activity#<time>#<activity id>` |
//! | activity known | `W#<workspace>#L#<lead>` | `seen#<activity id>` |
//! | link to a row | `W#<workspace>#L#<lead>` | `row#<user>#<identifier>` |
//! | suppression | `W#<workspace>#L#<lead>` | `suppressed` |
//! | suppression of somebody who was erased | `W#<workspace>#X#<keyed hash of an address>` | `suppressed` |
//! | identity | `W#<workspace>#I#<kind>#<value>` | `identity` |
//!
//! A lead sorts after its activities and before its links, so that one backward query gives where its
//! messages are, the lead, and its activities, newest first. The rows of the lead lists have a
//! partition per user: see [`crate::crm::conversations`]. Leads alone are in the index `contacts`, which finds them
//! by name.

mod change;
mod contact;
mod history;
mod lead;
mod link;
mod search;
mod suppression;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::clock::{Clock, Random};
use crate::base::context::FromContext;
use crate::base::store::{Item, StoreError, Table, Transacted, from_item, key, keyed, n, s, to_item};
use crate::base::time::timestamp;
pub use change::Upserted;
pub use contact::{Contact, Email, Phone};
pub(crate) use history::HISTORY_PAGE;
pub use history::{Activity, ActivityKind, Direction, History};
pub use lead::Lead;
pub use link::Link;
pub use search::{Found, folded};
pub(crate) use suppression::SUPPRESSED;
pub use suppression::SuppressedBy;

/// The `leads` table.
#[derive(Clone, Debug, FromContext)]
pub struct Leads {
    clock: Clock,
    random: Random,
    #[context(Table::named(context, "LEADS_TABLE")?)]
    table: Table,
}

fn lead_pk(workspace_id: Uuid, lead_id: Uuid) -> String {
    format!("W#{workspace_id}#L#{lead_id}")
}

/// A lead as it is stored; without a version as long as nothing has changed it since it was loaded.
pub(crate) fn lead_item(workspace_id: Uuid, lead: &Lead, version: Option<u64>) -> Result<Item, StoreError> {
    let mut item = to_item(lead)?;
    item.extend(key(lead_pk(workspace_id, lead.lead_id), "lead"));
    item.extend(search::indexed(workspace_id, lead));
    item.extend(version.map(|version| ("version".to_owned(), n(version))));
    Ok(item)
}

fn identity_key(workspace_id: Uuid, kind: &str, value: &str) -> Item {
    key(format!("W#{workspace_id}#I#{kind}#{value}"), "identity")
}

pub(crate) fn identity_item(workspace_id: Uuid, kind: &str, value: &str, lead_id: Uuid) -> Item {
    let mut item = identity_key(workspace_id, kind, value);
    item.insert("lead_id".to_owned(), s(lead_id));
    item
}

fn activity_sk(activity: &Activity) -> String {
    format!("activity#{}#{}", timestamp(activity.occurred_at), activity.activity_id)
}

impl Leads {
    /// A lead by its id.
    pub async fn lead(&self, workspace_id: Uuid, lead_id: Uuid) -> Result<Option<Lead>, StoreError> {
        self.table.get(Self::key(workspace_id, lead_id)).await
    }

    /// Where a lead is.
    pub(crate) fn key(workspace_id: Uuid, lead_id: Uuid) -> Item {
        key(lead_pk(workspace_id, lead_id), "lead")
    }

    /// A lead with its version: 0 as long as nothing has changed it since it was loaded.
    pub(crate) async fn versioned(&self, workspace_id: Uuid, lead_id: Uuid) -> Result<Option<(Lead, u64)>, StoreError> {
        let stored: Option<Versioned> = self.table.get(Self::key(workspace_id, lead_id)).await?;
        Ok(stored.map(|stored| (stored.lead, stored.version)))
    }

    /// All leads of a workspace, in no order. For operators: it reads the whole table, and so takes
    /// longer, and costs more, with every lead and activity of every workspace.
    pub async fn all(&self, workspace_id: Uuid) -> Result<Vec<Lead>, StoreError> {
        let mut leads = Vec::new();
        let values = [("leads", s(format!("W#{workspace_id}#L#"))), ("lead", s("lead"))];
        let take = |item| from_item(item).map(|lead| leads.push(lead));
        self.table.scan("begins_with(pk, :leads) AND sk = :lead", values, take).await?;
        Ok(leads)
    }

    /// The leads that have these identifiers, which are all different.
    pub async fn leads(&self, workspace_id: Uuid, lead_ids: &[Uuid]) -> Result<HashMap<Uuid, Lead>, StoreError> {
        let keys = lead_ids.iter().map(|lead_id| key(lead_pk(workspace_id, *lead_id), "lead")).collect();
        let items = self.table.get_all(keys).await?;
        items.into_iter().map(|item| from_item::<Lead>(item).map(|lead| (lead.lead_id, lead))).collect()
    }

    /// The lead that has one of these identities, the strongest deciding.
    pub async fn find(&self, workspace_id: Uuid, lead: &Lead) -> Result<Option<Uuid>, StoreError> {
        for (kind, value) in lead.identities() {
            if let Some(lead_id) = self.owner(workspace_id, kind, value).await? {
                return Ok(Some(lead_id));
            }
        }
        Ok(None)
    }

    /// The lead that an identity finds.
    pub(crate) async fn owner(&self, workspace_id: Uuid, kind: &str, value: &str) -> Result<Option<Uuid>, StoreError> {
        let identity: Option<Identity> = self.table.get(identity_key(workspace_id, kind, value)).await?;
        Ok(identity.map(|identity| identity.lead_id))
    }

    /// The rows of a lead.
    pub(crate) async fn links(&self, workspace_id: Uuid, lead_id: Uuid) -> Result<Vec<Link>, StoreError> {
        let mut items = self.table.under(lead_pk(workspace_id, lead_id), Link::FIRST).items();
        let mut links = Vec::new();
        while let Some(item) = items.next().await? {
            links.push(Link::read(workspace_id, item)?);
        }
        Ok(links)
    }

    /// Writes an activity unless the lead has one of its id; `false` if it has.
    pub async fn put_new_activity(
        &self,
        workspace_id: Uuid,
        lead_id: Uuid,
        activity: &Activity,
    ) -> Result<bool, StoreError> {
        let pk = lead_pk(workspace_id, lead_id);
        let marker = key(pk.clone(), format!("seen#{}", activity.activity_id));
        let item = keyed(activity, key(pk, activity_sk(activity)))?;
        let writes = [self.table.put_new(marker), self.table.put_new(item)];
        Ok(matches!(self.table.transact(writes).await?, Transacted::Applied))
    }

    /// Which of these activities the lead already has.
    pub async fn known(
        &self,
        workspace_id: Uuid,
        lead_id: Uuid,
        activities: &[Activity],
    ) -> Result<Vec<bool>, StoreError> {
        let keys = activities.iter().map(|activity| key(lead_pk(workspace_id, lead_id), activity_sk(activity)));
        let mut found: HashMap<String, Activity> = HashMap::new();
        for item in self.table.get_all(keys.collect()).await? {
            let sk = item.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
            found.insert(sk, from_item(item)?);
        }
        Ok(activities.iter().map(|activity| found.get(&activity_sk(activity)) == Some(activity)).collect())
    }

    /// Writes activities of a lead; the same one again changes nothing.
    pub async fn put_activities(
        &self,
        workspace_id: Uuid,
        lead_id: Uuid,
        activities: &[Activity],
    ) -> Result<(), StoreError> {
        let item = |activity: &Activity| keyed(activity, key(lead_pk(workspace_id, lead_id), activity_sk(activity)));
        self.table.put_all(activities.iter().map(item).collect::<Result<_, _>>()?).await
    }

    /// Writes leads and their activities that are known to be new, such as a data set's: in
    /// batches, without looking for identities of others.
    pub async fn load(&self, workspace_id: Uuid, leads: &[(Lead, Vec<Activity>)]) -> Result<(), StoreError> {
        let mut items = Vec::new();
        for (lead, activities) in leads {
            items.push(lead_item(workspace_id, lead, None)?);
            for (kind, value) in lead.identities() {
                items.push(identity_item(workspace_id, kind, value, lead.lead_id));
            }
            for activity in activities {
                items.push(keyed(activity, key(lead_pk(workspace_id, lead.lead_id), activity_sk(activity)))?);
            }
        }
        self.table.put_all(items).await
    }
}

/// A lead with its version.
#[derive(Deserialize)]
struct Versioned {
    #[serde(flatten)]
    lead: Lead,
    #[serde(default)]
    version: u64,
}

/// What an identity's item says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Identity {
    lead_id: Uuid,
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::crm::identifiers::{CustomerPhone, User};

    #[test]
    fn a_lead_sorts_after_every_activity_and_before_every_link() {
        let activity = Activity {
            opens_window: false,
            activity_id: Uuid::max(),
            kind: ActivityKind::Note,
            occurred_at: DateTime::<Utc>::MAX_UTC,
            direction: None,
            outcome: None,
            title: None,
            body: None,
        };
        assert!(activity_sk(&activity).as_str() < "lead");
        for (user, identifier) in [("!", "!"), ("~~~", "~~~")] {
            let user = User::new(Uuid::nil(), user).unwrap();
            let link = Link { user, customer_phone: CustomerPhone::parse(identifier).unwrap() };
            let item = link.item(Uuid::nil()).unwrap();
            let sk = item["sk"].as_s().unwrap().as_str();
            assert!("lead" < sk && sk < Link::AFTER && Link::is(&item), "{sk}");
            assert_eq!(Link::read(Uuid::nil(), item.clone()).unwrap(), link);
        }
    }
}
