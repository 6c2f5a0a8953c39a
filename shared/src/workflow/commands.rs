//! Commands, in the `work` table: one task of an agent, such as refining what was written to a lead.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | command | `W#<workspace>#C#<command>` | `command` |
//!
//! A command is *queued*, *running* under a lease, and then *completed* or *failed*, once. Whoever
//! works on it takes the lease with one conditional write; when the lease has ended, somebody else may
//! take it, and the first can neither finish nor give back what is no longer its own.
//!
//! As long as it wants a message in its queue, a command is in the index of [`crate::workflow::due`].

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::channel::Channel;
use crate::base::clock::{Clock, Random};
use crate::base::context::FromContext;
use crate::base::store::{Item, StoreError, Table, Transacted, Write, WriteOutcome, from_item, key, keyed, n, s};
use crate::crm::conversations::PendingMessage;
use crate::outreach::writing::Messages;
use crate::workflow::due::{Due, LEASE, OVERDUE, Wanted};
use crate::workspace::accounts::Role;

/// How often a command is tried before it has failed: as often as its queue delivers a message.
pub const ATTEMPTS: u32 = crate::base::queue::DELIVERIES;

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

/// Which command: what a message of the queue says.
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
    /// The command that goes on with its outcome, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub followed_by: Option<Uuid>,
    /// What it was told, as JSON.
    pub facts: String,
    /// The recommendations that its outcome is proposed by, for each medium.
    #[serde(default)]
    pub recommendations: BTreeMap<Channel, Uuid>,
    /// The message of the lead's conversation that shows its outcome, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingMessage>,
    /// What it works on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<Messages>,
    /// What it wrote, once it is completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Messages>,
    /// The model that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The version of the instructions that it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_version: Option<String>,
    /// How often it was taken.
    pub attempts: u32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was first taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// When it was completed or had failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    /// Who works on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<Uuid>,
    /// Epoch milliseconds until which nobody else may take it.
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_until: Option<i64>,
    /// When it is sent again; absent once it is finished.
    #[serde(flatten)]
    due: Option<Due>,
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

/// What somebody wrote, and with what.
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
            lease: None,
            lease_until: None,
            due: None,
            expires: (now + KEPT).timestamp(),
        }
    }

    /// A command that waits in its queue, to go on with `draft`.
    pub fn queued(order: Order, draft: Messages, now: DateTime<Utc>) -> Self {
        let due = Due::new(Wanted::Copywriter, order.command_id, now);
        Self { draft: Some(draft), due: Some(due), ..Self::new(order, Status::Queued, now) }
    }

    /// A command that was worked on since `started_at` and is done.
    pub fn completed(order: Order, outcome: Outcome, started_at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let Outcome { messages, model, prompt_version } = outcome;
        Self {
            messages: Some(messages),
            model: Some(model),
            prompt_version: Some(prompt_version),
            attempts: 1,
            created_at: started_at,
            started_at: Some(started_at),
            finished_at: Some(now),
            ..Self::new(order, Status::Completed, now)
        }
    }

    fn has_lapsed(&self, now: DateTime<Utc>) -> bool {
        self.lease_until.is_none_or(|until| until < now.timestamp_millis())
    }

    /// Whether nobody is going to work on it any more.
    pub fn is_finished(&self) -> bool {
        matches!(self.status, Status::Completed | Status::Failed)
    }
}

/// What became of trying to take a command.
#[derive(Debug)]
pub enum Taken {
    /// It is the caller's until its lease ends.
    Leased(Box<Command>),
    /// Somebody else works on it.
    Busy,
    /// It is done.
    Finished,
    /// There is none.
    Unknown,
}

