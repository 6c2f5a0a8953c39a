//! The description of the endpoints.

use serde_json::{Value, json};
use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};
use shared::crm::leads::Contact;

use crate::{AddContacts, FindContacts, GetContacts, GetList, GetLists, PostList, RemoveContact};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let page = json!({"page": 1, "per_page": 20, "total": 1});
    vec![
        Operation::of::<FindContacts>("GET /v1/contacts", "findContacts", "Finds contacts")
            .description("By name. `search` keeps those whose name, e-mail address, phone number, company, job title or reference fits.")
            .answers_page("One contact", json!([Contact::example()]), json!({"page": 1, "per_page": 20, "total": 1, "complete": true})),
        Operation::of::<GetLists>("GET /v1/lists", "listLists", "Lists lists of contacts")
            .description("Newest first.")
            .answers_page("One list", json!([list()]), page.clone()),
        Operation::of::<PostList>("POST /v1/lists", "createList", "Makes a list")
            .for_example("A list", json!({"name": "Q1 Leads"}))
            .answers("It is empty", list())
            .followed_by(
                &["getList", "listContactsOfList", "addContactsToList", "removeContactFromList"],
                "id",
                "/list_id",
            )
            .idempotent()
            .refuses(&[Code::NotFound]),
        Operation::of::<GetList>("GET /v1/lists/{id}", "getList", "Shows a list")
            .answers("A list", list())
            .refuses(&[Code::NotFound]),
        Operation::of::<GetContacts>(
            "GET /v1/lists/{id}/contacts",
            "listContactsOfList",
            "Lists the contacts of a list",
        )
        .description("In the order in which they were put there.")
        .answers_page("One contact", json!([Contact::example()]), page)
        .refuses(&[Code::NotFound]),
        Operation::of::<AddContacts>("POST /v1/lists/{id}/contacts", "addContactsToList", "Puts contacts on a list")
            .description("Each once. If one of them is not known, none is added.")
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
        Operation::of::<RemoveContact>(
            "DELETE /v1/lists/{id}/contacts/{contact_id}",
            "removeContactFromList",
            "Takes a contact off a list",
        )
        .description("The contact itself stays.")
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
