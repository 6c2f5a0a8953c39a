//! Recommendations, in the `work` table: what is proposed to a person, and what became of it.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | recommendation | `W#<workspace>#R#<recommendation>` | `recommendation` |
//! | audit event | `W#<workspace>#R#<recommendation>` | `event#<version>` |
//!
//! Every change is one transaction: the recommendation on the condition that it has the version that was
//! read, and the audit event of its new version. So nothing happens without its event, and of two who
//! decide at once the second is refused. Events are never changed; they hold no name, address, phone
//! number or text.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::context::{Clock, Context, Random};
use crate::environment::ConfigError;
use crate::store::{Item, StoreError, from_item, n, query_all, s, store_error, to_item};
use crate::writing::{Medium, Messages, Written};

/// How long a recommendation and its events are kept after its last change.
const KEPT: TimeDelta = TimeDelta::days(400);

/// Where a recommendation stands (contract, section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It waits for a person's decision.
    PendingReview,
}

/// Which recommendation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecommendationId {
    /// The tenant.
    pub workspace_id: Uuid,
    /// The recommendation.
    pub recommendation_id: Uuid,
}

/// What a recommendation comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A lead follow-up (seeds/lead-follow-up.md).
    FollowUp {
        /// The sales specialist's command.
        command_id: Uuid,
        /// The site that it is written for.
        site_id: Uuid,
        /// The agent that writes.
        agent_id: Uuid,
        /// The visitor as whom the lead was seen on the site.
        #[serde(skip_serializing_if = "Option::is_none")]
        visitor_id: Option<Uuid>,
    },
}

/// Something that is proposed to be sent to a lead, and waits for a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// Which one.
    #[serde(flatten)]
    pub id: RecommendationId,
    /// Rises by one with every change.
    pub version: u64,
    /// Where it stands.
    pub status: Status,
    /// The lead.
    pub lead_id: Uuid,
    /// What it comes from.
    pub origin: Origin,
    /// Where it is to appear.
    pub medium: Medium,
    /// What is to be sent, and why.
    pub draft: Written,
    /// The model that wrote it.
    pub model: String,
    /// The version of the instructions that it was given.
    pub prompt_version: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// Epoch seconds from which it is deleted.
    expires: i64,
}

/// Who did something: an API key, or a function by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The key of a request.
    Key(Uuid),
    /// A function that works by itself.
    Function(&'static str),
}

impl Actor {
    fn text(self) -> String {
        match self {
            Self::Key(key_id) => format!("key:{key_id}"),
            Self::Function(name) => format!("function:{name}"),
        }
    }
}

/// One change of a recommendation, for the audit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// The version that the recommendation has since.
    pub version: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// The status since then.
    pub status: Status,
    /// What explains it: identifiers, versions, categories and counts.
    pub details: Map<String, Value>,
}

/// What is proposed by a follow-up for one medium.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Which one.
    pub id: RecommendationId,
    /// The lead.
    pub lead_id: Uuid,
    /// What it comes from.
    pub origin: Origin,
    /// Where it is to appear.
    pub medium: Medium,
    /// What is to be sent, and why.
    pub draft: Written,
    /// The model, and the version of the instructions.
    pub written_by: (String, String),
}

impl Recommendation {
    /// A recommendation that waits for a decision.
    pub fn new(proposal: Proposal, now: DateTime<Utc>) -> Self {
        let Proposal { id, lead_id, origin, medium, draft, written_by: (model, prompt_version) } = proposal;
        Self {
            id,
            version: 1,
            status: Status::PendingReview,
            lead_id,
            origin,
            medium,
            draft,
            model,
            prompt_version,
            created_at: now,
            updated_at: now,
            expires: (now + KEPT).timestamp(),
        }
    }
}

/// The recommendations in the `work` table.
#[derive(Clone, Debug)]
pub struct Recommendations {
    client: Client,
    clock: Clock,
    random: Random,
    table: String,
}

fn pk(id: RecommendationId) -> String {
    format!("W#{}#R#{}", id.workspace_id, id.recommendation_id)
}

fn key(id: RecommendationId) -> Item {
    Item::from([("pk".to_owned(), s(pk(id))), ("sk".to_owned(), s("recommendation"))])
}

