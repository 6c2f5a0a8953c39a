//! Recommendations, in the `work` table: what is proposed to a person, and what became of it.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | recommendation | `W#<workspace>#R#<recommendation>` | `recommendation` |
//! | audit event | `W#<workspace>#R#<recommendation>` | `event#<version>` |
//! | open item of the manual queue | `W#<workspace>#L#<lead>` | `manual` |
//!
//! ```text
//! pending_review -> approved -> delivering -> delivered | delivery_failed
//! pending_review -> rejected -> requeued        (and a new recommendation)
//! blocked_pii    -> approved | rejected         manual -> resolved | requeued
//! delivering     -> resolved, by a person, where nobody knows whether it arrived
//! ```
//!
//! Every change is one transaction: the recommendation on the condition that it has the version that was
//! read, the audit event of its new version, and the notifications that follow from it. So nothing happens
//! without its event, and of two who decide at once the second is refused. Events are never changed; they
//! hold no name, address, phone number or text.

mod audit;
mod delivery;
mod description;
mod review;

use crate::base::channel::Channel;
use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::base::channel::Medium;
use crate::base::clock::{Clock, Random};
use crate::base::context::FromContext;
use crate::base::observe::metrics;
use crate::base::store::{Item, Query, StoreError, Table, Transacted, Write, from_item, key, keyed, n, s};
use crate::base::time::timestamp;
use crate::outreach::gate::Disclosure;
use crate::outreach::writing::{Messages, Written, placeholder};
use crate::workflow::due::{Due, Place};
use crate::workflow::notifications::{self, Notification};
pub use audit::{Actor, AuditEvent};
pub use delivery::{Attempt, AttemptState, DeliveryId, Handed, Settled};
pub use description::RecommendationShown;
pub use review::{Approval, Decided, Refused};

/// How long a recommendation and its events are kept after its last change.
const KEPT: TimeDelta = TimeDelta::days(400);

/// How often a change is tried against others.
const ATTEMPTS: u32 = 8;

/// Where a recommendation stands (contract, section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "RecommendationStatus")]
pub enum Status {
    /// It waits for a person's decision.
    PendingReview,
    /// A person wants it sent as it stands.
    Approved,
    /// It is being sent, or was and nobody knows yet whether it arrived.
    Delivering,
    /// It has arrived.
    Delivered,
    /// It was proven not to arrive, on every channel that there is.
    DeliveryFailed,
    /// A person does not want it.
    Rejected,
    /// It is to be written anew; another recommendation follows.
    Requeued,
    /// Its text holds somebody's personal data; nobody sees the text.
    BlockedPii,
    /// The model was down: a person writes, or hands it back.
    Manual,
    /// A person has taken care of it without the model.
    Resolved,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 10] = [
        Self::PendingReview,
        Self::Approved,
        Self::Delivering,
        Self::Delivered,
        Self::DeliveryFailed,
        Self::Rejected,
        Self::Requeued,
        Self::BlockedPii,
        Self::Manual,
        Self::Resolved,
    ];

    /// Its name in requests and responses.
    pub fn name(self) -> &'static str {
        match self {
            Self::PendingReview => "pending_review",
            Self::Approved => "approved",
            Self::Delivering => "delivering",
            Self::Delivered => "delivered",
            Self::DeliveryFailed => "delivery_failed",
            Self::Rejected => "rejected",
            Self::Requeued => "requeued",
            Self::BlockedPii => "blocked_pii",
            Self::Manual => "manual",
            Self::Resolved => "resolved",
        }
    }

    /// The status of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// Which recommendation; also what a message of its queues says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RecommendationId {
    /// The tenant.
    pub workspace_id: Uuid,
    /// The recommendation.
    pub recommendation_id: Uuid,
}

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Where.
    pub channel: Channel,
    /// Subject line or headline, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text.
    pub message: String,
}

