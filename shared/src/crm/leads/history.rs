//! What happened with a lead lately: its activities, and whatever else is told of it.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{AsRefStr, EnumString, IntoStaticStr};
use uuid::Uuid;

use super::{Lead, Leads, Link, lead_pk};
use crate::base::store::{StoreError, from_item, s};

/// Something that happened with a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Its identifier; the same one at the same time is the same activity.
    pub activity_id: Uuid,
    /// What it was.
    #[serde(rename = "type")]
    pub kind: ActivityKind,
    /// When it happened, or will.
    pub occurred_at: DateTime<Utc>,
    /// Who turned to whom, where that is known.
    pub direction: Option<Direction>,
    /// What came of it, such as `replied` or `no_response`.
    pub outcome: Option<String>,
    /// Subject or title.
    pub title: Option<String>,
    /// What was said or noted.
    pub body: Option<String>,
    /// Whether it opens WhatsApp's window: a message of the lead that a provider delivered. Never stored; it is read
    /// from the message.
    #[serde(skip)]
    pub opens_window: bool,
}

/// What an activity was. A CRM may have words of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AsRefStr, EnumString)]
#[serde(from = "String", into = "String")]
#[strum(serialize_all = "lowercase")]
pub enum ActivityKind {
    /// An e-mail.
    Email,
    /// A phone call.
    Call,
    /// A meeting.
    Meeting,
    /// A note about the lead, which was not exchanged with it.
    Note,
    /// A text message.
    Sms,
    /// A message on LinkedIn.
    Linkedin,
    /// A WhatsApp message.
    Whatsapp,
    /// Another word.
    #[strum(default, transparent)]
    Other(String),
}

impl ActivityKind {
    /// The word for it.
    pub fn as_str(&self) -> &str {
        self.as_ref()
    }
}

impl From<String> for ActivityKind {
    fn from(word: String) -> Self {
        word.as_str().into()
    }
}

impl From<ActivityKind> for String {
    fn from(kind: ActivityKind) -> Self {
        kind.as_str().to_owned()
    }
}

/// Who began an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, EnumString, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Direction {
    /// The contact.
    Inbound,
    /// The workspace.
    Outbound,
}

impl Activity {
    /// Whether it was exchanged with the lead; a note is only written about it.
    pub fn is_touch(&self) -> bool {
        self.kind != ActivityKind::Note
    }

    /// What a model is told of it, with at most so many characters of each text.
    pub fn told(&self, longest: usize) -> Value {
        let cut = |text: &String| text.chars().take(longest).collect::<String>();
        json!({
            "date": self.occurred_at.format("%Y-%m-%d").to_string(),
            "type": self.kind,
            "direction": self.direction,
            "outcome": self.outcome,
            "title": self.title.as_ref().map(cut),
            "text": self.body.as_ref().map(cut),
        })
    }
}

/// A lead and what happened with it lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The lead.
    pub lead: Lead,
    /// Its rows in the lead lists, whose messages are not part of this yet.
    pub rows: Vec<Link>,
    /// Everything since the moment asked for, newest first; planned activity included.
    pub recent: Vec<Activity>,
    /// The newest touch before that moment; if there was none, the newest note.
    pub earlier: Option<Activity>,
}

impl History {
    /// What happened until a moment, newest first.
    pub fn until(&self, moment: DateTime<Utc>) -> impl Iterator<Item = &Activity> {
        self.recent.iter().chain(&self.earlier).filter(move |activity| activity.occurred_at <= moment)
    }

    /// What was exchanged with the lead until a moment, newest first.
    pub fn touches(&self, moment: DateTime<Utc>) -> impl Iterator<Item = &Activity> {
        self.until(moment).filter(|activity| activity.is_touch())
    }

    /// Takes what else happened with the lead, of which `since` tells what is recent.
    pub fn take(&mut self, others: Vec<Activity>, since: DateTime<Utc>) {
        let (recent, before): (Vec<_>, Vec<_>) = others.into_iter().partition(|other| other.occurred_at >= since);
        self.recent.extend(recent);
        // A stable sort: what happened in one moment stays as it was told.
        self.recent.sort_by_key(|activity| Reverse(activity.occurred_at));
        let before = before.into_iter().chain(self.earlier.take());
        self.earlier = before.max_by_key(|activity| (activity.is_touch(), activity.occurred_at));
    }
}

/// How many items one page of a history reads: one round trip for all but the busiest leads.
pub(crate) const HISTORY_PAGE: usize = 100;

impl Leads {
    /// A lead with all its activity since `since`, and the one before: one query, and a further
    /// one for each hundred activities in that time. `None` if the workspace has no such lead.
    pub async fn history(
        &self,
        workspace_id: Uuid,
        lead_id: Uuid,
        since: DateTime<Utc>,
    ) -> Result<Option<History>, StoreError> {
        let query = self.table.query("pk = :pk AND sk BETWEEN :activity AND :rows").bind("activity", s("activity#"));
        let query = query.bind("pk", s(lead_pk(workspace_id, lead_id))).bind("rows", s(Link::AFTER));
        let mut items = query.newest_first().page_size(HISTORY_PAGE).items();
        let mut rows = Vec::new();
        let lead = loop {
            match items.next().await? {
                Some(item) if Link::is(&item) => rows.push(Link::read(workspace_id, item)?),
                Some(item) if item.get("sk") == Some(&s("lead")) => break from_item(item)?,
                _ => return Ok(None),
            }
        };
        let mut history = History { lead, rows, recent: Vec::new(), earlier: None };
        while let Some(item) = items.next().await? {
            let activity: Activity = from_item(item)?;
            if activity.occurred_at >= since {
                history.recent.push(activity);
            } else if activity.is_touch() {
                history.earlier = Some(activity);
                break;
            } else {
                history.earlier.get_or_insert(activity);
            }
        }
        Ok(Some(history))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_760_000_000, 0).unwrap_or_default() + TimeDelta::minutes(minute)
    }

    fn activity(kind: &str, minute: i64) -> Activity {
        Activity {
            opens_window: false,
            activity_id: Uuid::nil(),
            kind: kind.into(),
            occurred_at: at(minute),
            direction: None,
            outcome: None,
            title: None,
            body: None,
        }
    }

    #[test]
    fn what_is_told_elsewhere_takes_its_place_by_time() {
        let mut history = History {
            lead: Lead::default(),
            rows: Vec::new(),
            recent: vec![activity("call", 5), activity("email", 1)],
            earlier: Some(activity("note", -1)),
        };
        history.take(vec![activity("whatsapp", 9), activity("whatsapp", 3), activity("whatsapp", -2)], at(0));
        let kinds: Vec<_> = history.recent.iter().map(|activity| activity.kind.as_str()).collect();
        assert_eq!(kinds, ["whatsapp", "call", "whatsapp", "email"]);
        // A touch tells more than a note.
        assert_eq!(history.earlier, Some(activity("whatsapp", -2)));
        history.take(vec![activity("webchat", -3)], at(0));
        assert_eq!(history.earlier, Some(activity("whatsapp", -2)));
    }
}
