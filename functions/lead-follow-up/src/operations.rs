//! The description of the endpoint.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::{Map, Value, json};
use shared::api::openapi::Operation;
use shared::base::channel::FollowedUp;
use shared::base::problem::{Code, Problem};
use shared::outreach::writing::Messages;
use uuid::Uuid;

use crate::LeadFollowUp;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let operation = Operation::raw::<LeadFollowUp, FollowUp>(
        "POST /api/agents/sales/leadFollowUp",
        "leadFollowUp",
        "Writes a follow-up for a lead, on every channel that reaches it",
    )
    .description(
        "In two phases: the site's sales agent writes within the request, its copywriter refines that behind a queue. \
         The request waits a while for the copywriter (`Prefer: wait=N`, at most 20 seconds, by default 8; \
         `Prefer: respond-async` does not wait); what is not done by then is at `refinement.url`. Every field may be \
         spelled `siteId` or `site_id`.",
    )
    .header(
        "Prefer",
        "How long to wait for the copywriter (RFC 7240): `wait=N` or `respond-async`.",
        json!({"type": "string", "examples": ["wait=5"]}),
    )
    .takes::<FollowUpRequest>()
    .for_example(
        "A qualified lead",
        json!({
            "siteId": "5eed0000-0000-4000-8000-000000000401",
            "leadId": "123e4567-e89b-12d3-a456-426614174000",
            "followUpType": "email",
            "leadStage": "qualified",
            "previousInteractions": [
                {"date": "2026-11-13", "type": "email", "summary": "Initial contact with product information"},
                {"date": "2026-11-18", "type": "call", "summary": "Discussed specific product features and pricing"},
            ],
            "leadData": {
                "name": "Jane Smith",
                "company": "Acme Inc.",
                "email": "jane@acme.com",
                "phone": "+12025550142",
                "position": "Marketing Director",
                "pain_points": ["time-consuming content creation", "measuring ROI"],
                "budget_range": "$5000-$10000",
            },
            "productInterest": ["content automation", "analytics dashboard"],
            "followUpInterval": "3 days",
        }),
    )
    .answers(
        "The copywriter is still writing",
        json!({
            "messages": {
                "email": {
                    "title": "Following up on your content automation interest",
                    "message": "Hi Jane,\n\nI hope this email finds you well. …",
                    "strategy": "comprehensive sale strategy",
                },
                "notification": {
                    "title": "New content automation insights for Acme Inc",
                    "message": "We've prepared a personalized demo.",
                    "strategy": "comprehensive sale strategy",
                },
            },
            "not_written": [],
            "lead": {
                "name": "Jane Smith",
                "company": "Acme Inc.",
                "email": "jane@acme.com",
                "phone": "+12025550142",
                "position": "Marketing Director",
                "pain_points": ["time-consuming content creation", "measuring ROI"],
                "budget_range": "$5000-$10000",
                "lead_stage": "qualified",
                "sites": {"name": "Acme Website", "url": "https://acme.com"},
                "interaction_history": [],
                "preferences": {
                    "product_interest": ["content automation", "analytics dashboard"],
                    "follow_up_type": "email",
                    "follow_up_interval": "3 days",
                    "phone_number": null,
                },
            },
            "command_ids": {
                "sales": "5eed0000-0000-4000-8000-000000000901",
                "copywriter": "5eed0000-0000-4000-8000-000000000902",
            },
            "recommendation_ids": {"email": "5eed0000-0000-4000-8000-000000000802"},
            "refinement": {
                "status": "pending",
                "command_id": "5eed0000-0000-4000-8000-000000000902",
                "url": "/api/agents/commands/5eed0000-0000-4000-8000-000000000902",
            },
        }),
    )
    .answers_header("Preference-Applied")
    .followed_by(&["getCommand"], "id", "/command_ids/copywriter")
    .idempotent()
    .refuses_with(Problem { message: "siteId is required".to_owned(), ..Problem::field("siteId", "is required") })
    .refuses(&[Code::InvalidInput, Code::InvalidPhoneNumber, Code::NoChannelsConfigured])
    .refuses_with(
        Problem::new(
            Code::NoValidChannelsForLead,
            "none of the site's channels fits the lead's contact data; add an email address or a phone number",
        )
        .detail("configured_channels", json!(["email"]))
        .detail("lead_has_email", json!(false))
        .detail("lead_has_phone", json!(true)),
    )
    .refuses(&[
        Code::SiteNotFound,
        Code::LeadNotFound,
        Code::AgentNotFound,
        Code::InsufficientCredits,
        Code::AiUnavailable,
        Code::NoContentGenerated,
        Code::NoValidChannels,
    ]);
    vec![operation]
}

