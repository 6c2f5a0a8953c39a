//! The tools that the model may use: what they are called, what they take, and which of them act.

use schemars::JsonSchema;
use serde::Deserialize;
use shared::clients::llm::Tool;

/// Who is looked for.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SearchContacts {
    /// A name, company, job title, e-mail address or phone number, or several words of these.
    pub text: String,
}

/// One contact.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetContact {
    /// Its id, e-mail address, phone number or name.
    pub contact: String,
}

/// One list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ShowList {
    /// Its id or name; null for the list that the conversation is about.
    pub list: Option<String>,
}

/// One campaign.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ShowCampaign {
    /// Its id or name; null for the campaign that the conversation is about.
    pub campaign: Option<String>,
}

/// Nothing.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Nothing {}

/// Whom to look for, and where they go.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ProspectSearch {
    /// Job titles, such as CEO.
    pub titles: Vec<String>,
    /// Industries, such as law firms.
    pub industries: Vec<String>,
    /// Cities, states or countries.
    pub places: Vec<String>,
    /// The fewest employees of the company, or null.
    pub min_employees: Option<u32>,
    /// The most employees of the company, or null.
    pub max_employees: Option<u32>,
    /// How many to find, or null for the usual number.
    pub count: Option<u32>,
    /// The id or name of the list that they go to; null for the list that the conversation is about, or else a
    /// new one.
    pub list: Option<String>,
}

/// What a campaign says, and to whom.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CampaignStart {
    /// The id or name of its list; null for the list that the conversation is about.
    pub list: Option<String>,
    /// What it is called, or null.
    pub name: Option<String>,
    /// What it is about, in the person's words.
    pub about: String,
    /// The subject line of an e-mail that each contact's follows.
    pub subject: String,
    /// The text of that e-mail.
    pub message: String,
}

/// The new values of a contact; null for values that stay.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ContactUpdate {
    /// Its id, e-mail address, phone number or name.
    pub contact: String,
    /// Full name.
    pub full_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number with its country code.
    pub phone: Option<String>,
    /// Job title.
    pub job_title: Option<String>,
    /// Company.
    pub company_name: Option<String>,
    /// Stage in the pipeline.
    pub stage: Option<String>,
}

/// What is done to a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Operation {
    Create,
    Rename,
    Add,
    Remove,
}

/// A change of a list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListOperation {
    /// What is done.
    pub operation: Operation,
    /// The list's id or name; for `create` the name of the new one. Null for the list that the conversation is
    /// about.
    pub list: Option<String>,
    /// The new name, for `rename`; else null.
    pub new_name: Option<String>,
    /// Ids, e-mail addresses, phone numbers or names of contacts, for `add` and `remove`; else empty.
    pub contacts: Vec<String>,
}

/// An e-mail.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct WriteEmail {
    /// The subject line.
    pub subject: String,
    /// The text.
    pub message: String,
}

/// The tools that read records. Other people wrote their results.
pub(crate) fn looking() -> Vec<Tool> {
    vec![
        Tool::new::<SearchContacts>("search_contacts", "Finds contacts and leads of the workspace."),
        Tool::new::<GetContact>("get_contact", "Shows a contact and what happened with them lately."),
        Tool::new::<Nothing>("list_lists", "Shows the lists of the workspace."),
        Tool::new::<ShowList>("show_list", "Shows a list with its first contacts."),
        Tool::new::<ShowCampaign>("show_campaign", "Shows a campaign and how far its drafts are."),
        Tool::new::<Nothing>("read_back", "Shows what you told from the records earlier in this conversation."),
        Tool::new::<Nothing>("list_tasks", "Shows the tasks of the workspace that wait for approval."),
        Tool::new::<Nothing>("show_task", "Shows how the last task of this conversation stands."),
        Tool::new::<Nothing>("credits", "Shows the workspace's credits."),
    ]
}

/// The tools that propose something.
pub(crate) fn proposing() -> Vec<Tool> {
    vec![
        Tool::new::<ProspectSearch>("prospect_search", "Proposes to look for prospects and put them on a list."),
        Tool::new::<CampaignStart>("campaign_start", "Proposes a campaign: a draft for each contact of a list."),
        Tool::new::<ContactUpdate>("contact_update", "Proposes to change what is known of a contact."),
        Tool::new::<ListOperation>("list_operation", "Proposes to create, rename, fill or thin out a list."),
        Tool::new::<WriteEmail>("write_email", "Writes or rewrites the e-mail of this conversation."),
    ]
}
