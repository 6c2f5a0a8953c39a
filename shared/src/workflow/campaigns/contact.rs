//! A contact of a campaign, and its outcome.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};
use uuid::Uuid;

/// The end of a campaign's drafting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// The time at which the drafting ended.
    pub at: DateTime<Utc>,
    /// The number of contacts by outcome.
    pub counts: Counts,
}

/// The outcome of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schemars(rename = "CampaignContactState")]
pub enum State {
    /// There is a draft, for a person to review.
    Drafted,
    /// The draft contains personal data of another person. Its text is not shown.
    BlockedPii,
    /// No channel reaches the contact.
    Unreachable,
    /// The contact does not want to be contacted.
    Suppressed,
    /// The model wrote nothing usable.
    NotWritten,
}

impl State {
    /// Its name in requests, responses and stored items.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// One contact of a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The contact.
    pub lead_id: Uuid,
    /// Its outcome.
    pub state: State,
    /// The recommendation with the draft; null if there is no draft.
    pub recommendation_id: Option<Uuid>,
    /// The code of the reason why there is no draft, such as `lead_not_found`.
    pub code: Option<String>,
    /// The time of the outcome.
    pub at: DateTime<Utc>,
}

/// The number of a campaign's contacts by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// The contacts that were processed.
    pub contacts: u32,
    /// Contacts with a draft to review.
    pub drafted: u32,
    /// Contacts with a blocked draft.
    pub blocked: u32,
    /// Contacts that no channel reaches.
    pub unreachable: u32,
    /// Contacts that do not want to be contacted.
    pub suppressed: u32,
    /// Contacts for which the model wrote nothing usable.
    pub not_written: u32,
}

impl Counts {
    /// Counts these contacts by outcome.
    pub fn of(contacts: &[Contact]) -> Self {
        let mut counts = Self::default();
        for contact in contacts {
            counts.contacts += 1;
            *match contact.state {
                State::Drafted => &mut counts.drafted,
                State::BlockedPii => &mut counts.blocked,
                State::Unreachable => &mut counts.unreachable,
                State::Suppressed => &mut counts.suppressed,
                State::NotWritten => &mut counts.not_written,
            } += 1;
        }
        counts
    }
}

/// The number of contacts by outcome.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct CampaignCounts {
    /// The contacts that were processed.
    pub contacts: u32,
    /// The contacts with a draft to review.
    pub drafted: u32,
    /// The contacts whose draft is blocked because it contains personal data of another person.
    pub blocked: u32,
    /// The contacts without a draft.
    pub skipped: u32,
    /// The contacts without a draft, by reason.
    pub skipped_because: Skipped,
}

/// The number of contacts without a draft, by reason.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Skipped {
    /// The contacts that no channel reaches.
    pub unreachable: u32,
    /// The contacts that do not want to be contacted.
    pub suppressed: u32,
    /// The contacts for which the AI model wrote nothing usable.
    pub not_written: u32,
}

impl From<Counts> for CampaignCounts {
    fn from(counts: Counts) -> Self {
        let Counts { contacts, drafted, blocked, unreachable, suppressed, not_written } = counts;
        let skipped_because = Skipped { unreachable, suppressed, not_written };
        Self { contacts, drafted, blocked, skipped: unreachable + suppressed + not_written, skipped_because }
    }
}
