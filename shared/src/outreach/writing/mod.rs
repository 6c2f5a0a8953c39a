//! The messages to a lead, one for each medium, with the form of each. The gate checks what they say
//! ([`crate::outreach::gate`]), by the placeholders and facts that this module finds in a text.

mod facts;
mod placeholder;
mod slots;

use crate::base::channel::Channel;

pub(super) use facts::Known;
pub use facts::{Part, addresses, said};
use facts::{greeted, numbers};
pub use placeholder::placeholder;
pub(super) use placeholder::{is_slot, placeholders};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Written")]
pub struct ChannelMessage {
    /// Subject line or headline.
    pub title: String,
    /// The main content.
    pub message: String,
    /// The sales strategy that it follows.
    pub strategy: String,
}

/// The written messages, one for each medium.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Messages {
    /// The e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<ChannelMessage>,
    /// The WhatsApp message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whatsapp: Option<ChannelMessage>,
    /// The notification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification: Option<ChannelMessage>,
    /// The banner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<ChannelMessage>,
}

impl Messages {
    /// The message for a channel.
    pub fn of(&self, channel: Channel) -> Option<&ChannelMessage> {
        match channel {
            Channel::Email => self.email.as_ref(),
            Channel::Whatsapp => self.whatsapp.as_ref(),
            Channel::Notification => self.notification.as_ref(),
            Channel::Web => self.web.as_ref(),
            _ => None,
        }
    }

    /// Every message, in the order of [`Channel::FOLLOW_UP`].
    pub fn iter(&self) -> impl Iterator<Item = (Channel, &ChannelMessage)> {
        Channel::FOLLOW_UP.into_iter().filter_map(|medium| self.of(medium).map(|written| (medium, written)))
    }

    /// Sets or removes the message for a medium.
    pub fn set(&mut self, medium: Channel, written: Option<ChannelMessage>) {
        match medium {
            Channel::Email => self.email = written,
            Channel::Whatsapp => self.whatsapp = written,
            Channel::Notification => self.notification = written,
            Channel::Web => self.web = written,
            _ => {}
        }
    }

    /// The text of all messages.
    pub fn text(&self) -> String {
        let texts = self.iter().flat_map(|(_, written)| [written.title.as_str(), written.message.as_str()]);
        texts.collect::<Vec<_>>().join("\n")
    }
}

