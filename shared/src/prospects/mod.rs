//! Prospects: people whom the workspace does not follow up with yet, and may look for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most that one search finds.
pub const MOST: u32 = 500;

/// How many a search finds where nobody says how many.
pub const USUAL: u32 = 20;

/// Whom to look for. Of each list one has to fit; a list that is empty fits everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Query {
    /// Job titles, such as `CEO`.
    #[serde(default)]
    pub titles: Vec<String>,
    /// Industries, such as `law firms` or `SaaS`.
    #[serde(default)]
    pub industries: Vec<String>,
    /// Cities, regions or countries.
    #[serde(default)]
    pub places: Vec<String>,
    /// The fewest employees of the company.
    #[serde(default)]
    pub min_employees: Option<u32>,
    /// The most employees of the company.
    #[serde(default)]
    pub max_employees: Option<u32>,
    /// How many to find, from 1 to [`MOST`].
    pub count: u32,
}

/// A person that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prospect {
    /// Its identifier at its source, at most 128 visible ASCII characters.
    pub prospect_id: String,
    /// Full name.
    pub full_name: String,
    /// Job title.
    pub job_title: String,
    /// Company.
    pub company_name: String,
    /// The company's industry.
    pub industry: String,
    /// How many employees the company has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employees: Option<u32>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State or region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// E-mail address, lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone number: `+` and digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Profile address on LinkedIn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linkedin: Option<String>,
}
