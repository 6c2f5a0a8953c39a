//! A contact as answers show it.

use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use pii::addresses;

use super::Lead;
use crate::parsed_text;

/// An e-mail address, in its one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(pub String);

/// A phone number with its country, in its one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone(pub String);

parsed_text!(Email, try |text: &str| addresses::email(text.trim()).map(Email), {"type": "string", "maxLength": 500});
parsed_text!(Phone, try |text: &str| addresses::phone(text, None).map(Phone), {"type": "string", "maxLength": 500});

/// A contact.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Contact {
    /// Its identifier: the `lead_id` of every other API.
    pub contact_id: Uuid,
    /// The reference that you know it by.
    pub external_ref: Option<String>,
    /// Name.
    pub full_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number, in international form.
    pub phone: Option<String>,
    /// Profile on LinkedIn.
    pub linkedin: Option<String>,
    /// Job title.
    pub job_title: Option<String>,
    /// Company.
    pub company_name: Option<String>,
    /// Stage in the sales pipeline.
    pub stage: Option<String>,
}

impl From<Lead> for Contact {
    fn from(lead: Lead) -> Self {
        Self {
            contact_id: lead.lead_id,
            external_ref: lead.external_ref,
            full_name: lead.full_name,
            email: lead.email,
            phone: lead.phone,
            linkedin: lead.linkedin,
            job_title: lead.job_title,
            company_name: lead.company_name,
            stage: lead.stage,
        }
    }
}
