//! Tasks: what Lexi proposes to do, and a person approves or dismisses (contract, section 9).
//!
//! ```text
//! pending -> approved -> running -> completed | failed
//! pending -> dismissed
//! ```

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::campaigns::Brief;
use crate::lists::Target;
use crate::prospects;

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It waits for a person.
    Pending,
    /// A person wants it; it waits for a worker.
    Approved,
    /// A worker is at it.
    Running,
    /// It is done.
    Completed,
    /// It was tried too often, or cannot be done.
    Failed,
    /// A person does not want it, or another took its place.
    Dismissed,
}

/// Which task; also what a message of the queue says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskId {
    /// The tenant.
    pub workspace_id: Uuid,
    /// The task.
    pub task_id: Uuid,
}

/// What a task does, with everything that it needs to: what a person approves is what runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Plan {
    /// Looks for prospects, makes contacts of them and puts them on a list.
    ProspectSearch {
        /// Whom to look for.
        query: prospects::Query,
        /// Where they go.
        list: Target,
    },
    /// Writes a draft for each contact of a list.
    CampaignStart(Brief),
    /// Changes what is known of a contact.
    ContactUpdate {
        /// The contact.
        lead_id: Uuid,
        /// What people call it.
        name: String,
        /// What it is to be.
        changes: ContactChanges,
    },
    /// Changes a list.
    ListOperation {
        /// The list.
        list: Target,
        /// What is done to it.
        operation: ListOperation,
    },
}

/// What is to be known of a contact; what is not named stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactChanges {
    /// Full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// E-mail address, lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone number: `+` and digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Role at the company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// Company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_name: Option<String>,
    /// Stage in the workspace's pipeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
}

/// A change of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum ListOperation {
    /// Makes it.
    Create,
    /// Gives it another name.
    Rename {
        /// The name.
        to: String,
    },
    /// Puts contacts on it.
    Add {
        /// Their identifiers.
        lead_ids: Vec<Uuid>,
    },
    /// Takes contacts off it.
    Remove {
        /// Their identifiers.
        lead_ids: Vec<Uuid>,
    },
}

/// How far a task is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How many are done.
    pub done: u32,
    /// How many there are, once that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
}

/// Why a task failed, in words that hold no personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Such as `prospect_source_unavailable`.
    pub code: String,
    /// What a person can do about it.
    pub message: String,
}

/// Something that Lexi proposes to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Which one.
    #[serde(flatten)]
    pub id: TaskId,
    /// Where it stands.
    pub status: Status,
    /// What it does.
    pub plan: Plan,
    /// The conversation in which it was proposed.
    pub conversation_id: Uuid,
    /// When it was proposed.
    pub created_at: DateTime<Utc>,
    /// When it was approved or dismissed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
    /// The key that it was decided with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<Uuid>,
    /// Why it was dismissed, or `superseded`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How far it is.
    #[serde(default)]
    pub progress: Progress,
    /// What came of it, such as how many were found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}
