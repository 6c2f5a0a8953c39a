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

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::context::{Clock, Context, Random};
use crate::base::environment::ConfigError;
use crate::base::store::{Item, StoreError, Transacted, from_item, n, s, store_error, to_item, transact};
use crate::crm::conversations::PendingMessage;
use crate::outreach::writing::{Medium, Messages};
use crate::workflow::due::{Due, OVERDUE, Wanted};
use crate::workspace::accounts::Role;

/// How long a command may be worked on before somebody else may take it: longer than the function's
/// timeout.
pub const LEASE: TimeDelta = TimeDelta::seconds(70);

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
    pub recommendations: BTreeMap<Medium, Uuid>,
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
#[derive(Clone, Debug)]
pub struct Commands {
    client: Client,
    clock: Clock,
    random: Random,
    table: String,
}

fn key(id: CommandId) -> Item {
    let pk = format!("W#{}#C#{}", id.workspace_id, id.command_id);
    Item::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s("command"))])
}

impl Commands {
    /// The table named by `WORK_TABLE`.
    pub fn new(context: &Context) -> Result<Self, ConfigError> {
        Ok(Self {
            client: context.dynamodb.clone(),
            clock: context.clock.clone(),
            random: context.random.clone(),
            table: context.environment.required("WORK_TABLE")?.to_owned(),
        })
    }

    /// Stores a command and the one that follows it, together with what else belongs to them. `false`,
    /// and nothing stored, if the first is there already.
    pub async fn store(
        &self,
        command: &Command,
        followed_by: Option<&Command>,
        also: Vec<TransactWriteItem>,
    ) -> Result<bool, StoreError> {
        let mut writes = Vec::new();
        for command in std::iter::once(command).chain(followed_by) {
            writes.push(self.put(command)?);
        }
        writes.extend(also);
        let stored = transact(&self.client, &self.random, writes).await?;
        Ok(matches!(stored, Transacted::Applied))
    }

    fn put(&self, command: &Command) -> Result<TransactWriteItem, StoreError> {
        let mut item = to_item(command)?;
        item.extend(key(command.id));
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// A command.
    pub async fn get(&self, id: CommandId) -> Result<Option<Command>, StoreError> {
        let request = self.client.get_item().table_name(&self.table).set_key(Some(key(id))).consistent_read(true);
        let got = request.send().await.map_err(|error| store_error("GetItem", &error))?;
        got.item.map(from_item).transpose()
    }

    /// Takes a command that is queued, or whose lease has ended.
    pub async fn take(&self, id: CommandId) -> Result<Taken, StoreError> {
        let now = self.clock.now();
        let (lease, lease_until) = (self.random.uuid(), now + LEASE);
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(id)))
            .update_expression(
                "SET #status = :running, lease = :lease, lease_until = :until, due_at = :due, \
                 attempts = attempts + :one, started_at = if_not_exists(started_at, :now_text)",
            )
            .condition_expression(
                "attempts < :most AND (#status = :queued OR (#status = :running AND lease_until < :now))",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":running", s("running"))
            .expression_attribute_values(":queued", s("queued"))
            .expression_attribute_values(":lease", s(lease))
            .expression_attribute_values(":most", n(ATTEMPTS))
            .expression_attribute_values(":until", n(lease_until.timestamp_millis()))
            .expression_attribute_values(":due", n((lease_until + OVERDUE).timestamp_millis()))
            .expression_attribute_values(":now", n(now.timestamp_millis()))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":now_text", serde_dynamo_text(now)?)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let error = match sent {
            Ok(updated) => {
                let item = updated.attributes.unwrap_or_default();
                return Ok(Taken::Leased(Box::new(from_item(item)?)));
            }
            Err(error) => error,
        };
        let Some(UpdateItemError::ConditionalCheckFailedException(refused)) = error.as_service_error() else {
            return Err(store_error("UpdateItem", &error));
        };
        let stored: Option<Command> = refused.item.clone().map(from_item).transpose()?;
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
        also: Vec<TransactWriteItem>,
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
        let writes = std::iter::once(TransactWriteItem::builder().put(put).build()).chain(also).collect();
        Ok(match transact(&self.client, &self.random, writes).await? {
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
        let writes = vec![TransactWriteItem::builder().put(put).build()];
        transact(&self.client, &self.random, writes).await.map(|_| ())
    }

    /// What a taken command has become, on the condition that nobody else has taken it since.
    fn replacement(&self, taken: &Command, becomes: Command) -> Result<Option<Put>, StoreError> {
        let Some(lease) = taken.lease else { return Ok(None) };
        let mut item = to_item(&Command { lease: None, lease_until: None, ..becomes })?;
        item.extend(key(taken.id));
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("lease = :lease")
            .expression_attribute_values(":lease", s(lease));
        Ok(Some(put.build()?))
    }
}

/// A time as serde writes it into an item.
fn serde_dynamo_text(at: DateTime<Utc>) -> Result<aws_sdk_dynamodb::types::AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(at).map_err(|_| StoreError::Broken("a time does not write".to_owned()))
}