/// A text as a reader sees it: without invisible characters, and with digits, signs and spaces in their ASCII form.
pub(super) fn plain(text: &str) -> String {
    let digit = |character: char, zero: char| char::from_digit(u32::from(character) - u32::from(zero), 10);
    let visible = text.chars().filter(|character| {
        !matches!(character,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    });
    let ascii = visible.map(|character| match character {
        '！'..='～' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        '\u{3000}' => ' ',
        '٠'..='٩' => digit(character, '٠').unwrap_or(character),
        '۰'..='۹' => digit(character, '۰').unwrap_or(character),
        '०'..='९' => digit(character, '०').unwrap_or(character),
        _ => character,
    });
    ascii.collect()
}

/// Whether a message has the form of a letter, with paragraphs: an e-mail, or what the representative says.
fn has_paragraphs(channel: Channel) -> bool {
    matches!(channel, Channel::Email | Channel::PhoneCall | Channel::Meeting)
}

/// Most characters of a title and of a message.
fn limits(channel: Channel) -> (usize, usize) {
    match channel {
        Channel::Email | Channel::PhoneCall | Channel::Meeting => (150, 5_000),
        Channel::Whatsapp | Channel::Sms | Channel::Linkedin | Channel::Instagram | Channel::Webchat => (100, 700),
        Channel::Notification => (100, 240),
        Channel::Web => (100, 400),
    }
}

impl ChannelMessage {
    /// The fault in the form of a message for `medium`, as a complaint for the model that wrote it.
    pub fn fault(&self, medium: Channel) -> Option<String> {
        let (title, message) = (self.title.trim(), self.message.trim());
        let (most_title, most_message) = limits(medium);
        if [title, message, self.strategy.trim()].contains(&"") {
            return Some("its title, its message or its strategy is empty".to_owned());
        }
        if title.contains('\n') || title.chars().count() > most_title {
            return Some(format!("its title must be one line of at most {most_title} characters"));
        }
        if message.chars().count() > most_message {
            return Some(format!("its message must have at most {most_message} characters"));
        }
        if !has_paragraphs(medium) && message.contains('\n') {
            return Some("its message must be one paragraph, without line breaks".to_owned());
        }
        None
    }

    /// Something about the lead that `before` contains and this message no longer does: the greeted person, a number,
    /// an address or a link.
    pub fn dropped(&self, before: &Self) -> Option<String> {
        let both = Known::new(&[self.title.as_str(), &self.message].join("\n"));
        let number = numbers(&before.message).into_iter().find(|number| !both.has_number(number));
        let dropped = number.or_else(|| addresses(&before.message).find(|address| !both.has_address(address)));
        dropped.or_else(|| greeted(&before.message).filter(|name| !both.has_word(name)).map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(title: &str, message: &str) -> ChannelMessage {
        ChannelMessage { title: title.to_owned(), message: message.to_owned(), strategy: "help".to_owned() }
    }

    #[test]
    fn each_medium_has_its_form() {
        let fine = written("About your question", "Hi Jane! Do you have ten minutes this week?");
        assert!(Channel::FOLLOW_UP.iter().all(|medium| fine.fault(*medium).is_none()));
        let letter = written("About your question", "Hi Jane,\n\nthank you.");
        assert_eq!(letter.fault(Channel::Email), None);
        for medium in [Channel::Whatsapp, Channel::Notification, Channel::Web] {
            assert!(letter.fault(medium).is_some_and(|fault| fault.contains("line breaks")), "{medium:?}");
            assert!(written("t", &"x".repeat(701)).fault(medium).is_some(), "{medium:?}");
        }
        assert!(written("a\nb", "m").fault(Channel::Email).is_some());
        assert!(written(" ", "m").fault(Channel::Email).is_some());
    }

    #[test]
    fn what_a_draft_says_of_the_lead_is_not_dropped() {
        let draft = written("t", "Hi Jane, your $5,000 fit. See https://acme.com, in 15 minutes.");
        for kept in ["Hello Jane! $5000 fit: acme.com", "acme.com fits $5k, Jane"] {
            assert_eq!(written("t", kept).dropped(&draft), None, "{kept}");
        }
        for (refined, dropped) in [
            ("Hi Jane, see acme.com", "5000"),
            ("Hi Jane, $5,000 fit", "https://acme.com"),
            ("Hello! $5,000 fit, see acme.com", "Jane"),
        ] {
            assert_eq!(written("t", refined).dropped(&draft).as_deref(), Some(dropped), "{refined}");
        }
    }

    #[test]
    fn what_is_named_has_to_be_known() {
        let known = r#"{"since": "2024-04-05", "name": "Jane Smith", "company": "Acme Inc.", "budget": "$5000-$10000", "site": "https://acme.com"}"#;
        let known = Known::new(known);
        for message in [
            "Hi Jane, your budget of $5,000 at Acme Inc. fits.",
            "See https://acme.com. Jane Smith asked.",
            "No facts at all! Every Sentence? Starts well.",
            "Hi Jane\n\nThank you for Acme Inc's question about Jane Smiths.",
            "Hi there! Do you have 15 minutes, e.g. today, for a 10-minute call?",
            "1. Acme Inc. is B2B, 24/7 and in Q3. Meet 1:1 for 10-15 minutes, or 20 to 30 minutes?\n2) www.acme.com",
            "Your $5k, and the $10K. Since 05.04.2024, or April 5, or 4/5/2024.",
            "Dear Ms. Smith, hello",
            "Hi I'm Robin",
            "Hello. Peter is not greeted here.Nor is there a domain, at acme.com",
            "It costs $5.000,00 or $10\u{a0}000",
        ] {
            assert_eq!(known.lacks(message, Part::Message), None, "{message}");
        }
        for message in [
            "Hallo Jane, vielen Dank für Ihre Nachricht. Passt Ihnen Donnerstag?",
            "Liebe Frau Smith, hättest du am 5. April 15 Minuten Zeit? Damit sparen Sie Zeit. Ein 15-minütiges Gespräch.",
            "Hola Sra. Smith, ¿tiene 15 minutitos el 5 de abril?",
            "Olá Jane, você tem 10 a 15 minutinhos?",
            "Bonjour Madame Smith, avez-vous 15 minutes ?",
            "Bonjour Madame,\n\nMerci pour votre message.",
            "Sehr geehrte Damen und Herren,\n\nvielen Dank.",
            "Sehr geehrte Frau Smith,\n\nvielen Dank.",
            "Dear Sir or Madam,\n\nThank you.",
            "Sayın Bay Smith, merhaba",
        ] {
            assert_eq!(known.lacks(message, Part::Message), None, "{message}");
        }
        for (message, invented) in [
            ("Hi Jan, hello", "Jan"),
            ("See me.com", "me.com"),
            ("See acme.com.evil.example", "acme.com.evil.example"),
            ("On 06.04.2024", "6.4.2024"),
            ("Half of it, $3k", "3000"),
            ("It saves 15 hours", "15"),
            ("Write to sales@other.example today", "sales@other.example"),
            ("See https://evil.example/x", "https://evil.example/x"),
            ("I talked to Peter Miller about it", "Peter Miller"),
            ("Book at calendly.example/acme, please", "calendly.example/acme"),
            ("Hi Peter, how are you?", "Peter"),
            ("Half of it, $500", "500"),
            ("It grows by 4.5% a year", "4.5"),
            ("Nur EUR500 im Monat", "500"),
            ("価格は500円です", "500"),
            ("السعر ٥٠٠ درهم", "500"),
            ("कीमत ₹५०० है", "500"),
            ("Merhaba Ahmet, nasılsınız?", "Ahmet"),
        ] {
            assert_eq!(known.lacks(message, Part::Message).as_deref(), Some(invented), "{message}");
        }
    }
}
