//! The description of the endpoints.

use serde_json::json;
use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};

use crate::{Approve, Dismiss, GetConversation, GetTask, ListConversations, ListTasks};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let not_pending = || {
        let message = "the task is dismissed already; only a pending task is approved or dismissed";
        Problem::new(Code::TaskNotPending, message).detail("status", json!("dismissed"))
    };
    vec![
        Operation::of::<ListTasks>("GET /v1/lexi/tasks", "listTasks", "Lists tasks").description("Newest first."),
        Operation::of::<GetTask>("GET /v1/lexi/tasks/{id}", "getTask", "Shows a task").refuses(&[Code::NotFound]),
        Operation::of::<Approve>("POST /v1/lexi/tasks/{id}/approve", "approveTask", "Approves a task")
            .description("What it costs is held now, and charged when it is completed.")
            .idempotent()
            .refuses(&[Code::NotFound])
            .refuses_with(not_pending())
            .refuses_with(Problem::short_of_credits(5, 1)),
        Operation::of::<Dismiss>("POST /v1/lexi/tasks/{id}/dismiss", "dismissTask", "Dismisses a task")
            .idempotent()
            .refuses(&[Code::NotFound])
            .refuses_with(not_pending()),
        Operation::of::<ListConversations>(
            "GET /v1/lexi/conversations",
            "listConversations",
            "Lists conversations with Lexi",
        )
        .description("The one spoken in last first."),
        Operation::of::<GetConversation>(
            "GET /v1/lexi/conversations/{id}",
            "getConversation",
            "Shows a conversation with its messages",
        )
        .refuses(&[Code::NotFound]),
    ]
}
