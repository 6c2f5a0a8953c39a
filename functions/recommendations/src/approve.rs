//! `POST /api/v1/ai/followup/recommendations/{id}/approve`: what a person wants sent, as it is or changed.

use chrono::TimeDelta;
use serde_json::json;
use shared::api::exactly_once::ExactlyOnce;
use shared::api::http::{Call, Dialect, Fields, Input, RawEndpoint, Reply};
use shared::base::channel::Channel;
use shared::base::clock::{Clock, Random};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::queue::Queue;
use shared::outreach::gate::{self, Gate};
use shared::outreach::reach::{Reach, Reaching};
use shared::workflow::notifications::Notification;
use shared::workflow::recommendations::{Actor, Draft, Origin, Recommendation, Recommendations, Refused};
use shared::workspace::accounts::{Accounts, Site};
use shared::workspace::auth::Permission;

use crate::decide::{About, answer, decided, refusal, send};

/// How far back is looked for the lead's last message on WhatsApp.
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

/// What the person changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    channel: Option<Channel>,
    title: Option<String>,
    message: Option<String>,
}

impl Edit {
    /// What is to be sent: what is proposed, with what the person changes of it.
    fn of(self, proposed: Option<&Draft>) -> Result<Draft, Problem> {
        let needs = |field| Problem::field(field, shared::base::problem::MISSING);
        let channel = self.channel.or(proposed.map(|draft| draft.channel)).ok_or_else(|| needs("channel"))?;
        let message = self.message.or_else(|| proposed.map(|draft| draft.message.clone()));
        let title = self.title.or_else(|| proposed.and_then(|draft| draft.title.clone()));
        let draft = Draft { channel, title, message: message.ok_or_else(|| needs("draft_message"))? };
        match draft.fault() {
            None => Ok(draft),
            Some((field, complaint)) => Err(Problem::field(field, &complaint)),
        }
    }
}

impl RawEndpoint for Approve {
    const DIALECT: Dialect = Dialect::Followup;
    const PERMISSION: Permission = Permission::WriteAi;
    /// Which, and what is changed.
    type Request = (About, Edit);

    fn parse(&self, input: &Input) -> Result<Self::Request, Problem> {
        let mut fields = Fields::of(&input.body)?;
        let about = About::read(input, &mut fields)?;
        let known: Vec<_> = Channel::RECOMMENDED.iter().map(|channel| channel.name()).collect();
        let edit = Edit {
            channel: fields.parsed("channel", &format!("must be one of {}", known.join(", ")), |name| {
                Channel::one_of(&Channel::RECOMMENDED, name)
            }),
            title: fields.optional_text("draft_title", 150),
            message: fields.optional_text("draft_message", 5_000),
        };
        fields.finish()?;
        for name in ["draft_title", "draft_message"] {
            if input.body[name].as_str().is_some_and(|text| text.trim().is_empty()) {
                return Err(Problem::field(name, "must not be blank; leave it out to keep what is proposed"));
            }
        }
        Ok((about, edit))
    }

    async fn handle(&self, call: &Call, (about, edit): Self::Request) -> Result<Reply, Problem> {
        self.once.for_free(call, self.approve(call, about, edit)).await
    }
}

impl Approve {
    async fn approve(&self, call: &Call, about: About, edit: Edit) -> Result<Reply, Problem> {
        let before = about.found(&self.recommendations, call).await?;
        if !before.is_open() {
            return Err(refusal(Refused::NotOpen(before.status), &before));
        }
        let draft = edit.of(before.draft.as_ref())?;
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
        Ok(answer(call, &after))
    }

    /// Blocks the recommendation, alerts compliance, and says where the text has to be changed.
    async fn block(
        &self,
        before: &Recommendation,
        findings: serde_json::Value,
        notification: &Notification,
        actor: Actor,
    ) -> Result<Reply, Problem> {
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
