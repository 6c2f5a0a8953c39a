//! The description of the endpoints.

use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};

use crate::{PostActivity, PostContact, PostContacts, PostMessages, PostTemplateSends, PutExtraction};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::of::<PostContact>("POST /v1/contacts", "recordContact", "Create or update a contact")
            .description(
                "Updates the contact with the same `external_ref`, `email` or `phone`, or creates one. Give at least one of \
                 the three. Fields that you leave out stay as they are.",
            )
            .idempotent()
            .refuses(&[Code::IdentityTaken, Code::NotFound]),
        Operation::of::<PostContacts>("POST /v1/contacts/bulk", "recordContacts", "Create or update up to 500 contacts")
            .description("At most 5 MB. Each contact has its own result; a wrong one does not stop the others.")
            .idempotent()
            .refuses(&[Code::NotFound]),
        Operation::of::<PostActivity>("POST /v1/activities", "recordActivity", "Record an activity")
            .description("An activity is an e-mail, call, meeting, note or other event. The same `activity_id` again changes nothing.")
            .idempotent()
            .refuses_with(Problem::lead_not_found("contact_id")),
        Operation::of::<PostMessages>("POST /users/{user_id}/messages", "recordMessages", "Record messages")
            .description(
                "Send one message, or up to 100 under `messages`, in at most 5 MB. Messages may arrive late, in any order \
                 and more than once.",
            ),
        Operation::of::<PostTemplateSends>(
            "POST /users/{user_id}/template-sends",
            "recordTemplateSend",
            "Record a template message that was sent",
        ),
        Operation::of::<PutExtraction>(
            "PUT /users/{user_id}/leads/{customer_phone}/extraction",
            "recordExtraction",
            "Record a lead's scores and identity",
        )
        .description("For scores from another system. The lead must exist.")
        .refuses_with(Problem::new(Code::LeadNotFound, "Lead not found")),
    ]
}
