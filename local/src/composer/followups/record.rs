//! The facts about a contact, in a form that rules can query.

use serde_json::Value;

use crate::composer::text::spaced_words;

pub struct Record<'a> {
    pub first_name: Option<&'a str>,
    pub company: Option<&'a str>,
    /// One sentence about the recent activity.
    pub summary: &'a str,
    /// Recent touches, newest first.
    pub past: Vec<Touch<'a>>,
    pub planned: Vec<Touch<'a>>,
    /// The newest touch before the recent ones.
    pub before: Option<Touch<'a>>,
}

/// An activity.
pub struct Touch<'a> {
    /// `email`, `call` and so on.
    pub kind: &'a str,
    /// The date in words.
    pub date: &'a str,
    /// Negative if the touch is planned.
    pub days_ago: i64,
    /// Whether the touch is an attempt without a response.
    pub unanswered: bool,
    direction: &'a str,
    title: &'a str,
    text: &'a str,
}

impl<'a> Record<'a> {
    pub fn read(facts: &'a Value) -> Self {
        let contact = &facts["contact"];
        let touches = facts["activity"].as_array().into_iter().flatten().map(Touch::read);
        let (planned, past) = touches.partition(|touch| touch.days_ago < 0);
        Self {
            first_name: contact["name"].as_str().and_then(|name| name.split_whitespace().next()),
            company: contact["company"].as_str(),
            summary: facts["activity_summary"].as_str().unwrap_or_default(),
            past,
            planned,
            before: facts["last_touch_before"].is_object().then(|| Touch::read(&facts["last_touch_before"])),
        }
    }

    /// The contact's name at the start of a sentence.
    pub fn name(&self) -> &'a str {
        self.first_name.unwrap_or("The contact")
    }

    /// The newest sentence that `fits`, by the contact or noted about them, with the touch and its index.
    pub fn sentence(&self, fits: impl Fn(&Touch<'a>, &str) -> bool) -> Option<(usize, &Touch<'a>, &'a str)> {
        let touches = self.past.iter().enumerate().filter(|(_, touch)| touch.is_from_contact());
        touches
            .flat_map(|(index, touch)| touch.sentences().map(move |sentence| (index, touch, sentence)))
            .find(|(_, touch, sentence)| fits(touch, sentence))
    }

    /// Whether the representative sent something with one of these phrases after touch `index`.
    pub fn sent_since(&self, index: usize, phrases: &[&str]) -> bool {
        self.past[..index].iter().any(|touch| touch.direction == "outbound" && touch.says_one(phrases))
    }
}

impl<'a> Touch<'a> {
    fn read(activity: &'a Value) -> Self {
        let text = |name: &str| activity[name].as_str().unwrap_or_default();
        Self {
            kind: text("type"),
            date: text("date"),
            days_ago: activity["days_ago"].as_i64().unwrap_or_default(),
            unanswered: text("outcome") == "no_response",
            direction: text("direction"),
            title: text("title"),
            text: text("text"),
        }
    }

    pub fn is_inbound(&self) -> bool {
        self.direction == "inbound"
    }

    /// Whether the text may come from the contact: an outbound message does not, an outbound call may.
    fn is_from_contact(&self) -> bool {
        self.direction != "outbound" || self.kind == "call"
    }

    pub fn sentences(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.text.split_inclusive(['.', '?', '!']).map(str::trim).filter(|sentence| sentence.len() > 3)
    }

    pub fn says_one(&self, phrases: &[&str]) -> bool {
        says_one(self.title, phrases) || says_one(self.text, phrases)
    }

    pub fn is_titled(&self, phrases: &[&str]) -> bool {
        says_one(self.title, phrases)
    }

    /// The touch as a part of a sentence: "the discovery call", "the email \"Two times\"".
    pub fn name(&self) -> String {
        const ITSELF: [&str; 6] = ["call", "meeting", "demo", "review", "session", "appointment"];
        let kind = match self.kind {
            "whatsapp" => "WhatsApp message",
            "linkedin" => "LinkedIn message",
            "instagram" => "Instagram message",
            "webchat" => "webchat message",
            "sms" => "SMS",
            kind => kind,
        };
        let kind = kind.replace('_', " ");
        let title = self.title.to_lowercase();
        match self.title {
            "" => format!("the {kind}"),
            _ if matches!(self.kind, "call" | "meeting")
                && title.rsplit(' ').next().is_some_and(|last| ITSELF.contains(&last)) =>
            {
                format!("the {title}")
            }
            title => format!("the {kind} \"{title}\""),
        }
    }

    /// The name with the date: "the discovery call on 3 May".
    pub fn dated(&self) -> String {
        format!("{} on {}", self.name(), self.date)
    }
}

/// Whether a text contains one of these phrases, in whole words and any case.
pub fn says_one(text: &str, phrases: &[&str]) -> bool {
    let words = spaced_words(text, |_| false);
    phrases.iter().any(|phrase| words.contains(&format!(" {phrase} ")))
}
