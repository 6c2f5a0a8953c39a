//! The description of the endpoints.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};
use shared::api::openapi::{Operation, PageMeta, Pages};
use shared::base::problem::{Code, Problem};
use shared::workflow::chats::{Speaker, Step};
use shared::workflow::tasks::{Failure, Status};
use uuid::Uuid;

use crate::{Approve, Dismiss, GetConversation, GetTask, ListConversations, ListTasks};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let page = json!({"page": 1, "per_page": 20, "total": 1});
    let not_pending = || {
        let message = "the task is dismissed already; only a pending task is approved or dismissed";
        Problem::new(Code::TaskNotPending, message).detail("status", json!("dismissed"))
    };
    vec![
        Operation::raw::<ListTasks, TaskList>("GET /v1/lexi/tasks", "listTasks", "Lists tasks")
            .description("Newest first.")
            .query::<TasksQuery>()
            .meta::<PageMeta>()
            .answers_page("A task that waits for approval", json!({"tasks": [task()]}), page.clone()),
        Operation::raw::<GetTask, TaskShown>("GET /v1/lexi/tasks/{id}", "getTask", "Shows a task")
            .uuid("id", "The task.")
            .answers("A task that waits for approval", task())
            .refuses(&[Code::NotFound]),
        Operation::raw::<Approve, Approved>("POST /v1/lexi/tasks/{id}/approve", "approveTask", "Approves a task")
            .description("What it costs is held now, and charged when it is completed.")
            .uuid("id", "The task.")
            .may_take::<NoFields>()
            .answers(
                "It begins",
                json!({"task_id": "5eed0000-0000-4000-8000-000000000701", "status": "approved", "execution_started": true}),
            )
            .idempotent()
            .refuses(&[Code::NotFound])
            .refuses_with(not_pending())
            .refuses_with(Problem::short_of_credits(5, 1)),
        Operation::raw::<Dismiss, Dismissed>("POST /v1/lexi/tasks/{id}/dismiss", "dismissTask", "Dismisses a task")
            .uuid("id", "The task.")
            .may_take::<DismissRequest>()
            .for_example("With a reason", json!({"reason": "not_relevant"}))
            .answers(
                "Nobody wants it",
                json!({"task_id": "5eed0000-0000-4000-8000-000000000701", "status": "dismissed", "reason": "not_relevant"}),
            )
            .idempotent()
            .refuses(&[Code::NotFound])
            .refuses_with(not_pending()),
        Operation::raw::<ListConversations, ConversationList>(
            "GET /v1/lexi/conversations",
            "listConversations",
            "Lists conversations with Lexi",
        )
        .description("The one spoken in last first.")
        .query::<Pages>()
        .meta::<PageMeta>()
        .answers_page("One conversation", json!({"conversations": [conversation()]}), page.clone()),
        Operation::raw::<GetConversation, ConversationWithMessages>(
            "GET /v1/lexi/conversations/{id}",
            "getConversation",
            "Shows a conversation with its messages",
        )
        .uuid("id", "The conversation.")
        .query::<Pages>()
        .meta::<PageMeta>()
        .answers_page("With its first message", with_messages(), page)
        .refuses(&[Code::NotFound]),
    ]
}

fn task() -> Value {
    json!({
        "id": "5eed0000-0000-4000-8000-000000000701",
        "type": "prospect_search",
        "status": "pending",
        "description": "Search for 20 CEOs at law firms in New York and add them to the list Q1 Leads",
        "created_at": "2026-11-20T09:30:00.000Z",
        "metadata": {"query": {"count": 20}, "list": {"list_id": "5eed0000-0000-4000-8000-000000000501", "name": "Q1 Leads"}},
        "conversation_id": "5eed0000-0000-4000-8000-000000000711",
        "credits": 5,
        "decided_at": null,
        "reason": null,
        "superseded_by": null,
        "started_at": null,
        "finished_at": null,
        "progress": {"done": 0, "total": null},
        "result": null,
        "failure": null,
    })
}

fn conversation() -> Value {
    json!({
        "id": "5eed0000-0000-4000-8000-000000000711",
        "title": "Find me 20 CEOs at law firms in New York",
        "list_id": "5eed0000-0000-4000-8000-000000000501",
        "campaign_id": null,
        "task_id": "5eed0000-0000-4000-8000-000000000701",
        "message_count": 2,
        "created_at": "2026-11-20T09:30:00.000Z",
        "updated_at": "2026-11-20T09:30:01.000Z",
    })
}

fn with_messages() -> Value {
    let mut shown = conversation();
    shown["messages"] = json!([{
        "id": "5eed0000-0000-4000-8000-000000000713",
        "role": "user",
        "content": "Find me 20 CEOs at law firms in New York",
        "tool_calls": [],
        "task_id": null,
        "created_at": "2026-11-20T09:30:00.000Z",
    }]);
    shown
}

