//! The channels of a suggestion and their names in the API: a phone call is a `call`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use shared::base::channel::Channel;
use shared::crm::leads::Lead;

/// Every channel that can be suggested, in the order of the API's enum.
pub const SUGGESTED: [Channel; 5] =
    [Channel::Email, Channel::PhoneCall, Channel::Meeting, Channel::Linkedin, Channel::Whatsapp];

/// A channel's name in requests and responses.
pub fn name(channel: Channel) -> &'static str {
    if channel == Channel::PhoneCall { "call" } else { channel.name() }
}

/// The channel of this name, if it can be suggested.
pub fn named(text: &str) -> Option<Channel> {
    SUGGESTED.into_iter().find(|channel| name(*channel) == text)
}

/// Whether a follow-up of this kind starts with a text that can be drafted.
pub fn has_draft(channel: Channel) -> bool {
    !matches!(channel, Channel::PhoneCall | Channel::Meeting)
}

/// Whether the lead's contact details suffice for it. A meeting needs some way to invite.
pub fn reaches(channel: Channel, lead: &Lead) -> bool {
    match channel {
        Channel::Email => lead.email.is_some(),
        Channel::PhoneCall | Channel::Whatsapp => lead.phone.is_some(),
        Channel::Linkedin => lead.linkedin.is_some(),
        Channel::Meeting => lead.email.is_some() || lead.phone.is_some(),
        _ => false,
    }
}

/// A channel that can be suggested, under its name in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suggested(pub Channel);

impl Serialize for Suggested {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(name(self.0))
    }
}

impl<'de> Deserialize<'de> for Suggested {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let names = &["email", "call", "meeting", "linkedin", "whatsapp"];
        named(&text).map(Self).ok_or_else(|| D::Error::unknown_variant(&text, names))
    }
}

impl JsonSchema for Suggested {
    fn schema_name() -> Cow<'static, str> {
        "Channel".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"description": "How a follow-up happens: the `type` of a suggestion.", "type": "string", "enum": SUGGESTED.map(name)})
    }
}
