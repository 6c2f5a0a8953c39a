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
mod description;
mod history;
mod lead;
mod link;
mod search;
mod suppression;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::clock::{Clock, Random};
use crate::base::context::Context;
use crate::base::environment::ConfigError;
use crate::base::store::{
    Item, StoreError, Transacted, from_item, get_all, n, put_all, s, store_error, to_item, transact,
};
use crate::base::time::timestamp;
pub use change::Upserted;
pub use description::ContactShown;
pub(crate) use history::HISTORY_PAGE;
pub use history::{Activity, History};
pub use lead::Lead;
pub use link::Link;
pub use search::{Found, folded};
pub(crate) use suppression::SUPPRESSED;
pub use suppression::SuppressedBy;

/// The `leads` table.
#[derive(Clone, Debug)]
pub struct Leads {
    client: Client,
    clock: Clock,
    random: Random,
    table: String,
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

fn key(pk: String, sk: impl Into<String>) -> Item {
    Item::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])
}

fn activity_sk(activity: &Activity) -> String {
    format!("activity#{}#{}", timestamp(activity.occurred_at), activity.activity_id)
}

impl Leads {
    /// The table named by `LEADS_TABLE`.
    pub fn new(context: &Context) -> Result<Self, ConfigError> {
        Ok(Self {
            client: context.dynamodb.clone(),
            clock: context.clock.clone(),
            random: context.random.clone(),
            table: context.environment.required("LEADS_TABLE")?.to_owned(),
        })
    }

    /// A lead by its id.
    pub async fn lead(&self, workspace_id: Uuid, lead_id: Uuid) -> Result<Option<Lead>, StoreError> {
        self.get(key(lead_pk(workspace_id, lead_id), "lead")).await?.map(from_item).transpose()
    }

    /// Where a lead is.
    pub(crate) fn key(workspace_id: Uuid, lead_id: Uuid) -> Item {
        key(lead_pk(workspace_id, lead_id), "lead")
    }

    /// A lead with its version: 0 as long as nothing has changed it since it was loaded.
    pub(crate) async fn versioned(&self, workspace_id: Uuid, lead_id: Uuid) -> Result<Option<(Lead, u64)>, StoreError> {
        let Some(item) = self.get(Self::key(workspace_id, lead_id)).await? else { return Ok(None) };
        let version = item.get("version").and_then(|version| version.as_n().ok()?.parse().ok()).unwrap_or_default();
        Ok(Some((from_item(item)?, version)))
    }

    /// All leads of a workspace, in no order. For operators: it reads the whole table, and so takes
    /// longer, and costs more, with every lead and activity of every workspace.
    pub async fn all(&self, workspace_id: Uuid) -> Result<Vec<Lead>, StoreError> {
        let mut items = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression("begins_with(pk, :leads) AND sk = :lead")
            .expression_attribute_values(":leads", s(format!("W#{workspace_id}#L#")))
            .expression_attribute_values(":lead", s("lead"))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut leads = Vec::new();
        while let Some(item) = items.next().await {
            leads.push(from_item(item.map_err(|error| store_error("Scan", &error))?)?);
        }
        Ok(leads)
    }

    /// The leads that have these identifiers, which are all different.
    pub async fn leads(&self, workspace_id: Uuid, lead_ids: &[Uuid]) -> Result<HashMap<Uuid, Lead>, StoreError> {
        let keys = lead_ids.iter().map(|lead_id| key(lead_pk(workspace_id, *lead_id), "lead")).collect();
        let items = get_all(&self.client, &self.random, &self.table, keys).await?;
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
        let item = self.get(identity_key(workspace_id, kind, value)).await?;
        item.map(|item| from_item::<Identity>(item).map(|identity| identity.lead_id)).transpose()
    }

    /// The rows of a lead.
    pub(crate) async fn links(&self, workspace_id: Uuid, lead_id: Uuid) -> Result<Vec<Link>, StoreError> {
        let mut items = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :row)")
            .expression_attribute_values(":pk", s(lead_pk(workspace_id, lead_id)))
            .expression_attribute_values(":row", s(Link::FIRST))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut links = Vec::new();
        while let Some(item) = items.next().await {
            links.push(Link::read(workspace_id, item.map_err(|error| store_error("Query", &error))?)?);
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
        let mut item = to_item(activity)?;
        item.extend(key(pk, activity_sk(activity)));
        let new = |item| {
            let put = Put::builder().table_name(&self.table).set_item(Some(item));
            let put = put.condition_expression("attribute_not_exists(pk)").build()?;
            Ok::<_, StoreError>(TransactWriteItem::builder().put(put).build())
        };
        let writes = vec![new(marker)?, new(item)?];
        Ok(matches!(transact(&self.client, &self.random, writes).await?, Transacted::Applied))
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
        for item in get_all(&self.client, &self.random, &self.table, keys.collect()).await? {
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
        let mut items = Vec::with_capacity(activities.len());
        for activity in activities {
            let mut item = to_item(activity)?;
            item.extend(key(lead_pk(workspace_id, lead_id), activity_sk(activity)));
            items.push(item);
        }
        put_all(&self.client, &self.random, &self.table, items).await
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
                let mut item = to_item(activity)?;
                item.extend(key(lead_pk(workspace_id, lead.lead_id), activity_sk(activity)));
                items.push(item);
            }
        }
        put_all(&self.client, &self.random, &self.table, items).await
    }

    async fn get(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let sent = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true).send().await;
        sent.map(|got| got.item).map_err(|error| store_error("GetItem", &error))
    }
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
            activity_id: Uuid::max(),
            kind: "note".to_owned(),
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
