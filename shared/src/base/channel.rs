//! The ways to and from a lead: one list, and the parts of it that each use has.
//!
//! A new channel is a variant here and a place in the lists that it belongs to. The compiler then names each `match` over
//! all channels: whether it reaches a lead (`outreach::reach`), its rates (`outreach::policy`), the form of a draft
//! (`outreach::writing`, `recommendations::draft`) and what a provider sends (`functions/delivery`). What a channel has
//! besides:
//!
//! - one that is sent: its protocol in `clients::providers`, its sender in `accounts::site`, a stand-in in
//!   `local/src/providers`;
//! - one that is received: a webhook function such as `functions/meta-webhook`, its message in `crm::inbox` and in
//!   `functions/message-worker`, its count in `functions/lead-stats`;
//! - one that is suggested: its name in `functions/suggest-followups/src/channel.rs`;
//! - all: `cargo cli channel` and `cargo cli site`, which configure it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

/// A way to or from a lead. In the order of what asks least of the lead: of two channels that are equally likely to
/// succeed, the earlier is recommended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schemars(rename = "AnyChannel")]
pub enum Channel {
    /// An e-mail.
    Email,
    /// A text message.
    Sms,
    /// A WhatsApp message; the lead's identifier is a phone number without `+`.
    Whatsapp,
    /// A call by the representative.
    PhoneCall,
    /// A meeting with the representative, in person or by video.
    Meeting,
    /// A message on LinkedIn.
    Linkedin,
    /// An Instagram message; the lead's identifier is Instagram-scoped.
    Instagram,
    /// A chat on the site; the lead's identifier is a session.
    Webchat,
    /// A line within the product.
    Notification,
    /// A banner or popup on the site.
    Web,
}

impl Channel {
    /// What the channel and priority model scores.
    pub const SCORED: [Self; 5] = [Self::Email, Self::Sms, Self::Whatsapp, Self::PhoneCall, Self::Meeting];

    /// What a recommendation can be for.
    pub const RECOMMENDED: [Self; 7] =
        [Self::Email, Self::Whatsapp, Self::Sms, Self::PhoneCall, Self::Meeting, Self::Notification, Self::Web];

    /// What a provider sends. The others are shown, or done by the representative.
    pub const SENT: [Self; 3] = [Self::Email, Self::Whatsapp, Self::Sms];

    /// What leadFollowUp writes for, in the document's order (seeds/lead-follow-up.md, "Available Channels").
    pub const FOLLOW_UP: [Self; 4] = [Self::Email, Self::Whatsapp, Self::Notification, Self::Web];

    /// What leads of the leads API write from, in the document's order.
    pub const PLATFORMS: [Self; 3] = [Self::Whatsapp, Self::Instagram, Self::Webchat];

    /// Its name in requests, responses and stored items.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The channel of this name, if it is one of `list`.
    pub fn one_of(list: &[Self], name: &str) -> Option<Self> {
        name.parse().ok().filter(|channel| list.contains(channel))
    }

    /// Whether a provider sends it.
    pub fn is_sent(self) -> bool {
        Self::SENT.contains(&self)
    }
}

/// Types for the description of the API that stand for a part of the channels.
macro_rules! parts {
    ($($(#[$doc:meta])* $part:ident = $name:literal, $list:ident, $description:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $part {}

        impl JsonSchema for $part {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let names = Channel::$list.map(Channel::name);
                json_schema!({"description": $description, "type": "string", "enum": names})
            }
        }
    )*};
}

parts! {
    /// A channel that can be scored.
    Scored = "ScoredChannel", SCORED, "A channel that can be scored.";
    /// A channel that a recommendation can be for.
    Recommended = "OutreachChannel", RECOMMENDED, "Where something is to reach a lead.";
    /// A channel that leadFollowUp writes for.
    FollowedUp = "Medium", FOLLOW_UP, "Where a message appears (seeds/lead-follow-up.md, \"Available Channels\").";
    /// A channel that leads of the leads API write from.
    Platform = "Platform", PLATFORMS, "Where a lead writes from.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_written_by_its_name() {
        for channel in Channel::RECOMMENDED.into_iter().chain(Channel::PLATFORMS) {
            assert_eq!(serde_json::to_value(channel).unwrap(), channel.name());
            assert_eq!(channel.name().parse(), Ok(channel));
        }
        assert!(Channel::SCORED.is_sorted());
        assert_eq!(Channel::one_of(&Channel::PLATFORMS, "email"), None);
        assert_eq!(Channel::one_of(&Channel::PLATFORMS, "webchat"), Some(Channel::Webchat));
    }
}