impl Draft {
    /// What it says, by the fields of a request.
    pub fn parts(&self) -> [(&'static str, &str); 2] {
        [("draft_title", self.title.as_deref().unwrap_or_default()), ("draft_message", &self.message)]
    }

    /// What is wrong with its form: the field of a request, and what it has to be. What a person writes may
    /// name whatever they know.
    pub fn fault(&self) -> Option<(&'static str, String)> {
        let title = self.title.as_deref().unwrap_or_default();
        let most = match self.channel {
            Channel::Email | Channel::PhoneCall | Channel::Meeting => 5_000,
            Channel::Whatsapp => 4_096,
            Channel::Sms => 480,
            Channel::Notification => 240,
            Channel::Web => 400,
        };
        if self.message.trim().is_empty() || self.message.chars().count() > most {
            return Some(("draft_message", format!("must have 1 to {most} characters for {}", self.channel.name())));
        }
        if self.channel == Channel::Email && (title.trim().is_empty() || title.contains(['\n', '\r'])) {
            return Some(("draft_title", "is needed for email: a subject line of one line".to_owned()));
        }
        let field = if placeholder(title).is_some() { "draft_title" } else { "draft_message" };
        let left = placeholder(title).or_else(|| placeholder(&self.message))?;
        Some((field, format!("holds the placeholder {left}; write what it stands for")))
    }
}

/// What a recommendation comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// The lead's engagement (seeds/followup-recommendation.md).
    Engagement(Asked),
    /// A campaign to the contacts of a list.
    Campaign {
        /// The campaign.
        campaign_id: Uuid,
        /// The task that a person approved.
        task_id: Uuid,
    },
}

/// What a recommendation was asked with, beside the lead.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// Such as `mid-market`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_tier: Option<String>,
    /// The last engagement, where nothing is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_engagement_date: Option<DateTime<Utc>>,
    /// Events beside those that are stored.
    #[serde(default)]
    pub engagement_history: Vec<Event>,
    /// What happened lately, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recent_activity_summary: Option<String>,
    /// The recommendation that this one follows, and why that one was not wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows: Option<Follows>,
}

/// One event of an engagement history.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Event {
    /// Such as `email`, `phone_call` or `sms`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Such as `opened`, `no_response` or `replied`.
    pub outcome: String,
    /// When, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<DateTime<Utc>>,
}

/// What a new recommendation makes up for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follows {
    /// The recommendation before.
    pub recommendation_id: Uuid,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<Draft>,
}

/// What the priority and channel model found, as it is shown: reproducible from its inputs and version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// 0 to 100.
    pub priority_score: u8,
    /// Such as `follow_up`.
    pub recommended_action: String,
    /// How sure the choice of the channel is, from 0 to 1.
    pub confidence: f64,
    /// Each channel's probability with its interval.
    pub channel_scores: Value,
    /// The contributions to the priority.
    pub factors: Value,
    /// The version of the model.
    pub policy_version: String,
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
    /// What is to be sent; none while there is none, or nobody may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<Draft>,
    /// Why, or the strategy that the text follows.
    pub reasoning: String,
    /// What the priority and channel model found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Assessment>,
    /// The model that wrote it, with the version of its instructions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written_by: Option<WrittenBy>,
    /// Until when nobody wants to be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<DateTime<Utc>>,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejection_reason: Option<String>,
    /// The recommendation that was made in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub followed_by: Option<Uuid>,
    /// What was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// What was sent, or tried to be, oldest first.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// Who works on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<Lease>,
    /// When its queue's message is sent again.
    #[serde(flatten)]
    due: Option<Due>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// Epoch seconds from which it is deleted.
    expires: i64,
}

/// A model and its instructions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenBy {
    /// The model.
    pub model: String,
    /// The version of the instructions.
    pub prompt_version: String,
}

/// Who works on a recommendation, and until when nobody else may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    owner: Uuid,
    until: DateTime<Utc>,
}

impl Recommendation {
    /// The alert to compliance about what its draft disclosed.
    pub fn pii_alert(&self, disclosures: &[Disclosure], notification_id: Uuid, at: DateTime<Utc>) -> Notification {
        Notification {
            notification_id,
            workspace_id: self.id.workspace_id,
            role: notifications::Role::Compliance,
            kind: notifications::Kind::PiiBlocked,
            lead_id: self.lead_id,
            recommendation_id: Some(self.id.recommendation_id),
            details: json!({ "findings": disclosures }),
            created_at: at,
        }
    }

    /// A recommendation that nobody has changed yet.
    pub fn new(id: RecommendationId, lead_id: Uuid, origin: Origin, status: Status, now: DateTime<Utc>) -> Self {
        Self {
            id,
            version: 1,
            status,
            lead_id,
            origin,
            draft: None,
            reasoning: String::new(),
            assessment: None,
            written_by: None,
            snoozed_until: None,
            rejection_reason: None,
            followed_by: None,
            approval: None,
            attempts: Vec::new(),
            lease: None,
            due: None,
            created_at: now,
            updated_at: now,
            expires: (now + KEPT).timestamp(),
        }
    }

