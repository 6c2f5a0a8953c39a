//! Finds everything about a person.

use super::person::Person;
use super::plan::{Plan, events_pk, key_of, text};
use super::{Erasure, Subject, erased_answer};
use crate::base::store::{Item, StoreError, Table, s};
use crate::crm::conversations::row_of_item;
use std::collections::BTreeSet;
use uuid::Uuid;

impl Erasure {
    /// Reads every item of a workspace in a table, also those that have expired and are not deleted yet.
    pub(super) async fn each(
        &self,
        table: &Table,
        workspace_id: Uuid,
        mut take: impl FnMut(Item),
    ) -> Result<(), StoreError> {
        let workspace = s(format!("W#{workspace_id}#"));
        let take = |item| {
            take(item);
            Ok(())
        };
        table.scan("begins_with(pk, :workspace)", [("workspace", workspace)], take).await
    }

    /// Finds everything about a person. `person` holds what is known about the person so far.
    pub(super) async fn plan(&self, workspace_id: Uuid, subject: &Subject, person: Person) -> Result<Plan, StoreError> {
        let mut plan = Plan { person, ..Plan::default() };
        let mut lead_id = match subject {
            Subject::Lead(lead_id) => Some(*lead_id),
            Subject::Email(email) => {
                plan.person.has_email(email);
                self.leads.owner(workspace_id, "email", email).await?
            }
            Subject::Phone(phone) => {
                plan.person.has_phone(phone);
                self.leads.owner(workspace_id, "phone", phone).await?
            }
        };
        if lead_id.is_none() {
            let mut shown_by = self.shown_by(workspace_id, &plan.person).await?;
            match shown_by.len() {
                1 => lead_id = shown_by.pop_first(),
                _ => plan.found.shown_by = shown_by,
            }
        }
        plan.found.lead_id = lead_id;
        if let Some(lead_id) = lead_id {
            plan.person.has_id(lead_id);
            plan.lead = self.leads.versioned(workspace_id, lead_id).await?;
        }
        if let Some((lead, _)) = &plan.lead {
            plan.person.is_lead(lead);
        }
        self.learn(workspace_id, &mut plan).await?;
        self.plan_work(workspace_id, &mut plan).await?;
        self.plan_leads(workspace_id, &mut plan).await?;
        // Answers name the conversations, too. Nothing else is the person's for that: a task that was made in one may
        // be about others.
        let mut person = plan.person.clone();
        plan.chats.keys().filter_map(|pk| pk.rsplit('#').next()?.parse().ok()).for_each(|id| person.has_id(id));
        let Plan { found, answers, .. } = &mut plan;
        self.each(&self.idempotency_table, workspace_id, |item| {
            let Some(response) = item.get("response").and_then(|response| response.as_m().ok()) else { return };
            let is_about = lead_id.is_some_and(|lead_id| text(response, "about") == lead_id.to_string());
            let body = text(response, "body");
            if (is_about || person.is_named_in(body))
                && let Some(answer) = erased_answer(body)
            {
                *found.counts.entry("stored_answers").or_default() += 1;
                answers.push((key_of(&item), answer));
            }
        })
        .await?;
        Ok(plan)
    }

    /// The leads whose rows show an address or number of a person. An address that was only extracted from messages is
    /// not an identity of the lead.
    pub(super) async fn shown_by(&self, workspace_id: Uuid, person: &Person) -> Result<BTreeSet<Uuid>, StoreError> {
        let mut found = Vec::new();
        let of_users = format!("W#{workspace_id}#U#");
        self.each(&self.leads_table, workspace_id, |item| {
            if text(&item, "pk").starts_with(&of_users) && text(&item, "sk").starts_with("row#") {
                let lead_id = row_of_item(item).map(|row| {
                    let mut shown = Person::default();
                    shown.is_shown(&row);
                    shown.shares_address_with(person).then_some(row.lead_id)
                });
                found.extend(lead_id.transpose());
            }
        })
        .await?;
        found.into_iter().collect()
    }

    /// Reads the lead's identifiers and the keys of its messages from its rows.
    pub(super) async fn learn(&self, workspace_id: Uuid, plan: &mut Plan) -> Result<(), StoreError> {
        let (mut rows, mut aliases) = (Vec::new(), Vec::new());
        let Some(lead_id) = plan.found.lead_id else { return Ok(()) };
        let of_lead = format!("W#{workspace_id}#L#{lead_id}");
        self.each(&self.leads_table, workspace_id, |item| {
            let (pk, sk) = (text(&item, "pk"), text(&item, "sk"));
            if sk.starts_with("row#") && (pk == of_lead || plan.is_of_lead(&item)) {
                rows.push(item);
            } else if sk == "alias" {
                aliases.push((pk.to_owned(), text(&item, "customer_phone").to_owned()));
            }
        })
        .await?;
        let mut places = BTreeSet::new();
        for item in rows {
            let (pk, sk) = (text(&item, "pk").to_owned(), text(&item, "sk").to_owned());
            match pk == of_lead {
                // A link: `row#<user>#<identifier>`.
                true => {
                    let (user, identifier) = (text(&item, "user_id"), text(&item, "customer_phone"));
                    plan.person.has_channel(identifier);
                    places.insert((format!("W#{workspace_id}#U#{user}"), identifier.to_owned()));
                }
                false => {
                    plan.person.is_shown(&row_of_item(item)?);
                    places.insert((pk, sk.trim_start_matches("row#").to_owned()));
                }
            }
        }
        let mut own = BTreeSet::new();
        for place in places {
            // The person may have written again after a part was erased: then the messages there are another lead's.
            if !self.is_anothers(&place, lead_id).await? {
                own.insert(place);
            }
        }
        let mut places = own;
        for (pk, of) in aliases {
            if let Some((user, alias)) = pk.split_once("#M#")
                && places.contains(&(user.to_owned(), of))
            {
                plan.person.has_channel(alias);
                places.insert((user.to_owned(), alias.to_owned()));
            }
        }
        plan.places = places;
        Ok(())
    }

    pub(super) async fn plan_work(&self, workspace_id: Uuid, plan: &mut Plan) -> Result<(), StoreError> {
        // What was made for the lead tells its identifiers, by which others name it.
        self.each(&self.work_table, workspace_id, |item| {
            if plan.is_of_lead(&item) {
                let made = ["recommendation_id", "command_id"].map(|name| text(&item, name).parse());
                let own = matches!(text(&item, "sk"), "recommendation" | "command");
                made.into_iter().flatten().filter(|_| own).for_each(|id| plan.person.has_id(id));
                if !text(&item, "prospect_id").is_empty() {
                    plan.person.was_prospect(text(&item, "prospect_id"));
                }
            }
        })
        .await?;
        self.each(&self.work_table, workspace_id, |item| plan.take_work(&item)).await
    }

    pub(super) async fn plan_leads(&self, workspace_id: Uuid, plan: &mut Plan) -> Result<(), StoreError> {
        let partitions: BTreeSet<_> = plan.places.iter().map(events_pk).collect();
        let of_lead = plan.found.lead_id.map(|lead_id| format!("W#{workspace_id}#L#{lead_id}"));
        let of_prospects = format!("W#{workspace_id}#P");
        self.each(&self.leads_table, workspace_id, |item| {
            let pk = text(&item, "pk");
            if Some(pk) == of_lead.as_deref() {
                plan.take_of_lead(item);
            } else if partitions.contains(pk) {
                plan.take_event(&item);
            } else if pk == of_prospects {
                plan.take_prospect(&item);
            } else if !pk.starts_with(&of_prospects) {
                plan.take_of_table(&item);
            }
        })
        .await
    }
}
