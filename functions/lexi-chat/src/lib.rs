//! `POST /v1/lexi/chat`: a message to Lexi, and its answer (docs/behaviour.md, "Assistant"). Costs 1 credit.
//!
//! In this order: the fields are checked (400), the conversation and what it is about are read (404), the
//! idempotency key is claimed and the credit is held (409, 422, 402), the model answers, with tools (502), and
//! the charge, the answer, the turn and what it proposes are stored in one transaction.
//!
//! Lexi never acts. Its tools read records, or propose a task that a person approves. Nothing can be proposed after the
//! model has seen text of other people (docs/decisions/0005-nothing-is-proposed-after-reading.md).

mod history;
mod links;
mod look;
pub mod operations;
mod propose;
mod request;
mod spoken;
mod summary;
mod tools;
mod turn;
mod words;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use shared::api::exactly_once::{Completed, ExactlyOnce, Work};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Gate, Json, Routes};
use shared::api::lambda::Definition;
use shared::base::clock::{Clock, Random};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::store::Write;
use shared::clients::llm::{self, Conversation, Model, Ready, Said, Tool, ToolCall};
use shared::crm::conversations::Conversations;
use shared::crm::leads::Leads;
use shared::crm::lists::Lists;
use shared::outreach::writing;
use shared::workflow::campaigns::Campaigns;
use shared::workflow::chats::{Chat, ChatId, Chats, Message, Proposed, Speaker, Step};
use shared::workflow::tasks::{Task, TaskId, Tasks};
use shared::workspace::accounts::Accounts;
use shared::workspace::auth::Permission;
use shared::workspace::credits::{Action, Ledger};
use uuid::Uuid;

use history::Known;
pub use operations::operations;
pub use request::Request;
use spoken::Spoken;
use turn::{Turn, Unused, Used, refused};

/// How often the model may use tools for one message, before it has to answer.
const ROUNDS: usize = 6;

/// How many tools it may use at once.
const AT_ONCE: usize = 8;

/// How many messages of a conversation are read: more than stay without a summary.
const READ: usize = 64;

/// The maximum length of a tool's result for the model, in characters.
const SHOWN: usize = 12_000;

/// How often storing a turn is retried because of a concurrent message.
const ATTEMPTS: usize = 4;

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct LexiChat {
    clock: Clock,
    random: Random,
    accounts: Accounts,
    chats: Chats,
    lists: Lists,
    campaigns: Campaigns,
    tasks: Tasks,
    leads: Leads,
    conversations: Conversations,
    ledger: Ledger,
    once: ExactlyOnce,
    model: Model,
}

/// The function, by its name in `template.yaml`. Its endpoint has a route because a function URL names none.
pub const FUNCTION: Definition = Definition::new("lexi-chat", |context| {
    Ok(Routes::new(Gate::new(context)?).with("POST", "/v1/lexi/chat", LexiChat::new(context)?).into())
});

/// Lexi's answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChatAnswer {
    /// What Lexi says.
    pub response: String,
    /// The task that it proposes.
    pub task_id: Option<Uuid>,
    /// Whether a task waits for approval.
    pub requires_approval: bool,
    /// The conversation, for the next message.
    pub conversation_id: Uuid,
    /// The answer's identifier.
    pub message_id: Uuid,
    /// The balance after this call.
    pub credits_remaining: u64,
}

impl Endpoint for LexiChat {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::Lexi;
    const STREAMS: bool = true;
    type Request = Json<Request>;
    type Answer = ChatAnswer;

    async fn handle(&self, call: &Call, Json(request): Self::Request) -> Result<Answered<ChatAnswer>, Problem> {
        let (prices, known, ready) =
            tokio::join!(self.accounts.prices(call.workspace_id), self.known(call, &request), self.model.ready());
        let known = match known {
            Ok(known) => known,
            Err(problem) if problem.code.is_kept() => return self.once.refuse(call, problem).await,
            Err(problem) => return Err(problem),
        };
        let charge = (Action::LexiMessage, Action::LexiMessage.price(&prices?));
        let work =
            |work: Arc<Work>, ()| async move { self.answer(call, request, known, (ready?, &work, charge.1)).await };
        self.once.charged(call, charge, async {}, work).await.map_err(in_the_documents_words)
    }
}

/// The error message for a workspace without credits.
const NO_CREDITS: &str = "Your workspace has no Lexi credits remaining";