/// A lead to follow up. Each field has another spelling, in snake case, that counts as well; whoever sends both
/// has to say the same in both.
#[derive(JsonSchema)]
#[schemars(
    rename_all = "camelCase",
    deny_unknown_fields,
    extend("allOf" = [
        {"anyOf": [{"required": ["siteId"]}, {"required": ["site_id"]}]},
        {"anyOf": [{"required": ["leadId"]}, {"required": ["lead_id"]}]},
    ])
)]
pub struct FollowUpRequest {
    /// The site that the lead comes from; it has to be there.
    pub site_id: Option<Uuid>,
    /// As `siteId`.
    #[schemars(rename = "site_id")]
    pub site_id_again: Option<Uuid>,
    /// The lead; it has to be there.
    pub lead_id: Option<Uuid>,
    /// As `leadId`.
    #[schemars(rename = "lead_id")]
    pub lead_id_again: Option<Uuid>,
    /// The representative; by default the one whom the site's sales agent writes for.
    pub user_id: Option<Uuid>,
    /// As `userId`.
    #[schemars(rename = "user_id")]
    pub user_id_again: Option<Uuid>,
    /// The sales agent; by default the site's active one.
    pub agent_id: Option<Uuid>,
    /// As `agentId`.
    #[schemars(rename = "agent_id")]
    pub agent_id_again: Option<Uuid>,
    /// The visitor as whom the lead was seen on the site.
    pub visitor_id: Option<Uuid>,
    /// As `visitorId`.
    #[schemars(rename = "visitor_id")]
    pub visitor_id_again: Option<Uuid>,
    /// Such as `email`, `call` or `meeting`.
    #[schemars(length(max = 100))]
    pub follow_up_type: Option<String>,
    /// As `followUpType`.
    #[schemars(rename = "follow_up_type", length(max = 100))]
    pub follow_up_type_again: Option<String>,
    /// The stage in the pipeline, instead of what is stored.
    #[schemars(length(max = 100))]
    pub lead_stage: Option<String>,
    /// As `leadStage`.
    #[schemars(rename = "lead_stage", length(max = 100))]
    pub lead_stage_again: Option<String>,
    /// What happened before, instead of what is stored.
    #[schemars(length(max = 50))]
    pub previous_interactions: Option<Vec<Interaction>>,
    /// As `previousInteractions`.
    #[schemars(rename = "previous_interactions", length(max = 50))]
    pub previous_interactions_again: Option<Vec<Interaction>>,
    /// What is known of the lead, before what is stored; at most 16 KiB.
    pub lead_data: Option<LeadData>,
    /// As `leadData`.
    #[schemars(rename = "lead_data")]
    pub lead_data_again: Option<LeadData>,
    /// Products or services of interest.
    #[schemars(length(max = 50), inner(length(max = 500)))]
    pub product_interest: Option<Vec<String>>,
    /// As `productInterest`.
    #[schemars(rename = "product_interest", length(max = 50), inner(length(max = 500)))]
    pub product_interest_again: Option<Vec<String>>,
    /// Such as `3 days`.
    #[schemars(length(max = 100))]
    pub follow_up_interval: Option<String>,
    /// As `followUpInterval`.
    #[schemars(rename = "follow_up_interval", length(max = 100))]
    pub follow_up_interval_again: Option<String>,
    /// The number to write to on WhatsApp, instead of what is stored: at least 7 digits.
    #[schemars(length(max = 40), regex(pattern = "^(?:[^0-9]*[0-9]){7}"))]
    pub phone_number: Option<String>,
    /// As `phoneNumber`.
    #[schemars(rename = "phone_number", length(max = 40), regex(pattern = "^(?:[^0-9]*[0-9]){7}"))]
    pub phone_number_again: Option<String>,
}

