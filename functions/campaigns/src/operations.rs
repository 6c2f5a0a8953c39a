//! The description of the endpoints.

use serde_json::json;
use shared::api::openapi::Operation;
use shared::base::problem::Code;

use crate::{GetCampaign, ListCampaigns, ListDrafts};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let campaign = json!({
        "campaign_id": "5eed0000-0000-4000-8000-000000000601",
        "name": "Legal automation",
        "status": "ready",
        "list": {"list_id": "5eed0000-0000-4000-8000-000000000501", "name": "Q1 Leads"},
        "about": "legal automation",
        "example": {"title": "Legal automation for your team", "message": "Hi Jane, …"},
        "counts": {
            "contacts": 12, "drafted": 11, "blocked": 0, "skipped": 1,
            "skipped_because": {"unreachable": 1, "suppressed": 0, "not_written": 0},
        },
        "task_id": "5eed0000-0000-4000-8000-000000000701",
        "created_at": "2026-11-20T09:30:00.000Z",
        "finished_at": "2026-11-20T09:30:12.000Z",
    });
    vec![
        Operation::of::<ListCampaigns>("GET /v1/campaigns", "listCampaigns", "Lists campaigns")
            .description("Newest first. A campaign starts when a person approves Lexi's task of type `campaign_start`.")
            .answers_page("One campaign", json!([campaign]), json!({"page": 1, "per_page": 20, "total": 1}))
            .followed_by(&["getCampaign", "listCampaignDrafts"], "id", "/0/campaign_id"),
        Operation::of::<GetCampaign>("GET /v1/campaigns/{id}", "getCampaign", "Shows a campaign")
            .answers("All drafts are written", campaign)
            .refuses(&[Code::NotFound]),
        Operation::of::<ListDrafts>(
            "GET /v1/campaigns/{id}/drafts",
            "listCampaignDrafts",
            "Lists a campaign's contacts with their drafts",
        )
        .description("A draft is decided on like any recommendation, by its `recommendation_id`.")
        .answers_page(
            "A draft that waits for review",
            json!([{
                "contact_id": "123e4567-e89b-12d3-a456-426614174000",
                "state": "drafted",
                "code": null,
                "recommendation_id": "5eed0000-0000-4000-8000-000000000801",
                "status": "pending_review",
                "channel": "email",
                "draft_title": "Legal automation for your team",
                "draft_message": "Hi Jane, …",
                "edited": null,
                "created_at": "2026-11-20T09:30:05.000Z",
            }]),
            json!({"page": 1, "per_page": 20, "total": 1}),
        )
        .refuses(&[Code::NotFound]),
    ]
}
