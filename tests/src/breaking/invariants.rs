//! What has to be true once everything has healed and nothing is left to do: the invariants of the design
//! ("Reliability", "Credit ledger") and of the contract, looked at in what is stored and in what is answered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::Episode;
use super::asked::Asked;
use super::told::Told;
use super::world::{MARKS, World};

/// The text at a place of a stored item.
fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item[name]["S"].as_str().unwrap_or_default()
}

/// The last part of a key such as `W#…#L#<id>`.
fn last(key: &str) -> &str {
    key.rsplit('#').next().unwrap_or_default()
}

/// How often each value comes.
fn counted<'a>(values: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    counts
}

/// What the tables hold.
struct Stored {
    leads: Vec<Value>,
    work: Vec<Value>,
    credits: Vec<Value>,
    /// Whole answers among them.
    idempotency: Vec<Value>,
}

impl Stored {
    async fn of(world: &World) -> Self {
        let (leads, work) = (world.scan("LEADS_TABLE").await, world.scan("WORK_TABLE").await);
        let (credits, idempotency) = (world.scan("CREDITS_TABLE").await, world.scan("IDEMPOTENCY_TABLE").await);
        Self { leads, work, credits, idempotency }
    }

    /// The items of a workspace whose sort key begins so.
    fn within<'a>(items: &'a [Value], world: &World, tenant: usize, sk: &'a str) -> impl Iterator<Item = &'a Value> {
        let pk = format!("W#{}", world.tenants[tenant].id);
        items.iter().filter(move |item| text(item, "pk").starts_with(&pk) && text(item, "sk").starts_with(sk))
    }
}

impl Episode {
    /// Fails unless it holds, and counts that it was looked at.
    fn holds(&self, invariant: &'static str, holds: bool, what: impl FnOnce() -> String) {
        self.checked(invariant, 1);
        if !holds {
            self.violation(usize::MAX, &format!("{invariant}: {}", what()));
        }
    }

    /// What can be said at any time: no delivery was sent twice.
    pub(super) async fn look_at_sends(&self) {
        let outbox = self.world.api.outbox().await;
        let ids = counted(outbox.iter().filter_map(|sent| sent["delivery_id"].as_str()));
        for (id, times) in ids {
            self.holds("a delivery is sent once", times == 1, || format!("{id} was sent {times} times"));
        }
    }

    pub(super) async fn look_at_everything(&self) {
        let stored = Stored::of(&self.world).await;
        let told = std::mem::take(&mut *self.state.lock().expect("state")).told;
        for (tenant, told) in told.iter().enumerate() {
            self.ledger(tenant, told, &stored).await;
            self.contacts(tenant, told, &stored);
            self.conversations(tenant, told).await;
            self.lists(tenant, told).await;
            self.tasks(tenant, told, &stored);
            self.commands(tenant, told, &stored);
            self.recommendations(tenant, told, &stored).await;
            self.isolation(tenant, &stored);
        }
        self.look_at_sends().await;
        self.suppressed(&stored).await;
        let talkative = self.world.mailbox.talkative();
        self.holds("a queue's message holds no personal data", talkative.is_empty(), || talkative.concat());
    }

