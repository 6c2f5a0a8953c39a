//! `PUT /users/{user_id}/leads/{customer_phone}/extraction`.

use serde_json::json;
use shared::api::http::{Call, Dialect, Fields, Input, MAX_INGESTED, RawEndpoint, Reply};
use shared::base::clock::{Clock, Random};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::crm::conversations::Conversations;
use shared::crm::conversations::row::Extraction;
use shared::crm::identifiers::CustomerPhone;
use shared::workspace::auth::Permission;

/// The request, checked; the extraction is made when it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    user_id: String,
    lead: CustomerPhone,
    extraction: Extraction,
}

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct PutExtraction {
    clock: Clock,
    random: Random,
    conversations: Conversations,
}

impl RawEndpoint for PutExtraction {
    const DIALECT: Dialect = Dialect::Leads;
    const PERMISSION: Permission = Permission::WriteLeads;
    const MAX_BODY: usize = MAX_INGESTED;
    type Request = Request;

    fn parse(&self, input: &Input) -> Result<Request, Problem> {
        let lead = CustomerPhone::parse(input.in_path("customer_phone"));
        let lead = lead.map_err(|error| Problem::field("customer_phone", &error.to_string()))?;
        let mut fields = Fields::of(&input.body)?;
        let mut score = |name| fields.required_integer(name, 1..=3);
        let scores = ["intent_score", "urgency_score", "budget_score", "fit_score", "engagement_score"].map(&mut score);
        let name = fields.optional_text("name", 100);
        let email = fields.normalised("email", shared::pii::addresses::email);
        let company = fields.optional_text("company", 255);
        fields.finish()?;
        let [intent_score, urgency_score, budget_score, fit_score, engagement_score] =
            scores.map(|score| u8::try_from(score).unwrap_or_default());
        let extraction = Extraction {
            extraction_id: self.random.uuid(),
            name,
            email,
            company,
            intent_score,
            urgency_score,
            budget_score,
            fit_score,
            engagement_score,
            extracted_at: self.clock.now(),
        };
        Ok(Request { user_id: input.in_path("user_id").to_owned(), lead, extraction })
    }

    async fn handle(&self, call: &Call, request: Request) -> Result<Reply, Problem> {
        let user = crate::user(call, &request.user_id)?;
        let Request { lead, extraction, .. } = request;
        // Only a lead that exists can be scored.
        let Some(extraction) = self.conversations.record_extraction(&user, &lead, &extraction).await? else {
            return Err(Problem::new(Code::LeadNotFound, "Lead not found"));
        };
        Ok(call.raw_success(json!({
            "extraction_id": extraction.extraction_id,
            "total_score": extraction.total_score(),
            "lead_status": extraction.lead_status(),
        })))
    }
}
