//! The description of the endpoints.

use serde_json::json;
use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};

use crate::{AddContacts, FindContacts, GetContacts, GetList, GetLists, PostList, RemoveContact};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::of::<FindContacts>("GET /v1/contacts", "findContacts", "Finds contacts")
            .description("By name. `search` keeps those whose name, e-mail address, phone number, company, job title or reference fits."),
        Operation::of::<GetLists>("GET /v1/lists", "listLists", "Lists lists of contacts").description("Newest first."),
        Operation::of::<PostList>("POST /v1/lists", "createList", "Makes a list")
            .followed_by(
                &["getList", "listContactsOfList", "addContactsToList", "removeContactFromList"],
                "id",
                "/list_id",
            )
            .idempotent()
            .refuses(&[Code::NotFound]),
        Operation::of::<GetList>("GET /v1/lists/{id}", "getList", "Shows a list").refuses(&[Code::NotFound]),
        Operation::of::<GetContacts>(
            "GET /v1/lists/{id}/contacts",
            "listContactsOfList",
            "Lists the contacts of a list",
        )
        .description("In the order in which they were put there.")
        .refuses(&[Code::NotFound]),
        Operation::of::<AddContacts>("POST /v1/lists/{id}/contacts", "addContactsToList", "Puts contacts on a list")
            .description("Each once. If one of them is not known, none is added.")
            .idempotent()
            .refuses(&[Code::NotFound])
            .refuses_with(
                Problem::new(Code::LeadNotFound, "some of these contact_ids are no contacts of this workspace; nothing was added")
                    .detail("unknown_contact_ids", json!(["5eed0000-0000-4000-8000-000000000009"])),
            ),
        Operation::of::<RemoveContact>(
            "DELETE /v1/lists/{id}/contacts/{contact_id}",
            "removeContactFromList",
            "Takes a contact off a list",
        )
        .description("The contact itself stays.")
        .refuses(&[Code::NotFound]),
    ]
}
