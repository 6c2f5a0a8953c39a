//! The action of a task: the parameters that a person approves, and their description for people.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::crm::lists::Target;
use crate::crm::prospects;
use crate::workflow::tasks::Brief;
use crate::workspace::credits::Action;

/// The action of a task with all its parameters. The worker does exactly what the person approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Plan {
    /// Searches for prospects, creates contacts from them and puts them on a list.
    ProspectSearch {
        /// The search.
        query: prospects::Query,
        /// The list for the contacts.
        list: Target,
    },
    /// Writes a draft for each contact of a list.
    CampaignStart(Brief),
    /// Changes a contact.
    ContactUpdate {
        /// The contact.
        lead_id: Uuid,
        /// The contact's name.
        name: String,
        /// The new values.
        changes: ContactChanges,
    },
    /// Changes a list.
    ListOperation {
        /// The list to change.
        list: Target,
        /// The change.
        #[serde(flatten)]
        operation: ListOperation,
        /// The contacts that it concerns, by the names that the user gave.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        contacts: Vec<String>,
    },
}

/// The new values of a contact. Fields without a value stay unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactChanges {
    /// Full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// E-mail address, in lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone number: `+` and digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Job title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// Company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_name: Option<String>,
    /// Stage in the workspace's pipeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
}

/// A change of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum ListOperation {
    /// Creates the list.
    Create,
    /// Renames the list.
    Rename {
        /// The new name.
        to: String,
    },
    /// Puts contacts on the list.
    Add {
        /// The contacts' identifiers.
        lead_ids: Vec<Uuid>,
    },
    /// Takes contacts off the list.
    Remove {
        /// The contacts' identifiers.
        lead_ids: Vec<Uuid>,
    },
}

impl Plan {
    /// The name of its type in API answers.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ProspectSearch { .. } => "prospect_search",
            Self::CampaignStart(_) => "campaign_start",
            Self::ContactUpdate { .. } => "contact_update",
            Self::ListOperation { .. } => "list_operation",
        }
    }

    /// The priced action; `None` if it is free.
    pub fn action(&self) -> Option<Action> {
        matches!(self, Self::ProspectSearch { .. }).then_some(Action::ProspectSearch)
    }

    /// The description for the person who decides, made only of the parameters.
    pub fn description(&self) -> String {
        match self {
            Self::ProspectSearch { query, list } => {
                format!("Search for {} and add them to the list {}", query.describe(), list.name)
            }
            Self::CampaignStart(brief) => format!(
                "Start the campaign {}: write a draft for each contact of the list {}, about {}",
                brief.name, brief.list.name, brief.about
            ),
            Self::ContactUpdate { name, changes, .. } => {
                let told: Vec<_> =
                    changes.iter().map(|(field, value)| format!("{} to {value}", label(field))).collect();
                format!("Change the contact {name}: {}", told.join(", "))
            }
            Self::ListOperation { list, operation, contacts } => match operation {
                ListOperation::Create => format!("Create the list {}", list.name),
                ListOperation::Rename { to } => format!("Rename the list {} to {to}", list.name),
                ListOperation::Add { lead_ids } => {
                    format!("Add {} to the list {}", named(contacts, lead_ids), list.name)
                }
                ListOperation::Remove { lead_ids } => {
                    format!("Remove {} from the list {}", named(contacts, lead_ids), list.name)
                }
            },
        }
    }

    /// Its parameters as JSON.
    pub fn metadata(&self) -> Value {
        let mut metadata = serde_json::to_value(self).unwrap_or_default();
        if let Some(fields) = metadata.as_object_mut() {
            fields.shift_remove("type");
        }
        metadata
    }
}

/// The contacts' names, or their number if no names are given.
fn named(names: &[String], lead_ids: &[Uuid]) -> String {
    match (names, lead_ids.len()) {
        ([], 1) => "1 contact".to_owned(),
        ([], many) => format!("{many} contacts"),
        ([only], _) => only.clone(),
        ([before @ .., last], _) => format!("{} and {last}", before.join(", ")),
    }
}

/// The name of a field for people.
fn label(field: &str) -> &str {
    match field {
        "full_name" => "name",
        "email" => "e-mail address",
        "phone" => "phone number",
        "job_title" => "job title",
        "company_name" => "company",
        other => other,
    }
}

impl ContactChanges {
    /// The fields that change, with their new values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("full_name", &self.full_name),
            ("email", &self.email),
            ("phone", &self.phone),
            ("job_title", &self.job_title),
            ("company_name", &self.company_name),
            ("stage", &self.stage),
        ]
        .into_iter()
        .filter_map(|(field, value)| value.as_deref().map(|value| (field, value)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list() -> Target {
        Target { list_id: Uuid::nil(), name: "Q1 Leads".to_owned() }
    }

    fn operation(operation: ListOperation) -> Plan {
        Plan::ListOperation { list: list(), operation, contacts: Vec::new() }
    }

    #[test]
    fn each_plan_is_told_in_a_sentence() {
        let query = prospects::Query {
            titles: vec!["CEO".to_owned()],
            industries: vec!["law firms".to_owned()],
            places: vec!["New York".to_owned()],
            count: 20,
            ..prospects::Query::default()
        };
        let brief = Brief {
            campaign_id: Uuid::nil(),
            name: "Spring".to_owned(),
            list: list(),
            about: "legal automation".to_owned(),
            example: None,
        };
        let changes = ContactChanges {
            email: Some("jane@acme.example".to_owned()),
            stage: Some("qualified".to_owned()),
            ..ContactChanges::default()
        };
        for (plan, told) in [
            (
                Plan::ProspectSearch { query, list: list() },
                "Search for 20 CEOs at law firms in New York and add them to the list Q1 Leads",
            ),
            (
                Plan::CampaignStart(brief),
                "Start the campaign Spring: write a draft for each contact of the list Q1 Leads, about legal automation",
            ),
            (
                Plan::ContactUpdate { lead_id: Uuid::nil(), name: "Jane Smith".to_owned(), changes },
                "Change the contact Jane Smith: e-mail address to jane@acme.example, stage to qualified",
            ),
            (operation(ListOperation::Create), "Create the list Q1 Leads"),
            (operation(ListOperation::Rename { to: "Q2".to_owned() }), "Rename the list Q1 Leads to Q2"),
            (operation(ListOperation::Add { lead_ids: vec![Uuid::nil()] }), "Add 1 contact to the list Q1 Leads"),
            (
                operation(ListOperation::Remove { lead_ids: vec![Uuid::nil(), Uuid::max()] }),
                "Remove 2 contacts from the list Q1 Leads",
            ),
        ] {
            assert_eq!(plan.description(), told);
            assert_eq!(serde_json::to_value(&plan).unwrap()["type"], plan.kind());
            let stored: Plan =
                serde_dynamo::from_item(serde_dynamo::to_item::<_, crate::base::store::Item>(&plan).unwrap()).unwrap();
            assert_eq!(stored, plan);
        }
    }

    #[test]
    fn the_parameters_are_shown_without_the_type() {
        let renamed = operation(ListOperation::Rename { to: "Q2".to_owned() });
        assert_eq!(
            renamed.metadata(),
            json!({"list": {"list_id": Uuid::nil(), "name": "Q1 Leads"}, "operation": "rename", "to": "Q2"})
        );
    }
}
