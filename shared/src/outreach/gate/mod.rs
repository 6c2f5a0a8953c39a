//! The gate in front of a person and of a provider, for every text that either may see: a suggestion, a follow-up on
//! each channel and in each phase, a recommendation, a draft of a campaign, what the assistant says and proposes, and
//! what a person writes instead. It finds placeholders of templates, facts that the input does not contain, and personal
//! data that is not the recipient's (docs/behaviour.md, "Checked texts"). A [`Basis`] says what a text may hold; a fault has the
//! model write once more, then its text is dropped or blocked. Findings hold kind and position, never the text.

mod basis;

use uuid::Uuid;

use crate::base::context::FromContext;
use crate::base::store::StoreError;
use crate::crm::leads::{Lead, Leads};
pub use crate::outreach::writing::Part;
use crate::workspace::accounts::Accounts;
pub use basis::{Basis, Disclosure, Fault, Source};
use pii::{Category, identifiers};

/// The gate with the stores that it looks up.
#[derive(Clone, Debug, FromContext)]
pub struct Gate {
    accounts: Accounts,
    leads: Leads,
}

impl Gate {
    /// The basis of a text to `lead`.
    pub async fn basis(&self, workspace_id: Uuid, lead: &Lead) -> Result<Basis, StoreError> {
        Ok(Basis::of(lead, &self.accounts.sites(workspace_id).await?))
    }

    /// As [`Gate::basis`], of the lead with this id.
    pub async fn basis_for(&self, workspace_id: Uuid, lead_id: Uuid) -> Result<Basis, StoreError> {
        let lead = self.leads.lead(workspace_id, lead_id).await?.unwrap_or_default();
        self.basis(workspace_id, &lead).await
    }

    /// Everything in texts to `lead`, each with its field, that is not allowed. An address or number of another lead of
    /// the workspace has a category of its own.
    pub async fn check(
        &self,
        (workspace_id, lead): (Uuid, &Lead),
        basis: &Basis,
        parts: &[(&'static str, &str)],
    ) -> Result<Vec<Disclosure>, StoreError> {
        let mut disclosures = Vec::new();
        for part in parts {
            let mut found = basis.disclosures(*part);
            for identifier in identifiers(part.1, None) {
                let foreign = found.iter_mut().map(|one| &mut one.finding);
                let Some(foreign) =
                    foreign.into_iter().find(|one| one.start < identifier.end && identifier.start < one.end)
                else {
                    continue;
                };
                let whose = Lead {
                    email: Some(identifier.value.clone()).filter(|_| identifier.kind == "email"),
                    phone: Some(identifier.value.clone()).filter(|_| identifier.kind == "phone"),
                    ..Lead::default()
                };
                if self.leads.find(workspace_id, &whose).await?.is_some_and(|owner| owner != lead.lead_id) {
                    foreign.category = Category::OtherLead;
                }
            }
            disclosures.extend(found);
        }
        Ok(disclosures)
    }
}
