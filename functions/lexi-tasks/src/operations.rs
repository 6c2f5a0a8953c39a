//! The description of the endpoints.

use serde_json::{Value, json};
use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};

use crate::{Approve, Dismiss, GetConversation, GetTask, ListConversations, ListTasks};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let page = json!({"page": 1, "per_page": 20, "total": 1});
    let not_pending = || {
        let message = "the task is dismissed already; only a pending task is approved or dismissed";
        Problem::new(Code::TaskNotPending, message).detail("status", json!("dismissed"))
    };
    vec![
        Operation::of::<ListTasks>("GET /v1/lexi/tasks", "listTasks", "Lists tasks")
            .description("Newest first.")
            .answers_page("A task that waits for approval", json!({"tasks": [task()]}), page.clone()),
        Operation::of::<GetTask>("GET /v1/lexi/tasks/{id}", "getTask", "Shows a task")
            .answers("A task that waits for approval", task())
            .refuses(&[Code::NotFound]),
        Operation::of::<Approve>("POST /v1/lexi/tasks/{id}/approve", "approveTask", "Approves a task")
            .description("What it costs is held now, and charged when it is completed.")
            .answers(
                "It begins",
                json!({"task_id": "5eed0000-0000-4000-8000-000000000701", "status": "approved", "execution_started": true}),
            )
            .idempotent()
            .refuses(&[Code::NotFound])
            .refuses_with(not_pending())
            .refuses_with(Problem::short_of_credits(5, 1)),
        Operation::of::<Dismiss>("POST /v1/lexi/tasks/{id}/dismiss", "dismissTask", "Dismisses a task")
            .for_example("With a reason", json!({"reason": "not_relevant"}))
            .answers(
                "Nobody wants it",
                json!({"task_id": "5eed0000-0000-4000-8000-000000000701", "status": "dismissed", "reason": "not_relevant"}),
            )
            .idempotent()
            .refuses(&[Code::NotFound])
            .refuses_with(not_pending()),
        Operation::of::<ListConversations>(
            "GET /v1/lexi/conversations",
            "listConversations",
            "Lists conversations with Lexi",
        )
        .description("The one spoken in last first.")
        .answers_page("One conversation", json!({"conversations": [conversation()]}), page.clone()),
        Operation::of::<GetConversation>(
            "GET /v1/lexi/conversations/{id}",
            "getConversation",
            "Shows a conversation with its messages",
        )
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
