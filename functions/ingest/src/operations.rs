//! The description of the endpoints.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde_json::json;
use shared::api::openapi::Operation;
use shared::base::channel::Platform;
use shared::base::problem::{Code, Problem};
use shared::crm::conversations::row::Sender;
use shared::crm::conversations::{LeadStatus, MessageStatus};
use shared::crm::leads::Contact;
use uuid::Uuid;

use crate::{PostActivity, PostContact, PostContacts, PostMessages, PostTemplateSends, PutExtraction};

const USER: &str = "789895c8-4bd6-43e9-bfea-a4171ec47197";
const LEAD: &str = "918979556941";

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
        Operation::raw::<PostContact, ContactRecorded>("POST /v1/contacts", "recordContact", "Records a contact")
            .description(
                "Creates it, or updates the one that has the same `external_ref`, `email` or `phone`; one of the \
                 three has to be there. A field that is left out stays as it is.",
            )
            .takes::<ContactGiven>()
            .for_example("A contact", given.clone())
            .answers("It was not known", recorded)
            .idempotent()
            .refuses(&[Code::IdentityTaken, Code::NotFound]),
        Operation::raw::<PostContacts, ContactResults>("POST /v1/contacts/bulk", "recordContacts", "Records contacts")
            .description("Up to 500, in at most 5 MB, each with a result of its own: one that is wrong stops no other.")
            .takes::<ContactsGiven>()
            .for_example("Two contacts", json!({"contacts": [given, {"email": "nobody"}]}))
            .answers("The second is wrong", json!({"results": [row, wrong]}))
            .idempotent()
            .refuses(&[Code::NotFound]),
        Operation::raw::<PostActivity, ActivityRecorded>(
            "POST /v1/activities",
            "recordActivity",
            "Records an activity",
        )
        .description("An e-mail, call, meeting, note or other. The same `activity_id` again changes nothing.")
        .takes::<ActivityGiven>()
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
        Operation::raw::<PostMessages, MessageResults>("POST /users/{user_id}/messages", "recordMessages", "Records messages")
            .description(
                "One, or up to 100 under `messages`, in at most 5 MB. They may come late, in any order, and more than \
                 once.",
            )
            .identifier("user_id", "Whose lead.", USER)
            .takes::<MessagesGiven>()
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
        Operation::raw::<PostTemplateSends, TemplateSendRecorded>(
            "POST /users/{user_id}/template-sends",
            "recordTemplateSend",
            "Records a template message that was sent",
        )
        .identifier("user_id", "Whose lead.", USER)
        .takes::<TemplateSendGiven>()
        .for_example(
            "On WhatsApp",
            json!({"template_send_id": "send-1", "customer_phone": LEAD, "sent_at": "2026-11-20T09:30:00Z"}),
        )
        .answers("It is new", json!({"template_send_id": "send-1", "duplicate": false})),
        Operation::raw::<PutExtraction, ExtractionRecorded>(
            "PUT /users/{user_id}/leads/{customer_phone}/extraction",
            "recordExtraction",
            "Records a lead's scores and identity",
        )
        .description("From whoever scores elsewhere. Only a lead that exists can be scored.")
        .identifier("user_id", "Whose lead.", USER)
        .identifier("customer_phone", "The lead's identifier on its platform.", LEAD)
        .takes::<ExtractionGiven>()
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

/// A contact that is to be recorded.
#[derive(JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend("anyOf" = [{"required": ["external_ref"]}, {"required": ["email"]}, {"required": ["phone"]}])
)]
pub struct ContactGiven {
    /// The reference that you know it by.
    #[schemars(length(max = 128))]
    pub external_ref: Option<String>,
    /// Name.
    #[schemars(length(max = 200))]
    pub full_name: Option<String>,
    /// E-mail address.
    #[schemars(length(max = 500))]
    pub email: Option<String>,
    /// Phone number with its country code.
    #[schemars(length(max = 500))]
    pub phone: Option<String>,
    /// Profile on LinkedIn.
    #[schemars(length(max = 500))]
    pub linkedin: Option<String>,
    /// Job title.
    #[schemars(length(max = 200))]
    pub job_title: Option<String>,
    /// Company.
    #[schemars(length(max = 255))]
    pub company_name: Option<String>,
    /// Stage in the sales pipeline.
    #[schemars(length(max = 100))]
    pub stage: Option<String>,
}

/// Contacts that are to be recorded.
#[derive(JsonSchema)]
pub struct ContactsGiven {
    /// Each is read as a single contact would be, and gets a result of its own.
    #[schemars(length(min = 1, max = 500), with = "Vec<serde_json::Value>")]
    pub contacts: Vec<ContactGiven>,
}

/// A contact as it stands now.
#[derive(JsonSchema)]
pub struct ContactRecorded {
    /// What was done.
    pub status: RecordedAs,
    /// The contact.
    #[schemars(flatten)]
    pub contact: Contact,
}

/// What was done with a contact.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum RecordedAs {
    /// It was not known.
    Created,
    /// Something of it was new.
    Updated,
    /// Nothing of it was new.
    Unchanged,
}

/// What became of contacts, in their order.
#[derive(JsonSchema)]
pub struct ContactResults {
    /// A result for each.
    pub results: Vec<ContactResult>,
}

/// What became of a contact.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum ContactResult {
    /// It was recorded.
    Recorded {
        /// Its place in the request, from 0.
        index: u32,
        /// The contact.
        #[schemars(flatten)]
        contact: ContactRecorded,
    },
    /// It was not recorded.
    Wrong {
        /// Its place in the request, from 0.
        index: u32,
        /// Always `error`.
        #[schemars(extend("const" = "error"))]
        status: String,
        /// What is wrong.
        error: ContactError,
    },
}

