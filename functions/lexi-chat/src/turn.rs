//! The state of one turn while the answer is being made: what the tools have found and proposed so far.

use serde_json::{Value, json};
use shared::base::problem::Problem;
use shared::base::store::StoreError;
use shared::crm::leads::Lead;
use shared::crm::lists::List;
use shared::workflow::chats::{State, Step};
use shared::workflow::tasks::{Plan, Status, Task, TaskId};
use uuid::Uuid;

use crate::LexiChat;
use crate::history::Known;

/// A turn under way.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    /// The stored data that the turn starts from.
    pub known: &'a Known,
    /// The price of the message, which is held.
    pub price: u32,
    /// Whether the message says which list it is about.
    pub names_a_list: bool,
    /// All messages of the user.
    pub own_words: String,
    /// The state of the conversation after this message.
    pub state: State,
    /// The proposal, with the task that it replaces.
    pub proposal: Option<Proposal>,
    /// Whether the model has seen what other people wrote.
    pub from_records: bool,
    /// The tool calls so far.
    pub steps: Vec<Step>,
}

/// Something that is proposed.
#[derive(Debug)]
pub(crate) struct Proposal {
    /// The task's identifier.
    pub task_id: Uuid,
    /// What it does.
    pub plan: Plan,
    /// What it does, without names that the user did not give.
    pub told: String,
    /// The pending task whose place it takes.
    pub supersedes: Option<TaskId>,
}

/// The result of a tool call.
#[derive(Debug)]
pub(crate) struct Used {
    /// What the model is told.
    pub result: Value,
    /// The text shown to the user. It never quotes records.
    pub summary: String,
    /// Whether it was done.
    pub is_done: bool,
    /// Whether it holds what other people wrote.
    pub from_records: bool,
}

impl Used {
    /// A successful result that contains no text written by other people.
    pub(crate) fn done(result: Value, summary: String) -> Self {
        Self { result, summary, is_done: true, from_records: false }
    }

    /// What was found in the records.
    pub(crate) fn records(result: Value, summary: String) -> Self {
        Self { from_records: true, ..Self::done(result, summary) }
    }

    /// Something that was not done, and why.
    pub(crate) fn refused(why: impl Into<String>) -> Self {
        let why = why.into();
        Self { result: json!({"refused": why}), summary: "refused".to_owned(), is_done: false, from_records: false }
    }
}

/// Why a tool was not used.
#[derive(Debug)]
pub(crate) enum Unused {
    /// The model is told why, and may fix it or ask.
    Refused(String),
    /// The message cannot be answered.
    Failed(Problem),
}

impl<E: Into<Problem>> From<E> for Unused {
    #[track_caller]
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Refuses to use a tool, and tells the model why.
pub(crate) fn refused<T>(why: impl Into<String>) -> Result<T, Unused> {
    Err(Unused::Refused(why.into()))
}

/// Whom or what a name stands for.
#[derive(Debug)]
pub(crate) enum Found<T> {
    One(T),
    None,
    Several,
}

impl<T> From<Vec<T>> for Found<T> {
    fn from(mut found: Vec<T>) -> Self {
        match (found.pop(), found.is_empty()) {
            (None, _) => Self::None,
            (Some(one), true) => Self::One(one),
            (Some(_), false) => Self::Several,
        }
    }
}

impl<T> Found<T> {
    /// The single match, or the answer to the model if there is none or several.
    pub(crate) fn one(self, none: &str, several: &str) -> Result<T, Unused> {
        match self {
            Self::One(one) => Ok(one),
            Self::None => refused(none),
            Self::Several => refused(several),
        }
    }
}

impl LexiChat {
    /// The contact with this id, e-mail address, phone number or name.
    pub(crate) async fn contact(&self, workspace_id: Uuid, named: &str) -> Result<Found<Lead>, StoreError> {
        let named = named.trim();
        if named.is_empty() {
            return Ok(Found::None);
        }
        if let Ok(lead_id) = named.parse::<Uuid>() {
            let lead = self.leads.lead(workspace_id, lead_id).await?;
            return Ok(lead.map_or(Found::None, Found::One));
        }
        // If several contacts match, the search returns the exact name first.
        let mut found = self.leads.search(workspace_id, named, (0, 3)).await?.leads;
        // A single contact with exactly this name is meant, even if the words also match others' company or title.
        let is_called =
            |lead: &Lead| lead.full_name.as_deref().is_some_and(|name| name.to_lowercase() == named.to_lowercase());
        if found.iter().filter(|lead| is_called(lead)).count() == 1 {
            found.retain(is_called);
        }
        Ok(found.into())
    }

    /// The list with this id or name; without one, the list of the conversation.
    pub(crate) async fn list(&self, workspace_id: Uuid, named: Option<&str>, turn: &Turn<'_>) -> Result<List, Unused> {
        let Some(named) = named.map(str::trim).filter(|named| !named.is_empty()) else {
            return turn.known.list.clone().map_or_else(|| refused("which list? Ask the person to name it"), Ok);
        };
        let found = self.list_named(workspace_id, named).await?;
        found.one("there is no list of this name", "several lists have this name; ask for the list's id")
    }

    /// The list with this id or name.
    pub(crate) async fn list_named(&self, workspace_id: Uuid, named: &str) -> Result<Found<List>, StoreError> {
        if let Ok(list_id) = named.parse::<Uuid>() {
            return Ok(self.lists.get(workspace_id, list_id).await?.map_or(Found::None, Found::One));
        }
        let named = named.to_lowercase();
        let named = named.trim_matches(['\'', '"', '“', '”']).trim();
        let mut all = self.lists.all(workspace_id).await?;
        all.retain(|list| list.name.to_lowercase() == named);
        Ok(all.into())
    }

    /// A task of the conversation, if it still waits for a decision.
    pub(crate) async fn pending(&self, workspace_id: Uuid, task_id: Option<Uuid>) -> Result<Option<Task>, StoreError> {
        let Some(task_id) = task_id else { return Ok(None) };
        let task = self.tasks.get(TaskId { workspace_id, task_id }).await?;
        Ok(task.filter(|task| task.status == Status::Pending))
    }
}
