//! `PUT /users/{user_id}/leads/{customer_phone}/extraction`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Json, MAX_INGESTED, Path};
use shared::base::clock::{Clock, Random};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::crm::conversations::row::Extraction;
use shared::crm::conversations::{Conversations, LeadStatus};
use shared::crm::identifiers::CustomerPhone;
use shared::crm::leads::Email;
use shared::workspace::auth::Permission;
use uuid::Uuid;

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct PutExtraction {
    clock: Clock,
    random: Random,
    conversations: Conversations,
}

/// A user's lead, in the path.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ExtractionPath {
    /// Whose lead.
    #[schemars(regex(pattern = "^[!-\"$-~]{1,128}$"), example = crate::USER)]
    pub user_id: String,
    /// The lead's identifier on its platform.
    #[schemars(example = crate::LEAD)]
    pub customer_phone: CustomerPhone,
}

/// A lead's scores and identity.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ExtractionGiven")]
pub struct NewExtraction {
    /// How strong the intent to buy is.
    #[schemars(with = "u32", range(min = 1, max = 3))]
    pub intent_score: u8,
    /// How urgent the need is.
    #[schemars(with = "u32", range(min = 1, max = 3))]
    pub urgency_score: u8,
    /// Whether the budget fits.
    #[schemars(with = "u32", range(min = 1, max = 3))]
    pub budget_score: u8,
    /// How well the lead fits.
    #[schemars(with = "u32", range(min = 1, max = 3))]
    pub fit_score: u8,
    /// How engaged the lead is.
    #[schemars(with = "u32", range(min = 1, max = 3))]
    pub engagement_score: u8,
    /// Name.
    #[schemars(length(max = 100))]
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<Email>,
    /// Company.
    #[schemars(length(max = 255))]
    pub company: Option<String>,
}

/// Scores that were recorded.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExtractionRecorded {
    /// Their identifier.
    pub extraction_id: Uuid,
    /// Their sum.
    #[schemars(range(min = 5, max = 15))]
    pub total_score: u8,
    /// The lead's class.
    pub lead_status: LeadStatus,
}

impl Endpoint for PutExtraction {
    const DIALECT: Dialect = Dialect::Leads;
    const PERMISSION: Permission = Permission::WriteLeads;
    const MAX_BODY: usize = MAX_INGESTED;
    type Request = (Path<ExtractionPath>, Json<NewExtraction>);
    type Answer = ExtractionRecorded;

    async fn handle(&self, call: &Call, request: Self::Request) -> Result<Answered<ExtractionRecorded>, Problem> {
        let (Path(ExtractionPath { user_id, customer_phone }), Json(new)) = request;
        let user = crate::user(call, &user_id)?;
        let extraction = Extraction {
            extraction_id: self.random.uuid(),
            name: new.name,
            email: new.email.map(|email| email.0),
            company: new.company,
            intent_score: new.intent_score,
            urgency_score: new.urgency_score,
            budget_score: new.budget_score,
            fit_score: new.fit_score,
            engagement_score: new.engagement_score,
            extracted_at: self.clock.now(),
        };
        // Only a lead that exists can be scored.
        let recorded = self.conversations.record_extraction(&user, &customer_phone, &extraction).await?;
        let extraction = recorded.ok_or_else(|| Problem::new(Code::LeadNotFound, "Lead not found"))?;
        call.success(ExtractionRecorded {
            extraction_id: extraction.extraction_id,
            total_score: extraction.total_score(),
            lead_status: extraction.lead_status(),
        })
    }
}
