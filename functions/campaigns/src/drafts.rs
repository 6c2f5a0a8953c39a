//! `GET /v1/campaigns/{id}/drafts`: the drafts of a campaign, for review.

use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Page, PageMeta, Pages, Path, Query};
use shared::base::channel::{Channel, Recommended};
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::base::store::StoreError;
use shared::base::time::Timestamp;
use shared::workflow::campaigns::{Campaigns, Contact, State};
use shared::workflow::recommendations::{RecommendationId, Recommendations, Status};
use shared::workspace::auth::Permission;
use uuid::Uuid;

use crate::{CampaignPath, found};

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct ListDrafts {
    campaigns: Campaigns,
    recommendations: Recommendations,
}

/// Which contacts of a campaign.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct DraftsQuery {
    /// Only those in this state.
    pub state: Option<State>,
    /// Which page.
    #[serde(flatten)]
    pub pages: Pages,
}

/// A contact of a campaign, with its draft or the reason why there is none.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CampaignDraft {
    /// The contact.
    pub contact_id: Uuid,
    /// What came of it.
    pub state: State,
    /// The reason, as a code; null if the state says it all.
    pub code: Option<String>,
    /// The recommendation that the draft is.
    pub recommendation_id: Option<Uuid>,
    /// The recommendation's status.
    pub status: Option<Status>,
    /// The channel.
    #[schemars(with = "Option<Recommended>")]
    pub channel: Option<Channel>,
    /// The subject line or headline.
    pub draft_title: Option<String>,
    /// The text.
    pub draft_message: Option<String>,
    /// Whether the reviewer changed the text.
    pub edited: Option<bool>,
    /// When it was written.
    pub created_at: Timestamp,
}

impl ListDrafts {
    /// A contact, with where its draft stands now.
    async fn draft(&self, workspace_id: Uuid, contact: &Contact) -> Result<CampaignDraft, StoreError> {
        let recommendation = match contact.recommendation_id {
            Some(recommendation_id) => {
                self.recommendations.get(RecommendationId { workspace_id, recommendation_id }).await?
            }
            None => None,
        };
        let status = recommendation.as_ref().map(|recommendation| recommendation.status);
        let (approval, proposed) =
            recommendation.map_or((None, None), |recommendation| (recommendation.approval, recommendation.draft));
        let edited = approval.as_ref().map(|approval| approval.edited);
        // What a person approved is what counts.
        let written = approval.map(|approval| approval.draft).or(proposed);
        Ok(CampaignDraft {
            contact_id: contact.lead_id,
            state: contact.state,
            code: contact.code.clone(),
            recommendation_id: contact.recommendation_id,
            status,
            channel: written.as_ref().map(|written| written.channel),
            draft_title: written.as_ref().and_then(|written| written.title.clone()),
            draft_message: written.map(|written| written.message),
            edited,
            created_at: contact.at.into(),
        })
    }
}

impl Endpoint for ListDrafts {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = (Path<CampaignPath>, Query<DraftsQuery>);
    type Answer = Page<Vec<CampaignDraft>>;

    async fn handle(&self, call: &Call, request: Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let (Path(path), Query(DraftsQuery { state, pages })) = request;
        let campaign = found(&self.campaigns, call, path.id).await?;
        let mut contacts = self.campaigns.contacts(call.workspace_id, campaign.brief.campaign_id).await?;
        contacts.retain(|contact| state.is_none_or(|state| contact.state == state));
        let on_page = contacts.iter().skip(pages.skip()).take(pages.size());
        let data = try_join_all(on_page.map(|contact| self.draft(call.workspace_id, contact))).await?;
        call.page(Page { data, meta: PageMeta::new(pages, contacts.len()) })
    }
}
