//! Commands, in the `work` table: one task of an agent, such as refining what was written to a lead.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | command | `W#<workspace>#C#<command>` | `command` |
//!
//! A command is *queued*, *running* under a [lease](crate::workflow::lease), and then *completed*, *failed* or *stopped*,
//! once.
//!
//! A command is in the index of [`crate::workflow::due`] as long as it needs a queue message.

mod sequence;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::channel::Channel;
use crate::base::clock::{Clock, Random};
use crate::base::context::FromContext;
use crate::base::store::{
    Item, StoreError, Table, Transacted, Write, WriteOutcome, attribute, from_item, key, keyed, n, s,
};
use crate::outreach::writing::Messages;
use crate::workflow::due::{OVERDUE, Worker};
use crate::workflow::lease::{ATTEMPTS, Assignment, Lease, Leased, Take};
use crate::workspace::accounts::Role;
pub use sequence::{Step, StepView, Stop};

/// How long commands are kept.
const KEPT: TimeDelta = TimeDelta::days(90);

/// The status of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "CommandStatus")]
pub enum Status {
    /// Waits for a worker.
    Queued,
    /// A worker is running it.
    Running,
    /// It succeeded.
    Completed,
    /// It failed, after the last attempt.
    Failed,
    /// It is a step of a sequence that ended before.
    Stopped,
}

/// The identity of a command; the content of a queue message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandId {
    /// The tenant.
    pub workspace_id: Uuid,
    /// The command.
    pub command_id: Uuid,
}

/// The agent in whose name a command writes, and the user in whose list the lead is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The user, unless the channel that it is sent from has another.
    pub user_id: String,
    /// The agent.
    pub agent_id: Uuid,
    /// The agent's name.
    pub agent_name: String,
}

/// One task of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Its identifier.
    #[serde(flatten)]
    pub id: CommandId,
    /// The role of the agent that runs it.
    pub role: Role,
    /// Its status.
    pub status: Status,
    /// The site whose lead it concerns.
    pub site_id: Uuid,
    /// The lead that it concerns.
    pub lead_id: Uuid,
    /// The agent that runs it.
    pub agent_id: Uuid,
    /// The next command, which continues with this one's output; null without one.
    pub followed_by: Option<Uuid>,
    /// The steps of the sequence that it begins.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// The step that it writes; null if it is none.
    #[serde(default)]
    pub step: Option<Step>,
    /// Why the step was not written; null if it was not stopped.
    #[serde(default)]
    pub stopped_by: Option<Stop>,
    /// The facts for the model, as JSON.
    pub facts: String,
    /// For each channel, the id of the recommendation that proposes this command's text.
    #[serde(default)]
    pub recommendations: BTreeMap<Channel, Uuid>,
    /// The author of its WhatsApp message, once that is sent; null before it was kept.
    #[serde(default, alias = "pending")]
    pub author: Option<Author>,
    /// The messages to refine; null if it writes new ones.
    pub draft: Option<Messages>,
    /// The messages that it wrote; null until it is completed.
    pub messages: Option<Messages>,
    /// The model that answered; null until it is completed.
    pub model: Option<String>,
    /// The version of the prompt; null until it is completed.
    pub prompt_version: Option<String>,
    /// The number of attempts so far.
    pub attempts: u32,
    /// The time at which it was created.
    pub created_at: DateTime<Utc>,
    /// The time of the first attempt; null before.
    pub started_at: Option<DateTime<Utc>>,
    /// The time at which it completed or failed; null before.
    pub finished_at: Option<DateTime<Utc>>,
    #[serde(flatten)]
    assignment: Assignment,
    /// The epoch second from which it is deleted.
    expires: i64,
}

/// The content of a new command.
#[derive(Clone, Debug)]
pub struct Order {
    /// The tenant.
    pub workspace_id: Uuid,
    /// Its identifier.
    pub command_id: Uuid,
    /// The site whose lead it concerns.
    pub site_id: Uuid,
    /// The lead that it concerns.
    pub lead_id: Uuid,
    /// The agent that runs it, and its role.
    pub agent: (Uuid, Role),
    /// The facts for the model, as JSON.
    pub facts: String,
}

