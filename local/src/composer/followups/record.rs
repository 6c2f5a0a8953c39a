//! What the facts say, in a form that rules can ask.

use serde_json::Value;

/// What is known of one contact.
pub struct Record<'a> {
    /// First name.
    pub first_name: Option<&'a str>,
    /// Company.
    pub company: Option<&'a str>,
    /// One true sentence on the recent activity.
    pub summary: &'a str,
    /// What happened lately, newest first.
    pub past: Vec<Touch<'a>>,
    /// What is going to happen.
    pub planned: Vec<Touch<'a>>,
    /// The newest touch before the recent ones.
    pub before: Option<Touch<'a>>,
}

/// One activity.
pub struct Touch<'a> {
    /// `email`, `call` and so on.
    pub kind: &'a str,
    /// When, in words.
    pub date: &'a str,
    /// How many days ago; negative if it is planned.
    pub days_ago: i64,
    /// Whether an attempt got no response.
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

    /// What to call the contact at the start of a sentence.
    pub fn name(&self) -> &'a str {
        self.first_name.unwrap_or("The contact")
    }

    /// The newest sentence of the contact's, or noted of them, that `fits`.
    pub fn sentence(&self, fits: impl Fn(&Touch<'a>, &str) -> bool) -> Option<(usize, &Touch<'a>, &'a str)> {
        let brought_up = self.past.iter().enumerate().filter(|(_, touch)| touch.is_from_contact());
        brought_up
            .flat_map(|(index, touch)| touch.sentences().map(move |sentence| (index, touch, sentence)))
            .find(|(_, touch, sentence)| fits(touch, sentence))
    }

    /// Whether something sent by the representative after touch `index` speaks of one of these.
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

    /// Whether what it says comes from the contact: not so in what was only sent to them.
    fn is_from_contact(&self) -> bool {
        self.direction != "outbound" || self.kind == "call"
    }

    /// The sentences of its text.
    pub fn sentences(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.text.split_inclusive(['.', '?', '!']).map(str::trim).filter(|sentence| sentence.len() > 3)
    }

    /// Whether title or text say one of these, in whole words.
    pub fn says_one(&self, phrases: &[&str]) -> bool {
        says_one(self.title, phrases) || says_one(self.text, phrases)
    }

    /// Whether the title says one of these.
    pub fn is_titled(&self, phrases: &[&str]) -> bool {
        says_one(self.title, phrases)
    }

    /// How a sentence speaks of it, inside the sentence.
    pub fn said(&self) -> String {
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
}

/// Whether a text says one of these phrases, in whole words, whatever the case.
pub fn says_one(text: &str, phrases: &[&str]) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<_> =
        lower.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let text = format!(" {} ", words.join(" "));
    phrases.iter().any(|phrase| text.contains(&format!(" {phrase} ")))
}
