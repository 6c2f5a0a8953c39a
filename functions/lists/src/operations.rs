//! The description of the endpoints.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde_json::{Value, json};
use shared::api::openapi::{Operation, PageMeta, Pages};
use shared::base::problem::{Code, Problem};
use shared::crm::leads::ContactShown;
use uuid::Uuid;

use crate::{AddContacts, FindContacts, GetContacts, GetList, GetLists, PostList, RemoveContact};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let page = json!({"page": 1, "per_page": 20, "total": 1});
    vec![
        Operation::raw::<FindContacts, Vec<ContactShown>>("GET /v1/contacts", "findContacts", "Finds contacts")
            .description("By name. `search` keeps those whose name, e-mail address, phone number, company, job title or reference fits.")
            .query::<ContactsQuery>()
            .meta::<FoundMeta>()
            .answers_page("One contact", json!([ContactShown::example()]), json!({"page": 1, "per_page": 20, "total": 1, "complete": true})),
        Operation::raw::<GetLists, Vec<ContactList>>("GET /v1/lists", "listLists", "Lists lists of contacts")
            .description("Newest first.")
            .query::<ListsQuery>()
            .meta::<PageMeta>()
            .answers_page("One list", json!([list()]), page.clone()),
        Operation::raw::<PostList, ContactList>("POST /v1/lists", "createList", "Makes a list")
            .takes::<NewList>()
            .for_example("A list", json!({"name": "Q1 Leads"}))
            .answers("It is empty", list())
            .followed_by(
                &["getList", "listContactsOfList", "addContactsToList", "removeContactFromList"],
                "id",
                "/list_id",
            )
            .idempotent()
            .refuses(&[Code::NotFound]),
        Operation::raw::<GetList, ContactList>("GET /v1/lists/{id}", "getList", "Shows a list")
            .uuid("id", "The list.")
            .answers("A list", list())
            .refuses(&[Code::NotFound]),
        Operation::raw::<GetContacts, Vec<ContactShown>>(
            "GET /v1/lists/{id}/contacts",
            "listContactsOfList",
            "Lists the contacts of a list",
        )
        .description("In the order in which they were put there.")
        .uuid("id", "The list.")
        .query::<Pages>()
        .meta::<PageMeta>()
        .answers_page("One contact", json!([ContactShown::example()]), page)
        .refuses(&[Code::NotFound]),
        Operation::raw::<AddContacts, Added>("POST /v1/lists/{id}/contacts", "addContactsToList", "Puts contacts on a list")
            .description("Each once. If one of them is not known, none is added.")
            .uuid("id", "The list.")
            .takes::<AddRequest>()
            .for_example("One contact", json!({"contact_ids": ["123e4567-e89b-12d3-a456-426614174000"]}))
            .answers(
                "It was not there",
                json!({"list_id": "5eed0000-0000-4000-8000-000000000501", "added": 1, "already_there": 0, "contact_count": 13}),
            )
            .idempotent()
            .refuses(&[Code::NotFound])
            .refuses_with(
                Problem::new(Code::LeadNotFound, "some of these contact_ids are no contacts of this workspace; nothing was added")
                    .detail("unknown_contact_ids", json!(["5eed0000-0000-4000-8000-000000000009"])),
            ),
        Operation::raw::<RemoveContact, Removed>(
            "DELETE /v1/lists/{id}/contacts/{contact_id}",
            "removeContactFromList",
            "Takes a contact off a list",
        )
        .description("The contact itself stays.")
        .uuid("id", "The list.")
        .uuid("contact_id", "The contact.")
        .answers(
            "It was there",
            json!({
                "list_id": "5eed0000-0000-4000-8000-000000000501",
                "contact_id": "123e4567-e89b-12d3-a456-426614174000",
                "removed": true,
                "contact_count": 12,
            }),
        )
        .refuses(&[Code::NotFound]),
    ]
}

fn list() -> Value {
    json!({
        "list_id": "5eed0000-0000-4000-8000-000000000501",
        "name": "Q1 Leads",
        "contact_count": 0,
        "created_at": "2026-11-20T09:30:00.000Z",
    })
}

/// Which contacts.
#[derive(JsonSchema)]
pub struct ContactsQuery {
    /// What they have to have.
    #[schemars(length(max = 200))]
    pub search: Option<String>,
    /// Which page.
    #[schemars(flatten)]
    pub pages: Pages,
}

/// Which page of what was found.
#[derive(JsonSchema)]
pub struct FoundMeta {
    /// The page.
    #[schemars(flatten)]
    pub page: PageMeta,
    /// Whether all contacts were looked through; if not, `total` counts those that were.
    pub complete: bool,
}

/// Which lists.
#[derive(JsonSchema)]
pub struct ListsQuery {
    /// With this in the name.
    #[schemars(length(max = 120))]
    pub name: Option<String>,
    /// Which page.
    #[schemars(flatten)]
    pub pages: Pages,
}

/// A list of contacts.
#[derive(JsonSchema)]
pub struct ContactList {
    /// Its identifier.
    pub list_id: Uuid,
    /// Its name.
    pub name: String,
    /// How many contacts are on it.
    pub contact_count: u32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A list that is to be made.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct NewList {
    /// Its name: one line that is not blank.
    #[schemars(length(min = 1, max = 120), regex(pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"))]
    pub name: String,
}

/// Contacts that are put on a list.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AddRequest {
    /// The contacts.
    #[schemars(length(min = 1, max = 500))]
    pub contact_ids: Vec<Uuid>,
}

/// What became of contacts that were put on a list.
#[derive(JsonSchema)]
#[schemars(rename = "ContactsAdded")]
pub struct Added {
    /// The list.
    pub list_id: Uuid,
    /// How many were not there before.
    pub added: u32,
    /// How many were.
    pub already_there: u32,
    /// How many are on it now.
    pub contact_count: u32,
}

/// A contact that was taken off a list.
#[derive(JsonSchema)]
#[schemars(rename = "ContactRemoved")]
pub struct Removed {
    /// The list.
    pub list_id: Uuid,
    /// The contact.
    pub contact_id: Uuid,
    /// Always true.
    pub removed: bool,
    /// How many are on it now.
    pub contact_count: u32,
}
