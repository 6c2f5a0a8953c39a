//! The description of the endpoint.

use serde_json::json;
use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};

use crate::LeadFollowUp;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let operation = Operation::of::<LeadFollowUp>(
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
