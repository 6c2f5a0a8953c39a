//! Campaigns, as people look at them (contract, section 9). Starting one is a task that a person approves; its
//! drafts are decided on like any recommendation.
//!
//! | route | what it shows |
//! |---|---|
//! | `GET /v1/campaigns` | the workspace's campaigns, newest first |
//! | `GET /v1/campaigns/{id}` | one |
//! | `GET /v1/campaigns/{id}/drafts` | its contacts, each with what is to be sent, or why nothing is |

mod drafts;
pub mod operations;

use futures_util::future::try_join_all;
use serde_json::{Value, json};
use shared::api::http::{Call, Dialect, Gate, Input, RawEndpoint, RawPage, RawQuery, Reply, Routes};
use shared::base::context::{Context, FromContext};
use shared::base::environment::ConfigError;
use shared::base::problem::{Code, Problem};
use shared::base::store::StoreError;
use shared::base::time::timestamp;
use shared::workflow::campaigns::{Campaign, Campaigns, Counts};
use shared::workflow::tasks::{self, TaskId, Tasks};
use shared::workspace::auth::Permission;
use uuid::Uuid;

pub use drafts::ListDrafts;
pub use operations::operations;

/// The function's name in `template.yaml`.
pub const NAME: &str = "campaigns";

/// Builds the function from its configuration.
pub fn function(context: &Context) -> Result<shared::api::lambda::Function, ConfigError> {
    Ok(Routes::new(Gate::new(context)?)
        .with("GET", "/v1/campaigns", ListCampaigns::new(context)?)
        .with("GET", "/v1/campaigns/{id}", GetCampaign::new(context)?)
        .with("GET", "/v1/campaigns/{id}/drafts", ListDrafts::new(context)?)
        .into())
}

/// A campaign of the caller's workspace.
async fn found(campaigns: &Campaigns, call: &Call, campaign_id: Uuid) -> Result<Campaign, Problem> {
    let found = campaigns.get(call.workspace_id, campaign_id).await?;
    found.ok_or_else(|| Problem::new(Code::NotFound, "no campaign with this id in this workspace"))
}

/// Campaigns as they are shown.
#[derive(Clone, Debug, FromContext)]
struct Shown {
    campaigns: Campaigns,
    tasks: Tasks,
}

impl Shown {
    async fn of(&self, campaign: &Campaign) -> Result<Value, StoreError> {
        let (status, counts) = match campaign.finished {
            Some(finished) => ("ready", finished.counts),
            None => self.unfinished(campaign).await?,
        };
        let brief = &campaign.brief;
        Ok(json!({
            "campaign_id": brief.campaign_id,
            "name": brief.name,
            "status": status,
            "list": {"list_id": brief.list.list_id, "name": brief.list.name},
            "about": brief.about,
            "example": brief.example,
            "counts": counts.shown(),
            "task_id": campaign.task_id,
            "created_at": timestamp(campaign.created_at),
            "finished_at": campaign.finished.map(|finished| timestamp(finished.at)),
        }))
    }

    /// A campaign whose contacts were not all gone through is being worked on, unless its task has failed.
    async fn unfinished(&self, campaign: &Campaign) -> Result<(&'static str, Counts), StoreError> {
        let task = TaskId { workspace_id: campaign.workspace_id, task_id: campaign.task_id };
        let (task, contacts) = tokio::try_join!(
            self.tasks.get(task),
            self.campaigns.contacts(campaign.workspace_id, campaign.brief.campaign_id),
        )?;
        let has_failed = task.is_some_and(|task| task.status == tasks::Status::Failed);
        Ok((if has_failed { "failed" } else { "drafting" }, Counts::of(&contacts)))
    }
}

/// `GET /v1/campaigns`.
#[derive(Clone, Debug, FromContext)]
pub struct ListCampaigns {
    shown: Shown,
}

impl RawEndpoint for ListCampaigns {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = RawPage;

    fn parse(&self, input: &Input) -> Result<RawPage, Problem> {
        let mut query = RawQuery::of(&input.query);
        let page = RawPage::of(&mut query);
        query.finish().map(|()| page)
    }

    async fn handle(&self, call: &Call, page: RawPage) -> Result<Reply, Problem> {
        let campaigns = self.shown.campaigns.all(call.workspace_id).await?;
        let on_page = campaigns.iter().skip(page.skip()).take(page.size);
        let shown = try_join_all(on_page.map(|campaign| self.shown.of(campaign))).await?;
        Ok(call.raw_page(json!(shown), page.meta(campaigns.len())))
    }
}

/// `GET /v1/campaigns/{id}`.
#[derive(Clone, Debug, FromContext)]
pub struct GetCampaign {
    shown: Shown,
}

impl RawEndpoint for GetCampaign {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Uuid;

    fn parse(&self, input: &Input) -> Result<Uuid, Problem> {
        input.uuid_in_path("id")
    }

    async fn handle(&self, call: &Call, campaign_id: Uuid) -> Result<Reply, Problem> {
        let campaign = found(&self.shown.campaigns, call, campaign_id).await?;
        Ok(call.raw_success(self.shown.of(&campaign).await?))
    }
}
