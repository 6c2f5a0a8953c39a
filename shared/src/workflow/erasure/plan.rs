//! What is to be erased: gathered item by item, and done in the order of the fields.

use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

use super::ErasureReport;
use super::person::Person;
use crate::base::store::{Item, from_item, key};
use crate::crm::leads::{Lead, SUPPRESSED};
use crate::crm::prospects::Prospect;

/// The kind that it counts as, an item's key, and each attribute that is to be changed with what it was and what it
/// becomes.
pub(super) type Redaction = (&'static str, Item, Vec<(String, AttributeValue, AttributeValue)>);

/// Prospects that are taken out of what a search has found.
const FOUND: &str = "found_prospects";

/// Items of which a text is replaced.
const TEXTS: &str = "texts";

/// What is to be done, in this order.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) person: Person,
    /// The lead with its version, as it was before anything else was read.
    pub(super) lead: Option<(Lead, u64)>,
    pub(super) found: ErasureReport,
    /// Answers that are kept: the key, and what is answered from now on.
    pub(super) answers: Vec<(Item, Value)>,
    /// Texts that name the person, in items of the table `work` that stay.
    pub(super) redactions: Vec<Redaction>,
    /// Conversations with Lexi: the partition, and the keys of what names the person.
    pub(super) chats: BTreeMap<String, Vec<Item>>,
    /// Lists that the lead is on.
    pub(super) lists: Vec<Uuid>,
    pub(super) work: Vec<Item>,
    pub(super) rows: Vec<Item>,
    pub(super) leads: Vec<Item>,
    /// Where its messages are: the partition of its row, and its identifier there.
    pub(super) places: BTreeSet<(String, String)>,
    /// What goes in the last transaction: identities, and why the lead is not to be contacted.
    pub(super) identities: Vec<Item>,
    pub(super) suppressed: Option<Item>,
}

impl Plan {
    pub(super) fn count(&mut self, kind: &'static str) {
        *self.found.counts.entry(kind).or_default() += 1;
    }

    fn delete_work(&mut self, kind: &'static str, item: &Item) {
        self.count(kind);
        self.work.push(key_of(item));
    }

    pub(super) fn is_of_lead(&self, item: &Item) -> bool {
        self.found.lead_id.is_some_and(|lead_id| text(item, "lead_id") == lead_id.to_string())
    }

    /// Takes an item of the lead's partition.
    pub(super) fn take_of_lead(&mut self, item: Item) {
        match text(&item, "sk").split('#').next() {
            Some("lead") => self.count("contacts"),
            Some(SUPPRESSED) => self.suppressed = Some(item),
            kind => {
                self.count(if kind == Some("activity") { "activities" } else { "links" });
                self.leads.push(key_of(&item));
            }
        }
    }

    /// Takes something that happened in one of the lead's conversations.
    pub(super) fn take_event(&mut self, item: &Item) {
        self.count(match text(item, "sk").split('#').next() {
            Some("message") => "messages",
            Some("template") => "template_sends",
            Some("extraction") => "extractions",
            Some("status") => "message_statuses",
            _ => "links",
        });
        self.leads.push(key_of(item));
    }

    /// Takes a prospect with its postings, if it is the person.
    pub(super) fn take_prospect(&mut self, item: &Item) {
        if !from_item::<Prospect>(item.clone()).is_ok_and(|prospect| self.person.is_prospect(&prospect)) {
            return;
        }
        self.count("prospects");
        let postings = item.get("postings").and_then(|postings| postings.as_l().ok());
        let postings = postings.into_iter().flatten().filter_map(|posting| posting.as_s().ok());
        let keys = postings.map(|posting| key(format!("{}#{posting}", text(item, "pk")), text(item, "sk")));
        self.leads.extend(keys.chain([key_of(item)]));
    }