/// The texts that an agent wrote, with the model and prompt version used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The messages.
    pub messages: Messages,
    /// The model.
    pub model: String,
    /// The version of the prompt.
    pub prompt_version: String,
}

impl Command {
    fn new(order: Order, status: Status, now: DateTime<Utc>) -> Self {
        let Order { workspace_id, command_id, site_id, lead_id, agent: (agent_id, role), facts } = order;
        Self {
            id: CommandId { workspace_id, command_id },
            role,
            status,
            site_id,
            lead_id,
            agent_id,
            followed_by: None,
            recommendations: BTreeMap::new(),
            author: None,
            steps: Vec::new(),
            step: None,
            stopped_by: None,
            facts,
            draft: None,
            messages: None,
            model: None,
            prompt_version: None,
            attempts: 0,
            created_at: now,
            started_at: None,
            finished_at: None,
            assignment: Assignment::default(),
            expires: (now + KEPT).timestamp(),
        }
    }

    /// A queued command that refines `draft`.
    pub fn queued(order: Order, draft: Messages, now: DateTime<Utc>) -> Self {
        let assignment = Assignment::waiting(Worker::Copywriter, order.command_id, now);
        Self { draft: Some(draft), assignment, ..Self::new(order, Status::Queued, now) }
    }

    /// A command that writes a step of a sequence when that is due.
    pub fn scheduled(order: Order, step: Step, now: DateTime<Utc>) -> Self {
        let assignment = Assignment::waiting(Worker::Copywriter, order.command_id, step.due_at - OVERDUE);
        let expires = (step.due_at + KEPT).timestamp();
        Self { step: Some(step), assignment, expires, ..Self::new(order, Status::Queued, now) }
    }

    /// A completed command that was started at `started_at`.
    pub fn completed(order: Order, outcome: Outcome, started_at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let command = Self::new(order, Status::Running, now);
        Self { attempts: 1, created_at: started_at, started_at: Some(started_at), ..command }.with(outcome, now)
    }

    /// The command, completed with an outcome.
    fn with(self, outcome: Outcome, now: DateTime<Utc>) -> Self {
        let Outcome { messages, model, prompt_version } = outcome;
        let (messages, model, prompt_version) = (Some(messages), Some(model), Some(prompt_version));
        Self { messages, model, prompt_version, ..self.finished(Status::Completed, now) }
    }

    fn finished(self, status: Status, now: DateTime<Utc>) -> Self {
        Self { status, finished_at: Some(now), assignment: Assignment::default(), ..self }
    }

    /// Whether it is completed, failed or stopped.
    pub fn is_finished(&self) -> bool {
        matches!(self.status, Status::Completed | Status::Failed | Status::Stopped)
    }
}

/// The result of completing a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completed {
    /// It is completed.
    Done,
    /// Another worker has taken it.
    NotOurs,
    /// Another item of the transaction has changed meanwhile.
    Outdated,
}

/// The commands in the `work` table.
#[derive(Clone, Debug, FromContext)]
pub struct Commands {
    clock: Clock,
    random: Random,
    #[context(Table::named(context, "WORK_TABLE")?)]
    table: Table,
}

fn command_key(id: CommandId) -> Item {
    key(format!("W#{}#C#{}", id.workspace_id, id.command_id), "command")
}

impl Commands {
    /// Stores a command and the one that follows it, together with `also`. Returns `false` and stores nothing if the
    /// first command exists already.
    pub async fn store(
        &self,
        command: &Command,
        followed_by: Option<&Command>,
        also: Vec<Write>,
    ) -> Result<bool, StoreError> {
        let commands = std::iter::once(command).chain(followed_by).map(|command| self.create(command));
        let mut writes = commands.collect::<Result<Vec<_>, _>>()?;
        writes.extend(also);
        Ok(matches!(self.table.transact(writes).await?, Transacted::Applied))
    }

