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
        Operation::of::<ListTasks>("GET /v1/lexi/tasks", "listTasks", "List tasks").description("Newest first."),
        Operation::of::<GetTask>("GET /v1/lexi/tasks/{id}", "getTask", "Get a task").refuses(&[Code::NotFound]),
        Operation::of::<Approve>("POST /v1/lexi/tasks/{id}/approve", "approveTask", "Approve a task")
            .description("The task's price is held now and charged when the task is completed.")
            .idempotent()
            .refuses(&[Code::NotFound])
            .refuses_with(not_pending())
            .refuses_with(Problem::short_of_credits(5, 1)),
        Operation::of::<Dismiss>("POST /v1/lexi/tasks/{id}/dismiss", "dismissTask", "Dismiss a task")
            .idempotent()
            .refuses(&[Code::NotFound])
            .refuses_with(not_pending()),
        Operation::of::<ListConversations>(
            "GET /v1/lexi/conversations",
            "listConversations",
            "List conversations with Lexi",
        )
        .description("The conversation with the newest message comes first."),
        Operation::of::<GetConversation>(
            "GET /v1/lexi/conversations/{id}",
            "getConversation",
            "Get a conversation with its messages",
        )
        .refuses(&[Code::NotFound]),
    ]
}
