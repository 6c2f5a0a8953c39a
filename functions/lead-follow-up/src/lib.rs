//! `POST /api/agents/sales/leadFollowUp`: a follow-up for one lead, on every channel that reaches it, in two phases
//! (docs/behaviour.md, "Follow-up"). The sales specialist writes within the request; the copywriter, which runs behind
//! a queue, refines the messages, and the request waits a while for it.
//!
//! In this order: the body is checked (400), site, lead, agent and channels are looked at (404, 400), the
//! idempotency key is claimed (409, 422, 402), the model is asked (500), both commands are stored in one
//! transaction, the copywriter's is queued, and its outcome is waited for.
//!
//! With an interval, the same transaction stores the later steps of a sequence, each as a command of its own.
//!
//! The commands' ids derive from the claim's work id, so a request that takes over a claim finds what the earlier one
//! stored, and nothing is written twice.

mod answer;
mod facts;
pub mod operations;
mod preference;
mod request;
mod sequence;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use shared::api::exactly_once::{ExactlyOnce, Work};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Prefer};
use shared::api::lambda::Definition;
use shared::base::channel::Channel;
use shared::base::clock::{Clock, Random};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::queue::Queue;
use shared::base::store::Write;
use shared::clients::llm::{Checked, Model, Prompt, Ready};
use shared::crm::conversations::Conversations;
use shared::crm::leads::{History, Leads};
use shared::outreach::gate::{Basis, Fault, Gate};
use shared::outreach::writing::{Messages, said};
use shared::workflow::commands::Step;
use shared::workflow::commands::{Command, CommandId, Commands, Order, Outcome};
use shared::workflow::recommendations::{Actor, Origin, Recommendation, RecommendationId, Recommendations, WrittenBy};
use shared::workspace::accounts::{Accounts, Agent, Role, Staffed};
use shared::workspace::auth::Permission;
use shared::workspace::credits::Action;
use uuid::Uuid;

pub use answer::FollowUp;
use facts::{Address, Subject};
pub use operations::operations;
use preference::Preference;
pub use request::Request;
use request::{LeadData, has_seven_digits};
use sequence::Planned;

/// How far back the lead's history is read.
const LOOKED_BACK: TimeDelta = TimeDelta::days(365);

/// Time kept back from a request's deadline, for storing the answer.
const RESERVE: TimeDelta = TimeDelta::seconds(2);

/// How long the first look at the copywriter's command waits; later ones wait longer.
const FIRST_LOOK: Duration = Duration::from_millis(50);

/// The longest wait between two looks.
const LAST_LOOK: Duration = Duration::from_millis(400);

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::endpoint::<LeadFollowUp>("lead-follow-up");

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct LeadFollowUp {
    clock: Clock,
    random: Random,
    accounts: Accounts,
    leads: Leads,
    conversations: Conversations,
    once: ExactlyOnce,
    commands: Commands,
    recommendations: Recommendations,
    gate: Gate,
    #[context(Queue::new(context, "COPYWRITER_QUEUE_URL")?)]
    queue: Queue,
    model: Model,
}

impl Endpoint for LeadFollowUp {
    const DIALECT: Dialect = Dialect::Agents;
    const PERMISSION: Permission = Permission::WriteAi;
    type Request = (Request, Prefer);
    type Answer = FollowUp;

