//! A lead: who it is, and what finds it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A contact of the workspace. `/v1` calls its `lead_id` `contact_id`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lead {
    /// Its identifier.
    pub lead_id: Uuid,
    /// The customer's own identifier, such as `LD-2048`.
    pub external_ref: Option<String>,
    /// Full name.
    pub full_name: Option<String>,
    /// E-mail address, lower case.
    pub email: Option<String>,
    /// Phone number: `+` and digits.
    pub phone: Option<String>,
    /// Profile address on LinkedIn.
    pub linkedin: Option<String>,
    /// Role at the company.
    pub job_title: Option<String>,
    /// Company.
    pub company_name: Option<String>,
    /// Stage in the workspace's pipeline, such as `qualified`.
    pub stage: Option<String>,
}

impl Lead {
    /// What the lead can be found by, strongest first: each names one lead of a workspace.
    pub fn identities(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [("external_ref", &self.external_ref), ("email", &self.email), ("phone", &self.phone)]
            .into_iter()
            .filter_map(|(kind, value)| value.as_deref().map(|value| (kind, value)))
    }

    /// Its fields as JSON, each of them there; but for its identifier, which is called by several names.
    pub fn fields(&self) -> Map<String, Value> {
        [
            ("external_ref", &self.external_ref),
            ("full_name", &self.full_name),
            ("email", &self.email),
            ("phone", &self.phone),
            ("linkedin", &self.linkedin),
            ("job_title", &self.job_title),
            ("company_name", &self.company_name),
            ("stage", &self.stage),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect()
    }

    /// What to call the lead in a sentence: the first name, else "this contact".
    pub fn first_name(&self) -> &str {
        self.full_name.as_deref().and_then(|name| name.split_whitespace().next()).unwrap_or("this contact")
    }

    /// Whether a lead that was found by this one's identity of kind `found_by` is another one all the
    /// same, because it has another value for a stronger identity: two people with one switchboard
    /// number.
    pub fn contradicts(&self, found: &Self, found_by: &str) -> bool {
        let mut stronger = self.identities().take_while(|(kind, _)| *kind != found_by);
        stronger.any(|(kind, value)| found.identities().any(|(known, stands)| known == kind && stands != value))
    }

    /// This lead with everything that `given` says; what it does not say stays.
    pub fn updated_with(&self, given: &Self) -> Self {
        let either = |given: &Option<String>, stored: &Option<String>| given.clone().or_else(|| stored.clone());
        Self {
            lead_id: self.lead_id,
            external_ref: either(&given.external_ref, &self.external_ref),
            full_name: either(&given.full_name, &self.full_name),
            email: either(&given.email, &self.email),
            phone: either(&given.phone, &self.phone),
            linkedin: either(&given.linkedin, &self.linkedin),
            job_title: either(&given.job_title, &self.job_title),
            company_name: either(&given.company_name, &self.company_name),
            stage: either(&given.stage, &self.stage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_without_a_name_is_still_spoken_of() {
        assert_eq!(Lead::default().first_name(), "this contact");
        let lead = Lead { full_name: Some("Jane van Dyk".to_owned()), ..Lead::default() };
        assert_eq!(lead.first_name(), "Jane");
    }
}
