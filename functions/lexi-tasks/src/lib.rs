//! The routes to list, approve and dismiss the tasks that Lexi proposes (docs/behaviour.md, "Assistant"):
//!
//! | route, under `/v1/lexi` | what it does |
//! |---|---|
//! | `GET /tasks` | lists tasks by status, the newest first |
//! | `GET /tasks/{id}` | shows one |
//! | `POST /tasks/{id}/approve` | has it done, and holds what it costs |
//! | `POST /tasks/{id}/dismiss` | says that nobody wants it, and perhaps why |
//! | `GET /conversations` | lists conversations, the one spoken in last first |
//! | `GET /conversations/{id}` | shows one with its messages |
//!
//! A task is decided once: a second decision gets 400.

mod conversations;
mod decide;
pub mod operations;
mod read;

use shared::api::http::{Gate, Routes};
use shared::api::lambda::Definition;
use shared::base::context::FromContext;

pub use conversations::{GetConversation, ListConversations};
pub use decide::{Approve, Dismiss};
pub use operations::operations;
pub use read::{GetTask, ListTasks};

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::new("lexi-tasks", |context| {
    Ok(Routes::new(Gate::new(context)?)
        .with("GET", "/v1/lexi/tasks", ListTasks::new(context)?)
        .with("GET", "/v1/lexi/tasks/{id}", GetTask::new(context)?)
        .with("POST", "/v1/lexi/tasks/{id}/approve", Approve::new(context)?)
        .with("POST", "/v1/lexi/tasks/{id}/dismiss", Dismiss::new(context)?)
        .with("GET", "/v1/lexi/conversations", ListConversations::new(context)?)
        .with("GET", "/v1/lexi/conversations/{id}", GetConversation::new(context)?)
        .into())
});
