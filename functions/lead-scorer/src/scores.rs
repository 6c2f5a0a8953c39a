//! The model's reply, and the rules it keeps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::clients::llm::Checked;
use shared::crm::conversations::row::Message;
use shared::crm::conversations::scoring::{Reasons, stands_in};
use shared::pii::addresses;

/// The longest reason that is kept, in characters.
const REASON: usize = 500;

/// One score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Score {
    /// 1 = low, 2 = medium, 3 = high.
    pub score: u8,
    /// What in the messages it rests on.
    pub reason: String,
}

/// The model's reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scores {
    /// How much the lead wants to buy.
    pub intent: Score,
    /// How soon.
    pub urgency: Score,
    /// Whether there is money for it.
    pub budget: Score,
    /// How well the offer fits the need.
    pub fit: Score,
    /// How much the lead takes part.
    pub engagement: Score,
    /// The lead's name, if a message tells it.
    pub name: Option<String>,
    /// The lead's e-mail address, if a message tells it.
    pub email: Option<String>,
    /// The lead's company, if a message tells it.
    pub company: Option<String>,
}

impl Scores {
    /// Checks the reply: a score outside 1–3 or without a reason is a complaint. Name, e-mail address and company are
    /// kept only if the messages contain them.
    pub fn checked(mut self, messages: &[Message]) -> Checked<Self> {
        let stands = |text: &str| stands_in(text, messages.iter().map(|message| message.text.as_str()));
        let kept = |text: Option<String>, most: usize| {
            let text = text.map(|text| text.trim().to_owned());
            text.filter(|text| text.chars().count() <= most && stands(text))
        };
        self.name = kept(self.name, 100);
        self.company = kept(self.company, 255);
        self.email = kept(self.email, 254).and_then(|email| addresses::email(email.trim()).ok());
        let (mut complaints, mut usable) = (Vec::new(), true);
        for (name, score) in self.named() {
            if !(1..=3).contains(&score.score) {
                complaints.push(format!("{name}.score is not 1, 2 or 3"));
                usable = false;
            }
            if score.reason.trim().is_empty() {
                complaints.push(format!("{name}.reason is empty"));
            }
        }
        match complaints.is_empty() {
            true => Checked::Fine(self),
            false => Checked::Wrong { complaint: complaints.join("; "), usable: usable.then_some(self) },
        }
    }

    /// Why, as it is stored.
    pub fn reasons(&self) -> Reasons {
        let cut = |score: &Score| score.reason.trim().chars().take(REASON).collect();
        Reasons {
            intent: cut(&self.intent),
            urgency: cut(&self.urgency),
            budget: cut(&self.budget),
            fit: cut(&self.fit),
            engagement: cut(&self.engagement),
        }
    }

    fn named(&self) -> [(&'static str, &Score); 5] {
        [
            ("intent", &self.intent),
            ("urgency", &self.urgency),
            ("budget", &self.budget),
            ("fit", &self.fit),
            ("engagement", &self.engagement),
        ]
    }
}
