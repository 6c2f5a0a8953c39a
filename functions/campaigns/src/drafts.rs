//! `GET /v1/campaigns/{id}/drafts`: from a campaign to what is to be reviewed.

use futures_util::future::try_join_all;
use serde_json::{Value, json};
use shared::api::http::{Call, Dialect, Input, RawEndpoint, RawPage, RawQuery, Reply};
use shared::base::context::FromContext;
use shared::base::names::names;
use shared::base::problem::Problem;
use shared::base::store::StoreError;
use shared::base::time::timestamp;
use shared::workflow::campaigns::{Campaigns, Contact, State};
use shared::workflow::recommendations::{RecommendationId, Recommendations};
use shared::workspace::auth::Permission;
use uuid::Uuid;

use crate::found;

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct ListDrafts {
    campaigns: Campaigns,
    recommendations: Recommendations,
}

impl ListDrafts {
    /// A contact, with where its draft stands now.
    async fn shown(&self, workspace_id: Uuid, contact: &Contact) -> Result<Value, StoreError> {
        let draft = match contact.recommendation_id {
            Some(recommendation_id) => {
                self.recommendations.get(RecommendationId { workspace_id, recommendation_id }).await?
            }
            None => None,
        };
        let draft = draft.as_ref();
        // What a person approved is what counts.
        let approval = draft.and_then(|draft| draft.approval.as_ref());
        let written = approval.map(|approval| &approval.draft).or(draft.and_then(|draft| draft.draft.as_ref()));
        Ok(json!({
            "contact_id": contact.lead_id,
            "state": contact.state,
            "code": contact.code,
            "recommendation_id": contact.recommendation_id,
            "status": draft.map(|draft| draft.status),
            "channel": written.map(|written| written.channel),
            "draft_title": written.and_then(|written| written.title.as_ref()),
            "draft_message": written.map(|written| &written.message),
            "edited": approval.map(|approval| approval.edited),
            "created_at": timestamp(contact.at),
        }))
    }
}

impl RawEndpoint for ListDrafts {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    /// Which campaign's, only those in this state, and which page.
    type Request = (Uuid, Option<State>, RawPage);

    fn parse(&self, input: &Input) -> Result<Self::Request, Problem> {
        let campaign_id = input.uuid_in_path("id")?;
        let mut query = RawQuery::of(&input.query);
        let state = query.parsed("state", format!("must be one of {}", names::<State>()), |name| name.parse().ok());
        let page = RawPage::of(&mut query);
        query.finish().map(|()| (campaign_id, state, page))
    }

    async fn handle(&self, call: &Call, (campaign_id, state, page): Self::Request) -> Result<Reply, Problem> {
        let campaign = found(&self.campaigns, call, campaign_id).await?;
        let mut contacts = self.campaigns.contacts(call.workspace_id, campaign.brief.campaign_id).await?;
        contacts.retain(|contact| state.is_none_or(|state| contact.state == state));
        let on_page = contacts.iter().skip(page.skip()).take(page.size);
        let shown = try_join_all(on_page.map(|contact| self.shown(call.workspace_id, contact))).await?;
        Ok(call.raw_page(json!(shown), page.meta(contacts.len())))
    }
}