    /// What a follow-up proposes for one medium.
    pub fn of_follow_up(
        id: RecommendationId,
        lead_id: Uuid,
        origin: Origin,
        (medium, written): (Medium, &Written),
        written_by: WrittenBy,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            draft: Some(drafted(medium, written)),
            reasoning: written.strategy.clone(),
            written_by: Some(written_by),
            ..Self::new(id, lead_id, origin, Status::PendingReview, now)
        }
    }

    /// The service that made it: model, instructions and priority model, for the audit.
    pub fn ai_service_version(&self) -> String {
        let written_by = self.written_by.as_ref().map(|by| format!("{}/{}", by.model, by.prompt_version));
        let policy = self.assessment.as_ref().map(|assessment| assessment.policy_version.clone());
        [written_by, policy].into_iter().flatten().collect::<Vec<_>>().join("/")
    }

    /// As it is shown.
    pub fn shown(&self) -> Value {
        let assessment = self.assessment.as_ref();
        let (asked, follow_up, campaign_id) = match &self.origin {
            Origin::Engagement(asked) => (Some(asked), None, None),
            Origin::Campaign { campaign_id, .. } => (None, None, Some(campaign_id)),
            Origin::FollowUp { command_id, site_id, agent_id, visitor_id } => (
                None,
                Some(
                    json!({"command_id": command_id, "site_id": site_id, "agent_id": agent_id, "visitor_id": visitor_id}),
                ),
                None,
            ),
        };
        json!({
            "recommendation_id": self.id.recommendation_id,
            "status": self.status,
            "version": self.version,
            "lead_id": self.lead_id,
            "priority_score": assessment.map(|assessment| assessment.priority_score),
            "recommended_action": assessment.map(|assessment| &assessment.recommended_action),
            "recommended_channel": self.draft.as_ref().map(|draft| draft.channel),
            "reasoning_summary": self.reasoning,
            "draft_title": self.draft.as_ref().and_then(|draft| draft.title.as_ref()),
            "draft_message": self.draft.as_ref().map(|draft| &draft.message),
            "requires_human_approval": true,
            "confidence": assessment.map(|assessment| assessment.confidence),
            "channel_scores": assessment.map(|assessment| &assessment.channel_scores),
            "factors": assessment.map(|assessment| &assessment.factors),
            "ai_service_version": self.ai_service_version(),
            "follow_up": follow_up,
            "campaign_id": campaign_id,
            "follows": asked.and_then(|asked| asked.follows.as_ref()).map(|follows| follows.recommendation_id),
            "followed_by": self.followed_by,
            "snoozed_until": self.snoozed_until.map(timestamp),
            "rejection_reason": self.rejection_reason,
            "approval": self.approval.as_ref().map(Approval::shown),
            "deliveries": self.attempts.iter().map(Attempt::shown).collect::<Vec<_>>(),
            "created_at": timestamp(self.created_at),
            "updated_at": timestamp(self.updated_at),
        })
    }

    /// What lists are in the order of: the most urgent first, then the oldest.
    fn listed_by(&self) -> String {
        let priority = self.assessment.as_ref().map_or(0, |assessment| assessment.priority_score.min(100));
        format!("{:03}#{}#{}", 100 - priority, timestamp(self.created_at), self.id.recommendation_id)
    }

    /// Whether a queue's message is wanted for it.
    pub fn is_queued(&self) -> bool {
        self.due.is_some()
    }

    /// Whether its reviewers wait until later.
    fn is_snoozed(&self, now: DateTime<Utc>) -> bool {
        self.snoozed_until.is_some_and(|until| until > now)
    }
}

fn drafted(medium: Medium, written: &Written) -> Draft {
    Draft { channel: medium.into(), title: Some(written.title.clone()), message: written.message.clone() }
}

/// Which recommendations, and which page of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// In this status.
    pub status: Option<Status>,
    /// Of this lead.
    pub lead_id: Option<Uuid>,
    /// Those too that are snoozed.
    pub with_snoozed: bool,
    /// How many are left out before the page.
    pub skip: usize,
    /// How many a page has.
    pub limit: usize,
}

/// The recommendations in the `work` table.
#[derive(Clone, Debug, FromContext)]
pub struct Recommendations {
    clock: Clock,
    random: Random,
    #[context(Table::named(context, "WORK_TABLE")?)]
    table: Table,
}

