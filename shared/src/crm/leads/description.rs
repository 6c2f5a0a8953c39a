//! A contact as answers show it, for the description of the API.

use schemars::JsonSchema;
use serde_json::{Value, json};
use uuid::Uuid;

/// A contact.
#[derive(JsonSchema)]
#[schemars(rename = "Contact")]
pub struct ContactShown {
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

impl ContactShown {
    /// The contact of the examples.
    pub fn example() -> Value {
        json!({
            "contact_id": "123e4567-e89b-12d3-a456-426614174000",
            "external_ref": "LD-1001",
            "full_name": "Jane Smith",
            "email": "jane@acme.example",
            "phone": "+12025550142",
            "linkedin": null,
            "job_title": "Marketing Director",
            "company_name": "Acme Inc.",
            "stage": "qualified",
        })
    }
}
