//! The description of the endpoints.

use serde_json::json;
use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};

use crate::{AddContacts, FindContacts, GetContacts, GetList, GetLists, PostList, RemoveContact};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::of::<FindContacts>("GET /v1/contacts", "findContacts", "Find contacts").description(
            "Sorted by name. `search` matches name, e-mail address, phone number, company, job title and reference.",
        ),
        Operation::of::<GetLists>("GET /v1/lists", "listLists", "List contact lists").description("Newest first."),
        Operation::of::<PostList>("POST /v1/lists", "createList", "Create a contact list")
            .followed_by(
                &["getList", "listContactsOfList", "addContactsToList", "removeContactFromList"],
                "id",
                "/list_id",
            )
            .idempotent()
            .refuses(&[Code::NotFound]),
        Operation::of::<GetList>("GET /v1/lists/{id}", "getList", "Get a contact list").refuses(&[Code::NotFound]),
        Operation::of::<GetContacts>(
            "GET /v1/lists/{id}/contacts",
            "listContactsOfList",
            "List the contacts of a list",
        )
        .description("In the order in which they were added.")
        .refuses(&[Code::NotFound]),
        Operation::of::<AddContacts>("POST /v1/lists/{id}/contacts", "addContactsToList", "Add contacts to a list")
            .description("A contact is on a list once. If one of the contacts is unknown, none is added.")
            .idempotent()
            .refuses(&[Code::NotFound])
            .refuses_with(
                Problem::new(
                    Code::LeadNotFound,
                    "some of these contact_ids are no contacts of this workspace; nothing was added",
                )
                .detail("unknown_contact_ids", json!(["5eed0000-0000-4000-8000-000000000009"])),
            ),
        Operation::of::<RemoveContact>(
            "DELETE /v1/lists/{id}/contacts/{contact_id}",
            "removeContactFromList",
            "Remove a contact from a list",
        )
        .description("The contact itself is kept.")
        .refuses(&[Code::NotFound]),
    ]
}
