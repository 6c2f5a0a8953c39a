//! The invariants after all faults have stopped and all work is done (docs/breaking.md, "What it checks"), checked in
//! the stored items and in the answers.

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

/// What stands at a place of a stored item.
fn at<'a>(item: &'a Value, path: &str) -> &'a str {
    item.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// The number of a stored item.
fn number(item: &Value, name: &str) -> i64 {
    at(item, &format!("/{name}/N")).parse().unwrap_or_default()
}

/// Addresses as they are compared: providers write numbers with and without a plus sign.
fn plain(address: &str) -> String {
    address.trim_start_matches('+').to_owned()
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

const KEPT: &str = "what is held for a claim is so for longer than it lasts";

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

    /// What can be said whenever nobody is at work: no delivery was sent twice, nobody was written to who wanted to be
    /// left alone before, and what is held for somebody is so for as long as they may work.
    pub(super) async fn look_between(&self) {
        let outbox = self.world.api.outbox().await;
        let ids = counted(outbox.iter().filter_map(|sent| sent["delivery_id"].as_str()));
        for (id, times) in ids {
            self.holds("a delivery is sent once", times == 1, || format!("{id} was sent {times} times"));
        }
        self.look_at_left_alone(&outbox).await;
        self.look_at_holds(usize::MAX).await;
    }

    async fn look_at_left_alone(&self, outbox: &[Value]) {
        let suppressed = serde_json::json!({
            "FilterExpression": "sk = :suppressed OR sk = :lead",
            "ExpressionAttributeValues": {":suppressed": {"S": "suppressed"}, ":lead": {"S": "lead"}},
        });
        let items = self.world.scan_for("LEADS_TABLE", suppressed).await;
        let mut before = self.left_alone.lock().expect("who is left alone");
        for sent in outbox {
            let (id, to) = (at(sent, "/message_id"), plain(at(sent, "/to")));
            if !before.sent.insert(id.to_owned()) {
                continue;
            }
            let workspace = at(sent, "/delivery_id").split('-').next().unwrap_or_default();
            let tenant = self.world.tenants.iter().position(|tenant| tenant.id.simple().to_string() == workspace);
            let is_left_alone = tenant.is_some_and(|tenant| before.addresses.contains(&(tenant, to)));
            self.holds("nobody is written to who wants to be left alone", !is_left_alone, || sent.to_string());
        }
        let suppressed: BTreeSet<_> =
            items.iter().filter(|item| text(item, "sk") == "suppressed").map(|item| text(item, "pk")).collect();
        for (tenant, of) in self.world.tenants.iter().enumerate() {
            let pk = format!("W#{}", of.id);
            let leads = items.iter().filter(|item| text(item, "sk") == "lead" && text(item, "pk").starts_with(&pk));
            for lead in leads.filter(|lead| suppressed.contains(text(lead, "pk"))) {
                let addresses = ["email", "phone"].map(|name| plain(text(lead, name)));
                before.addresses.extend(addresses.into_iter().filter(|to| !to.is_empty()).map(|to| (tenant, to)));
            }
        }
    }

    /// Whoever is at work keeps what is held for them. Can be said at any time: a hold is only ever made longer, so one
    /// that is looked at after its claim is at least as long as it was.
    pub(super) async fn look_at_holds(&self, index: usize) {
        let running = serde_json::json!({
            "FilterExpression": "attribute_not_exists(#response) AND attribute_exists(#operation)",
            "ExpressionAttributeNames": {"#response": "response", "#operation": "operation"},
        });
        let claims = self.world.scan_for("IDEMPOTENCY_TABLE", running).await;
        if claims.is_empty() {
            return;
        }
        let held = serde_json::json!({
            "FilterExpression": "#state = :held",
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": {":held": {"S": "held"}},
        });
        let held = self.world.scan_for("CREDITS_TABLE", held).await;
        let held: BTreeMap<_, _> =
            held.iter().map(|item| (text(item, "operation_id"), number(item, "hold_expires"))).collect();
        for claim in &claims {
            let (operation, lease) = (at(claim, "/operation/M/operation_id/S"), number(claim, "lease_until"));
            let Some(until) = held.get(operation) else { continue };
            self.checked(KEPT, 1);
            if *until < lease {
                self.violation(index, &format!("{KEPT}: {operation} until {until}, its claim until {lease}"));
            }
        }
    }

    pub(super) async fn look_at_everything(&self) {
        let stored = Stored::of(&self.world).await;
        let told = std::mem::take(&mut *self.state.lock().expect("state")).told;
        for (tenant, told) in told.iter().enumerate() {
            self.ledger(tenant, &stored).await;
            self.contacts(tenant, told, &stored);
            self.conversations(tenant, told).await;
            self.lists(tenant, told).await;
            self.tasks(tenant, told, &stored);
            self.commands(tenant, told, &stored);
            self.made(tenant, told, &stored);
            self.charges(tenant, told, &stored);
            self.recommendations(tenant, told, &stored).await;
            self.isolation(tenant, &stored);
        }
        self.look_between().await;
        let letters = self.world.mailbox.tally();
        let (is_dead, died) = letters.dead;
        self.checked("a message that failed five times is worked off when an operator sends it again", died);
        let all_done = letters.left == 0 && is_dead == 0 && letters.taken == letters.worked_off;
        self.holds("every message that was taken is worked off", all_done, || format!("{letters:?}"));
        let talkative = self.world.mailbox.talkative();
        self.holds("a queue's message holds no personal data", talkative.is_empty(), || talkative.concat());
    }

    async fn ledger(&self, tenant: usize, stored: &Stored) {
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
    }

    /// What was charged, against what was answered and what is stored of it.
    fn charges(&self, tenant: usize, told: &Told, stored: &Stored) {
        let entries = Stored::within(&stored.credits, &self.world, tenant, "entry");
        let charges = counted(entries.filter(|one| text(one, "kind") == "charge").map(|one| text(one, "action")));
        let charged = |action: &str| charges.get(action).copied().unwrap_or_default();
        let operations: BTreeMap<_, _> = Stored::within(&stored.credits, &self.world, tenant, "operation")
            .map(|operation| (text(operation, "operation_id"), operation))
            .collect();
        let state = |id: &str| operations.get(id).map(|operation| text(operation, "state")).unwrap_or_default();
        // With a key: each key's answer says whether its one operation was charged.
        let mut named = BTreeSet::new();
        for claim in Stored::within(&stored.idempotency, &self.world, tenant, "") {
            let id = at(claim, "/operation/M/operation_id/S");
            if id.is_empty() {
                continue;
            }
            self.holds("an operation is one key's", named.insert(id), || id.to_owned());
            let is_done = at(claim, "/response/M/status/N") == "200";
            self.holds("a key is charged exactly if it was answered", (state(id) == "posted") == is_done, || {
                format!("{id} is {} for {}", state(id), at(claim, "/response/M/status/N"))
            });
        }
        for (kind, action) in [("suggest", "suggest_followups"), ("chat", "lexi_message")] {
            let count = told.made_of(kind);
            self.holds("what was answered is charged, once", count.fits(charged(action)), || {
                format!("{action}: {} charges for {count:?}", charged(action))
            });
            let unnamed = operations
                .iter()
                .filter(|(id, operation)| {
                    text(operation, "action") == action && text(operation, "state") == "posted" && !named.contains(*id)
                })
                .count();
            self.holds("what has no key is charged once for each request", unnamed <= count.without_key, || {
                format!("{action}: {unnamed} charges for {count:?}")
            });
        }
        let said = Stored::within(&stored.work, &self.world, tenant, "message#")
            .filter(|message| text(message, "speaker") == "user")
            .count();
        self.holds(
            "each message to Lexi that is stored is charged, and no other",
            said == charged("lexi_message"),
            || format!("{said} messages, {} charges", charged("lexi_message")),
        );
        let mut paid = 0;
        for task in Stored::within(&stored.work, &self.world, tenant, "task") {
            let id = at(task, "/operation/M/operation_id/S");
            let is_search = at(task, "/plan/M/type/S") == "prospect_search";
            let found = at(task, "/result/M/found/N").parse::<usize>().unwrap_or_default();
            let is_due = is_search && text(task, "status") == "completed" && found > 0;
            self.holds(
                "a search is charged exactly if it is done and has found somebody",
                is_due == (state(id) == "posted"),
                || format!("{} is {}, found {found}: {}", text(task, "pk"), text(task, "status"), state(id)),
            );
            paid += usize::from(is_due);
        }
        self.holds("nothing else is charged as a search", paid == charged("prospect_search"), || {
            format!("{} charges for {paid} searches", charged("prospect_search"))
        });
    }

    /// What is stored of each request that makes something: at least once if it was answered, at most once for each
    /// key or request. A word in the request stands in what it makes.
    fn made(&self, tenant: usize, told: &Told, stored: &Stored) {
        let leads = |sk| Stored::within(&stored.leads, &self.world, tenant, sk);
        let work = |sk| Stored::within(&stored.work, &self.world, tenant, sk);
        let titles: Vec<_> = leads("activity#").map(|item| text(item, "title")).collect();
        let lists = counted(work("list#").map(|item| text(item, "name")));
        let chats =
            counted(work("message#").filter(|item| text(item, "speaker") == "user").map(|item| text(item, "text")));
        // What the model gave nothing for waits for a person, and what follows another is not the request's own.
        let is_own = |item: &&Value| {
            item["written_by"]["M"].is_object() && item.pointer("/origin/M/engagement/M/follows/M").is_none()
        };
        let asked = "/origin/M/engagement/M/recent_activity_summary/S";
        let recommendations = counted(work("recommendation").filter(is_own).map(|item| at(item, asked)));
        let facts: Vec<_> = work("command").map(|item| (text(item, "role"), text(item, "facts"))).collect();
        let of_role = |role: &str, about: &str| {
            let word = format!("\"{about}\"");
            facts.iter().filter(|(of, facts)| *of == role && facts.contains(&word)).count()
        };
        for ((kind, about), count) in &told.made {
            let counted = |all: &BTreeMap<&str, usize>| all.get(about.as_str()).copied().unwrap_or_default();
            let (invariant, there) = match *kind {
                "activity" => (
                    "an activity is made once for each key or request",
                    titles.iter().filter(|title| title.ends_with(about.as_str())).count(),
                ),
                "list" => ("a list is made once for each key or request", counted(&lists)),
                "chat" => ("a message to Lexi is kept once for each key or request", counted(&chats)),
                "recommendation" => {
                    ("a recommendation is made once for each key or request", counted(&recommendations))
                }
                "follow-up" => {
                    let refined = of_role("copywriter", about);
                    self.holds("a refinement is ordered once for each key or request", count.fits(refined), || {
                        format!("{about}: {refined} for {count:?}")
                    });
                    ("a follow-up is written once for each key or request", of_role("sales", about))
                }
                // It makes nothing but its charge.
                _ => continue,
            };
            self.holds(invariant, count.fits(there), || format!("{about}: {there} for {count:?}"));
        }
        self.linked(tenant, stored);
    }

    /// What is made together stands together: the messages of a follow-up with its command, a task with the message
    /// that proposes it.
    fn linked(&self, tenant: usize, stored: &Stored) {
        let work = |sk| Stored::within(&stored.work, &self.world, tenant, sk);
        let proposed: BTreeMap<_, _> = work("command")
            .flat_map(|command| {
                let recommendations = command["recommendations"]["M"].as_object().into_iter().flatten();
                recommendations.filter_map(|(_, id)| Some((id["S"].as_str()?, last(text(command, "pk")))))
            })
            .collect();
        let sales: BTreeSet<_> =
            work("command").filter(|one| text(one, "role") == "sales").map(|one| last(text(one, "pk"))).collect();
        for item in work("recommendation") {
            let command = at(item, "/origin/M/follow_up/M/command_id/S");
            if !command.is_empty() {
                let id = last(text(item, "pk"));
                let stands = sales.contains(command) && proposed.contains_key(id);
                self.holds("what a follow-up proposes belongs to its command", stands, || format!("{id} of {command}"));
            }
        }
        let by_message =
            counted(work("message#").map(|one| at(one, "/proposed/M/task_id/S")).filter(|id| !id.is_empty()));
        let tasks: BTreeSet<_> = work("task").map(|task| last(text(task, "pk"))).collect();
        for id in tasks.iter().chain(by_message.keys()) {
            let times = by_message.get(id).copied().unwrap_or_default();
            let stands = times == 1 && tasks.contains(id);
            self.holds("a task is proposed by one message", stands, || format!("{id}: by {times} messages"));
        }
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
        for conversation in row["conversations"].as_array().into_iter().flatten() {
            let id = &conversation["conversation_id"];
            let own: Vec<_> = messages.iter().filter(|message| message["conversation_id"] == *id).collect();
            let newest = own.iter().filter_map(|message| message["timestamp"].as_str()).max();
            let fits = conversation["message_count"].as_u64() == Some(own.len() as u64)
                && conversation["last_message_at"].as_str() == newest;
            self.holds("a conversation shows its messages", fits, || {
                format!("{conversation} for {} until {newest:?}", own.len())
            });
        }
        // What waits for approval counts from when it is written, as what was said does.
        let newest = messages.iter().filter_map(|message| message["timestamp"].as_str()).max();
        if newest.is_some() {
            let is_shown = row["last_message_at"].as_str() == newest;
            self.holds("a row shows when its newest message was", is_shown, || {
                format!("{} for {newest:?}", row["last_message_at"])
            });
            // As messages are shown: of one moment, the one with the highest number.
            let place = |message: &&Value| message["sequence_no"].as_u64();
            let at_last = messages.iter().filter(|message| message["timestamp"].as_str() == newest);
            let highest = at_last.clone().filter_map(|message| place(&message)).max();
            let last: Vec<_> = at_last.filter(|message| place(message) == highest).collect();
            let is_shown = last.iter().any(|message| {
                message["text"] == row["last_message_text"] && message["sender"] == row["last_message_sender"]
            });
            self.holds("a row shows its newest message", is_shown, || {
                format!("{} for {last:?}", row["last_message_text"])
            });
        }
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
        // Whose lead wants to be left alone, or of which there is nothing to be said any more.
        let left = counted(
            Stored::within(&stored.work, &self.world, tenant, "event#")
                .filter(|event| text(event, "action") == "not_analysed")
                .map(|event| last(text(event, "pk"))),
        );
        // Those that ever had an attempt that failed, and which of them, from 1.
        let failed: BTreeSet<_> = Stored::within(&stored.work, &self.world, tenant, "event#")
            .filter(|event| text(event, "action") == "settled" && at(event, "/details/M/state/S") == "failed")
            .filter_map(|event| Some((last(text(event, "pk")), at(event, "/details/M/attempt/N").parse().ok()?)))
            .collect();
        let workspace = self.world.tenants[tenant].id.simple().to_string();
        let outbox = self.world.api.outbox().await;
        let sent: Vec<_> = outbox
            .iter()
            .filter(|sent| sent["delivery_id"].as_str().is_some_and(|id| id.starts_with(&workspace)))
            .collect();
        for (id, item) in &items {
            let status = text(item, "status");
            let attempt = item["attempts"]["L"].as_array().and_then(|attempts| attempts.last());
            let is_settled = match status {
                "approved" => false,
                "rejected" => item["due_at"].is_null(),
                // Nobody knows whether it arrived, because its worker was lost or its provider says nothing of it.
                "delivering" => {
                    let state = attempt.map(|attempt| at(attempt, "/M/state/S")).unwrap_or_default();
                    ["unknown", "accepted"].contains(&state) && item["due_at"].is_null()
                }
                _ => true,
            };
            self.holds("no recommendation is stuck", is_settled, || format!("{id} is {status}"));
            let version = item["version"]["N"].as_str().and_then(|version| version.parse().ok()).unwrap_or(0);
            let told_of = events.get(id.as_str()).copied().unwrap_or_default();
            self.holds("every change has its audit event", told_of == version, || {
                format!("{id}: version {version}, {told_of} events")
            });
            if status == "requeued" {
                let next = item["followed_by"]["S"].as_str().is_some_and(|next| items.contains_key(next));
                let has_ended = next || left.contains_key(id.as_str());
                self.holds("what is written anew has its successor, or is left for a reason", has_ended, || id.clone());
            }
            let times = left.get(id.as_str()).copied().unwrap_or_default();
            self.holds("what is not written anew is left once", times <= 1, || format!("{id}: {times} times"));
            self.deliveries(id, item, told, (&sent, &failed));
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
    fn deliveries(&self, id: &str, item: &Value, told: &Told, (outbox, failed): (&[&Value], &BTreeSet<(&str, usize)>)) {
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
            // It may be said to have arrived later, all the same.
            let is_due = number == 0 || failed.contains(&(id, number));
            self.holds("an attempt comes after one that failed", is_due, || format!("{id}, attempt {number}"));
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
}
