//! The `leads` table: leads, the identities that find them, and what happened with them.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | lead | `W#<workspace>#L#<lead>` | `lead` |
//! | activity | `W#<workspace>#L#<lead>` | `activity#<time>#<activity id>` |
//! | activity known | `W#<workspace>#L#<lead>` | `seen#<activity id>` |
//! | identity | `W#<workspace>#I#<kind>#<value>` | `identity` |
//!
//! A lead sorts after its activities, so that one backward query gives the lead and then its
//! activities, newest first. The local secondary index `changed` is for the lead lists, whose rows
//! get a partition per user; it is there from the start because it cannot be added to a table that
//! exists.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{Delete, KeysAndAttributes, Put, TransactWriteItem};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::context::{Context, Random};
use crate::environment::ConfigError;
use crate::http::dialect::timestamp;
use crate::store::{
    Item, StoreError, Transacted, UNPROCESSED_PAUSE, from_item, put_all, s, store_error, to_item, transact,
};

/// A person whom the workspace may follow up with. `lead_id` is the `contact_id` of LeadLex.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lead {
    /// Its identifier.
    pub lead_id: Uuid,
    /// The customer's own identifier, such as `LD-2048`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_ref: Option<String>,
    /// Full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// E-mail address, lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone number: `+` and digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Profile address on LinkedIn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linkedin: Option<String>,
    /// Role at the company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// Company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_name: Option<String>,
    /// Stage in the workspace's pipeline, such as `qualified`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
}

impl Lead {
    /// What the lead can be found by, strongest first: each names one lead of a workspace.
    pub fn identities(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [("external_ref", &self.external_ref), ("email", &self.email), ("phone", &self.phone)]
            .into_iter()
            .filter_map(|(kind, value)| value.as_deref().map(|value| (kind, value)))
    }

    /// What to call the lead in a sentence: the first name, else "this contact".
    pub fn first_name(&self) -> &str {
        self.full_name.as_deref().and_then(|name| name.split_whitespace().next()).unwrap_or("this contact")
    }

    /// Whether a lead that was found by this one's identity of kind `found_by` is another one all the
    /// same, because it has another value for a stronger identity: two people with one switchboard
    /// number.
    pub fn contradicts(&self, found: &Self, found_by: &str) -> bool {
        let mut stronger = self.identities().take_while(|(kind, _)| *kind != found_by);
        stronger.any(|(kind, value)| found.identities().any(|(known, stands)| known == kind && stands != value))
    }

    /// This lead with everything that `given` says; what it does not say stays.
    pub fn updated_with(&self, given: &Self) -> Self {
        let either = |given: &Option<String>, stored: &Option<String>| given.clone().or_else(|| stored.clone());
        Self {
            lead_id: self.lead_id,
            external_ref: either(&given.external_ref, &self.external_ref),
            full_name: either(&given.full_name, &self.full_name),
            email: either(&given.email, &self.email),
            phone: either(&given.phone, &self.phone),
            linkedin: either(&given.linkedin, &self.linkedin),
            job_title: either(&given.job_title, &self.job_title),
            company_name: either(&given.company_name, &self.company_name),
            stage: either(&given.stage, &self.stage),
        }
    }
}

/// What became of a lead that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upserted {
    /// It is new.
    Created(Lead),
    /// It was there, and says something else now.
    Updated(Lead),
    /// It was there and said all of this.
    Unchanged(Lead),
    /// One of its identities belongs to another lead; nothing was written.
    Taken,
}

/// How often an upsert is decided anew when another request got between reading and writing.
const UPSERT_ATTEMPTS: u32 = 3;

/// Something that happened with a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Its identifier; the same one at the same time is the same activity.
    pub activity_id: Uuid,
    /// `email`, `call`, `meeting`, `note`, `sms`, `linkedin`, `whatsapp`, or another word.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened, or will.
    pub occurred_at: DateTime<Utc>,
    /// `inbound` or `outbound`, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// What came of it, such as `replied` or `no_response`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Subject or title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What was said or noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl Activity {
    /// Whether it was exchanged with the lead; a note is only written about it.
    pub fn is_touch(&self) -> bool {
        self.kind != "note"
    }
}

