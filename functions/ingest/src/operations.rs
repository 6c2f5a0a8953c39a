//! The description of the endpoints.

use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};

use crate::{PostActivity, PostContact, PostContacts, PostMessages, PostTemplateSends, PutExtraction};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::of::<PostContact>("POST /v1/contacts", "recordContact", "Records a contact")
            .description(
                "Creates it, or updates the one that has the same `external_ref`, `email` or `phone`; one of the \
                 three has to be there. A field that is left out stays as it is.",
            )
            .idempotent()
            .refuses(&[Code::IdentityTaken, Code::NotFound]),
        Operation::of::<PostContacts>("POST /v1/contacts/bulk", "recordContacts", "Records contacts")
            .description("Up to 500, in at most 5 MB, each with a result of its own: one that is wrong stops no other.")
            .idempotent()
            .refuses(&[Code::NotFound]),
        Operation::of::<PostActivity>("POST /v1/activities", "recordActivity", "Records an activity")
            .description("An e-mail, call, meeting, note or other. The same `activity_id` again changes nothing.")
            .idempotent()
            .refuses_with(Problem::lead_not_found("contact_id")),
        Operation::of::<PostMessages>("POST /users/{user_id}/messages", "recordMessages", "Records messages")
            .description(
                "One, or up to 100 under `messages`, in at most 5 MB. They may come late, in any order, and more than \
                 once.",
            ),
        Operation::of::<PostTemplateSends>(
            "POST /users/{user_id}/template-sends",
            "recordTemplateSend",
            "Records a template message that was sent",
        ),
        Operation::of::<PutExtraction>(
            "PUT /users/{user_id}/leads/{customer_phone}/extraction",
            "recordExtraction",
            "Records a lead's scores and identity",
        )
        .description("From whoever scores elsewhere. Only a lead that exists can be scored.")
        .refuses_with(Problem::new(Code::LeadNotFound, "Lead not found")),
    ]
}
