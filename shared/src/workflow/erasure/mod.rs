//! Erasing a person from a workspace: whatever was stored about it, in whichever table, while the ledger stays whole.
//!
//! What goes:
//!
//! - the lead with its identities, activities and links; its rows, messages, template sends and extractions;
//! - recommendations, commands, notifications, its places on lists and in campaigns, its entry in the manual queue;
//! - tasks that change the contact or put it on a list. Of other tasks, campaigns and lists a text that names the
//!   person is replaced by `[erased]`;
//! - conversations with Lexi in which the person is named, whole: the answer beside the message that named it may
//!   tell of it without a name;
//! - answers that are kept for their idempotency key: the key stays taken, and is answered with 404 from then on, so
//!   that nothing is made or charged again;
//! - the person among prospects, and in what searches have found; deliveries of webhooks that were not worked on yet.
//!
//! What stays: the ledger, audit events and counters, which name nobody; and, of a person who asked not to be
//! contacted, a keyed hash of each address ([`crate::crm::leads`]), so that nobody writes to it again.
//!
//! Everything is found by reading the tables whole, and found anew until nothing is left, so that erasing may be
//! interrupted and repeated. What is told by something else goes before that: texts before what tells whose they
//! are, and the lead with its identities last, in one transaction that is refused if the lead has changed meanwhile.

mod person;
mod plan;

use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use self::person::Person;
use self::plan::{Plan, events_pk, key_of, text};
use crate::base::context::FromContext;
use crate::base::store::{Item, StoreError, Table, Transacted, WriteOutcome, key, s};
use crate::crm::conversations::{Conversations, row_of_item};
use crate::crm::leads::Leads;
use crate::crm::lists::{ListError, Lists};

/// How often is looked for what is left: others may write at the same time.
const PASSES: usize = 10;

/// Who is to be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The lead of this identifier.
    Lead(Uuid),
    /// Whoever has this e-mail address, in lower case.
    Email(String),
    /// Whoever has this phone number: `+` and digits.
    Phone(String),
}

/// What was found, or erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// The lead, if there is one.
    pub lead_id: Option<Uuid>,
    /// Where no lead has the address or number, but the rows of several show it: those. None of them is erased, because
    /// they may be several people.
    pub shown_by: BTreeSet<Uuid>,
    /// How many of each kind, such as `messages`; no kind that there is none of.
    pub counts: BTreeMap<&'static str, usize>,
    /// How many items of others hold an address, a number or an identifier of the person. They stay as they are.
    pub named_elsewhere: usize,
}

/// Erases people.
#[derive(Clone, Debug, FromContext)]
pub struct Erasure {
    leads: Leads,
    conversations: Conversations,
    lists: Lists,
    #[context(Table::named(context, "LEADS_TABLE")?)]
    leads_table: Table,
    #[context(Table::named(context, "WORK_TABLE")?)]
    work_table: Table,
    #[context(Table::named(context, "IDEMPOTENCY_TABLE")?)]
    idempotency_table: Table,
}

impl Erasure {
    /// What there is of a person, without changing anything. Reads three tables whole, those of leads and work more than
    /// once.
    pub async fn look(&self, workspace_id: Uuid, wanted: &Wanted) -> Result<Erased, StoreError> {
        self.plan(workspace_id, wanted, Person::default()).await.map(|plan| plan.found)
    }

    /// Erases a person; gives what was erased. What was erased before, or never there, is not told apart.
    ///
    /// # Errors
    /// Some of it may be erased: the same again erases the rest.
    pub async fn erase(&self, workspace_id: Uuid, wanted: &Wanted) -> Result<Erased, StoreError> {
        let mut erased = Erased::default();
        let mut wanted = wanted.clone();
        // What tells a text about the person may be erased before a text that is written meanwhile is seen.
        let mut person = Person::default();
        for _ in 0..PASSES {
            let plan = self.plan(workspace_id, &wanted, person).await?;
            erased.named_elsewhere = plan.found.named_elsewhere;
            erased.shown_by.clone_from(&plan.found.shown_by);
            if plan.found.counts.is_empty() {
                return Ok(erased);
            }
            if let Some(lead_id) = plan.found.lead_id {
                erased.lead_id = Some(lead_id);
                // What was written meanwhile is found by that, once the address leads nowhere.
                wanted = Wanted::Lead(lead_id);
            }
            for (kind, count) in self.apply(workspace_id, &plan).await? {
                *erased.counts.entry(kind).or_default() += count;
            }
            person = plan.person;
        }
        Err(StoreError::Unavailable("others keep writing about this lead; erase it again".to_owned()))
    }