/// Gives the error for missing credits this endpoint's own message.
fn in_the_documents_words(problem: Problem) -> Problem {
    match problem.code {
        Code::InsufficientCredits => Problem { message: NO_CREDITS.to_owned(), ..problem },
        _ => problem,
    }
}

fn not_found(field: &str, what: &str) -> Problem {
    Problem::new(Code::NotFound, format!("there is no {what} with this id in the workspace"))
        .detail("fields", json!({field: "is not known"}))
}

/// The model's answer to a message.
struct Spoke {
    text: String,
    state: shared::workflow::chats::State,
    proposal: Option<turn::Proposal>,
    from_records: bool,
    steps: Vec<Step>,
}

impl LexiChat {
    /// What a message stands on.
    async fn known(&self, call: &Call, request: &Request) -> Result<Known, Problem> {
        let workspace_id = call.workspace_id;
        let id = ChatId {
            workspace_id,
            conversation_id: request.context.conversation_id.unwrap_or_else(|| self.random.uuid()),
        };
        let chat = async {
            match request.context.conversation_id {
                None => Ok((None, Vec::new())),
                Some(_) => tokio::try_join!(self.chats.get(id), self.chats.newest(id, READ)),
            }
        };
        let list = async {
            match request.context.list_id {
                None => Ok(None),
                Some(list_id) => self.lists.get(workspace_id, list_id).await,
            }
        };
        let campaign = async {
            match request.context.campaign_id {
                None => Ok(None),
                Some(campaign_id) => self.campaigns.get(workspace_id, campaign_id).await,
            }
        };
        let ((chat, mut recent), mut list, mut campaign) = tokio::try_join!(chat, list, campaign)?;
        for (is_missing, field, what) in [
            (request.context.conversation_id.is_some() && chat.is_none(), "context.conversation_id", "conversation"),
            (request.context.list_id.is_some() && list.is_none(), "context.list_id", "list"),
            (request.context.campaign_id.is_some() && campaign.is_none(), "context.campaign_id", "campaign"),
        ] {
            if is_missing {
                return Err(not_found(field, what));
            }
        }
        let chat = chat.unwrap_or_else(|| Chat::new(id, &request.message, self.clock.now()));
        recent.retain(|message| message.number > chat.summarised);
        // What the conversation was about before, it is still.
        if let (None, Some(list_id)) = (&list, chat.list_id) {
            list = self.lists.get(workspace_id, list_id).await?;
        }
        if let (None, Some(campaign_id)) = (&campaign, chat.campaign_id) {
            campaign = self.campaigns.get(workspace_id, campaign_id).await?;
        }
        Ok(Known { chat, recent, list, campaign })
    }

    /// Answers a message that is paid for.
    async fn answer(
        &self,
        call: &Call,
        request: Request,
        mut known: Known,
        (mut ready, work, price): (Ready, &Work, u32),
    ) -> Result<Answered<ChatAnswer>, Problem> {
        let before = known.chat.clone();
        let asking = async {
            summary::shorten(&mut known, (&self.model, &mut ready), &self.tasks, self.clock.now(), call.deadline)
                .await?;
            self.ask(call, &request, &known, (&mut ready, price)).await
        };
        let balance = async { work.balance(call).await.map_err(Problem::from) };
        let (turn, balance) = tokio::try_join!(asking, balance)?;
        let message_id = self.random.uuid();
        let task_id = turn.proposal.as_ref().map(|proposal| proposal.task_id);
        let answered = call.success(ChatAnswer {
            response: turn.text.clone(),
            task_id,
            requires_approval: task_id.is_some(),
            conversation_id: known.chat.id.conversation_id,
            message_id,
            credits_remaining: balance.available,
        })?;
        self.store(&request, (before, known), &turn, (work, &answered, message_id)).await
    }

