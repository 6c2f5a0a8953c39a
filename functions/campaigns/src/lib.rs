//! The routes that show campaigns. A campaign starts with an approved task, and its drafts are reviewed like any
//! recommendation (docs/behaviour.md, "Assistant").
//!
//! | route | what it shows |
//! |---|---|
//! | `GET /v1/campaigns` | the workspace's campaigns, newest first |
//! | `GET /v1/campaigns/{id}` | one |
//! | `GET /v1/campaigns/{id}/drafts` | its contacts, each with what is to be sent, or why nothing is |

mod drafts;
pub mod operations;

use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Gate, Page, PageMeta, Pages, Path, Query, Routes};
use shared::api::lambda::Definition;
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::store::StoreError;
use shared::base::time::Timestamp;
use shared::workflow::campaigns::{Campaign, CampaignCounts, Campaigns, Counts};
use shared::workflow::tasks::{self, Example, TaskId, Tasks};
use shared::workspace::auth::Permission;
use uuid::Uuid;

pub use drafts::ListDrafts;
pub use operations::operations;

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::new("campaigns", |context| {
    Ok(Routes::new(Gate::new(context)?)
        .with("GET", "/v1/campaigns", ListCampaigns::new(context)?)
        .with("GET", "/v1/campaigns/{id}", GetCampaign::new(context)?)
        .with("GET", "/v1/campaigns/{id}/drafts", ListDrafts::new(context)?)
        .into())
});

/// A campaign of the caller's workspace.
async fn found(campaigns: &Campaigns, call: &Call, campaign_id: Uuid) -> Result<Campaign, Problem> {
    let found = campaigns.get(call.workspace_id, campaign_id).await?;
    found.ok_or_else(|| Problem::new(Code::NotFound, "no campaign with this id in this workspace"))
}

/// A campaign, in the path.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CampaignPath {
    /// The campaign.
    pub id: Uuid,
}

/// A campaign that was started.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Campaign")]
pub struct CampaignView {
    /// Its identifier.
    pub campaign_id: Uuid,
    /// Its name.
    pub name: String,
    /// Whether its drafts are being written.
    pub status: CampaignStatus,
    /// The list of its contacts.
    pub list: CampaignList,
    /// What it is about.
    pub about: String,
    /// The example message that the drafts follow; null if none was written with Lexi.
    pub example: Option<Example>,
    /// The number of contacts by outcome.
    pub counts: CampaignCounts,
    /// The task that started it.
    pub task_id: Uuid,
    /// When it was started.
    pub created_at: Timestamp,
    /// When every contact had been processed.
    pub finished_at: Option<Timestamp>,
}

/// Whether a campaign's drafts are being written.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CampaignStatus {
    /// They are.
    Drafting,
    /// Every contact was gone through.
    Ready,
    /// Its task failed.
    Failed,
}

/// A list by its name.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CampaignList {
    /// Its identifier.
    pub list_id: Uuid,
    /// Its name when the campaign was proposed.
    pub name: String,
}

/// Campaigns, and the tasks that started them.
#[derive(Clone, Debug, FromContext)]
struct Progress {
    campaigns: Campaigns,
    tasks: Tasks,
}

impl Progress {
    async fn of(&self, campaign: Campaign) -> Result<CampaignView, StoreError> {
        let (status, counts) = match campaign.finished {
            Some(finished) => (CampaignStatus::Ready, finished.counts),
            None => self.unfinished(&campaign).await?,
        };
        let brief = campaign.brief;
        Ok(CampaignView {
            campaign_id: brief.campaign_id,
            name: brief.name,
            status,
            list: CampaignList { list_id: brief.list.list_id, name: brief.list.name },
            about: brief.about,
            example: brief.example,
            counts: counts.into(),
            task_id: campaign.task_id,
            created_at: campaign.created_at.into(),
            finished_at: campaign.finished.map(|finished| finished.at.into()),
        })
    }

    /// A campaign with unprocessed contacts is in progress, unless its task has failed.
    async fn unfinished(&self, campaign: &Campaign) -> Result<(CampaignStatus, Counts), StoreError> {
        let task = TaskId { workspace_id: campaign.workspace_id, task_id: campaign.task_id };
        let (task, contacts) = tokio::try_join!(
            self.tasks.get(task),
            self.campaigns.contacts(campaign.workspace_id, campaign.brief.campaign_id),
        )?;
        let has_failed = task.is_some_and(|task| task.status == tasks::Status::Failed);
        let status = if has_failed { CampaignStatus::Failed } else { CampaignStatus::Drafting };
        Ok((status, Counts::of(&contacts)))
    }
}

/// `GET /v1/campaigns`.
#[derive(Clone, Debug, FromContext)]
pub struct ListCampaigns {
    progress: Progress,
}

impl Endpoint for ListCampaigns {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Query<Pages>;
    type Answer = Page<Vec<CampaignView>>;

    async fn handle(&self, call: &Call, Query(pages): Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let campaigns = self.progress.campaigns.all(call.workspace_id).await?;
        let meta = PageMeta::new(pages, campaigns.len());
        let on_page = campaigns.into_iter().skip(pages.skip()).take(pages.size());
        let data = try_join_all(on_page.map(|campaign| self.progress.of(campaign))).await?;
        call.page(Page { data, meta })
    }
}

/// `GET /v1/campaigns/{id}`.
#[derive(Clone, Debug, FromContext)]
pub struct GetCampaign {
    progress: Progress,
}

impl Endpoint for GetCampaign {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Path<CampaignPath>;
    type Answer = CampaignView;

    async fn handle(&self, call: &Call, Path(path): Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let campaign = found(&self.progress.campaigns, call, path.id).await?;
        call.success(self.progress.of(campaign).await?)
    }
}
