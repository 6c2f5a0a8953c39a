//! The facts about the lead, for the answer and for the model.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::base::channel::Channel;
use shared::crm::leads::{Activity, History, Lead, Link};
use shared::workflow::commands::Author;
use shared::workspace::accounts::{Agent, Site};

use crate::answer::{FollowedLead, FollowedSite, Preferences};
use crate::request::{LeadData, Request};

/// How many activities the model is shown: the newest.
const SHOWN: usize = 30;

/// The fields of the answer's lead that are not fields of `leadData`.
const OWN: [&str; 3] = ["sites", "interaction_history", "preferences"];

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

/// The contact details in the request.
#[derive(Clone, Copy, Debug)]
pub enum Address<'a> {
    /// An e-mail address.
    Email(&'a str),
    /// A phone number.
    Phone(&'a str),
}

/// The facts about the lead. Those of the request take precedence over stored ones.
pub fn lead(request: &Request, stored: &Lead) -> LeadData {
    let given = request.lead_data.clone().unwrap_or_default();
    let phone = given.phone.or_else(|| stored.phone.clone());
    LeadData {
        name: given.name.or_else(|| stored.full_name.clone()),
        company: given.company.or_else(|| stored.company_name.clone()),
        email: given.email.or_else(|| stored.email.clone()),
        phone: phone.or_else(|| request.phone_number().map(str::to_owned)),
        position: given.position.or_else(|| stored.job_title.clone()),
        lead_stage: request.lead_stage.clone().or(given.lead_stage).or_else(|| stored.stage.clone()),
        ..given
    }
}

impl Subject<'_> {
    /// The lead as the answer shows it: with its site, interactions and preferences.
    pub fn shown(&self, now: DateTime<Utc>) -> FollowedLead {
        let LeadData { name, company, position, email, phone, pain_points, budget_range, lead_stage, others } =
            lead(self.request, &self.history.lead);
        let stage = lead_stage.map(|stage| ("lead_stage".to_owned(), json!(stage)));
        FollowedLead {
            name,
            company,
            email,
            phone,
            position,
            pain_points,
            budget_range,
            sites: FollowedSite { name: self.site.name.clone(), url: self.site.url.clone() },
            interaction_history: self.interactions(now),
            preferences: Preferences {
                product_interest: self.request.products().into_iter().map(str::to_owned).collect(),
                follow_up_type: self.request.follow_up_type.clone(),
                follow_up_interval: self.request.follow_up_interval.clone(),
                phone_number: self.request.phone_number().map(str::to_owned),
            },
            // The answer's own fields have their own form.
            others: others.into_iter().filter(|(name, _)| !OWN.contains(&name.as_str())).chain(stage).collect(),
        }
    }

    /// The addresses that the request gives of the lead.
    pub fn addresses(&self) -> impl Iterator<Item = Address<'_>> {
        let lead = self.request.lead_data.as_ref();
        let email = lead.and_then(|lead| lead.email.as_deref());
        let phones = self.request.phone_number().into_iter().chain(lead.and_then(|lead| lead.phone.as_deref()));
        email.into_iter().map(Address::Email).chain(phones.map(Address::Phone))
    }

    /// The interactions with the lead: those of the request, unchanged, or those stored until `now`, newest first.
    fn interactions(&self, now: DateTime<Utc>) -> Vec<Value> {
        match &self.request.previous_interactions {
            Some(given) => given.iter().map(|interaction| json!(interaction)).collect(),
            None => self.history.until(now).take(SHOWN).map(told).collect(),
        }
    }

    /// What is planned with the lead.
    fn planned(&self, now: DateTime<Utc>) -> Vec<Value> {
        let planned = self.history.recent.iter().filter(|activity| activity.occurred_at > now);
        planned.take(SHOWN).map(told).collect()
    }

    /// The author of the WhatsApp message: the agent, and the user whose list has the lead with its number, or else the
    /// representative. The requested representative is preferred.
    pub fn author(&self, agent: &Agent) -> Author {
        let user = self.request.user_id.unwrap_or(agent.user_id).to_string();
        let number = self.history.lead.phone.as_deref();
        let has_number = |row: &&Link| number.is_some() && row.customer_phone.phone_number().as_deref() == number;
        let row = self.history.rows.iter().filter(has_number).min_by_key(|row| row.user.user_id != user);
        Author {
            user_id: row.map_or(user, |row| row.user.user_id.clone()),
            agent_id: agent.agent_id,
            agent_name: agent.name.clone(),
        }
    }

    /// The complete input of the model: facts of this one lead, without its `email` and `phone`. All other fields of
    /// `leadData` are passed on unchanged.
    pub fn facts(&self, now: DateTime<Utc>) -> Value {
        let lead = LeadData { email: None, phone: None, ..lead(self.request, &self.history.lead) };
        let mut interactions = self.interactions(now);
        let date = |interaction: &Value| interaction["date"].as_str().unwrap_or_default().to_owned();
        interactions.sort_by_key(|interaction| Reverse(date(interaction)));
        json!({
            "today": now.format("%A %Y-%m-%d").to_string(),
            "site": {"name": self.site.name, "url": self.site.url},
            "lead": lead,
            "interactions": interactions,
            "planned": self.planned(now),
            "product_interest": self.request.products(),
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

/// A text, cut to the maximum length for the model.
fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