    async fn handle(&self, call: &Call, request: Self::Request) -> Result<Answered<FollowUp>, Problem> {
        let (request, preference) = (request.0, Preference::of(&request.1.0));
        let since = self.clock.now() - LOOKED_BACK;
        let (prices, staffed, history, ready) = tokio::join!(
            self.accounts.prices(call.workspace_id),
            self.accounts.site(call.workspace_id, request.site_id),
            self.leads.history(call.workspace_id, request.lead_id, since),
            self.model.ready(),
        );
        let prices = prices?;
        let (staffed, mut history, agent, media) = match assignment(&request, staffed?, history?) {
            Ok(assignment) => assignment,
            Err(problem) => return self.once.refuse(call, problem).await,
        };
        let charge = (Action::LeadFollowUp, Action::LeadFollowUp.price(&prices));
        let rows = history.rows.clone();
        // A lead without conversations makes no call here.
        let touches = self.conversations.touches(&rows, since);
        let work = |work: Arc<Work>, touches| async move {
            if work.is_taken_over() {
                // The predecessor may have made something.
                work.keep();
            }
            history.take(touches?, since);
            let subject = Subject { request: &request, site: &staffed.site, history: &history, media: &media };
            let (sales, copywriter) = match self.stored(call, &work).await? {
                Some(commands) => commands,
                None => {
                    let agents = (&agent, staffed.active(Role::Copywriter));
                    let (mut sales, refining) = self.first_phase(call, ready?, &subject, agents, work.id()).await?;
                    // If this fails, the commands may still have been stored, so a retry checks before it writes.
                    work.keep();
                    let mut also = self.proposals(call, &sales, request.visitor_id)?;
                    also.extend(self.sequence(&mut sales, &subject)?);
                    if !self.commands.store(&sales, refining.as_ref(), also).await? {
                        return Err(Problem::unavailable("a predecessor stored the same work meanwhile"));
                    }
                    (sales, refining)
                }
            };
            work.keep();
            let refined = match &copywriter {
                Some(command) => Some(self.second_phase(call, command, &preference).await),
                None => None,
            };
            let answer = FollowUp::of(&subject, &sales, refined.as_ref(), self.clock.now());
            Ok(call.success(answer)?.preference_applied(preference.applied()))
        };
        self.once.charged(call, charge, touches, work).await
    }
}

/// The site, lead, agent and media of a request, or the first that is missing (docs/behaviour.md, "Follow-up").
fn assignment(
    request: &Request,
    staffed: Option<Staffed>,
    history: Option<History>,
) -> Result<(Staffed, History, Agent, Vec<Channel>), Problem> {
    let staffed =
        staffed.ok_or_else(|| Problem::new(Code::SiteNotFound, "no site with this siteId in this workspace"))?;
    let history =
        history.ok_or_else(|| Problem::new(Code::LeadNotFound, "no lead with this leadId in this workspace"))?;
    let is_meant = |agent: &&Agent| agent.active && agent.role == Role::Sales;
    let agent = match (request.agent_id, request.user_id) {
        (Some(agent_id), _) => staffed.agents.iter().filter(is_meant).find(|agent| agent.agent_id == agent_id),
        (None, Some(user_id)) => {
            let own = staffed.agents.iter().filter(is_meant).find(|agent| agent.user_id == user_id);
            own.or_else(|| staffed.active(Role::Sales))
        }
        (None, None) => staffed.active(Role::Sales),
    };
    let agent = agent.cloned().ok_or_else(|| {
        let message = match request.agent_id {
            Some(_) => "no active sales agent with this agentId for this site",
            None => "the site has no active sales agent; add one, or name another site",
        };
        Problem::new(Code::AgentNotFound, message)
    })?;
    let lead = facts::lead(request, &history.lead);
    let media = media(request, &staffed, &lead)?;
    Ok((staffed, history, agent, media))
}

/// The media to write for: the site's channels that reach the lead, and the channels that need no address.
fn media(request: &Request, staffed: &Staffed, lead: &LeadData) -> Result<Vec<Channel>, Problem> {
    let configured = [(Channel::Email, &staffed.site.email), (Channel::Whatsapp, &staffed.site.whatsapp)];
    let configured: Vec<_> =
        configured.into_iter().filter(|(_, channel)| channel.is_some()).map(|(medium, _)| medium).collect();
    if configured.is_empty() {
        return Err(Problem::new(Code::NoChannelsConfigured, "the site has neither email nor WhatsApp configured"));
    }
    let has_email = lead.email.as_ref().is_some_and(|email| email.contains('@'));
    let has_phone = request.phone_number.is_some() || lead.phone.as_deref().is_some_and(has_seven_digits);
    let reaches = |medium: &&Channel| match medium {
        Channel::Email => has_email,
        _ => has_phone,
    };
    let mut media: Vec<_> = configured.iter().filter(reaches).copied().collect();
    if media.is_empty() {
        let problem = Problem::new(
            Code::NoValidChannelsForLead,
            "none of the site's channels fits the lead's contact data; add an email address or a phone number",
        );
        return Err(problem
            .detail("configured_channels", json!(configured))
            .detail("lead_has_email", json!(has_email))
            .detail("lead_has_phone", json!(has_phone)));
    }
    media.extend([Channel::Notification, Channel::Web]);
    Ok(media)
}