    /// Lets the model answer, with tools.
    async fn ask(
        &self,
        call: &Call,
        request: &Request,
        known: &Known,
        (ready, price): (&mut Ready, u32),
    ) -> Result<Spoke, Problem> {
        let mut turn = Turn {
            known,
            price,
            names_a_list: request.context.list_id.is_some(),
            own_words: known.own_words(&request.message),
            state: known.chat.state.clone(),
            proposal: None,
            from_records: false,
            steps: Vec::new(),
        };
        let mut said = known.said(&request.message, self.clock.now());
        let mut spoken = Spoken::new(&call.events, known.chat.id.conversation_id, &turn.own_words);
        if let Some(email) = &turn.state.email {
            spoken.learn(&email.message);
        }
        for before in &said {
            if let Said::User(text) | Said::Lexi { text, .. } = before {
                spoken.learn_facts(text);
            }
        }
        let mut is_repeated = false;
        for round in 0..=ROUNDS {
            let offered: Vec<Tool> = match turn.from_records {
                true => tools::looking(),
                false => tools::looking().into_iter().chain(tools::proposing()).collect(),
            };
            let conversation = Conversation {
                name: "lexi_chat",
                instructions: include_str!("../../../shared/prompts/lexi.md"),
                said: &said,
                tools: &offered,
                may_call: round < ROUNDS,
            };
            let answer = if call.events.are_wanted() {
                let mut on_text = |piece: &str| spoken.say(piece);
                self.model.converse(ready, &conversation, call.deadline, Some(&mut on_text)).await?
            } else {
                let answer = self.model.converse(ready, &conversation, call.deadline, None).await?;
                let fault = spoken.fault(&answer.text).filter(|_| answer.calls.is_empty());
                if let Some(fault) = fault.filter(|_| !is_repeated && round < ROUNDS) {
                    is_repeated = true;
                    said.push(answer.into());
                    said.push(Said::User(format!("That answer cannot be shown: {fault}. Answer again, whole.")));
                    continue;
                }
                spoken.say(&answer.text);
                answer
            };
            spoken.pause();
            if answer.calls.is_empty() {
                break;
            }
            let results = self.results(call.workspace_id, &answer, &offered, &mut turn, &mut spoken).await?;
            said.push(answer.into());
            said.extend(results);
        }
        let text = spoken.text();
        if text.is_empty() {
            let message = "the AI model gave no answer; nothing was charged, retry in a moment";
            let problem = Problem::new(Code::AiUnavailable, message);
            return Err(problem.because("the model used tools and said nothing"));
        }
        let Turn { state, proposal, from_records, steps, .. } = turn;
        Ok(Spoke { text, state, proposal, from_records, steps })
    }

    /// Uses the tools that the model wants, one after the other.
    async fn results(
        &self,
        workspace_id: Uuid,
        wanted: &llm::Turn,
        offered: &[Tool],
        turn: &mut Turn<'_>,
        spoken: &mut Spoken<'_>,
    ) -> Result<Vec<Said>, Problem> {
        let mut results = Vec::new();
        for (index, called) in wanted.calls.iter().enumerate() {
            let used = match offered.iter().find(|tool| tool.name == called.name) {
                None => Used::refused(not_offered(&called.name)),
                Some(_) if index >= AT_ONCE => Used::refused("too many tools at once"),
                Some(tool) => {
                    spoken.step(&Step {
                        tool: tool.name.to_owned(),
                        status: "running".to_owned(),
                        summary: String::new(),
                    });
                    let used = match self.used(workspace_id, called, turn).await {
                        Ok(used) => used,
                        Err(Unused::Refused(why)) => Used::refused(why),
                        Err(Unused::Failed(problem)) => return Err(problem),
                    };
                    let status = if used.is_done { "done" } else { "refused" };
                    let step =
                        Step { tool: tool.name.to_owned(), status: status.to_owned(), summary: used.summary.clone() };
                    spoken.step(&step);
                    turn.steps.push(step);
                    used
                }
            };
            turn.from_records |= used.from_records;
            if used.from_records {
                spoken.report();
            }
            spoken.learn(&writing::said(&used.result));
            let content: String = used.result.to_string().chars().take(SHOWN).collect();
            // An answer may quote it just so.
            spoken.learn_facts(&content);
            results.push(Said::Result { call_id: called.id.clone(), content });
        }
        Ok(results)
    }

