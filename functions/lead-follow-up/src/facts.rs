//! What is known of the lead: what the client shows and what the model is told.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use shared::base::channel::Channel;
use shared::crm::conversations::PendingMessage;
use shared::crm::leads::{Activity, History, Lead, Link};
use shared::workspace::accounts::{Agent, Site};
use uuid::Uuid;

use crate::request::Request;

/// How many activities the model is shown: the newest.
const SHOWN: usize = 30;

/// How many characters of each text are shown.
const LONGEST: usize = 2_000;

/// What a follow-up is about.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The request.
    pub request: &'a Request,
    /// The site that the lead comes from.
    pub site: &'a Site,
    /// The lead, and what happened with it.
    pub history: &'a History,
    /// The media to write for.
    pub media: &'a [Channel],
}

/// How the request says that the lead is reached.
#[derive(Clone, Copy, Debug)]
pub enum Address<'a> {
    /// An e-mail address.
    Email(&'a str),
    /// A phone number.
    Phone(&'a str),
}

/// The lead as the response shows it: what the request says, before what is stored.
pub fn lead(request: &Request, stored: &Lead) -> Map<String, Value> {
    let mut lead = Map::new();
    let known = [
        ("name", &stored.full_name),
        ("company", &stored.company_name),
        ("email", &stored.email),
        ("phone", &stored.phone),
        ("position", &stored.job_title),
        ("lead_stage", &stored.stage),
    ];
    for (name, value) in known {
        if let Some(value) = value {
            lead.insert(name.to_owned(), json!(value));
        }
    }
    let is_blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
    lead.extend(request.lead_data.iter().filter(|(_, value)| !is_blank(value)).map(|(n, v)| (n.clone(), v.clone())));
    if let Some(stage) = &request.lead_stage {
        lead.insert("lead_stage".to_owned(), json!(stage));
    }
    if let (Some(phone), None) = (&request.phone_number, lead.get("phone")) {
        lead.insert("phone".to_owned(), json!(phone));
    }
    // These the document always shows.
    for name in ["name", "company", "email", "phone", "position", "pain_points", "budget_range"] {
        lead.entry(name).or_insert(Value::Null);
    }
    lead
}

impl Subject<'_> {
    /// The lead as the response shows it: with its site, what happened with it, and what it prefers.
    pub fn shown(&self, now: DateTime<Utc>) -> Map<String, Value> {
        let mut lead = lead(self.request, &self.history.lead);
        lead.insert("sites".to_owned(), json!({"name": self.site.name, "url": self.site.url}));
        lead.insert("interaction_history".to_owned(), json!(self.interactions(now)));
        lead.insert(
            "preferences".to_owned(),
            json!({
                "product_interest": self.request.product_interest,
                "follow_up_type": self.request.follow_up_type,
                "follow_up_interval": self.request.follow_up_interval,
                "phone_number": self.request.phone_number,
            }),
        );
        lead
    }

    /// The addresses that the request gives of the lead.
    pub fn addresses(&self) -> impl Iterator<Item = Address<'_>> {
        let of_lead = |name: &str| self.request.lead_data.get(name).and_then(Value::as_str);
        let phones = self.request.phone_number.as_deref().into_iter().chain(of_lead("phone"));
        of_lead("email").into_iter().map(Address::Email).chain(phones.map(Address::Phone))
    }

    /// What happened with the lead: what the request says, as it says it; or what is stored until `now`, newest first.
    fn interactions(&self, now: DateTime<Utc>) -> Vec<Value> {
        match &self.request.previous_interactions {
            Some(given) => given.clone(),
            None => {
                let stored = self.history.recent.iter().chain(&self.history.earlier);
                stored.filter(|activity| activity.occurred_at <= now).take(SHOWN).map(told).collect()
            }
        }
    }

    /// What is planned with the lead.
    fn planned(&self, now: DateTime<Utc>) -> Vec<Value> {
        let planned = self.history.recent.iter().filter(|activity| activity.occurred_at > now);
        planned.take(SHOWN).map(told).collect()
    }

    /// Where the WhatsApp message waits for approval: in the lead's row with this number, or in a new one
    /// of the representative. A number that is only the request's has none, because it may be anybody's.
    /// Of several rows with the number, the requested representative's comes first.
    pub fn pending(&self, command_id: Uuid, agent: &Agent, now: DateTime<Utc>) -> Option<PendingMessage> {
        let number = self.history.lead.phone.as_deref()?;
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let given = [self.request.phone_number.as_deref(), self.request.lead_data.get("phone").and_then(Value::as_str)];
        if given.into_iter().flatten().any(|given| digits(given) != digits(number)) {
            return None;
        }
        let user = self.request.user_id.unwrap_or(agent.user_id);
        let has_number = |row: &&Link| row.customer_phone.phone_number().as_deref() == Some(number);
        let rows = self.history.rows.iter().filter(has_number);
        let row = rows.min_by_key(|row| row.user.user_id != user.to_string());
        Some(PendingMessage {
            message_id: format!("follow-up-{command_id}"),
            user_id: row.map_or_else(|| user.to_string(), |row| row.user.user_id.clone()),
            customer_phone: number.trim_start_matches('+').to_owned(),
            agent_id: agent.agent_id,
            agent_name: agent.name.clone(),
            phone_number_id: self.site.whatsapp.clone()?,
            written_at: now,
        })
    }

    /// Everything that the model is told, and nothing else: facts of this one lead, without its `email` and
    /// `phone`; what else `leadData` holds is told as it is.
    pub fn facts(&self, now: DateTime<Utc>) -> Value {
        let mut lead = lead(self.request, &self.history.lead);
        lead.retain(|name, value| !value.is_null() && !matches!(name.as_str(), "email" | "phone"));
        let mut interactions = self.interactions(now);
        let date = |interaction: &Value| interaction["date"].as_str().unwrap_or_default().to_owned();
        interactions.sort_by_key(|interaction| Reverse(date(interaction)));
        json!({
            "today": now.format("%A %Y-%m-%d").to_string(),
            "site": {"name": self.site.name, "url": self.site.url},
            "lead": lead,
            "interactions": interactions,
            "planned": self.planned(now),
            "product_interest": self.request.product_interest,
            "follow_up_type": self.request.follow_up_type,
            "follow_up_interval": self.request.follow_up_interval,
            "media": self.media,
        })
    }
}

fn told(activity: &Activity) -> Value {
    json!({
        "date": activity.occurred_at.format("%Y-%m-%d").to_string(),
        "type": activity.kind,
        "direction": activity.direction,
        "outcome": activity.outcome,
        "title": activity.title.as_deref().map(cut),
        "content": activity.body.as_deref().map(cut),
    })
}

/// As much of a text as is told: what many long messages say together would be too long to keep.
fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
