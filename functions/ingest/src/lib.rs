//! Ingestion of contacts, activities and messages (docs/behaviour.md, "Contacts and leads"):
//!
//! | route | what it records |
//! |---|---|
//! | `POST /v1/contacts`, `POST /v1/contacts/bulk` | one contact, or up to 500 with a result each |
//! | `POST /v1/activities` | an e-mail, call, meeting, note or other activity with a contact |
//! | `POST /users/{user_id}/messages` | one message, or up to 100 under `messages` |
//! | `POST /users/{user_id}/template-sends` | a template message that was sent |
//! | `PUT /users/{user_id}/leads/{customer_phone}/extraction` | scores and identity, from whoever scores elsewhere |
//!
//! The same event again changes nothing, and events may come in any order.

mod activities;
mod contacts;
mod extraction;
mod messages;
pub mod operations;
mod template_sends;

use schemars::JsonSchema;
use serde::Deserialize;
use shared::api::http::{Call, Gate, Routes};
use shared::api::lambda::Definition;
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::crm::identifiers::User;

pub use activities::PostActivity;
pub use contacts::{PostContact, PostContacts};
pub use extraction::PutExtraction;
pub use messages::PostMessages;
pub use operations::operations;
pub use template_sends::PostTemplateSends;

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::new("ingest", |context| {
    Ok(Routes::new(Gate::new(context)?)
        .with("POST", "/v1/contacts", PostContact::new(context)?)
        .with("POST", "/v1/contacts/bulk", PostContacts::new(context)?)
        .with("POST", "/v1/activities", PostActivity::new(context)?)
        .with("POST", "/users/{user_id}/messages", PostMessages::new(context)?)
        .with("POST", "/users/{user_id}/template-sends", PostTemplateSends::new(context)?)
        .with("PUT", "/users/{user_id}/leads/{customer_phone}/extraction", PutExtraction::new(context)?)
        .into())
});

/// The user and the lead of the examples.
const USER: &str = "789895c8-4bd6-43e9-bfea-a4171ec47197";
const LEAD: &str = "918979556941";

/// A user, in the path.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct UserPath {
    /// Whose lead.
    #[schemars(regex(pattern = "^[!-\"$-~]{1,128}$"), example = USER)]
    pub user_id: String,
}

fn user(call: &Call, user_id: &str) -> Result<User, Problem> {
    User::new(call.workspace_id, user_id).map_err(|error| Problem::field("user_id", &error.to_string()))
}