impl Recommendations {
    /// The table named by `WORK_TABLE`.
    pub fn new(context: &Context) -> Result<Self, ConfigError> {
        Ok(Self {
            client: context.dynamodb.clone(),
            clock: context.clock.clone(),
            random: context.random.clone(),
            table: context.environment.required("WORK_TABLE")?.to_owned(),
        })
    }

    /// A fresh identifier for what is written for each medium.
    pub fn identifiers(&self, messages: &Messages) -> BTreeMap<Medium, Uuid> {
        messages.iter().map(|(medium, _)| (medium, self.random.uuid())).collect()
    }

    /// A recommendation.
    pub async fn get(&self, id: RecommendationId) -> Result<Option<Recommendation>, StoreError> {
        let request = self.client.get_item().table_name(&self.table).set_key(Some(key(id))).consistent_read(true);
        let got = request.send().await.map_err(|error| store_error("GetItem", &error))?;
        got.item.map(from_item).transpose()
    }

    /// Its audit events, oldest first.
    pub async fn events(&self, id: RecommendationId) -> Result<Vec<AuditEvent>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :event)")
            .expression_attribute_values(":pk", s(pk(id)))
            .expression_attribute_values(":event", s("event#"))
            .consistent_read(true);
        query_all(query).await
    }

    /// The writes that make a recommendation, with its first event.
    pub fn propose(&self, new: &Recommendation, actor: Actor) -> Result<Vec<TransactWriteItem>, StoreError> {
        let details = json!({
            "lead_id": new.lead_id,
            "origin": new.origin,
            "medium": new.medium,
            "model": new.model,
            "prompt_version": new.prompt_version,
        });
        self.change(None, new, actor, "proposed", details)
    }

    /// The writes that give what is proposed the text of a refinement, as far as nobody has decided on it.
    pub async fn refine(
        &self,
        workspace_id: Uuid,
        identifiers: &BTreeMap<Medium, Uuid>,
        messages: &Messages,
        (model, prompt_version): (&str, &str),
        actor: Actor,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let ids = identifiers.values().map(|id| RecommendationId { workspace_id, recommendation_id: *id });
        let stored = try_join_all(ids.map(|id| self.get(id))).await?;
        let mut writes = Vec::new();
        for before in stored.into_iter().flatten() {
            let Some(draft) = messages.of(before.medium).filter(|draft| **draft != before.draft) else { continue };
            if before.status != Status::PendingReview {
                continue;
            }
            let after = Recommendation {
                draft: draft.clone(),
                model: model.to_owned(),
                prompt_version: prompt_version.to_owned(),
                ..self.next(&before)
            };
            let details = json!({"model": model, "prompt_version": prompt_version});
            writes.extend(self.change(Some(&before), &after, actor, "refined", details)?);
        }
        Ok(writes)
    }

    /// The same in its next version.
    fn next(&self, before: &Recommendation) -> Recommendation {
        let now = self.clock.now();
        let expires = (now + KEPT).timestamp();
        Recommendation { version: before.version + 1, updated_at: now, expires, ..before.clone() }
    }

    /// The writes of one change: `after` in the place of `before`, and the event.
    fn change(
        &self,
        before: Option<&Recommendation>,
        after: &Recommendation,
        actor: Actor,
        action: &str,
        details: Value,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut item = to_item(after)?;
        item.extend(key(after.id));
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = match before {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(before) => put
                .condition_expression("version = :version")
                .expression_attribute_values(":version", n(before.version)),
        };
        let event = AuditEvent {
            version: after.version,
            at: after.updated_at,
            actor: actor.text(),
            action: action.to_owned(),
            status: after.status,
            details: details.as_object().cloned().unwrap_or_default(),
        };
        let mut item = to_item(&event)?;
        item.insert("pk".to_owned(), s(pk(after.id)));
        item.insert("sk".to_owned(), s(format!("event#{:012}", after.version)));
        item.insert("expires".to_owned(), n(after.expires));
        let event = Put::builder().table_name(&self.table).set_item(Some(item));
        let event = event.condition_expression("attribute_not_exists(pk)").build()?;
        Ok(vec![
            TransactWriteItem::builder().put(put.build()?).build(),
            TransactWriteItem::builder().put(event).build(),
        ])
    }
}