    /// Uses a tool.
    async fn used(&self, workspace_id: Uuid, called: &ToolCall, turn: &mut Turn<'_>) -> Result<Used, Unused> {
        let is_proposing = tools::proposing().iter().any(|tool| tool.name == called.name);
        if is_proposing && turn.proposal.is_some() {
            return refused("one task for each message; let the person ask for the other");
        }
        match called.name.as_str() {
            "search_contacts" => self.search_contacts(workspace_id, arguments(called)?).await,
            "get_contact" => self.get_contact(workspace_id, arguments(called)?).await,
            "list_lists" => self.list_lists(workspace_id).await,
            "show_list" => self.show_list(workspace_id, arguments(called)?, turn).await,
            "show_campaign" => self.show_campaign(workspace_id, arguments(called)?, turn).await,
            "list_tasks" => self.list_tasks(workspace_id).await,
            "show_task" => self.show_task(workspace_id, turn).await,
            "credits" => self.credits(workspace_id, turn).await,
            "read_back" => Ok(Used::records(turn.known.told_from_records(SHOWN - 1_000), "earlier answers".to_owned())),
            "prospect_search" => self.prospect_search(workspace_id, arguments(called)?, turn).await,
            "campaign_start" => self.campaign_start(workspace_id, arguments(called)?, turn).await,
            "contact_update" => self.contact_update(workspace_id, arguments(called)?, turn).await,
            "list_operation" => self.list_operation(workspace_id, arguments(called)?, turn).await,
            "write_email" => self.write_email(workspace_id, arguments(called)?, turn).await,
            _ => refused(not_offered(&called.name)),
        }
    }

    /// Stores a turn with its charge and its answer, after any concurrent messages.
    async fn store(
        &self,
        request: &Request,
        (mut before, known): (Chat, Known),
        turn: &Spoke,
        (work, answered, message_id): (&Work, &Answered<ChatAnswer>, Uuid),
    ) -> Result<Answered<ChatAnswer>, Problem> {
        let mut supersedes = turn.proposal.as_ref().and_then(|proposal| proposal.supersedes);
        for _ in 0..ATTEMPTS {
            let writes = self.writes(request, (&before, &known), turn, supersedes, message_id)?;
            if let Completed::Done(reply) = work.complete_with(answered, writes).await? {
                return Ok(reply.into());
            }
            match self.chats.get(before.id).await? {
                Some(now) if now.version != before.version => before = now,
                // The task whose place this takes was decided meanwhile: both stand.
                _ if supersedes.is_some() => supersedes = None,
                _ => break,
            }
        }
        Err(Problem::unavailable("a conversation kept changing"))
    }

    fn writes(
        &self,
        request: &Request,
        (before, known): (&Chat, &Known),
        answered: &Spoke,
        supersedes: Option<TaskId>,
        message_id: Uuid,
    ) -> Result<Vec<Write>, Problem> {
        let now = self.clock.now();
        let mut after = before.clone();
        after.list_id = request.context.list_id.or(before.list_id);
        after.campaign_id = request.context.campaign_id.or(before.campaign_id);
        after.messages = before.messages + 2;
        after.updated_at = now;
        after.state = before.state.with_changes(&known.chat.state, &answered.state);
        if known.chat.summarised > before.summarised {
            after.summarised = known.chat.summarised;
            after.summary = known.chat.summary.clone();
            after.given = known.chat.given.clone();
            after.summary_of_records = known.chat.summary_of_records.clone();
        }
        let mut writes = Vec::new();
        let mut proposed = None;
        if let Some(proposal) = &answered.proposal {
            let described = Proposed { task_id: proposal.task_id, description: proposal.told.clone() };
            let id = TaskId { workspace_id: before.id.workspace_id, task_id: proposal.task_id };
            let task = Task::new(id, proposal.plan.clone(), before.id.conversation_id, now);
            writes.extend(self.tasks.propose(&task, supersedes)?);
            after.state.task = Some(described.clone());
            proposed = Some(described);
        }
        let person = Message {
            message_id: self.random.uuid(),
            number: before.messages + 1,
            speaker: Speaker::User,
            text: request.message.clone(),
            from_records: false,
            steps: Vec::new(),
            proposed: None,
            created_at: now,
        };
        let lexi = Message {
            message_id,
            number: before.messages + 2,
            speaker: Speaker::Assistant,
            text: answered.text.clone(),
            from_records: answered.from_records,
            steps: answered.steps.clone(),
            proposed,
            created_at: now,
        };
        let existing = (before.version > 0).then_some(before);
        let turn = self.chats.turn(existing, &after, &[person, lexi])?;
        Ok(turn.into_iter().chain(writes).collect())
    }
}

/// The arguments of a tool call, as the model wrote them.
fn arguments<T: DeserializeOwned>(called: &ToolCall) -> Result<T, Unused> {
    called.arguments().or_else(refused)
}

/// The answer to a call of an unknown tool.
fn not_offered(name: &str) -> &'static str {
    match tools::proposing().iter().any(|tool| tool.name == name) {
        true => {
            "nothing can be proposed once you have looked into the records; tell the person what you would \
             propose, and let them ask for it"
        }
        false => "there is no such tool",
    }
}
