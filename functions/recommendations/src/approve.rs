//! `POST /api/v1/ai/followup/recommendations/{id}/approve`: approves a draft, as it is or changed.

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use shared::api::exactly_once::ExactlyOnce;
use shared::api::http::{Answered, Call, Dialect, Endpoint, Json, Path};
use shared::base::channel::{Channel, Recommended};
use shared::base::clock::{Clock, Random};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::queue::Queue;
use shared::outreach::gate::{self, Gate};
use shared::outreach::reach::{Reach, Reaching};
use shared::workflow::notifications::Notification;
use shared::workflow::recommendations::{
    Actor, Draft, Origin, Recommendation, RecommendationView, Recommendations, Refused,
};
use shared::workspace::accounts::{Accounts, Site};
use shared::workspace::auth::Permission;

use crate::decide::{Version, decided, refusal, seen, send};
use crate::read::RecommendationPath;

/// How far back the lead's last WhatsApp message is searched.
const LOOKED_BACK: TimeDelta = TimeDelta::days(2);

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct Approve {
    clock: Clock,
    random: Random,
    recommendations: Recommendations,
    reaching: Reaching,
    gate: Gate,
    accounts: Accounts,
    once: ExactlyOnce,
    #[context(Queue::new(context, "DELIVERY_QUEUE_URL")?)]
    queue: Queue,
}

/// A text in place of the one that is proposed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Replacement(String);

impl TryFrom<String> for Replacement {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.trim() {
            "" => Err("must not be blank; leave it out to keep what is proposed"),
            _ => Ok(Self(text)),
        }
    }
}

/// Changes to the proposed draft; leave out what stays as proposed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveRequest {
    /// The version that you have seen. If somebody has changed the recommendation since, the answer is 409.
    pub version: Option<Version>,
    /// Another channel.
    #[schemars(with = "Option<Recommended>")]
    pub channel: Option<Channel>,
    /// Another subject line or headline.
    #[schemars(with = "Option<String>", length(max = 150), regex(pattern = r"\S"))]
    pub draft_title: Option<Replacement>,
    /// Another text.
    #[schemars(with = "Option<String>", length(max = 5_000), regex(pattern = r"\S"))]
    pub draft_message: Option<Replacement>,
}

impl ApproveRequest {
    /// The proposed draft with the caller's changes.
    fn draft(self, proposed: Option<&Draft>) -> Result<Draft, Problem> {
        let needs = |field| Problem::field(field, shared::base::problem::MISSING);
        let text = |Replacement(text)| text;
        let channel = self.channel.or(proposed.map(|draft| draft.channel)).ok_or_else(|| needs("channel"))?;
        let message = self.draft_message.map(text).or_else(|| proposed.map(|draft| draft.message.clone()));
        let title = self.draft_title.map(text).or_else(|| proposed.and_then(|draft| draft.title.clone()));
        let draft = Draft { channel, title, message: message.ok_or_else(|| needs("draft_message"))? };
        match draft.fault() {
            None => Ok(draft),
            Some((field, complaint)) => Err(Problem::field(field, &complaint)),
        }
    }
}

impl Endpoint for Approve {
    const DIALECT: Dialect = Dialect::Followup;
    const PERMISSION: Permission = Permission::WriteAi;
    type Request = (Path<RecommendationPath>, Json<ApproveRequest>);
    type Answer = RecommendationView;

    async fn handle(&self, call: &Call, request: Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let (Path(path), Json(request)) = request;
        self.once.for_free(call, self.approve(call, path, request)).await
    }
}

impl Approve {
    async fn approve(
        &self,
        call: &Call,
        path: RecommendationPath,
        request: ApproveRequest,
    ) -> Result<Answered<RecommendationView>, Problem> {
        let before = seen(&self.recommendations, call, path, request.version).await?;
        if !before.is_approvable() {
            return Err(refusal(Refused::NotOpen(before.status), &before));
        }
        let draft = request.draft(before.draft.as_ref())?;
        let since = self.clock.now() - LOOKED_BACK;
        let reach = self.reaching.reach(call.workspace_id, before.lead_id, since).await?;
        let reach = reach.ok_or_else(|| Problem::new(Code::LeadNotFound, "the lead is no longer in this workspace"))?;
        if !reach.reaches(draft.channel) {
            return Err(unreachable(&reach, draft.channel));
        }
        let sites = self.accounts.sites(call.workspace_id).await?;
        has_sender(&before, draft.channel, &sites)?;
        let actor = Actor::Key(call.key_id);
        let allowed = gate::allowed(reach.lead(), &sites);
        let findings = self.gate.check((call.workspace_id, reach.lead()), &allowed, &draft.parts()).await?;
        if !findings.is_empty() {
            let notification = before.pii_alert(&findings, self.random.uuid(), self.clock.now());
            return self.block(&before, json!(findings), &notification, actor).await;
        }
        let after = decided(self.recommendations.approve(&before, draft, actor).await?, &before)?;
        send(&self.queue, &after).await;
        call.success(after.into())
    }

    /// Blocks the recommendation, alerts compliance, and says where the text has to be changed.
    async fn block(
        &self,
        before: &Recommendation,
        findings: serde_json::Value,
        notification: &Notification,
        actor: Actor,
    ) -> Result<Answered<RecommendationView>, Problem> {
        let blocked = self.recommendations.block(before, findings.clone(), notification, actor).await?;
        decided(blocked, before)?;
        let message = "the text holds personal data of somebody else, and is blocked; approve it with another text";
        Err(Problem::new(Code::PiiBlocked, message).detail("findings", findings))
    }
}

/// Fails unless a site sends on the channel, or a follow-up is shown there.
fn has_sender(before: &Recommendation, channel: Channel, sites: &[Site]) -> Result<(), Problem> {
    let is_follow_up = matches!(before.origin, Origin::FollowUp { .. });
    let message = match channel {
        Channel::Notification | Channel::Web if !is_follow_up => {
            "only a follow-up's message is shown in the product or on the site".to_owned()
        }
        _ if !channel.is_sent() || sites.iter().any(|site| site.sender(channel).is_some()) => return Ok(()),
        _ => format!("no site of this workspace sends by {}; add one with `cargo cli site add`", channel.name()),
    };
    Err(Problem::new(Code::ChannelNotEligible, message))
}

fn unreachable(reach: &Reach, channel: Channel) -> Problem {
    let message = if reach.is_suppressed {
        "the lead does not want to be contacted on any channel".to_owned()
    } else {
        format!("the lead cannot be reached by {} now; choose another channel", channel.name())
    };
    Problem::new(Code::ChannelNotEligible, message).detail("eligible_channels", json!(reach.channels()))
}