    /// Takes another item of the table `leads`.
    pub(super) fn take_of_table(&mut self, item: &Item) {
        let kind = text(item, "sk").split('#').next().unwrap_or_default();
        match kind {
            "identity" if self.is_of_lead(item) => {
                self.count("identities");
                self.identities.push(key_of(item));
            }
            "row" if self.is_of_lead(item) => {
                self.count("conversations");
                self.rows.push(key_of(item));
                // It may have come since the lead's rows were looked up.
                let identifier = text(item, "sk").trim_start_matches("row#");
                self.places.insert((text(item, "pk").to_owned(), identifier.to_owned()));
            }
            "inbox" if self.person.is_in(item) => {
                self.count("waiting_deliveries");
                self.leads.push(key_of(item));
            }
            "inbox" | "erased" | SUPPRESSED => {}
            _ if self.person.is_identified_by(item) => self.found.named_elsewhere += 1,
            _ => {}
        }
    }

    /// What becomes of an item of the table `work`.
    pub(super) fn take_work(&mut self, item: &Item) {
        let (pk, sk) = (text(item, "pk"), text(item, "sk"));
        let lead = self.found.lead_id.map(|lead_id| lead_id.to_string());
        let kind = sk.split('#').next().unwrap_or_default();
        // The letter after the workspace.
        let part = pk.split('#').nth(2).unwrap_or_default();
        match (part, kind) {
            ("R", "recommendation") if self.is_of_lead(item) => self.delete_work("recommendations", item),
            ("C", "command") if self.is_of_lead(item) => self.delete_work("commands", item),
            ("N", _) if self.is_of_lead(item) => self.delete_work("notifications", item),
            ("L", "manual") if lead.as_deref() == pk.split('#').nth(3) => self.delete_work("manual_queue", item),
            ("S", "contact") if self.is_of_lead(item) => {
                if let Some(list_id) = pk.split('#').nth(3).and_then(|list_id| list_id.parse().ok()) {
                    self.count("list_places");
                    self.lists.push(list_id);
                }
            }
            ("G", "contact") if self.is_of_lead(item) => self.delete_work("campaign_entries", item),
            ("T", "task") if is_about_contacts(item) && self.person.is_in(item) => self.delete_work("tasks", item),
            ("T", "selection") if self.without(item).is_some() => {
                self.count(FOUND);
                self.redactions.extend(self.without(item));
            }
            ("V", _) if self.person.is_in(item) => {
                let chat = self.chats.entry(pk.to_owned()).or_default();
                if chat.is_empty() {
                    *self.found.counts.entry("lexi_conversations").or_default() += 1;
                }
                chat.push(key_of(item));
            }
            ("T", "task") | ("campaigns" | "lists", _) => {
                let changes = self.person.redacted(item);
                if !changes.is_empty() {
                    self.count(TEXTS);
                    self.redactions.push((TEXTS, key_of(item), changes));
                }
            }
            // Audit events name nobody; the rest is settled above.
            ("R", "event") | ("V" | "T" | "G" | "S" | "rates", _) => {}
            _ if self.person.is_identified_by(item) => self.found.named_elsewhere += 1,
            _ => {}
        }
    }

    /// What a search has found, without the person, if it has found it.
    fn without(&self, item: &Item) -> Option<Redaction> {
        let was = item.get("prospects")?;
        let found = was.as_l().ok()?;
        let is_person = |prospect: &AttributeValue| {
            let prospect = prospect.as_m().ok().cloned().map(from_item::<Prospect>);
            prospect.is_some_and(|prospect| prospect.is_ok_and(|prospect| self.person.is_prospect(&prospect)))
        };
        let others: Vec<_> = found.iter().filter(|prospect| !is_person(prospect)).cloned().collect();
        (others.len() < found.len())
            .then(|| (FOUND, key_of(item), vec![("prospects".to_owned(), was.clone(), AttributeValue::L(others))]))
    }
}

pub(super) fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str).unwrap_or_default()
}

/// The partition of the messages of a row.
pub(super) fn events_pk((user, identifier): &(String, String)) -> String {
    format!("{user}#M#{identifier}")
}

pub(super) fn key_of(item: &Item) -> Item {
    item.iter()
        .filter(|(name, _)| matches!(name.as_str(), "pk" | "sk"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Whether a task changes contacts that it names.
fn is_about_contacts(task: &Item) -> bool {
    let plan = task.get("plan").and_then(|plan| plan.as_m().ok());
    plan.is_some_and(|plan| matches!(text(plan, "type"), "contact_update" | "list_operation"))
}
