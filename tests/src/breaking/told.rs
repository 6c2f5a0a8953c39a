//! What clients were told: the reference that the stored state is held against in the end.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::asked::Asked;
use crate::Answer;

/// How often something was asked for, and answered with success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Requests that may have had an effect; all with one key may have had one.
    pub sent: usize,
    /// Those that certainly had one.
    pub acknowledged: usize,
    /// Those that were sent without a key.
    pub without_key: usize,
}

impl Count {
    /// Whether there may be so many.
    pub fn fits(&self, there: usize) -> bool {
        (self.acknowledged..=self.sent).contains(&there)
    }
}

/// The kinds of requests of which each makes one thing, or one charge.
const MAKING: [&str; 6] = ["activity", "list", "follow-up", "recommendation", "chat", "suggest"];

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
    /// What requests make, by their kind and words that stand in what they make.
    pub made: BTreeMap<(&'static str, String), Count>,
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
    /// Recommendations whose approval was asked for, in that order.
    pub to_be_sent: Vec<String>,
    /// Recommendations whose approval was acknowledged.
    pub approved: BTreeSet<String>,
    /// Recommendations that the model gave nothing for.
    pub manual: BTreeSet<String>,
    /// The contacts that recommendations are about.
    pub whom: BTreeMap<String, String>,
    /// Tasks, and whether their approval was acknowledged.
    pub tasks: BTreeMap<String, bool>,
    /// Tasks whose dismissal was acknowledged.
    pub dismissed: BTreeSet<String>,
    /// Conversations.
    pub conversations: BTreeSet<String>,
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
        if let Some(count) = told.made_by(asked) {
            match asked.key {
                None => (count.sent, count.without_key) = (count.sent + 1, count.without_key + 1),
                Some(_) => count.sent = 1,
            }
        }
        match asked.kind {
            "contact" => _ = told.contacts.entry(asked.about.clone()).or_default(),
            "contacts" => {
                each(&asked.body["contacts"], |one| _ = told.contacts.entry(text(&one["email"])).or_default())
            }
            "messages" => {
                each(&asked.body["messages"], |one| {
                    told.message(text(&one["customer_phone"]), text(&one["message_id"])).sent += 1
                });
            }
            "webhook" | "STOP" => each(&asked.body["entry"][0]["changes"], |change| {
                each(&change["value"]["messages"], |one| told.message(text(&one["from"]), text(&one["id"])).sent += 1);
            }),
            "list" => _ = told.names.entry(asked.about.clone()).or_default(),
            "add to list" | "take off list" => {
                let members = told.lists.entry(asked.at[0].1.clone()).or_default();
                for contact in asked.about.split(' ') {
                    members.insert(contact.to_owned(), None);
                }
            }
            "approve" => {
                let id = &asked.at[0].1;
                told.approvals.entry(id.clone()).or_default().insert(asked.about.clone());
                told.to_be_sent.push(id.clone());
            }
            _ => {}
        }
    }

    /// Takes in what a failure says: a person is to do what the model could not.
    pub fn waits_for_a_person(&mut self, asked: &Asked, answer: &Answer) {
        if let (500, "recommendation", Ok(body)) =
            (answer.status, asked.kind, serde_json::from_str::<Value>(&answer.text))
            && let Some(id) = body["error"]["details"]["recommendation_id"].as_str()
        {
            self.told[asked.tenant].manual.insert(id.to_owned());
        }
    }

    /// Takes in what an answer says.
    pub fn learns(&mut self, asked: &Asked, answer: &Answer) {
        if answer.status >= 300 {
            return;
        }
        let told = &mut self.told[asked.tenant];
        let Ok(body) = serde_json::from_str::<Value>(&answer.text) else { return };
        let data = if body["data"].is_null() { &body } else { &body["data"] };
        if let Some(count) = told.made_by(asked) {
            count.acknowledged = if asked.key.is_some() { 1 } else { count.acknowledged + 1 };
        }
        match asked.kind {
            "contact" => _ = told.contacts.insert(asked.about.clone(), Some(text(&data["contact_id"]))),
            "contacts" => each(&data["results"], |one| {
                if one["contact_id"].is_string() {
                    told.contacts.insert(text(&one["email"]), Some(text(&one["contact_id"])));
                }
            }),
            "messages" => {
                each(&asked.body["messages"], |one| {
                    let lead = text(&one["customer_phone"]);
                    told.writers.insert(lead.clone());
                    told.message(lead, text(&one["message_id"])).acknowledged += 1;
                });
            }
            "webhook" | "STOP" => each(&asked.body["entry"][0]["changes"], |change| {
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
                for id in ids.map(|(_, id)| text(id)) {
                    told.whom.insert(id.clone(), text(&asked.body["leadId"]));
                    told.recommendations.insert(id);
                }
            }
            "recommendation" => {
                let id = text(&data["recommendation_id"]);
                told.whom.insert(id.clone(), text(&asked.body["lead_id"]));
                told.recommendations.insert(id);
            }
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
    }
}

impl Told {
    fn message(&mut self, lead: String, id: String) -> &mut Count {
        self.messages.entry((lead, id)).or_default()
    }

    /// How often what a request makes was asked for, if it makes something.
    fn made_by(&mut self, asked: &Asked) -> Option<&mut Count> {
        MAKING.contains(&asked.kind).then(|| self.made.entry((asked.kind, asked.about.clone())).or_default())
    }

    /// How often what requests of a kind make was asked for, all together.
    pub fn made_of(&self, kind: &str) -> Count {
        let all = self.made.iter().filter(|((of, _), _)| *of == kind).map(|(_, count)| count);
        all.fold(Count::default(), |sum, count| Count {
            sent: sum.sent + count.sent,
            acknowledged: sum.acknowledged + count.acknowledged,
            without_key: sum.without_key + count.without_key,
        })
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