    async fn ledger(&self, tenant: usize, told: &Told, stored: &Stored) {
        let (ledger, workspace) = (self.world.api.ledger(), self.world.tenants[tenant].id);
        let wrong = ledger.verify(workspace).await.expect("a verification");
        self.holds("the ledger adds up from its entries", wrong.is_empty(), || format!("{wrong:?}"));
        let balance = ledger.balance(workspace).await.expect("a balance");
        let sum = balance.available + balance.held + balance.spent;
        self.holds("granted = available + held + spent", balance.granted == sum, || format!("{balance:?}"));
        self.holds("nothing stays held", balance.held == 0, || format!("{balance:?}"));
        let entries: Vec<_> = Stored::within(&stored.credits, &self.world, tenant, "entry").collect();
        for (id, times) in counted(entries.iter().map(|entry| text(entry, "entry_id"))) {
            self.holds("an operation is resolved once", times == 1, || format!("{id}: {times} entries"));
        }
        for operation in Stored::within(&stored.credits, &self.world, tenant, "operation") {
            let state = text(operation, "state");
            self.holds("an operation is posted or voided", ["posted", "voided"].contains(&state), || {
                operation.to_string()
            });
        }
        let charged = |action: &str| {
            entries.iter().filter(|one| text(one, "kind") == "charge" && text(one, "action") == action).count()
        };
        for action in ["suggest_followups", "lexi_message"] {
            let (charged, count) = (charged(action), told.charges.get(action).copied().unwrap_or_default());
            let fits = (count.acknowledged..=count.sent).contains(&charged);
            self.holds("what was answered is charged, once", fits, || {
                format!("{action}: {charged} charges for {count:?}")
            });
        }
        let searches = Stored::within(&stored.work, &self.world, tenant, "task")
            .filter(|task| text(task, "status") == "completed");
        let found = searches.filter(|task| {
            task["plan"]["M"].get("prospect_search").is_some() || task.to_string().contains("prospect_search")
        });
        let (charged, found) = (charged("prospect_search"), found.count());
        self.holds("a search is charged once, when it completes", charged <= found, || {
            format!("{charged} charges for {found} searches")
        });
    }

    fn contacts(&self, tenant: usize, told: &Told, stored: &Stored) {
        let leads: Vec<_> = Stored::within(&stored.leads, &self.world, tenant, "lead").collect();
        for field in ["email", "phone"] {
            for (value, times) in counted(leads.iter().map(|lead| text(lead, field)).filter(|value| !value.is_empty()))
            {
                self.holds("an address or number is one contact's", times == 1, || {
                    format!("{field} {value}: {times} contacts")
                });
            }
        }
        let ids: BTreeSet<_> = leads.iter().map(|lead| last(text(lead, "pk"))).collect();
        for id in told.known_contacts() {
            self.holds("a contact that was acknowledged is there", ids.contains(id.as_str()), || id.clone());
        }
        let items: Vec<_> = Stored::within(&stored.leads, &self.world, tenant, "activity#").collect();
        for (about, count) in &told.activities {
            let there = items.iter().filter(|item| text(item, "title").ends_with(about.as_str())).count();
            let fits = there <= 1 && (there == 1 || count.acknowledged == 0);
            self.holds("an activity that was acknowledged is there, once", fits, || {
                format!("{about}: {there} for {count:?}")
            });
        }
    }