/// A lead and what happened with it lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The lead.
    pub lead: Lead,
    /// Everything since the moment asked for, newest first; planned activity included.
    pub recent: Vec<Activity>,
    /// The newest touch before that moment; if there was none, the newest note.
    pub earlier: Option<Activity>,
}

/// The `leads` table.
#[derive(Clone, Debug)]
pub struct Leads {
    client: Client,
    random: Random,
    table: String,
}

fn lead_pk(workspace_id: Uuid, lead_id: Uuid) -> String {
    format!("W#{workspace_id}#L#{lead_id}")
}

fn identity_key(workspace_id: Uuid, kind: &str, value: &str) -> Item {
    key(format!("W#{workspace_id}#I#{kind}#{value}"), "identity")
}

fn identity_item(workspace_id: Uuid, kind: &str, value: &str, lead_id: Uuid) -> Item {
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

/// How many items one page of a history reads: one round trip for all but the busiest leads.
const HISTORY_PAGE: i32 = 100;

impl Leads {
    /// The table named by `LEADS_TABLE`.
    pub fn new(context: &Context) -> Result<Self, ConfigError> {
        Ok(Self {
            client: context.dynamodb.clone(),
            random: context.random.clone(),
            table: context.environment.required("LEADS_TABLE")?.to_owned(),
        })
    }

    /// A lead with all its activity since `since`, and the one before: one query, and a further
    /// one for each hundred activities in that time. `None` if the workspace has no such lead.
    pub async fn history(
        &self,
        workspace_id: Uuid,
        lead_id: Uuid,
        since: DateTime<Utc>,
    ) -> Result<Option<History>, StoreError> {
        let mut items = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :activity AND :lead")
            .expression_attribute_values(":pk", s(lead_pk(workspace_id, lead_id)))
            .expression_attribute_values(":activity", s("activity#"))
            .expression_attribute_values(":lead", s("lead"))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(HISTORY_PAGE)
            .into_paginator()
            .items()
            .send();
        let mut next = async || items.next().await.transpose().map_err(|error| store_error("Query", &error));
        let Some(first) = next().await?.filter(|item| item.get("sk") == Some(&s("lead"))) else { return Ok(None) };
        let mut history = History { lead: from_item(first)?, recent: Vec::new(), earlier: None };
        while let Some(item) = next().await? {
            let activity: Activity = from_item(item)?;
            if activity.occurred_at >= since {
                history.recent.push(activity);
            } else if activity.is_touch() {
                history.earlier = Some(activity);
                break;
            } else {
                history.earlier.get_or_insert(activity);
            }
        }
        Ok(Some(history))
    }

    /// A lead by its id.
    pub async fn lead(&self, workspace_id: Uuid, lead_id: Uuid) -> Result<Option<Lead>, StoreError> {
        self.get(key(lead_pk(workspace_id, lead_id), "lead")).await?.map(from_item).transpose()
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

    /// The lead that has one of these identities, the strongest deciding.
    pub async fn find(&self, workspace_id: Uuid, lead: &Lead) -> Result<Option<Uuid>, StoreError> {
        for (kind, value) in lead.identities() {
            if let Some(item) = self.get(identity_key(workspace_id, kind, value)).await? {
                return from_item::<Identity>(item).map(|identity| Some(identity.lead_id));
            }
        }
        Ok(None)
    }

    /// Creates the lead that these identities find, or updates it: what is given replaces what is
    /// stored, and what is not given stays. `lead_id` is not read.
    pub async fn upsert(&self, workspace_id: Uuid, given: &Lead) -> Result<Upserted, StoreError> {
        // Two at once with one identity: the second finds what the first has made.
        for _ in 0..UPSERT_ATTEMPTS {
            let stored = match self.find(workspace_id, given).await? {
                Some(lead_id) => self.lead(workspace_id, lead_id).await?,
                None => None,
            };
            let Some(stored) = stored else {
                let lead = Lead { lead_id: self.random.uuid(), ..given.clone() };
                if self.put(workspace_id, &lead).await? {
                    return Ok(Upserted::Created(lead));
                }
                continue;
            };
            let found_by = given.identities().find(|identity| stored.identities().any(|known| known == *identity));
            if found_by.is_some_and(|(kind, _)| given.contradicts(&stored, kind)) {
                return Ok(Upserted::Taken);
            }
            let lead = stored.updated_with(given);
            if lead == stored {
                return Ok(Upserted::Unchanged(lead));
            }
            if self.put(workspace_id, &lead).await? {
                return Ok(Upserted::Updated(lead));
            }
        }
        Ok(Upserted::Taken)
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
            put(Put::builder()
                .table_name(&self.table)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(pk)"))
        };
        let writes = vec![new(marker)?, new(item)?];
        Ok(matches!(transact(&self.client, &self.random, writes).await?, Transacted::Applied))
    }

    /// Writes a lead, new or changed, and the identities that find it; those that it had and has no
    /// more find it no longer. `false`, and nothing written, if one belongs to another lead.
    pub async fn put(&self, workspace_id: Uuid, lead: &Lead) -> Result<bool, StoreError> {
        let before = self.lead(workspace_id, lead.lead_id).await?.unwrap_or_default();
        let mut item = to_item(lead)?;
        item.extend(key(lead_pk(workspace_id, lead.lead_id), "lead"));
        let mut writes = vec![put(Put::builder().table_name(&self.table).set_item(Some(item)))?];
        for (kind, value) in lead.identities() {
            writes.push(put(Put::builder()
                .table_name(&self.table)
                .set_item(Some(identity_item(workspace_id, kind, value, lead.lead_id)))
                .condition_expression("attribute_not_exists(pk) OR lead_id = :lead")
                .expression_attribute_values(":lead", s(lead.lead_id)))?);
        }
        for (kind, value) in before.identities().filter(|identity| !lead.identities().any(|kept| kept == *identity)) {
            let delete = Delete::builder()
                .table_name(&self.table)
                .set_key(Some(identity_key(workspace_id, kind, value)))
                .condition_expression("attribute_not_exists(pk) OR lead_id = :lead")
                .expression_attribute_values(":lead", s(lead.lead_id))
                .build();
            writes.push(TransactWriteItem::builder().delete(delete?).build());
        }
        Ok(matches!(transact(&self.client, &self.random, writes).await?, Transacted::Applied))
    }

    /// Which of these activities the lead already has.
    pub async fn known(
        &self,
        workspace_id: Uuid,
        lead_id: Uuid,
        activities: &[Activity],
    ) -> Result<Vec<bool>, StoreError> {
        let mut found: HashMap<String, Activity> = HashMap::new();
        for chunk in activities.chunks(100) {
            let keys = chunk.iter().map(|activity| key(lead_pk(workspace_id, lead_id), activity_sk(activity)));
            let mut pending = Some(keys.collect::<Vec<_>>());
            while let Some(keys) = pending.take() {
                let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
                let sent = self.client.batch_get_item().request_items(&self.table, wanted?).send().await;
                let got = sent.map_err(|error| store_error("BatchGetItem", &error))?;
                for item in got.responses.unwrap_or_default().into_values().flatten() {
                    let sk = item.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
                    found.insert(sk, from_item(item)?);
                }
                let left = got.unprocessed_keys.unwrap_or_default().remove(&self.table);
                pending = left.map(|left| left.keys).filter(|keys| !keys.is_empty());
                if pending.is_some() {
                    tokio::time::sleep(self.random.up_to(UNPROCESSED_PAUSE)).await;
                }
            }
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
            let mut item = to_item(lead)?;
            item.extend(key(lead_pk(workspace_id, lead.lead_id), "lead"));
            items.push(item);
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

fn put(builder: aws_sdk_dynamodb::types::builders::PutBuilder) -> Result<TransactWriteItem, StoreError> {
    Ok(TransactWriteItem::builder().put(builder.build()?).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_sorts_after_every_activity() {
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
    }

    #[test]
    fn a_lead_without_a_name_is_still_spoken_of() {
        assert_eq!(Lead::default().first_name(), "this contact");
        let lead = Lead { full_name: Some("Jane van Dyk".to_owned()), ..Lead::default() };
        assert_eq!(lead.first_name(), "Jane");
    }
}