/// What is wrong with a contact.
#[derive(JsonSchema)]
pub struct ContactError {
    /// Always `validation_error`.
    #[schemars(extend("const" = "validation_error"))]
    pub code: String,
    /// Each wrong field with what it has to be.
    pub fields: BTreeMap<String, String>,
}

/// An activity that is to be recorded.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ActivityGiven {
    /// The contact.
    pub contact_id: Uuid,
    /// Your identifier for it.
    pub activity_id: Option<Uuid>,
    /// What it is, such as `email`, `call`, `meeting` or `note`.
    #[schemars(rename = "type", regex(pattern = "^[a-z0-9_]{1,40}$"))]
    pub kind: String,
    /// When, from five years ago until tomorrow; by default now.
    pub occurred_at: Option<DateTime<Utc>>,
    /// Who began it.
    pub direction: Option<Direction>,
    /// What came of it, such as `replied`.
    #[schemars(length(max = 100))]
    pub outcome: Option<String>,
    /// Subject or title.
    #[schemars(length(max = 500))]
    pub title: Option<String>,
    /// Text or notes.
    #[schemars(length(max = 8_192))]
    pub body: Option<String>,
}

/// Who began an activity.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Direction {
    /// The contact.
    Inbound,
    /// The workspace.
    Outbound,
}

/// An activity that was recorded.
#[derive(JsonSchema)]
pub struct ActivityRecorded {
    /// Its identifier.
    pub activity_id: Uuid,
    /// The contact.
    pub contact_id: Uuid,
    /// What it is.
    #[schemars(rename = "type")]
    pub kind: String,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// Whether it was known already.
    pub duplicate: bool,
}

/// One message, or several.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum MessagesGiven {
    /// Several.
    Batch {
        /// The messages.
        #[schemars(length(min = 1, max = 100))]
        messages: Vec<MessageGiven>,
    },
    /// One.
    One(MessageGiven),
}

/// A message that is to be recorded.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MessageGiven {
    /// The platform's identifier.
    #[schemars(length(max = 512), regex(pattern = r"\S"))]
    pub message_id: String,
    /// The lead's identifier on its platform.
    #[schemars(regex(pattern = "^[!-\"$-~]{1,128}$"))]
    pub customer_phone: String,
    /// Where it was written.
    pub platform: Platform,
    /// Who sent it.
    pub sender: Sender,
    /// What it says.
    #[schemars(length(max = 16_384), regex(pattern = r"\S"))]
    pub text: String,
    /// When it was sent.
    pub timestamp: DateTime<Utc>,
    /// Whether it was sent; by default it was.
    pub status: Option<MessageStatus>,
    /// The conversation; by default one for the lead.
    #[schemars(length(max = 128))]
    pub conversation_id: Option<String>,
    /// The agent that handles the conversation.
    #[schemars(length(max = 128))]
    pub agent_id: Option<String>,
    /// The agent's name.
    #[schemars(length(max = 200))]
    pub agent_name: Option<String>,
    /// The phone number or account that it came through.
    #[schemars(length(max = 128))]
    pub phone_number_id: Option<String>,
}

/// What became of messages, in their order.
#[derive(JsonSchema)]
pub struct MessageResults {
    /// A result for each.
    pub messages: Vec<MessageRecorded>,
}

/// A message that was recorded.
#[derive(JsonSchema)]
pub struct MessageRecorded {
    /// Its identifier.
    pub message_id: String,
    /// The conversation.
    pub conversation_id: String,
    /// Whether it was known already.
    pub duplicate: bool,
}

/// A template message that was sent.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TemplateSendGiven {
    /// The sender's identifier for it.
    #[schemars(length(max = 512), regex(pattern = r"\S"))]
    pub template_send_id: String,
    /// The lead's identifier on its platform.
    #[schemars(regex(pattern = "^[!-\"$-~]{1,128}$"))]
    pub customer_phone: String,
    /// Where it was sent.
    #[schemars(extend("default" = "whatsapp"))]
    pub platform: Option<Platform>,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
}

/// A template message that was recorded.
#[derive(JsonSchema)]
pub struct TemplateSendRecorded {
    /// Its identifier.
    pub template_send_id: String,
    /// Whether it was known already.
    pub duplicate: bool,
}

/// A lead's scores and identity.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ExtractionGiven {
    /// How strong the intent to buy is.
    #[schemars(range(min = 1, max = 3))]
    pub intent_score: u32,
    /// How urgent the need is.
    #[schemars(range(min = 1, max = 3))]
    pub urgency_score: u32,
    /// Whether the budget fits.
    #[schemars(range(min = 1, max = 3))]
    pub budget_score: u32,
    /// How well the lead fits.
    #[schemars(range(min = 1, max = 3))]
    pub fit_score: u32,
    /// How engaged the lead is.
    #[schemars(range(min = 1, max = 3))]
    pub engagement_score: u32,
    /// Name.
    #[schemars(length(max = 100))]
    pub name: Option<String>,
    /// E-mail address.
    #[schemars(length(max = 500))]
    pub email: Option<String>,
    /// Company.
    #[schemars(length(max = 255))]
    pub company: Option<String>,
}

/// Scores that were recorded.
#[derive(JsonSchema)]
pub struct ExtractionRecorded {
    /// Their identifier.
    pub extraction_id: Uuid,
    /// Their sum.
    #[schemars(range(min = 5, max = 15))]
    pub total_score: u8,
    /// The lead's class.
    pub lead_status: LeadStatus,
}