    async fn get(&self, tenant: usize, route: &'static str, at: &[(&'static str, &str)], query: String) -> Value {
        let asked = Asked::new("look", tenant, "GET", route).query(query);
        let asked = at.iter().fold(asked, |asked, (name, value)| asked.at(name, *value));
        let mut answered = self.world.send(&asked).await;
        for _ in 0..5 {
            // A machine that is too slow for the timeouts.
            if !answered.as_ref().is_ok_and(|answer| answer.status == 503) {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            answered = self.world.send(&asked).await;
        }
        match answered {
            Ok(answer) if answer.status == 200 && asked.wrong_with(&answer, false).is_none() => answer.json(),
            other => {
                self.violation(usize::MAX, &format!("{}: {other:?}", asked.path()));
                Value::Null
            }
        }
    }

    /// The rows of the lead list against a recount of their messages, and those against what was acknowledged.
    async fn conversations(&self, tenant: usize, told: &Told) {
        let mut there: BTreeMap<(String, String), usize> = BTreeMap::new();
        let (mut rows, mut total) = (0, usize::MAX);
        while rows < total {
            let page = self
                .get(tenant, "/users/{user_id}/leads", &[("user_id", "me")], format!("limit=100&offset={rows}"))
                .await;
            total = page["pagination"]["total"].as_u64().unwrap_or_default() as usize;
            let shown = page["data"].as_array().cloned().unwrap_or_default();
            if shown.is_empty() {
                self.holds("the list shows as many leads as it counts", rows >= total, || format!("{rows} of {total}"));
                break;
            }
            for row in &shown {
                self.row(tenant, row, &mut there).await;
            }
            rows += shown.len();
        }
        for (message, count) in &told.messages {
            let times = there.get(message).copied().unwrap_or_default();
            let fits = times <= 1 && (times == 1 || count.acknowledged == 0);
            self.holds("a message that was acknowledged is there, once", fits, || {
                format!("{message:?}: {times} for {count:?}")
            });
        }
    }

    async fn row(&self, tenant: usize, row: &Value, there: &mut BTreeMap<(String, String), usize>) {
        let lead = row["customer_phone"].as_str().unwrap_or_default();
        let (mut messages, mut total) = (Vec::new(), usize::MAX);
        while messages.len() < total {
            let query = format!("limit=200&offset={}", messages.len());
            let page = self
                .get(
                    tenant,
                    "/users/{user_id}/leads/{customer_phone}/messages",
                    &[("user_id", "me"), ("customer_phone", lead)],
                    query,
                )
                .await;
            total =
                page["pagination"]["total"].as_u64().or(page["data"]["total"].as_u64()).unwrap_or_default() as usize;
            let shown = page["data"]["messages"].as_array().cloned().unwrap_or_default();
            if shown.is_empty() {
                break;
            }
            messages.extend(shown);
        }
        for message in &messages {
            let id = message["message_id"].as_str().unwrap_or_default();
            *there.entry((lead.to_owned(), id.to_owned())).or_default() += 1;
        }
        let counted = row["total_messages"].as_u64().unwrap_or_default() as usize;
        self.holds("a row counts its messages", counted == messages.len(), || {
            format!("{counted} for {}", messages.len())
        });
        let within: u64 =
            row["conversations"].as_array().into_iter().flatten().filter_map(|one| one["message_count"].as_u64()).sum();
        self.holds("a row counts its messages", within as usize == messages.len(), || {
            format!("{within} in conversations for {}", messages.len())
        });
        let said = messages.iter().rev().find(|message| message["status"] != "pending").or(messages.last());
        let newest = said.and_then(|message| message["timestamp"].as_str());
        let shown = row["last_message_at"].as_str();
        let is_newest = newest.is_none_or(|newest| shown.is_some_and(|shown| shown >= newest));
        self.holds("a row shows its newest message", is_newest, || format!("{shown:?} for {newest:?}"));
    }

    async fn lists(&self, tenant: usize, told: &Told) {
        for (list, expected) in &told.lists {
            let shown = self.get(tenant, "/v1/lists/{id}", &[("id", list)], String::new()).await;
            let count = shown["data"]["contact_count"].as_u64().unwrap_or_default() as usize;
            let mut members = BTreeSet::new();
            for page in 1.. {
                let shown = self
                    .get(tenant, "/v1/lists/{id}/contacts", &[("id", list)], format!("per_page=100&page={page}"))
                    .await;
                let data = shown["data"].as_array().cloned().unwrap_or_default();
                let before = members.len();
                members.extend(data.iter().filter_map(|one| one["contact_id"].as_str().map(str::to_owned)));
                if data.is_empty() || members.len() == before {
                    break;
                }
            }
            self.holds("a list counts its members", count == members.len(), || {
                format!("{count} for {}", members.len())
            });
            for (contact, is_on) in expected {
                let fits = is_on.is_none_or(|is_on| is_on == members.contains(contact));
                self.holds("who was put on a list is on it, and who was taken off is not", fits, || {
                    format!("{contact}: {is_on:?}")
                });
            }
        }
        for (name, id) in told.names.iter().filter_map(|(name, id)| Some((name, id.as_ref()?))) {
            let shown = self.get(tenant, "/v1/lists/{id}", &[("id", id)], String::new()).await;
            self.holds("a list that was acknowledged is there", shown["data"]["name"] == **name, || shown.to_string());
        }
    }

    fn tasks(&self, tenant: usize, told: &Told, stored: &Stored) {
        let tasks: BTreeMap<_, _> = Stored::within(&stored.work, &self.world, tenant, "task")
            .map(|task| (last(text(task, "pk")), text(task, "status")))
            .collect();
        for (id, status) in &tasks {
            let is_settled = ["pending", "completed", "failed", "dismissed"].contains(status);
            self.holds("no task is stuck", is_settled, || format!("{id} is {status}"));
        }
        for (id, is_approved) in &told.tasks {
            let status = tasks.get(id.as_str()).copied();
            self.holds("a task that was acknowledged is there", status.is_some(), || id.clone());
            let fits = !is_approved || status.is_some_and(|status| ["completed", "failed"].contains(&status));
            self.holds("an approved task is done or has failed", fits, || format!("{id} is {status:?}"));
        }
        for id in &told.dismissed {
            let status = tasks.get(id.as_str()).copied();
            self.holds("a dismissed task stays dismissed", status == Some("dismissed"), || {
                format!("{id} is {status:?}")
            });
        }
    }

    fn commands(&self, tenant: usize, told: &Told, stored: &Stored) {
        let commands: BTreeMap<_, _> = Stored::within(&stored.work, &self.world, tenant, "command")
            .map(|command| (last(text(command, "pk")), text(command, "status")))
            .collect();
        for (id, status) in &commands {
            self.holds("no command is stuck", ["completed", "failed"].contains(status), || format!("{id} is {status}"));
        }
        for id in &told.commands {
            self.holds("a command that was acknowledged is there", commands.contains_key(id.as_str()), || id.clone());
        }
    }

    async fn recommendations(&self, tenant: usize, told: &Told, stored: &Stored) {
        let items: BTreeMap<_, _> = Stored::within(&stored.work, &self.world, tenant, "recommendation")
            .map(|item| (last(text(item, "pk")).to_owned(), item))
            .collect();
        for id in &told.recommendations {
            self.holds("a recommendation that was acknowledged is there", items.contains_key(id), || id.clone());
        }
        let events =
            counted(Stored::within(&stored.work, &self.world, tenant, "event#").map(|event| last(text(event, "pk"))));
        let workspace = self.world.tenants[tenant].id.simple().to_string();
        let outbox = self.world.api.outbox().await;
        let sent: Vec<_> = outbox
            .iter()
            .filter(|sent| sent["delivery_id"].as_str().is_some_and(|id| id.starts_with(&workspace)))
            .collect();
        for (id, item) in &items {
            let status = text(item, "status");
            let is_settled =
                !["approved", "rejected"].contains(&status) || status == "rejected" && item["due_at"].is_null();
            self.holds("no recommendation is stuck", is_settled, || format!("{id} is {status}"));
            let version = item["version"]["N"].as_str().and_then(|version| version.parse().ok()).unwrap_or(0);
            let told_of = events.get(id.as_str()).copied().unwrap_or_default();
            self.holds("every change has its audit event", told_of == version, || {
                format!("{id}: version {version}, {told_of} events")
            });
            if status == "requeued" {
                let next = item["followed_by"]["S"].as_str().is_some_and(|next| items.contains_key(next));
                self.holds("what is written anew has its successor", next, || id.clone());
            }
            self.deliveries(id, item, told, &sent);
        }
        for id in &told.approved {
            let status = items.get(id).map(|item| text(item, "status")).unwrap_or_default();
            let fits = ["delivering", "delivered", "delivery_failed", "resolved"].contains(&status);
            self.holds("what was approved is sent or failed", fits, || format!("{id} is {status}"));
        }
        for sent in &sent {
            let id = sent["delivery_id"]
                .as_str()
                .and_then(|id| id.split('-').nth(1))
                .and_then(|id| uuid::Uuid::parse_str(id).ok());
            let is_known = id.is_some_and(|id| items.contains_key(&id.to_string()));
            self.holds("nothing is sent that is not stored", is_known, || sent["delivery_id"].to_string());
        }
    }

    /// What was sent of one recommendation against what was approved.
    fn deliveries(&self, id: &str, item: &Value, told: &Told, outbox: &[&Value]) {
        let simple = id.replace('-', "");
        let sent: Vec<_> =
            outbox.iter().filter(|sent| sent["delivery_id"].as_str().is_some_and(|of| of.contains(&simple))).collect();
        let attempts = item["attempts"]["L"].as_array().cloned().unwrap_or_default();
        if !sent.is_empty() {
            let asked = told.approvals.get(id);
            self.holds("nothing is sent that nobody approved", asked.is_some(), || id.to_owned());
            let approved = item.pointer("/approval/M/draft/M/message/S").and_then(Value::as_str).unwrap_or_default();
            let proposed = item.pointer("/draft/M/message/S").and_then(Value::as_str).unwrap_or_default();
            let is_asked =
                asked.is_some_and(|texts| texts.contains(approved) || texts.contains("") && approved == proposed);
            self.holds("what is approved is what the reviewer wrote or saw", is_asked, || format!("{id}: {approved}"));
        }
        let mut last_is_open = false;
        for (number, attempt) in attempts.iter().enumerate() {
            let of =
                |sent: &&&&Value| sent["delivery_id"].as_str().is_some_and(|id| id.ends_with(&format!("-{number}")));
            let these: Vec<_> = sent.iter().filter(of).collect();
            let state = attempt.pointer("/M/state/S").and_then(Value::as_str).unwrap_or_default();
            let message = attempt.pointer("/M/draft/M/message/S").and_then(Value::as_str).unwrap_or_default();
            for one in &these {
                self.holds("what is sent is what was approved", one["text"] == message, || {
                    format!("{id}: {} for {message}", one["text"])
                });
            }
            if state == "delivered" && attempt.pointer("/M/provider_message_id/S").is_some() {
                self.holds("what is delivered was sent", these.len() == 1, || format!("{id}: {} sends", these.len()));
            }
            self.holds("an attempt comes after one that failed", !last_is_open, || format!("{id}, attempt {number}"));
            last_is_open = state != "failed";
        }
    }

    fn isolation(&self, tenant: usize, stored: &Stored) {
        let others: Vec<_> =
            MARKS.iter().enumerate().filter(|(other, _)| *other != tenant).map(|(_, mark)| *mark).collect();
        for item in [&stored.leads, &stored.work, &stored.credits, &stored.idempotency]
            .into_iter()
            .flat_map(|items| Stored::within(items, &self.world, tenant, ""))
        {
            let lower = item.to_string().to_lowercase();
            let is_own = !others.iter().any(|mark| lower.contains(mark));
            self.holds("no item holds what is another workspace's", is_own, || {
                format!("{} {}", text(item, "pk"), text(item, "sk"))
            });
        }
    }

    async fn suppressed(&self, stored: &Stored) {
        let outbox = self.world.api.outbox().await;
        for item in stored.leads.iter().filter(|item| text(item, "sk") == "suppressed") {
            let Some(lead) =
                stored.leads.iter().find(|lead| text(lead, "pk") == text(item, "pk") && text(lead, "sk") == "lead")
            else {
                continue;
            };
            let since = text(item, "at");
            let addresses = [text(lead, "email"), text(lead, "phone").trim_start_matches('+')];
            let later = outbox.iter().filter(|sent| {
                let to = sent["to"].as_str().unwrap_or_default().trim_start_matches('+');
                // Who was just being written to cannot be called back.
                let margin = sent["at"].as_str().and_then(|at| at.parse::<chrono::DateTime<chrono::Utc>>().ok());
                let since = since.parse::<chrono::DateTime<chrono::Utc>>().ok();
                addresses.contains(&to)
                    && margin.zip(since).is_some_and(|(at, since)| at > since + chrono::TimeDelta::seconds(120))
            });
            self.holds("nobody is written to who wants to be left alone", later.count() == 0, || {
                text(item, "pk").to_owned()
            });
        }
    }
}
