//! What clients were told: the reference that the stored state is held against in the end.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::asked::Asked;
use crate::Answer;

/// How often something was asked for, and answered with success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Requests that may have had an effect.
    pub sent: usize,
    /// Those that certainly had one.
    pub acknowledged: usize,
}

/// A request that may be sent again: it has a key, or can be repeated by its nature.
#[derive(Clone, Debug)]
pub struct Repeatable {
    /// It.
    pub asked: Asked,
    /// What was answered for good.
    pub answer: Option<(u16, String)>,
}

/// What one workspace was told.
#[derive(Debug, Default)]
pub struct Told {
    /// Contacts by their e-mail address; the id once it is known.
    pub contacts: BTreeMap<String, Option<String>>,
    /// Activities by a word in their text.
    pub activities: BTreeMap<String, Count>,
    /// Messages by lead and id.
    pub messages: BTreeMap<(String, String), Count>,
    /// Lists that only the lists API touches, with their contacts: whether they are certainly on it.
    pub lists: BTreeMap<String, BTreeMap<String, Option<bool>>>,
    /// Names of the lists that Lexi may touch.
    pub names: BTreeMap<String, Option<String>>,
    /// Commands.
    pub commands: BTreeSet<String>,
    /// Recommendations that were answered.
    pub recommendations: BTreeSet<String>,
    /// The texts with which an approval of each recommendation was asked for; empty as it was proposed.
    pub approvals: BTreeMap<String, BTreeSet<String>>,
    /// Recommendations whose approval was acknowledged.
    pub approved: BTreeSet<String>,
    /// Tasks, and whether their approval was acknowledged.
    pub tasks: BTreeMap<String, bool>,
    /// Tasks whose dismissal was acknowledged.
    pub dismissed: BTreeSet<String>,
    /// Conversations.
    pub conversations: BTreeSet<String>,
    /// Charges by action: at most as many as were sent without a key or answered, at least as many as answered.
    pub charges: BTreeMap<&'static str, Count>,
    /// The leads that write, by their number.
    pub writers: BTreeSet<String>,
    /// How many idempotency keys were used.
    pub keys: usize,
}

/// What everybody was told.
#[derive(Debug, Default)]
pub struct State {
    /// By workspace.
    pub told: [Told; 3],
    /// What may be sent again.
    pub repeatable: Vec<Repeatable>,
    /// For what is new.
    serial: usize,
}

impl State {
    /// A number that nobody has had.
    pub fn serial(&mut self) -> usize {
        self.serial += 1;
        self.serial
    }

    /// Notes that a request goes out: from now on it may have had its effect.
    pub fn sends(&mut self, asked: &Asked) {
        let told = &mut self.told[asked.tenant];
        match asked.kind {
            "contact" => _ = told.contacts.entry(asked.about.clone()).or_default(),
            "contacts" => {
                each(&asked.body["contacts"], |one| _ = told.contacts.entry(text(&one["email"])).or_default())
            }
            "activity" => told.activities.entry(asked.about.clone()).or_default().sent += 1,
            "messages" => {
                each(&asked.body["messages"], |one| {
                    told.message(text(&one["customer_phone"]), text(&one["message_id"])).sent += 1
                });
            }
            "webhook" => each(&asked.body["entry"][0]["changes"], |change| {
                each(&change["value"]["messages"], |one| told.message(text(&one["from"]), text(&one["id"])).sent += 1);
            }),
            "list" => _ = told.names.entry(asked.about.clone()).or_default(),
            "add to list" | "take off list" => {
                let members = told.lists.entry(asked.at[0].1.clone()).or_default();
                for contact in asked.about.split(' ') {
                    members.insert(contact.to_owned(), None);
                }
            }
            "approve" => _ = told.approvals.entry(asked.at[0].1.clone()).or_default().insert(asked.about.clone()),
            "suggest" => told.charges.entry("suggest_followups").or_default().sent += 1,
            "chat" => told.charges.entry("lexi_message").or_default().sent += 1,
            _ => {}
        }
    }

    /// Takes in what an answer says. `is_first` unless the same request was answered before.
    pub fn learns(&mut self, asked: &Asked, answer: &Answer, is_first: bool) {
        if answer.status >= 300 {
            return;
        }
        let told = &mut self.told[asked.tenant];
        let Ok(body) = serde_json::from_str::<Value>(&answer.text) else { return };
        let data = if body["data"].is_null() { &body } else { &body["data"] };
        match asked.kind {
            "contact" => _ = told.contacts.insert(asked.about.clone(), Some(text(&data["contact_id"]))),
            "contacts" => each(&data["results"], |one| {
                if one["contact_id"].is_string() {
                    told.contacts.insert(text(&one["email"]), Some(text(&one["contact_id"])));
                }
            }),
            "activity" => told.activities.entry(asked.about.clone()).or_default().acknowledged += 1,
            "messages" => {
                each(&asked.body["messages"], |one| {
                    let lead = text(&one["customer_phone"]);
                    told.writers.insert(lead.clone());
                    told.message(lead, text(&one["message_id"])).acknowledged += 1;
                });
            }
            "webhook" => each(&asked.body["entry"][0]["changes"], |change| {
                each(&change["value"]["messages"], |one| {
                    told.message(text(&one["from"]), text(&one["id"])).acknowledged += 1;
                });
            }),
            "list" => {
                let id = text(&data["list_id"]);
                if asked.about.starts_with("own") {
                    told.lists.entry(id.clone()).or_default();
                }
                told.names.insert(asked.about.clone(), Some(id));
            }
            "add to list" | "take off list" => {
                let members = told.lists.entry(asked.at[0].1.clone()).or_default();
                for contact in asked.about.split(' ') {
                    members.insert(contact.to_owned(), Some(asked.kind == "add to list"));
                }
            }
            "follow-up" => {
                let commands = data["command_ids"].as_object().into_iter().flatten();
                told.commands.extend(commands.filter_map(|(_, id)| id.as_str()).map(str::to_owned));
                let ids = data["recommendation_ids"].as_object().into_iter().flatten();
                told.recommendations.extend(ids.map(|(_, id)| text(id)));
            }
            "recommendation" => _ = told.recommendations.insert(text(&data["recommendation_id"])),
            "read" => {
                each(&data["recommendations"], |one| _ = told.recommendations.insert(text(&one["recommendation_id"])));
                each(&data["tasks"], |one| _ = told.tasks.entry(text(&one["id"])).or_default());
            }
            "approve" => _ = told.approved.insert(asked.at[0].1.clone()),
            "approve task" => _ = told.tasks.insert(asked.at[0].1.clone(), true),
            "dismiss task" => _ = told.dismissed.insert(asked.at[0].1.clone()),
            "chat" => {
                told.conversations.insert(text(&data["conversation_id"]));
                if let Some(task) = data["task_id"].as_str() {
                    told.tasks.entry(task.to_owned()).or_default();
                }
            }
            _ => {}
        }
        let action = match asked.kind {
            "suggest" => "suggest_followups",
            "chat" => "lexi_message",
            _ => return,
        };
        if is_first {
            told.charges.entry(action).or_default().acknowledged += 1;
        }
    }
}

impl Told {
    fn message(&mut self, lead: String, id: String) -> &mut Count {
        self.messages.entry((lead, id)).or_default()
    }

    /// The contacts that are certainly there.
    pub fn known_contacts(&self) -> Vec<&String> {
        self.contacts.values().flatten().collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn each(list: &Value, mut take: impl FnMut(&Value)) {
    list.as_array().into_iter().flatten().for_each(&mut take);
}