impl LeadFollowUp {
    /// What a predecessor of this work has stored.
    async fn stored(&self, call: &Call, work: &Work) -> Result<Option<(Command, Option<Command>)>, Problem> {
        if !work.is_taken_over() {
            return Ok(None);
        }
        let id = |command_id| CommandId { workspace_id: call.workspace_id, command_id };
        let Some(sales) = self.commands.get(id(work.id())).await? else { return Ok(None) };
        let copywriter = match sales.followed_by {
            Some(command_id) => self.commands.get(id(command_id)).await?,
            None => None,
        };
        Ok(Some((sales, copywriter)))
    }

    /// Has the sales specialist write. Returns its command, and the copywriter's command that refines the text.
    async fn first_phase(
        &self,
        call: &Call,
        ready: Ready,
        subject: &Subject<'_>,
        (agent, copywriter): (&Agent, Option<&Agent>),
        command_id: Uuid,
    ) -> Result<(Command, Option<Command>), Problem> {
        let started_at = self.clock.now();
        let facts = subject.facts(started_at);
        let prompt = Prompt {
            name: "sales_follow_up",
            instructions: include_str!("../../../shared/prompts/sales-follow-up.md"),
            facts: facts.clone(),
        };
        let basis = self.gate.basis(call.workspace_id, &subject.history.lead).await?;
        let basis = subject.addresses().fold(basis, |basis, address| match address {
            Address::Email(email) => basis.email(email),
            Address::Phone(phone) => basis.phone(phone),
        });
        let basis = basis.knowing(&said(&facts));
        // Keeps valid messages of an earlier reply, in case a later reply gets them wrong.
        let best = Mutex::new(Messages::default());
        let check = |messages: Messages| {
            let mut best = best.lock().unwrap_or_else(PoisonError::into_inner);
            checked(messages, &mut best, subject.media, &basis)
        };
        let messages = self.model.complete(ready, &prompt, call.deadline - RESERVE, check).await?;
        if messages == Messages::default() {
            return Err(Problem::new(Code::NoContentGenerated, "the AI model wrote nothing that can be used; retry"));
        }
        if messages.email.is_none() && messages.whatsapp.is_none() {
            let message = "the AI model wrote nothing for a channel that reaches the lead; retry";
            return Err(Problem::new(Code::NoValidChannels, message));
        }
        let order = |command_id, agent: &Agent| Order {
            workspace_id: call.workspace_id,
            command_id,
            site_id: subject.site.site_id,
            lead_id: subject.history.lead.lead_id,
            agent: (agent.agent_id, agent.role),
            facts: facts.to_string(),
        };
        let outcome = Outcome {
            messages: messages.clone(),
            model: self.model.name().to_owned(),
            prompt_version: prompt.version(),
        };
        let now = self.clock.now();
        let mut refining =
            copywriter.map(|agent| Command::queued(order(self.random.uuid(), agent), messages.clone(), now));
        let mut sales = Command::completed(order(command_id, agent), outcome, started_at, now);
        sales.author = Some(subject.author(agent));
        sales.recommendations = self.recommendations.identifiers(&messages);
        if let Some(refining) = &mut refining {
            refining.recommendations.clone_from(&sales.recommendations);
        }
        sales.followed_by = refining.as_ref().map(|command| command.id.command_id);
        Ok((sales, refining))
    }

    /// Proposes each message to a person.
    fn proposals(&self, call: &Call, sales: &Command, visitor_id: Option<Uuid>) -> Result<Vec<Write>, Problem> {
        let (Some(messages), Some(model), Some(prompt_version)) =
            (&sales.messages, &sales.model, &sales.prompt_version)
        else {
            return Err(Problem::internal("a completed command has no outcome"));
        };
        let (command_id, site_id, agent_id) = (sales.id.command_id, sales.site_id, sales.agent_id);
        let mut writes = Vec::new();
        for (medium, recommendation_id) in &sales.recommendations {
            let Some(draft) = messages.of(*medium) else { continue };
            let id = RecommendationId { workspace_id: call.workspace_id, recommendation_id: *recommendation_id };
            let origin = Origin::FollowUp { command_id, site_id, agent_id, visitor_id, begun_at: None };
            let written_by = WrittenBy::new(model, prompt_version);
            let now = sales.finished_at.unwrap_or_else(|| self.clock.now());
            let new = Recommendation::of_follow_up(id, sales.lead_id, origin, (*medium, draft), written_by, now);
            writes.extend(self.recommendations.propose(&new, Actor::Key(call.key_id), &[])?);
        }
        Ok(writes)
    }

