//! A suggestion, as the model replies with it and the client gets it, and the rules it keeps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::clients::llm::Checked;
use shared::outreach::gate::{Basis, Fault, Part};

use shared::base::channel::Channel;

use crate::channel::{self, Suggested};

/// One follow-up action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Suggestion {
    /// The channel.
    #[serde(rename = "type")]
    pub channel: Suggested,
    /// Short title of the action.
    pub title: String,
    /// Why this follow-up was suggested.
    pub reason: String,
    /// Natural-language timing hint.
    pub suggested_when: String,
    /// For a message, a draft ready to send; null for a call or a meeting.
    pub draft_body: Option<String>,
    /// How likely it is to help: 0–1.
    pub confidence: f64,
}

/// The model's reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Suggestions {
    /// The most useful first.
    pub suggestions: Vec<Suggestion>,
}

impl Suggestions {
    /// Checks the reply. Drops suggestions beyond `count`, and drafts for calls and meetings. A suggestion that breaks
    /// another rule is a complaint to the model; it is dropped if the model does not fix it.
    pub fn checked(self, count: u32, allowed: &[Channel], basis: &Basis) -> Checked<Self> {
        let (mut complaints, mut is_withheld) = (Vec::new(), false);
        let mut suggestions = Vec::new();
        for (index, mut suggestion) in self.suggestions.into_iter().enumerate() {
            if !channel::has_draft(suggestion.channel.0) {
                suggestion.draft_body = None;
            }
            match broken_rule(&suggestion, allowed).map(Fault::Form).or_else(|| withheld(&suggestion, basis)) {
                Some(fault) => {
                    is_withheld |= fault.is_withheld();
                    complaints.push(format!("suggestion {}: {fault}", index + 1));
                }
                None => suggestions.push(suggestion),
            }
        }
        suggestions.truncate(count as usize);
        if suggestions.is_empty() && complaints.is_empty() {
            complaints.push("there is no suggestion in it".to_owned());
        }
        let enough = suggestions.len() == count as usize;
        let usable = (!suggestions.is_empty()).then_some(Self { suggestions });
        match usable {
            Some(suggestions) if enough || complaints.is_empty() => Checked::Fine(suggestions),
            usable => Checked::faulty(complaints, usable, is_withheld),
        }
    }
}

/// The fault of its texts at the gate.
fn withheld(suggestion: &Suggestion, basis: &Basis) -> Option<Fault> {
    let texts = [
        (Part::Title, &suggestion.title),
        (Part::Reason, &suggestion.reason),
        (Part::Label, &suggestion.suggested_when),
    ];
    let draft = suggestion.draft_body.iter().map(|draft| (Part::Message, draft));
    texts.into_iter().chain(draft).find_map(|(part, text)| basis.fault(part, text))
}

fn broken_rule(suggestion: &Suggestion, allowed: &[Channel]) -> Option<String> {
    if !allowed.contains(&suggestion.channel.0) {
        let allowed: Vec<_> = allowed.iter().copied().map(channel::name).collect();
        return Some(format!("its type is not one of {}", allowed.join(", ")));
    }
    if !(0.0..=1.0).contains(&suggestion.confidence) {
        return Some("its confidence is not between 0 and 1".to_owned());
    }
    let texts =
        [("title", &suggestion.title), ("reason", &suggestion.reason), ("suggested_when", &suggestion.suggested_when)];
    if let Some((name, _)) = texts.into_iter().find(|(_, text)| text.trim().is_empty()) {
        return Some(format!("its {name} is empty"));
    }
    let drafted = suggestion.draft_body.as_ref().is_some_and(|draft| !draft.trim().is_empty());
    (channel::has_draft(suggestion.channel.0) && !drafted).then(|| "its draft_body is empty".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::SUGGESTED;

    fn suggestion(channel: Channel) -> Suggestion {
        Suggestion {
            channel: Suggested(channel),
            title: "Share fee proposal".to_owned(),
            reason: "Jane asked for pricing.".to_owned(),
            suggested_when: "Today".to_owned(),
            draft_body: Some("Hi Jane".to_owned()),
            confidence: 0.9,
        }
    }

    fn checked(
        suggestions: Vec<Suggestion>,
        count: u32,
        allowed: &[Channel],
    ) -> Result<Vec<Suggestion>, (String, usize)> {
        match (Suggestions { suggestions }).checked(count, allowed, &Basis::default().knowing("Jane Smith")) {
            Checked::Fine(fine) => Ok(fine.suggestions),
            Checked::Wrong { complaint, usable } | Checked::Withheld { complaint, usable } => {
                Err((complaint, usable.map_or(0, |usable| usable.suggestions.len())))
            }
        }
    }

    #[test]
    fn too_many_suggestions_are_cut() {
        let kept = checked(vec![suggestion(Channel::Email); 4], 2, &SUGGESTED).unwrap();
        assert_eq!(kept.len(), 2);
    }

    #[test]
    fn fewer_suggestions_than_asked_for_are_fine() {
        assert_eq!(checked(vec![suggestion(Channel::Email)], 3, &SUGGESTED).unwrap().len(), 1);
    }

    #[test]
    fn a_draft_for_a_call_or_meeting_is_dropped() {
        let kept = checked(vec![suggestion(Channel::PhoneCall), suggestion(Channel::Meeting)], 2, &SUGGESTED).unwrap();
        assert!(kept.iter().all(|suggestion| suggestion.draft_body.is_none()));
    }

    #[test]
    fn a_channel_outside_the_whitelist_is_complained_about_and_left_out() {
        let reply = vec![suggestion(Channel::PhoneCall), suggestion(Channel::Email)];
        let (complaint, usable) = checked(reply, 2, &[Channel::Email]).unwrap_err();
        assert_eq!((complaint.as_str(), usable), ("suggestion 1: its type is not one of email", 1));
    }

    #[test]
    fn every_field_is_held_to_its_rule() {
        for (broken, expected) in [
            (Suggestion { confidence: 1.01, ..suggestion(Channel::Email) }, "confidence"),
            (Suggestion { confidence: f64::NAN, ..suggestion(Channel::Email) }, "confidence"),
            (Suggestion { title: " ".to_owned(), ..suggestion(Channel::Email) }, "title"),
            (Suggestion { reason: String::new(), ..suggestion(Channel::Email) }, "reason"),
            (Suggestion { suggested_when: String::new(), ..suggestion(Channel::Email) }, "suggested_when"),
            (Suggestion { draft_body: None, ..suggestion(Channel::Whatsapp) }, "draft_body"),
            (Suggestion { title: "Call [name]".to_owned(), ..suggestion(Channel::Email) }, "placeholder [name]"),
            (Suggestion { reason: "It costs $49.".to_owned(), ..suggestion(Channel::Email) }, "names 49"),
            (Suggestion { suggested_when: "On {date}".to_owned(), ..suggestion(Channel::Email) }, "placeholder {date}"),
        ] {
            let (complaint, usable) = checked(vec![broken], 1, &SUGGESTED).unwrap_err();
            assert!(complaint.contains(expected), "{complaint}");
            assert_eq!(usable, 0);
        }
    }

    #[test]
    fn an_empty_reply_is_wrong() {
        assert_eq!(checked(Vec::new(), 3, &SUGGESTED).unwrap_err().1, 0);
    }
}