/// What became of completing a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completed {
    /// It is completed.
    Done,
    /// Somebody else has taken it.
    NotOurs,
    /// What was to be written with it has changed meanwhile.
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
        let commands = std::iter::once(command).chain(followed_by).map(|command| self.put(command));
        let mut writes = commands.collect::<Result<Vec<_>, _>>()?;
        writes.extend(also);
        Ok(matches!(self.table.transact(writes).await?, Transacted::Applied))
    }

    fn put(&self, command: &Command) -> Result<Write, StoreError> {
        Ok(self.table.put_new(keyed(command, command_key(command.id))?))
    }

    /// A command.
    pub async fn get(&self, id: CommandId) -> Result<Option<Command>, StoreError> {
        self.table.get(command_key(id)).await
    }

    /// Takes a command that is queued, or whose lease has ended.
    pub async fn take(&self, id: CommandId) -> Result<Taken, StoreError> {
        let now = self.clock.now();
        let (lease, lease_until) = (self.random.uuid(), now + LEASE);
        let take = "SET #status = :running, lease = :lease, lease_until = :until, due_at = :due, \
                    attempts = attempts + :one, started_at = if_not_exists(started_at, :now_text)";
        let take = self
            .table
            .update(command_key(id), take)
            .when("attempts < :most AND (#status = :queued OR (#status = :running AND lease_until < :now))");
        let take = take
            .bind("running", s("running"))
            .bind("queued", s("queued"))
            .bind("lease", s(lease))
            .bind("most", n(ATTEMPTS))
            .bind("until", n(lease_until.timestamp_millis()))
            .bind("due", n((lease_until + OVERDUE).timestamp_millis()))
            .bind("now", n(now.timestamp_millis()))
            .bind("one", n(1))
            .bind("now_text", serde_dynamo_text(now)?);
        let stored: Option<Command> = match self.table.write(take).await? {
            WriteOutcome::Applied(item) => return Ok(Taken::Leased(Box::new(from_item(item)?))),
            WriteOutcome::Refused(stored) => stored.map(from_item).transpose()?,
        };
        Ok(match stored {
            None => Taken::Unknown,
            Some(command) if command.is_finished() => Taken::Finished,
            // An attempt of this call that seemed to fail was applied.
            Some(command) if command.lease == Some(lease) => Taken::Leased(Box::new(command)),
            Some(command) if command.attempts >= ATTEMPTS && command.has_lapsed(now) => {
                self.give_back(&command).await?;
                Taken::Finished
            }
            Some(_) => Taken::Busy,
        })
    }

    /// Completes a command that the caller has taken, together with what else belongs to that.
    pub async fn complete(
        &self,
        taken: &Command,
        outcome: &Outcome,
        also: Vec<Write>,
    ) -> Result<Completed, StoreError> {
        let done = Command {
            status: Status::Completed,
            messages: Some(outcome.messages.clone()),
            model: Some(outcome.model.clone()),
            prompt_version: Some(outcome.prompt_version.clone()),
            finished_at: Some(self.clock.now()),
            due: None,
            ..taken.clone()
        };
        let Some(put) = self.replacement(taken, done)? else { return Ok(Completed::NotOurs) };
        let writes = std::iter::once(put).chain(also);
        Ok(match self.table.transact(writes).await? {
            Transacted::Applied => Completed::Done,
            Transacted::Refused(refused) if refused.first().is_some_and(Option::is_some) => Completed::NotOurs,
            Transacted::Refused(_) => Completed::Outdated,
        })
    }

    /// Gives a command back that the caller has taken and could not do: to be tried again, or, after
    /// the last attempt, as failed.
    pub async fn give_back(&self, taken: &Command) -> Result<Status, StoreError> {
        let now = self.clock.now();
        let back = if taken.attempts < ATTEMPTS {
            let due = Due::new(Wanted::Copywriter, taken.id.command_id, now);
            Command { status: Status::Queued, due: Some(due), ..taken.clone() }
        } else {
            Command { status: Status::Failed, finished_at: Some(now), due: None, ..taken.clone() }
        };
        let status = back.status;
        self.replace(taken, back).await.map(|_| status)
    }

    /// Writes what a taken command has become, unless somebody else has taken it since.
    async fn replace(&self, taken: &Command, becomes: Command) -> Result<(), StoreError> {
        let Some(put) = self.replacement(taken, becomes)? else { return Ok(()) };
        self.table.write(put).await.map(drop)
    }

    /// What a taken command has become, on the condition that nobody else has taken it since.
    fn replacement(&self, taken: &Command, becomes: Command) -> Result<Option<Write>, StoreError> {
        let Some(lease) = taken.lease else { return Ok(None) };
        let item = keyed(&Command { lease: None, lease_until: None, ..becomes }, command_key(taken.id))?;
        Ok(Some(self.table.put(item).when("lease = :lease").bind("lease", s(lease))))
    }
}

/// A time as serde writes it into an item.
fn serde_dynamo_text(at: DateTime<Utc>) -> Result<aws_sdk_dynamodb::types::AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(at).map_err(|_| StoreError::Broken("a time does not write".to_owned()))
}