fn pk(id: RecommendationId) -> String {
    format!("W#{}#R#{}", id.workspace_id, id.recommendation_id)
}

fn recommendation_key(id: RecommendationId) -> Item {
    key(pk(id), "recommendation")
}

fn of_lead(workspace_id: Uuid, lead_id: Uuid) -> String {
    format!("W#{workspace_id}#L#{lead_id}")
}

/// The item that says that a lead has an open item in the manual queue.
fn manual_key(workspace_id: Uuid, lead_id: Uuid) -> Item {
    key(of_lead(workspace_id, lead_id), "manual")
}

fn manual_item(of: &Recommendation) -> Item {
    let mut item = manual_key(of.id.workspace_id, of.lead_id);
    item.insert("recommendation_id".to_owned(), s(of.id.recommendation_id));
    item.insert("expires".to_owned(), n(of.expires));
    item
}

impl Recommendations {
    /// A fresh identifier for what is written for each medium.
    pub fn identifiers(&self, messages: &Messages) -> BTreeMap<Medium, Uuid> {
        messages.iter().map(|(medium, _)| (medium, self.random.uuid())).collect()
    }

    /// A recommendation.
    pub async fn get(&self, id: RecommendationId) -> Result<Option<Recommendation>, StoreError> {
        self.table.get(recommendation_key(id)).await
    }

    /// Its audit events, oldest first.
    pub async fn events(&self, id: RecommendationId) -> Result<Vec<AuditEvent>, StoreError> {
        self.table.under(pk(id), "event#").all().await
    }

    /// A page of recommendations, the most urgent first, and whether there is another. What was decided a
    /// moment ago may be missing or still there: the index follows the table.
    pub async fn list(&self, workspace_id: Uuid, listing: Listing) -> Result<(Vec<Recommendation>, bool), StoreError> {
        let (index, list) = match (listing.lead_id, listing.status) {
            (Some(lead_id), _) => ("of_lead", of_lead(workspace_id, lead_id)),
            (None, status) => {
                ("listed", format!("W#{workspace_id}#{}", status.unwrap_or(Status::PendingReview).name()))
            }
        };
        let query = self.table.query(&format!("{index} = :list")).bind("list", s(list)).global_index(index);
        // The index may not have heard yet of what was decided.
        let wanted = listing.status.or(listing.lead_id.is_none().then_some(Status::PendingReview));
        self.page(query, listing, wanted).await
    }

    async fn page(
        &self,
        query: Query,
        listing: Listing,
        wanted: Option<Status>,
    ) -> Result<(Vec<Recommendation>, bool), StoreError> {
        let now = self.clock.now();
        let mut items = query.items();
        let (mut seen, mut page) = (0, Vec::new());
        let mut any_left = true;
        while any_left && page.len() <= listing.limit {
            let mut places = Vec::new();
            while places.len() <= listing.limit {
                match items.next().await? {
                    Some(item) => places.push(from_item::<Place>(item)?),
                    None => break,
                }
            }
            any_left = !places.is_empty();
            let stored = places.iter().map(|place| self.table.get::<Recommendation>(place.key()));
            for stored in try_join_all(stored).await?.into_iter().flatten() {
                let is_meant = wanted.is_none_or(|status| stored.status == status)
                    && (listing.with_snoozed || !stored.is_snoozed(now));
                if is_meant {
                    seen += 1;
                    if seen > listing.skip {
                        page.push(stored);
                    }
                }
            }
        }
        let more = page.len() > listing.limit;
        page.truncate(listing.limit);
        Ok((page, more))
    }

    /// The writes that make a recommendation, with its first event and what follows from it.
    pub fn propose(
        &self,
        new: &Recommendation,
        actor: Actor,
        notifications: &[Notification],
    ) -> Result<Vec<Write>, StoreError> {
        let assessment = new.assessment.as_ref();
        let details = json!({
            "lead_id": new.lead_id,
            "channel": new.draft.as_ref().map(|draft| draft.channel),
            "priority_score": assessment.map(|assessment| assessment.priority_score),
            "ai_service_version": new.ai_service_version(),
            "origin": audit::origin(&new.origin),
            "notified": notifications.iter().map(|told| json!({"kind": told.kind, "details": told.details})).collect::<Vec<_>>(),
        });
        self.change(None, new, actor, "proposed", details, notifications)
    }

