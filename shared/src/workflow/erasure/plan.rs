//! The plan of an erasure: collected item by item, and carried out in the order of the fields.

use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

use super::ErasureReport;
use super::person::Person;
use crate::base::store::{Item, from_item, key};
use crate::crm::leads::{Lead, SUPPRESSED};
use crate::crm::prospects::Prospect;

/// A change to an item: the kind that it counts as, the item's key, and each changed attribute with its old and new
/// value.
pub(super) type Redaction = (&'static str, Item, Vec<(String, AttributeValue, AttributeValue)>);

/// The kind of prospects that are removed from search results.
const FOUND: &str = "found_prospects";

/// The kind of items with a replaced text.
const TEXTS: &str = "texts";

/// The planned changes, in the order in which they are made.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) person: Person,
    /// The lead and its version, read before anything else.
    pub(super) lead: Option<(Lead, u64)>,
    pub(super) found: ErasureReport,
    /// Stored answers: the key of each, and its new answer.
    pub(super) answers: Vec<(Item, Value)>,
    /// Texts that name the person, in items of the table `work` that are kept.
    pub(super) redactions: Vec<Redaction>,
    /// Conversations with Lexi: the partition, and the keys of the items that name the person.
    pub(super) chats: BTreeMap<String, Vec<Item>>,
    /// The lists that the lead is on.
    pub(super) lists: Vec<Uuid>,
    pub(super) work: Vec<Item>,
    pub(super) rows: Vec<Item>,
    pub(super) leads: Vec<Item>,
    /// The places of its messages: the partition of each row, and the identifier in it.
    pub(super) places: BTreeSet<(String, String)>,
    /// The items that the last transaction deletes: identities, and the suppression.
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

    /// Adds an item of the lead's partition.
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

    /// Adds an event of one of the lead's conversations.
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

    /// Adds a prospect with its postings, if it is the person.
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

    /// Adds another item of the table `leads`.
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

    /// Adds an item of the table `work`, to be deleted, changed or kept.
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

    /// The change that removes the person from a search result; `None` if the person is not in it.
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

/// The partition key of the messages of a row.
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
