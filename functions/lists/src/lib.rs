//! Lists of contacts, and the search for contacts (docs/behaviour.md, "Contacts and leads"):
//!
//! | route | what it does |
//! |---|---|
//! | `GET /v1/lists` | the workspace's lists, newest first; `name` keeps those with this in their name |
//! | `POST /v1/lists` | makes a list |
//! | `GET /v1/lists/{id}` | one list |
//! | `GET /v1/lists/{id}/contacts` | its contacts, in the order in which they were put there |
//! | `POST /v1/lists/{id}/contacts` | puts up to 500 contacts on it, each once |
//! | `DELETE /v1/lists/{id}/contacts/{contact_id}` | takes a contact off it |
//! | `GET /v1/contacts` | the workspace's contacts by name; `search` keeps those that fit |

mod contacts;
mod find;
mod list;
pub mod operations;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api::http::{Gate, Routes};
use shared::api::lambda::Definition;
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::time::Timestamp;
use shared::crm::lists::List;
use uuid::Uuid;

pub use contacts::{AddContacts, GetContacts, RemoveContact};
pub use find::FindContacts;
pub use list::{GetList, GetLists, PostList};
pub use operations::operations;

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::new("lists", |context| {
    Ok(Routes::new(Gate::new(context)?)
        .with("GET", "/v1/lists", GetLists::new(context)?)
        .with("POST", "/v1/lists", PostList::new(context)?)
        .with("GET", "/v1/lists/{id}", GetList::new(context)?)
        .with("GET", "/v1/lists/{id}/contacts", GetContacts::new(context)?)
        .with("POST", "/v1/lists/{id}/contacts", AddContacts::new(context)?)
        .with("DELETE", "/v1/lists/{id}/contacts/{contact_id}", RemoveContact::new(context)?)
        .with("GET", "/v1/contacts", FindContacts::new(context)?)
        .into())
});

#[track_caller]
fn no_such_list() -> Problem {
    Problem::new(Code::NotFound, "no list with this id in this workspace")
}

/// A list of contacts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ContactList {
    /// Its identifier.
    pub list_id: Uuid,
    /// Its name.
    pub name: String,
    /// How many contacts are on it.
    pub contact_count: u32,
    /// When it was made.
    pub created_at: Timestamp,
}

impl From<List> for ContactList {
    fn from(list: List) -> Self {
        Self {
            list_id: list.list_id,
            name: list.name,
            contact_count: list.contacts,
            created_at: list.created_at.into(),
        }
    }
}

/// A list, in the path.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ListPath {
    /// The list.
    pub id: Uuid,
}
