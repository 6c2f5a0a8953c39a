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