/// Which tasks.
#[derive(JsonSchema)]
pub struct TasksQuery {
    /// Only those of this status.
    #[schemars(extend("default" = "pending"))]
    pub status: Option<Status>,
    /// Which page.
    #[schemars(flatten)]
    pub pages: Pages,
}

/// Tasks.
#[derive(JsonSchema)]
pub struct TaskList {
    /// The tasks, newest first.
    pub tasks: Vec<TaskShown>,
}

/// Something that Lexi proposes to do.
#[derive(JsonSchema)]
#[schemars(rename = "Task")]
pub struct TaskShown {
    /// Its identifier.
    pub id: Uuid,
    /// What kind of task it is.
    #[schemars(rename = "type")]
    pub kind: TaskKind,
    /// Where it stands.
    pub status: Status,
    /// What is going to be done, for the person who decides.
    pub description: String,
    /// When it was proposed.
    pub created_at: DateTime<Utc>,
    /// Its parameters, by its type.
    pub metadata: Map<String, Value>,
    /// The conversation in which it was proposed.
    pub conversation_id: Uuid,
    /// What it costs; once it was decided on, what is held or spent.
    pub credits: u32,
    /// When it was approved or dismissed.
    pub decided_at: Option<DateTime<Utc>>,
    /// Why it was dismissed.
    pub reason: Option<String>,
    /// The task that took its place.
    pub superseded_by: Option<Uuid>,
    /// When it was first taken.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was completed or had failed.
    pub finished_at: Option<DateTime<Utc>>,
    /// How far it is.
    pub progress: TaskProgress,
    /// What came of it, by its type.
    pub result: Option<Map<String, Value>>,
    /// Why it failed.
    pub failure: Option<Failure>,
}

/// What kind of task it is.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum TaskKind {
    /// Prospects are looked for and put on a list.
    ProspectSearch,
    /// A draft is written for each contact of a list.
    CampaignStart,
    /// A contact is changed.
    ContactUpdate,
    /// A list is made or changed.
    ListOperation,
}

/// How far a task is.
#[derive(JsonSchema)]
pub struct TaskProgress {
    /// How many are done.
    pub done: u32,
    /// How many there are, once that is known.
    pub total: Option<u32>,
}

/// A body without fields.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct NoFields {}

/// Why nobody wants a task.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct DismissRequest {
    /// `not_relevant`, `manual_execution`, `incorrect_params`, `duplicate`, `testing`, or in words.
    #[schemars(length(max = 500))]
    pub reason: Option<String>,
}

/// A task that was approved.
#[derive(JsonSchema)]
#[schemars(rename = "TaskApproved")]
pub struct Approved {
    /// The task.
    pub task_id: Uuid,
    /// Always `approved`.
    #[schemars(extend("const" = "approved"))]
    pub status: String,
    /// Whether it begins now.
    pub execution_started: bool,
}

/// A task that was dismissed.
#[derive(JsonSchema)]
#[schemars(rename = "TaskDismissed")]
pub struct Dismissed {
    /// The task.
    pub task_id: Uuid,
    /// Always `dismissed`.
    #[schemars(extend("const" = "dismissed"))]
    pub status: String,
    /// Why.
    pub reason: Option<String>,
}

/// Conversations.
#[derive(JsonSchema)]
pub struct ConversationList {
    /// The conversations, the one spoken in last first.
    pub conversations: Vec<ConversationShown>,
}

/// A conversation with Lexi.
#[derive(JsonSchema)]
#[schemars(rename = "Conversation")]
pub struct ConversationShown {
    /// Its identifier.
    pub id: Uuid,
    /// Its first words.
    pub title: String,
    /// The list that it is about.
    pub list_id: Option<Uuid>,
    /// The campaign that it is about.
    pub campaign_id: Option<Uuid>,
    /// The task that was proposed last.
    pub task_id: Option<Uuid>,
    /// How many messages it has.
    pub message_count: u32,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When something was last said.
    pub updated_at: DateTime<Utc>,
}

/// A conversation with a page of its messages.
#[derive(JsonSchema)]
pub struct ConversationWithMessages {
    /// The conversation.
    #[schemars(flatten)]
    pub conversation: ConversationShown,
    /// The messages, oldest first.
    pub messages: Vec<MessageShown>,
}

/// Something that was said.
#[derive(JsonSchema)]
#[schemars(rename = "ConversationMessage")]
pub struct MessageShown {
    /// Its identifier.
    pub id: Uuid,
    /// Who said it.
    pub role: Speaker,
    /// What was said.
    pub content: String,
    /// The tools that Lexi used.
    pub tool_calls: Vec<Step>,
    /// The task that it proposes.
    pub task_id: Option<Uuid>,
    /// When.
    pub created_at: DateTime<Utc>,
}