    /// Plans the sequence that the sales command begins. Gives the writes of the commands that write its later steps.
    fn sequence(&self, sales: &mut Command, subject: &Subject<'_>) -> Result<Vec<Write>, Problem> {
        let (request, now) = (subject.request, sales.finished_at.unwrap_or_else(|| self.clock.now()));
        let messages = sales.messages.clone().unwrap_or_default();
        let lead = facts::lead(request, &subject.history.lead);
        let wanted =
            (request.follow_up_interval.as_deref(), lead.lead_stage.as_deref(), request.follow_up_type.as_deref());
        let plan = sequence::plan(wanted, &messages, now);
        let of = plan.len();
        let mut writes = Vec::new();
        for (index, Planned { channel, due_at, purpose }) in plan.into_iter().enumerate() {
            let command_id = if index == 0 { sales.id.command_id } else { self.random.uuid() };
            let step = Step { command_id, channel, due_at, purpose, visitor_id: request.visitor_id };
            sales.steps.push(step.clone());
            if index == 0 {
                continue;
            }
            let mut facts = subject.facts(now);
            let first = sales.steps.first().and_then(|first| messages.of(first.channel));
            facts["media"] = json!([channel]);
            facts["step"] = json!({
                "number": index + 1, "of": of, "purpose": step.purpose,
                "first_message": first.map(|first| &first.message),
            });
            let order = Order {
                workspace_id: sales.id.workspace_id,
                command_id,
                site_id: sales.site_id,
                lead_id: sales.lead_id,
                agent: (sales.agent_id, sales.role),
                facts: facts.to_string(),
            };
            let mut command = Command::scheduled(order, step, now);
            command.author.clone_from(&sales.author);
            writes.push(self.commands.create(&command)?);
        }
        Ok(writes)
    }

    /// Sends the command to the copywriter, and waits for its result, at most as long as the client asked for and the
    /// request's deadline allows. Whatever goes wrong here, the sales messages stand: the command is stored, and the
    /// sweeper sends what was not sent.
    async fn second_phase(&self, call: &Call, command: &Command, preference: &Preference) -> Command {
        if let Err(error) = self.queue.send(&[command.id]).await {
            tracing::warn!(command_id = %command.id.command_id, cause = %error, "a command is left to the sweeper");
            return command.clone();
        }
        let until = (self.clock.now() + preference.wait()).min(call.deadline - RESERVE);
        self.wait(command, until).await
    }

    async fn wait(&self, command: &Command, until: DateTime<Utc>) -> Command {
        let mut pause = FIRST_LOOK;
        loop {
            let left = (until - self.clock.now()).to_std().unwrap_or_default();
            if left.is_zero() {
                return command.clone();
            }
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 2).min(LAST_LOOK);
            match self.commands.get(command.id).await {
                Ok(Some(now)) if now.is_finished() => return now,
                Ok(_) => {}
                Err(error) => tracing::warn!(cause = %error, "a command could not be looked at"),
            }
        }
    }
}

/// Checks a reply against the requested channels and the facts. Unrequested messages are dropped. Missing or faulty
/// ones are reported to the model, and left out if it does not fix them.
fn checked(messages: Messages, kept: &mut Messages, media: &[Channel], basis: &Basis) -> Checked<Messages> {
    let (mut complaints, mut is_withheld) = (Vec::new(), false);
    for medium in media {
        let fault = match messages.of(*medium) {
            None => Some(Fault::Form("there is no message for it".to_owned())),
            Some(written) => basis.fault_of(*medium, written),
        };
        match fault {
            Some(fault) => {
                is_withheld |= fault.is_withheld();
                complaints.push(format!("{}: {fault}", medium.name()));
            }
            None => kept.set(*medium, messages.of(*medium).cloned()),
        }
    }
    if media.iter().all(|medium| kept.of(*medium).is_some()) {
        return Checked::Fine(kept.clone());
    }
    Checked::faulty(complaints, Some(kept.clone()), is_withheld)
}
