//! The description of the endpoints.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde_json::json;
use shared::api::openapi::{Operation, PageMeta, Pages};
use shared::base::channel::Recommended;
use shared::base::problem::Code;
use shared::workflow::campaigns::State;
use shared::workflow::recommendations::Status;
use shared::workflow::tasks::Example;
use uuid::Uuid;

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
        Operation::raw::<ListCampaigns, Vec<Campaign>>("GET /v1/campaigns", "listCampaigns", "Lists campaigns")
            .description("Newest first. A campaign starts when a person approves Lexi's task of type `campaign_start`.")
            .query::<Pages>()
            .meta::<PageMeta>()
            .answers_page("One campaign", json!([campaign]), json!({"page": 1, "per_page": 20, "total": 1}))
            .followed_by(&["getCampaign", "listCampaignDrafts"], "id", "/0/campaign_id"),
        Operation::raw::<GetCampaign, Campaign>("GET /v1/campaigns/{id}", "getCampaign", "Shows a campaign")
            .uuid("id", "The campaign.")
            .answers("All drafts are written", campaign)
            .refuses(&[Code::NotFound]),
        Operation::raw::<ListDrafts, Vec<CampaignDraft>>(
            "GET /v1/campaigns/{id}/drafts",
            "listCampaignDrafts",
            "Lists a campaign's contacts with their drafts",
        )
        .description("A draft is decided on like any recommendation, by its `recommendation_id`.")
        .uuid("id", "The campaign.")
        .query::<DraftsQuery>()
        .meta::<PageMeta>()
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

/// Which contacts of a campaign.
#[derive(JsonSchema)]
pub struct DraftsQuery {
    /// Only those in this state.
    pub state: Option<State>,
    /// Which page.
    #[schemars(flatten)]
    pub pages: Pages,
}

/// A campaign that was started.
#[derive(JsonSchema)]
pub struct Campaign {
    /// Its identifier.
    pub campaign_id: Uuid,
    /// Its name.
    pub name: String,
    /// Whether its drafts are being written.
    pub status: CampaignStatus,
    /// Whom it is for.
    pub list: CampaignList,
    /// What it is about.
    pub about: String,
    /// A message that the drafts are like, if one was written with Lexi.
    pub example: Option<Example>,
    /// How many contacts came to what.
    pub counts: CampaignCounts,
    /// The task that started it.
    pub task_id: Uuid,
    /// When it was started.
    pub created_at: DateTime<Utc>,
    /// When every contact had been gone through.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Whether a campaign's drafts are being written.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum CampaignStatus {
    /// They are.
    Drafting,
    /// Every contact was gone through.
    Ready,
    /// Its task failed.
    Failed,
}

/// A list by its name.
#[derive(JsonSchema)]
pub struct CampaignList {
    /// Its identifier.
    pub list_id: Uuid,
    /// Its name when the campaign was proposed.
    pub name: String,
}

/// How many contacts came to what.
#[derive(JsonSchema)]
pub struct CampaignCounts {
    /// All that were gone through.
    pub contacts: u32,
    /// With a draft to review.
    pub drafted: u32,
    /// With a draft that holds somebody's personal data.
    pub blocked: u32,
    /// Without a draft.
    pub skipped: u32,
    /// Why they have none.
    pub skipped_because: Skipped,
}

/// Why contacts have no draft.
#[derive(JsonSchema)]
pub struct Skipped {
    /// Nothing reaches them.
    pub unreachable: u32,
    /// They do not want to be contacted.
    pub suppressed: u32,
    /// The AI model wrote nothing that can be used.
    pub not_written: u32,
}

/// A contact of a campaign, with what is to be sent, or why nothing is.
#[derive(JsonSchema)]
pub struct CampaignDraft {
    /// The contact.
    pub contact_id: Uuid,
    /// What came of it.
    pub state: State,
    /// Why, where that needs a word.
    pub code: Option<String>,
    /// The recommendation that the draft is.
    pub recommendation_id: Option<Uuid>,
    /// Where that stands.
    pub status: Option<Status>,
    /// The channel.
    pub channel: Option<Recommended>,
    /// The subject line or headline.
    pub draft_title: Option<String>,
    /// The text.
    pub draft_message: Option<String>,
    /// Whether the person who approved it changed it.
    pub edited: Option<bool>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}