    /// Reads every item of a workspace in a table, also those that have expired and are not deleted yet.
    async fn each(&self, table: &Table, workspace_id: Uuid, mut take: impl FnMut(Item)) -> Result<(), StoreError> {
        let workspace = s(format!("W#{workspace_id}#"));
        let take = |item| {
            take(item);
            Ok(())
        };
        table.scan("begins_with(pk, :workspace)", [("workspace", workspace)], take).await
    }

    /// Finds what there is of a person, of whom `person` is known already.
    async fn plan(&self, workspace_id: Uuid, wanted: &Wanted, person: Person) -> Result<Plan, StoreError> {
        let mut plan = Plan { person, ..Plan::default() };
        let mut lead_id = match wanted {
            Wanted::Lead(lead_id) => Some(*lead_id),
            Wanted::Email(email) => {
                plan.person.has_email(email);
                self.leads.owner(workspace_id, "email", email).await?
            }
            Wanted::Phone(phone) => {
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

    /// The leads whose rows show an address or number of a person. One that was only extracted from messages is no
    /// identity of the lead.
    async fn shown_by(&self, workspace_id: Uuid, person: &Person) -> Result<BTreeSet<Uuid>, StoreError> {
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

    /// Learns from its rows who the lead is, and where its messages are.
    async fn learn(&self, workspace_id: Uuid, plan: &mut Plan) -> Result<(), StoreError> {
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

    async fn plan_work(&self, workspace_id: Uuid, plan: &mut Plan) -> Result<(), StoreError> {
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

    async fn plan_leads(&self, workspace_id: Uuid, plan: &mut Plan) -> Result<(), StoreError> {
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

    /// Does what was planned; gives what was done. If a text has changed meanwhile, what tells whose it is stays for
    /// the next pass.
    async fn apply(&self, workspace_id: Uuid, plan: &Plan) -> Result<BTreeMap<&'static str, usize>, StoreError> {
        let mut counts = BTreeMap::new();
        for (key, answer) in &plan.answers {
            let response = serde_dynamo::to_attribute_value(json!({"status": 404, "body": answer.to_string()}));
            let response = response.map_err(|_| StoreError::Broken("an answer does not write".to_owned()))?;
            if self.update(&self.idempotency_table, key, &[("response".to_owned(), None, response)]).await? {
                *counts.entry("stored_answers").or_default() += 1;
            }
        }
        for (kind, key, changes) in &plan.redactions {
            let changes: Vec<_> =
                changes.iter().map(|(name, was, becomes)| (name.clone(), Some(was.clone()), becomes.clone())).collect();
            if self.update(&self.work_table, key, &changes).await? {
                *counts.entry(*kind).or_default() += 1;
            }
        }
        if counts.values().sum::<usize>() < plan.answers.len() + plan.redactions.len() {
            return Ok(counts);
        }
        for (pk, naming) in &plan.chats {
            self.erase_chat(pk, naming).await?;
        }
        if let Some(lead_id) = plan.found.lead_id {
            for list_id in &plan.lists {
                match self.lists.remove(workspace_id, *list_id, &[lead_id]).await {
                    Ok(_) | Err(ListError::NoSuchList) => {}
                    Err(ListError::Store(error)) => return Err(error),
                    Err(ListError::Full) => return Err(StoreError::Broken("a list got longer by less".to_owned())),
                }
            }
            self.work_table.delete_all(plan.work.clone()).await?;
            for row in &plan.rows {
                self.conversations.erase_row(row, lead_id).await?;
            }
            for place in &plan.places {
                self.erase_late_events(place, lead_id).await?;
            }
        } else {
            self.work_table.delete_all(plan.work.clone()).await?;
        }
        self.leads_table.delete_all(plan.leads.clone()).await?;
        let mut counts = plan.found.counts.clone();
        if !self.finish(workspace_id, plan).await? {
            counts.remove("contacts");
            counts.remove("identities");
        }
        Ok(counts)
    }

    /// Deletes what was recorded in a row that is gone since the look, and would count for nobody. Where the same
    /// person has written again meanwhile, and is another lead, that stays.
    async fn erase_late_events(&self, place: &(String, String), lead_id: Uuid) -> Result<(), StoreError> {
        let events = self.keys(&self.leads_table, &events_pk(place)).await?;
        if self.is_anothers(place, lead_id).await? {
            return Ok(());
        }
        self.leads_table.delete_all(events).await
    }

    /// Whether the row of a place is another lead's by now.
    async fn is_anothers(&self, (user, identifier): &(String, String), lead_id: Uuid) -> Result<bool, StoreError> {
        let row = self.leads_table.get_item(key(user, format!("row#{identifier}"))).await?;
        Ok(row.is_some_and(|row| text(&row, "lead_id") != lead_id.to_string()))
    }

    /// The keys of the items of a partition.
    async fn keys(&self, table: &Table, pk: &str) -> Result<Vec<Item>, StoreError> {
        let mut items = table.partition(pk).only("pk, sk").items();
        let mut keys = Vec::new();
        while let Some(item) = items.next().await? {
            keys.push(item);
        }
        Ok(keys)
    }

    /// Deletes a conversation with Lexi; what names the person last, so that the rest is found as long as it is
    /// there.
    async fn erase_chat(&self, pk: &str, naming: &[Item]) -> Result<(), StoreError> {
        let mut others = self.keys(&self.work_table, pk).await?;
        others.retain(|key| !naming.contains(key));
        self.work_table.delete_all(others).await?;
        self.work_table.delete_all(naming.to_vec()).await
    }

    /// Sets attributes of an item, each on the condition that it is what it was, or there at all. `false` if one
    /// has changed meanwhile, and nothing was set.
    async fn update(
        &self,
        table: &Table,
        key: &Item,
        changes: &[(String, Option<AttributeValue>, AttributeValue)],
    ) -> Result<bool, StoreError> {
        let sets: Vec<_> = changes.iter().map(|(name, ..)| format!("#{name} = :{name}_after")).collect();
        let mut update = table.update(key.clone(), &format!("SET {}", sets.join(", ")));
        for (name, was, becomes) in changes {
            update = update.bind(&format!("{name}_after"), becomes.clone());
            update = match was {
                Some(was) => {
                    update.when(&format!("#{name} = :{name}_before")).bind(&format!("{name}_before"), was.clone())
                }
                None => update.when(&format!("attribute_exists(#{name})")),
            };
        }
        Ok(matches!(table.write(update).await?, WriteOutcome::Applied(_)))
    }

    /// Deletes the lead with its identities, unless it has changed; keeps that it is not to be contacted. `false`
    /// if it has.
    async fn finish(&self, workspace_id: Uuid, plan: &Plan) -> Result<bool, StoreError> {
        let Some(lead_id) = plan.found.lead_id else { return Ok(true) };
        let mut writes = Vec::new();
        if let Some((lead, version)) = &plan.lead {
            let delete = self.leads_table.delete(Leads::key(workspace_id, lead_id));
            writes.push(match version {
                0 => delete.when("attribute_not_exists(#version)"),
                version => delete.when_version(*version),
            });
            match &plan.suppressed {
                Some(suppressed) => writes.extend(self.leads.keep_suppressed(workspace_id, lead, suppressed)),
                // Where it asks not to be contacted only now, the next pass keeps that.
                None => writes.push(self.leads.unless_suppressed(workspace_id, lead_id)),
            }
        }
        for key in &plan.identities {
            let delete = self.leads_table.delete(key.clone()).when("attribute_not_exists(pk) OR lead_id = :lead");
            writes.push(delete.bind("lead", s(lead_id)));
        }
        if let Some(suppressed) = &plan.suppressed {
            writes.push(self.leads_table.delete(key_of(suppressed)));
        }
        if writes.is_empty() {
            return Ok(true);
        }
        Ok(matches!(self.leads_table.transact(writes).await?, Transacted::Applied))
    }
}

/// What a request is answered from now on whose answer told of the person, in the envelope that it had. `None` if it
/// was erased before.
fn erased_answer(body: &str) -> Option<Value> {
    const MESSAGE: &str = "the contact that this answer told of was erased";
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    if body["error"]["message"] == MESSAGE {
        return None;
    }
    let error = |code: &str| json!({"code": code, "message": MESSAGE});
    Some(if body.get("success").is_some() {
        json!({"success": false, "error": error("LEAD_NOT_FOUND")})
    } else if body.get("data").is_some() {
        json!({"error": error("not_found")})
    } else {
        json!({"error": error("LEAD_NOT_FOUND")})
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_erased_answer_keeps_its_envelope_and_is_erased_once() {
        for (body, code) in [
            (r#"{"data": {"name": "x"}}"#, "not_found"),
            (r#"{"success": true, "data": {}}"#, "LEAD_NOT_FOUND"),
            (r#"{"recommendation_id": "x"}"#, "LEAD_NOT_FOUND"),
            ("no JSON", "LEAD_NOT_FOUND"),
        ] {
            let answer = erased_answer(body).unwrap();
            assert_eq!(answer["error"]["code"], code, "{body}");
            assert_eq!(answer.get("success").is_some(), body.contains("success"));
            assert_eq!(erased_answer(&answer.to_string()), None);
        }
    }
}
