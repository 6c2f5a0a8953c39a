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
        "Write a follow-up for a lead on every channel",
    )
    .description(
        "The site's sales agent writes within the request. Then its copywriter refines the text from a queue. The request \
         waits up to 8 seconds for the copywriter: `Prefer: wait=N` changes that (at most 20), `Prefer: respond-async` \
         does not wait. If the copywriter is not ready, `refinement.url` says where to look. With \
         `followUpInterval` it begins a sequence: each later step is written and proposed to a reviewer when it is due, \
         until the lead replies or opts out. You can spell every field `siteId` or `site_id`.",
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
