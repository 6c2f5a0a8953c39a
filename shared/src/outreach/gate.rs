//! The gate in front of a person and of a provider: no draft passes that holds somebody else's personal data
//! (docs/personal-data-gate.md). Findings hold kind and position, never the text.

use serde::Serialize;
use uuid::Uuid;

use crate::base::context::FromContext;
use crate::base::store::StoreError;
use crate::crm::leads::{Lead, Leads};
use crate::workspace::accounts::{Accounts, Site};
use pii::{Allowed, Category, Finding, findings, identifiers};

/// Personal data in a draft that is not allowed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Disclosure {
    /// `draft_title`, `draft_message` or `reasoning_summary`.
    pub field: &'static str,
    /// Its kind and place in the field.
    #[serde(flatten)]
    pub finding: Finding,
}

/// The complaint about a text with such data, for the model that wrote it.
pub fn fault(text: &str, allowed: &Allowed) -> Option<String> {
    let found = findings(text, allowed);
    let kind = found.first().map(|found| serde_json::to_value(found.category).unwrap_or_default())?;
    Some(format!("it holds personal data ({}); write it without", kind.as_str().unwrap_or("personal data")))
}

/// The gate with the stores that it looks up.
#[derive(Clone, Debug, FromContext)]
pub struct Gate {
    accounts: Accounts,
    leads: Leads,
}

/// What a draft to this lead may hold: its own details, and the public ones of the company.
pub fn allowed(lead: &Lead, sites: &[Site]) -> Allowed {
    let mut allowed = Allowed::default();
    for number in sites.iter().filter_map(|site| site.sms.as_ref()) {
        allowed = allowed.phone(number);
    }
    for email in lead.email.iter().chain(sites.iter().filter_map(|site| site.email.as_ref())) {
        allowed = allowed.email(email);
    }
    if let Some(phone) = &lead.phone {
        allowed = allowed.phone(phone);
    }
    if let Some(linkedin) = &lead.linkedin {
        allowed = allowed.link(linkedin);
    }
    for name in lead.full_name.iter().chain(&lead.company_name) {
        allowed = allowed.text(name);
    }
    sites.iter().fold(allowed, |allowed, site| allowed.link(&site.url).text(&site.name))
}

impl Gate {
    /// What a text to `lead` may hold.
    pub async fn allowed(&self, workspace_id: Uuid, lead: &Lead) -> Result<Allowed, StoreError> {
        Ok(allowed(lead, &self.accounts.sites(workspace_id).await?))
    }

    /// As [`Gate::allowed`], of the lead with this id.
    pub async fn allowed_to(&self, workspace_id: Uuid, lead_id: Uuid) -> Result<Allowed, StoreError> {
        let lead = self.leads.lead(workspace_id, lead_id).await?.unwrap_or_default();
        self.allowed(workspace_id, &lead).await
    }

    /// Everything in texts to `lead`, each with its field, that is not allowed. An address or number of another lead of
    /// the workspace has a category of its own.
    pub async fn check(
        &self,
        (workspace_id, lead): (Uuid, &Lead),
        allowed: &Allowed,
        parts: &[(&'static str, &str)],
    ) -> Result<Vec<Disclosure>, StoreError> {
        let mut disclosures = Vec::new();
        for (field, text) in parts.iter().copied() {
            let mut found = findings(text, allowed);
            for identifier in identifiers(text, None) {
                let foreign = found.iter_mut().find(|one| one.start < identifier.end && identifier.start < one.end);
                let Some(foreign) = foreign else { continue };
                let whose = Lead {
                    email: Some(identifier.value.clone()).filter(|_| identifier.kind == "email"),
                    phone: Some(identifier.value.clone()).filter(|_| identifier.kind == "phone"),
                    ..Lead::default()
                };
                if self.leads.find(workspace_id, &whose).await?.is_some_and(|owner| owner != lead.lead_id) {
                    foreign.category = Category::OtherLead;
                }
            }
            disclosures.extend(found.into_iter().map(|finding| Disclosure { field, finding }));
        }
        Ok(disclosures)
    }
}
