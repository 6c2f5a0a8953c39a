//! Commands, in the `work` table: one task of an agent, such as refining what was written to a lead.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | command | `W#<workspace>#C#<command>` | `command` |
//!
//! A command is *queued*, *running* under a [lease](crate::workflow::lease), and then *completed* or *failed*, once.
//!
//! A command is in the index of [`crate::workflow::due`] as long as it needs a queue message.

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
use crate::crm::conversations::PendingMessage;
use crate::outreach::writing::Messages;
use crate::workflow::due::Worker;
use crate::workflow::lease::{ATTEMPTS, Assignment, Lease, Leased, Take};
use crate::workspace::accounts::Role;

/// How long commands are kept.
const KEPT: TimeDelta = TimeDelta::days(90);

/// Where a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "CommandStatus")]
pub enum Status {
    /// It waits for somebody to take it.
    Queued,
    /// Somebody works on it.
    Running,
    /// It is done.
    Completed,
    /// It was tried too often.
    Failed,
}

/// The identity of a command; the content of a queue message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandId {
    /// The tenant.
    pub workspace_id: Uuid,
    /// The command.
    pub command_id: Uuid,
}

/// One task of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Which one.
    #[serde(flatten)]
    pub id: CommandId,
    /// What kind of work it is.
    pub role: Role,
    /// Where it stands.
    pub status: Status,
    /// The site that it is for.
    pub site_id: Uuid,
    /// The lead that it is about.
    pub lead_id: Uuid,
    /// The agent whose work it is.
    pub agent_id: Uuid,
    /// The next command, which works on this one's output, if there is one.
    pub followed_by: Option<Uuid>,
    /// What it was told, as JSON.
    pub facts: String,
    /// For each channel, the id of the recommendation that proposes this command's text.
    #[serde(default)]
    pub recommendations: BTreeMap<Channel, Uuid>,
    /// The message of the lead's conversation that shows its outcome, if there is one.
    pub pending: Option<PendingMessage>,
    /// What it works on.
    pub draft: Option<Messages>,
    /// What it wrote, once it is completed.
    pub messages: Option<Messages>,
    /// The model that answered.
    pub model: Option<String>,
    /// The version of the instructions that it was given.
    pub prompt_version: Option<String>,
    /// How often it was taken.
    pub attempts: u32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was first taken.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was completed or had failed.
    pub finished_at: Option<DateTime<Utc>>,
    #[serde(flatten)]
    assignment: Assignment,
    /// Epoch seconds from which it is deleted.
    expires: i64,
}

/// What a command is made of.
#[derive(Clone, Debug)]
pub struct Order {
    /// The tenant.
    pub workspace_id: Uuid,
    /// Its identifier.
    pub command_id: Uuid,
    /// The site that it is for.
    pub site_id: Uuid,
    /// The lead that it is about.
    pub lead_id: Uuid,
    /// The agent whose work it is, and what kind of work that is.
    pub agent: (Uuid, Role),
    /// What it is told, as JSON.
    pub facts: String,
}

/// The texts that an agent wrote, with the model and prompt version used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was written.
    pub messages: Messages,
    /// The model.
    pub model: String,
    /// The version of the instructions.
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
            pending: None,
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

    /// A command that waits in its queue, to go on with `draft`.
    pub fn queued(order: Order, draft: Messages, now: DateTime<Utc>) -> Self {
        let assignment = Assignment::waiting(Worker::Copywriter, order.command_id, now);
        Self { draft: Some(draft), assignment, ..Self::new(order, Status::Queued, now) }
    }

    /// A command that was worked on since `started_at` and is done.
    pub fn completed(order: Order, outcome: Outcome, started_at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let command = Self::new(order, Status::Running, now);
        Self { attempts: 1, created_at: started_at, started_at: Some(started_at), ..command }.with(outcome, now)
    }

    /// The same command, completed with what was written.
    fn with(self, outcome: Outcome, now: DateTime<Utc>) -> Self {
        let Outcome { messages, model, prompt_version } = outcome;
        let (messages, model, prompt_version) = (Some(messages), Some(model), Some(prompt_version));
        Self { messages, model, prompt_version, ..self.finished(Status::Completed, now) }
    }

    fn finished(self, status: Status, now: DateTime<Utc>) -> Self {
        Self { status, finished_at: Some(now), assignment: Assignment::default(), ..self }
    }

    /// Whether it is completed or failed.
    pub fn is_finished(&self) -> bool {
        matches!(self.status, Status::Completed | Status::Failed)
    }
}

/// What became of completing a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completed {
    /// It is completed.
    Done,
    /// Somebody else has taken it.
    NotOurs,
    /// An item that was to be written in the same transaction has changed meanwhile.
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
    /// Stores a command and the one that follows it, together with what else belongs to them. `false`,
    /// and nothing stored, if the first is there already.
    pub async fn store(
        &self,
        command: &Command,
        followed_by: Option<&Command>,
        also: Vec<Write>,
    ) -> Result<bool, StoreError> {
        let commands =
            std::iter::once(command).chain(followed_by).map(|command| self.put(command).map(Write::when_new));
        let mut writes = commands.collect::<Result<Vec<_>, _>>()?;
        writes.extend(also);
        Ok(matches!(self.table.transact(writes).await?, Transacted::Applied))
    }

    /// A write that replaces the command; the caller adds the condition.
    fn put(&self, command: &Command) -> Result<Write, StoreError> {
        Ok(self.table.put(keyed(command, command_key(command.id))?))
    }

    /// A command.
    pub async fn get(&self, id: CommandId) -> Result<Option<Command>, StoreError> {
        self.table.get(command_key(id)).await
    }

    /// Takes a command that is queued, or whose lease has ended. One that was tried too often fails instead.
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
