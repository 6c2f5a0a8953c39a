//! The routes to list and decide on recommendations (docs/behaviour.md, "Recommendations"):
//!
//! | route, under `/api/v1/ai/followup` | what it does |
//! |---|---|
//! | `GET /recommendations` | lists them by status or lead, the most urgent first |
//! | `GET /recommendations/{id}` | shows one |
//! | `GET /recommendations/{id}/audit` | what was done with it |
//! | `POST /recommendations/{id}/approve` | as it is, or with another text or channel |
//! | `POST /recommendations/{id}/reject` | with a reason; it is analysed again |
//! | `POST /recommendations/{id}/snooze` | leaves it out of the list until later |
//! | `POST /recommendations/{id}/resolve` | closes an item of the manual queue |
//! | `POST /recommendations/{id}/requeue` | hands an item of the manual queue back to the model |
//! | `GET /notifications` | what the manager, the representative or compliance is to know |
//!
//! A decision can name the `version` that it is about. Of two simultaneous decisions the second gets 409.

mod approve;
mod decide;
mod list;
pub mod operations;
mod read;

use shared::api::http::{Gate, Routes};
use shared::api::lambda::Definition;
use shared::base::context::FromContext;

pub use approve::Approve;
pub use decide::{LeaveManualQueue, Reject, Snooze};
pub use list::{ListNotifications, ListRecommendations};
pub use operations::operations;
pub use read::{GetAudit, GetRecommendation};

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::new("recommendations", |context| {
    Ok(Routes::new(Gate::new(context)?)
        .with("GET", "/api/v1/ai/followup/recommendations", ListRecommendations::new(context)?)
        .with("GET", "/api/v1/ai/followup/notifications", ListNotifications::new(context)?)
        .with("GET", "/api/v1/ai/followup/recommendations/{id}", GetRecommendation::new(context)?)
        .with("GET", "/api/v1/ai/followup/recommendations/{id}/audit", GetAudit::new(context)?)
        .with("POST", "/api/v1/ai/followup/recommendations/{id}/approve", Approve::new(context)?)
        .with("POST", "/api/v1/ai/followup/recommendations/{id}/reject", Reject::new(context)?)
        .with("POST", "/api/v1/ai/followup/recommendations/{id}/snooze", Snooze::new(context)?)
        .with("POST", "/api/v1/ai/followup/recommendations/{id}/resolve", LeaveManualQueue::resolve(context)?)
        .with("POST", "/api/v1/ai/followup/recommendations/{id}/requeue", LeaveManualQueue::new(context)?)
        .into())
});