    /// The write that creates a command.
    pub fn create(&self, command: &Command) -> Result<Write, StoreError> {
        self.put(command).map(Write::when_new)
    }

    /// A write that replaces the command; the caller adds the condition.
    fn put(&self, command: &Command) -> Result<Write, StoreError> {
        Ok(self.table.put(keyed(command, command_key(command.id))?))
    }

    /// Reads a command.
    pub async fn get(&self, id: CommandId) -> Result<Option<Command>, StoreError> {
        self.table.get(command_key(id)).await
    }

    /// Takes a command that is queued or whose lease has ended. After the last attempt it marks the command as failed
    /// instead.
    pub async fn take(&self, id: CommandId) -> Result<Take<Command>, StoreError> {
        let now = self.clock.now();
        let lease = Lease::new(self.random.uuid(), now);
        let take = "SET #status = :running, lease = :lease, lease_until = :until, due_at = :due, \
                    attempts = attempts + :one, started_at = if_not_exists(started_at, :now_text)";
        let take = self
            .table
            .update(command_key(id), take)
            .when("attempts < :most AND (#status = :queued OR (#status = :running AND lease_until < :now))");
        let take = lease
            .bind(take)
            .bind("running", s("running"))
            .bind("queued", s("queued"))
            .bind("most", n(ATTEMPTS))
            .bind("now", n(now.timestamp_millis()))
            .bind("one", n(1))
            .bind("now_text", attribute(now)?);
        let stored: Option<Command> = match self.table.write(take).await? {
            WriteOutcome::Applied(item) => return Ok(Take::Leased(Leased::new(from_item(item)?, lease))),
            WriteOutcome::Refused(stored) => stored.map(from_item).transpose()?,
        };
        Ok(match stored {
            None => Take::Unknown,
            Some(command) if command.is_finished() => Take::Finished,
            // The call was applied, and the SDK sent it again.
            Some(command) if command.assignment.lease() == Some(lease) => Take::Leased(Leased::new(command, lease)),
            Some(command) if command.attempts >= ATTEMPTS && command.assignment.is_free(now) => {
                // The worker of the last attempt has died.
                let failed = self.put(&command.clone().finished(Status::Failed, now))?;
                if let Some(last) = command.assignment.lease() {
                    self.table.write(last.guard(failed)).await?;
                }
                Take::Finished
            }
            Some(_) => Take::Busy,
        })
    }

    /// Completes a command, together with `also`.
    pub async fn complete(
        &self,
        leased: &Leased<Command>,
        outcome: &Outcome,
        also: Vec<Write>,
    ) -> Result<Completed, StoreError> {
        let now = self.clock.now();
        let completed = Command::clone(leased).with(outcome.clone(), now);
        let writes = std::iter::once(leased.guard(self.put(&completed)?, now)).chain(also);
        Ok(match self.table.transact(writes).await? {
            Transacted::Applied => Completed::Done,
            Transacted::Refused(refused) if refused.first().is_some_and(Option::is_some) => Completed::NotOurs,
            Transacted::Refused(_) => Completed::Outdated,
        })
    }

    /// Ends a step that is not to be written.
    pub async fn stop(&self, leased: &Leased<Command>, reason: Stop) -> Result<(), StoreError> {
        let now = self.clock.now();
        let stopped = Command { stopped_by: Some(reason), ..Command::clone(leased).finished(Status::Stopped, now) };
        self.table.write(leased.guard(self.put(&stopped)?, now)).await.map(drop)
    }

    /// Releases a command that could not be done. It is queued again, or marked as failed after the last attempt.
    pub async fn give_back(&self, leased: &Leased<Command>) -> Result<Status, StoreError> {
        let now = self.clock.now();
        let back = match leased.attempts < ATTEMPTS {
            true => Command {
                status: Status::Queued,
                assignment: Assignment::waiting(Worker::Copywriter, leased.id.command_id, now),
                ..Command::clone(leased)
            },
            false => Command::clone(leased).finished(Status::Failed, now),
        };
        self.table.write(leased.guard(self.put(&back)?, now)).await.map(|_| back.status)
    }
}