    /// Makes a recommendation. `false` if one with its identifier is there.
    pub async fn make(
        &self,
        new: &Recommendation,
        actor: Actor,
        notifications: &[Notification],
    ) -> Result<bool, StoreError> {
        let writes = self.propose(new, actor, notifications)?;
        let is_new = matches!(self.table.transact(writes).await?, Transacted::Applied);
        if is_new && new.status == Status::BlockedPii {
            metrics::draft_blocked();
        }
        Ok(is_new)
    }

    /// Puts what a model was to do into the manual queue. A lead has one open item there: asked again
    /// meanwhile, that one stands. Gives the one that stands.
    pub async fn hand_to_people(
        &self,
        new: &Recommendation,
        actor: Actor,
        notifications: &[Notification],
    ) -> Result<Uuid, StoreError> {
        let mut writes = vec![self.table.put_new(manual_item(new))];
        writes.extend(self.propose(new, actor, notifications)?);
        match self.table.transact(writes).await? {
            Transacted::Applied => Ok(new.id.recommendation_id),
            Transacted::Refused(refused) => {
                let open = refused.into_iter().next().flatten().unwrap_or_default();
                let id = open.get("recommendation_id").and_then(|id| id.as_s().ok()).and_then(|id| id.parse().ok());
                id.ok_or_else(|| StoreError::Unavailable("the manual queue kept changing".to_owned()))
            }
        }
    }

    /// The write that makes something its lead's open item, whatever was that before.
    fn open_manual(&self, new: &Recommendation) -> Write {
        self.table.put(manual_item(new))
    }

    /// The write that takes a lead's open item out of the manual queue.
    fn close_manual(&self, of: &Recommendation) -> Write {
        self.table.delete(manual_key(of.id.workspace_id, of.lead_id))
    }

    /// The writes that give what is proposed the text of a refinement, as far as nobody has decided on it.
    pub async fn refine(
        &self,
        workspace_id: Uuid,
        identifiers: &BTreeMap<Medium, Uuid>,
        messages: &Messages,
        written_by: &WrittenBy,
        actor: Actor,
    ) -> Result<Vec<Write>, StoreError> {
        let stored = try_join_all(identifiers.iter().map(|(medium, id)| async move {
            let stored = self.get(RecommendationId { workspace_id, recommendation_id: *id }).await?;
            Ok::<_, StoreError>(stored.map(|stored| (*medium, stored)))
        }));
        let mut writes = Vec::new();
        for (medium, before) in stored.await?.into_iter().flatten() {
            let Some(draft) = messages.of(medium).map(|written| drafted(medium, written)) else { continue };
            if before.status != Status::PendingReview || before.draft.as_ref() == Some(&draft) {
                continue;
            }
            let after =
                Recommendation { draft: Some(draft), written_by: Some(written_by.clone()), ..self.next(&before) };
            let details = json!({"ai_service_version": after.ai_service_version()});
            writes.extend(self.change(Some(&before), &after, actor, "refined", details, &[])?);
        }
        Ok(writes)
    }

    /// The same in its next version.
    fn next(&self, before: &Recommendation) -> Recommendation {
        let now = self.clock.now();
        let expires = (now + KEPT).timestamp();
        Recommendation { version: before.version + 1, updated_at: now, expires, ..before.clone() }
    }

    /// The writes of one change: `after` in the place of `before`, the event, and the notifications.
    fn change(
        &self,
        before: Option<&Recommendation>,
        after: &Recommendation,
        actor: Actor,
        action: &str,
        details: Value,
        notifications: &[Notification],
    ) -> Result<Vec<Write>, StoreError> {
        let mut item = keyed(after, recommendation_key(after.id))?;
        item.insert("listed".to_owned(), s(format!("W#{}#{}", after.id.workspace_id, after.status.name())));
        item.insert("of_lead".to_owned(), s(of_lead(after.id.workspace_id, after.lead_id)));
        item.insert("listed_by".to_owned(), s(after.listed_by()));
        let put = self.table.put(item);
        let put = match before {
            None => put.when_new(),
            Some(before) => put.when_version(before.version),
        };
        let event = AuditEvent::of(after, actor, action, details);
        let mut event = keyed(&event, key(pk(after.id), format!("event#{:012}", after.version)))?;
        event.insert("expires".to_owned(), n(after.expires));
        let mut writes = vec![put, self.table.put_new(event)];
        for notification in notifications {
            writes.push(notification.put(&self.table)?);
        }
        Ok(writes)
    }
}
