//! What the model is shown of a conversation: what it stands on, and what was said, but for what was told
//! from the records. Other people wrote those; so nothing that they wrote stands before the model when it
//! decides what to propose.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::campaigns::Campaign;
use shared::chats::{Chat, Message, Speaker};
use shared::lists::List;
use shared::llm::Said;

/// What stands in the place of an answer from the records.
const WITHHELD: &str = "(An answer from the records. read_back shows it.)";

/// What a message stands on.
#[derive(Debug)]
pub(crate) struct Known {
    /// The conversation as it was before it.
    pub chat: Chat,
    /// What was said since the summary.
    pub recent: Vec<Message>,
    /// The list that it is about.
    pub list: Option<List>,
    /// The campaign that it is about.
    pub campaign: Option<Campaign>,
}

impl Known {
    /// What the model is shown, with the person's message at its end.
    pub(crate) fn said(&self, message: &str, now: DateTime<Utc>) -> Vec<Said> {
        let mut said = vec![Said::User(self.context(now).to_string())];
        for before in &self.recent {
            said.push(match (before.speaker, before.from_records) {
                (Speaker::User, _) => Said::User(before.text.clone()),
                (Speaker::Assistant, false) => Said::Lexi { text: before.text.clone(), calls: Vec::new() },
                (Speaker::Assistant, true) => Said::Lexi { text: WITHHELD.to_owned(), calls: Vec::new() },
            });
        }
        said.push(Said::User(message.to_owned()));
        said
    }

    fn context(&self, now: DateTime<Utc>) -> Value {
        let state = &self.chat.state;
        json!({
            "today": now.format("%A %Y-%m-%d").to_string(),
            "list": self.list.as_ref().map(|list| json!({"id": list.list_id, "name": list.name, "contacts": list.contacts})),
            "campaign": self.campaign.as_ref().map(|campaign| {
                json!({"id": campaign.brief.campaign_id, "name": campaign.brief.name, "about": campaign.brief.about})
            }),
            "last_search": state.search,
            "last_search_list": state.search_list.as_ref().map(|list| &list.name),
            "last_campaign": state.campaign.as_ref().map(|brief| {
                json!({"name": brief.name, "about": brief.about, "list": brief.list.name})
            }),
            "last_email": state.email.as_ref().map(|email| json!({"subject": email.title, "message": email.message})),
            "last_task": state.task.as_ref().map(|task| &task.description),
            "summary": self.chat.summary,
        })
    }

    /// Everything that the person has said, as far as it is remembered, with this message.
    pub(crate) fn own_words(&self, message: &str) -> String {
        let said = self.recent.iter().filter(|before| before.speaker == Speaker::User);
        let said = said.map(|before| before.text.as_str());
        [self.chat.summary.as_str()].into_iter().chain(said).chain([message]).collect::<Vec<_>>().join("\n")
    }

    /// What Lexi told from the records, as far as it is remembered.
    pub(crate) fn told_from_records(&self) -> Value {
        let told = self.recent.iter().filter(|before| before.from_records).map(|before| &before.text);
        json!({"before": self.chat.summary_of_records, "answers": told.collect::<Vec<_>>()})
    }
}