/// Something that happened with the lead.
#[derive(JsonSchema)]
#[schemars(extend("anyOf" = [{"required": ["summary"]}, {"required": ["content"]}]))]
pub struct Interaction {
    /// When.
    #[schemars(length(max = 5_000))]
    pub date: String,
    /// What, such as `email` or `call`.
    #[schemars(rename = "type", length(max = 5_000))]
    pub kind: String,
    /// What it was about.
    pub summary: Option<Value>,
    /// What was said.
    pub content: Option<Value>,
}

/// What is known of a lead; other fields are taken as they are.
#[derive(JsonSchema)]
pub struct LeadData {
    /// Name.
    #[schemars(length(max = 200))]
    pub name: Option<String>,
    /// Company.
    #[schemars(length(max = 200))]
    pub company: Option<String>,
    /// Job title.
    #[schemars(length(max = 200))]
    pub position: Option<String>,
    /// E-mail address.
    #[schemars(length(max = 254))]
    pub email: Option<String>,
    /// Phone number: at least 7 digits.
    #[schemars(length(max = 40))]
    pub phone: Option<String>,
    /// What troubles the lead.
    #[schemars(length(max = 50), inner(length(max = 500)))]
    pub pain_points: Option<Vec<String>>,
    /// The budget.
    #[schemars(length(max = 200))]
    pub budget_range: Option<String>,
    /// The stage in the pipeline.
    #[schemars(length(max = 100))]
    pub lead_stage: Option<String>,
}

/// What was written.
#[derive(JsonSchema)]
pub struct FollowUp {
    /// A message for each medium: refined, if the copywriter is done.
    pub messages: Messages,
    /// The media that the AI model wrote nothing usable for.
    pub not_written: Vec<FollowedUp>,
    /// What is known of the lead.
    pub lead: FollowedLead,
    /// The commands.
    pub command_ids: CommandIds,
    /// The recommendation that each message became, for a person to decide on.
    pub recommendation_ids: BTreeMap<String, Uuid>,
    /// Where the copywriter stands; null without one.
    pub refinement: Option<Refinement>,
}

/// What is known of a lead.
#[derive(JsonSchema)]
pub struct FollowedLead {
    /// Name.
    pub name: Option<String>,
    /// Company.
    pub company: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// Job title.
    pub position: Option<String>,
    /// What troubles the lead.
    pub pain_points: Option<Vec<String>>,
    /// The budget.
    pub budget_range: Option<String>,
    /// The site.
    pub sites: FollowedSite,
    /// What happened with the lead: what the request says of it, as it says it, or what is stored, newest first.
    pub interaction_history: Vec<Map<String, Value>>,
    /// What the request says of the follow-up.
    pub preferences: Preferences,
    /// The stage and whatever else the request says of the lead.
    #[schemars(flatten)]
    pub others: BTreeMap<String, Value>,
}

/// A site.
#[derive(JsonSchema)]
pub struct FollowedSite {
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: String,
}

/// What a request says of a follow-up.
#[derive(JsonSchema)]
pub struct Preferences {
    /// Products or services of interest.
    pub product_interest: Vec<String>,
    /// Such as `email`.
    pub follow_up_type: Option<String>,
    /// Such as `3 days`.
    pub follow_up_interval: Option<String>,
    /// The number to write to on WhatsApp.
    pub phone_number: Option<String>,
}

/// The commands of a follow-up.
#[derive(JsonSchema)]
pub struct CommandIds {
    /// The sales agent's.
    pub sales: Uuid,
    /// The copywriter's; null if the site has no active copywriter.
    pub copywriter: Option<Uuid>,
}

/// Where the copywriter stands.
#[derive(JsonSchema)]
pub struct Refinement {
    /// Whether it is done.
    pub status: RefinementStatus,
    /// Its command.
    pub command_id: Uuid,
    /// Where to look for it.
    pub url: String,
}

/// Whether the copywriter is done.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum RefinementStatus {
    /// Not yet.
    Pending,
    /// It is.
    Completed,
    /// It failed; the sales agent's messages stand.
    Failed,
}
