//! The model's view of a conversation: its context and its messages, without answers from the records. Other people
//! wrote the records, so the model sees nothing of theirs when it decides what to propose.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::clients::llm::Said;
use shared::crm::lists::List;
use shared::workflow::campaigns::Campaign;
use shared::workflow::chats::{Chat, Message, Speaker};

use crate::words::says;

/// The replacement for an answer from the records.
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
    /// The model's input, with the user's message at the end.
    pub(crate) fn said(&self, message: &str, now: DateTime<Utc>) -> Vec<Said> {
        let mut said = vec![Said::User(self.context(message, now).to_string())];
        for before in &self.recent {
            said.push(match (before.speaker, before.from_records) {
                (Speaker::User, _) => Said::User(before.text.clone()),
                (Speaker::Assistant, false) => Said::lexi(before.text.clone()),
                (Speaker::Assistant, true) => Said::lexi(WITHHELD.to_owned()),
            });
        }
        said.push(Said::User(message.to_owned()));
        said
    }

    /// A list's name may be anybody's text, so the model sees it only if the user has said it.
    fn context(&self, message: &str, now: DateTime<Utc>) -> Value {
        let state = &self.chat.state;
        let own_words = self.own_words(message);
        let list = self.list.as_ref().map(|list| {
            let name = Some(&list.name).filter(|name| says(&own_words, name));
            json!({"id": list.list_id, "name": name, "contacts": list.contacts})
        });
        json!({
            "today": now.format("%A %Y-%m-%d").to_string(),
            "list": list,
            "campaign": self.campaign.as_ref().map(|campaign| {
                json!({"id": campaign.brief.campaign_id, "name": campaign.brief.name, "about": campaign.brief.about})
            }),
            "last_search": state.search,
            "last_campaign": state.campaign.as_ref().map(|brief| json!({"name": brief.name, "about": brief.about})),
            "last_email": state.email.as_ref().map(|email| json!({"subject": email.title, "message": email.message})),
            "last_task": state.task.as_ref().map(|task| &task.description),
            "summary": self.chat.summary,
        })
    }

    /// All remembered messages of the user, with this one.
    pub(crate) fn own_words(&self, message: &str) -> String {
        let said = self.recent.iter().filter(|before| before.speaker == Speaker::User);
        let said = said.map(|before| before.text.as_str());
        self.chat.given.iter().map(String::as_str).chain(said).chain([message]).collect::<Vec<_>>().join("\n")
    }

    /// Lexi's remembered quotes from the records, newest first, up to the limit.
    pub(crate) fn told_from_records(&self, most: usize) -> Value {
        let told = self.recent.iter().rev().filter(|before| before.from_records).map(|before| &before.text);
        let mut left = most.saturating_sub(self.chat.summary_of_records.chars().count());
        let fitting: Vec<_> = told
            .enumerate()
            .take_while(|(index, text)| {
                let length = text.chars().count();
                let fits = length <= left || *index == 0;
                left = left.saturating_sub(length);
                fits
            })
            .map(|(_, text)| text)
            .collect();
        json!({"answers_newest_first": fitting, "before": self.chat.summary_of_records})
    }
}
