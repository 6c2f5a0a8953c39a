//! The description of the endpoints.

use shared::api::openapi::Operation;
use shared::base::problem::Code;

use crate::{GetCampaign, ListCampaigns, ListDrafts};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::of::<ListCampaigns>("GET /v1/campaigns", "listCampaigns", "List campaigns")
            .description("Newest first. A campaign starts when a person approves Lexi's task of type `campaign_start`.")
            .followed_by(&["getCampaign", "listCampaignDrafts"], "id", "/0/campaign_id"),
        Operation::of::<GetCampaign>("GET /v1/campaigns/{id}", "getCampaign", "Get a campaign")
            .refuses(&[Code::NotFound]),
        Operation::of::<ListDrafts>(
            "GET /v1/campaigns/{id}/drafts",
            "listCampaignDrafts",
            "List a campaign's contacts and drafts",
        )
        .description("Decide on a draft by its `recommendation_id`, like on any recommendation.")
        .refuses(&[Code::NotFound]),
    ]
}
