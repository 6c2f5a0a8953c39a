//! The description of the endpoints.

use serde_json::json;
use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};
use shared::crm::leads::Contact;

use crate::{LEAD, PostActivity, PostContact, PostContacts, PostMessages, PostTemplateSends, PutExtraction};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let mut operations = contacts();
    operations.extend(chats());
    operations
}

fn contacts() -> Vec<Operation> {
    let given = json!({
        "external_ref": "LD-1001",
        "full_name": "Jane Smith",
        "email": "jane@acme.example",
        "phone": "+12025550142",
        "job_title": "Marketing Director",
        "company_name": "Acme Inc.",
        "stage": "qualified",
    });
    let mut recorded = Contact::example();
    recorded["status"] = json!("created");
    let mut row = recorded.clone();
    row["index"] = json!(0);
    let wrong = json!({
        "status": "error",
        "error": {"code": "validation_error", "fields": {"email": "must be an e-mail address"}},
        "index": 1,
    });
    vec![
        Operation::of::<PostContact>("POST /v1/contacts", "recordContact", "Records a contact")
            .description(
                "Creates it, or updates the one that has the same `external_ref`, `email` or `phone`; one of the \
                 three has to be there. A field that is left out stays as it is.",
            )
            .for_example("A contact", given.clone())
            .answers("It was not known", recorded)
            .idempotent()
            .refuses(&[Code::IdentityTaken, Code::NotFound]),
        Operation::of::<PostContacts>("POST /v1/contacts/bulk", "recordContacts", "Records contacts")
            .description("Up to 500, in at most 5 MB, each with a result of its own: one that is wrong stops no other.")
            .for_example("Two contacts", json!({"contacts": [given, {"email": "nobody"}]}))
            .answers("The second is wrong", json!({"results": [row, wrong]}))
            .idempotent()
            .refuses(&[Code::NotFound]),
        Operation::of::<PostActivity>("POST /v1/activities", "recordActivity", "Records an activity")
            .description("An e-mail, call, meeting, note or other. The same `activity_id` again changes nothing.")
            .for_example(
                "A call",
                json!({
                    "contact_id": "123e4567-e89b-12d3-a456-426614174000",
                    "type": "call",
                    "occurred_at": "2026-11-20T09:30:00Z",
                    "direction": "outbound",
                    "outcome": "replied",
                    "title": "Discovery call",
                    "body": "Jane asked for pricing.",
                }),
            )
            .answers(
                "It is new",
                json!({
                    "activity_id": "0198b0f6-3c5e-4b1a-9a57-6f2f3c1de0a1",
                    "contact_id": "123e4567-e89b-12d3-a456-426614174000",
                    "type": "call",
                    "occurred_at": "2026-11-20T09:30:00.000Z",
                    "duplicate": false,
                }),
            )
            .idempotent()
            .refuses_with(Problem::lead_not_found("contact_id")),
    ]
}

fn chats() -> Vec<Operation> {
    let message = json!({
        "message_id": "wamid.HBgMOTE4OTc5NTU2OTQx",
        "customer_phone": LEAD,
        "platform": "whatsapp",
        "sender": "user",
        "text": "Do you have a demo this week?",
        "timestamp": "2026-11-20T09:30:00Z",
    });
    vec![
        Operation::of::<PostMessages>("POST /users/{user_id}/messages", "recordMessages", "Records messages")
            .description(
                "One, or up to 100 under `messages`, in at most 5 MB. They may come late, in any order, and more than \
                 once.",
            )
            .for_example("One message", message.clone())
            .for_example("A batch", json!({"messages": [message]}))
            .answers(
                "It is new",
                json!({"messages": [{
                    "message_id": "wamid.HBgMOTE4OTc5NTU2OTQx",
                    "conversation_id": "conv-918979556941",
                    "duplicate": false,
                }]}),
            ),
        Operation::of::<PostTemplateSends>(
            "POST /users/{user_id}/template-sends",
            "recordTemplateSend",
            "Records a template message that was sent",
        )
        .for_example(
            "On WhatsApp",
            json!({"template_send_id": "send-1", "customer_phone": LEAD, "sent_at": "2026-11-20T09:30:00Z"}),
        )
        .answers("It is new", json!({"template_send_id": "send-1", "duplicate": false})),
        Operation::of::<PutExtraction>(
            "PUT /users/{user_id}/leads/{customer_phone}/extraction",
            "recordExtraction",
            "Records a lead's scores and identity",
        )
        .description("From whoever scores elsewhere. Only a lead that exists can be scored.")
        .for_example(
            "A warm lead",
            json!({"intent_score": 2, "urgency_score": 2, "budget_score": 1, "fit_score": 2, "engagement_score": 1, "name": "Siddhant"}),
        )
        .answers(
            "It is scored",
            json!({"extraction_id": "5eed0000-0000-4000-8000-000000000301", "total_score": 8, "lead_status": "Warm"}),
        )
        .refuses_with(Problem::new(Code::LeadNotFound, "Lead not found")),
    ]
}
