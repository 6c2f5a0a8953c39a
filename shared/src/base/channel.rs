//! The channels between a workspace and its leads: the full list, and the subset that each use supports.
//!
//! A new channel is a variant here and an entry in the lists that it belongs to. The compiler then points to each
//! `match` over all channels: whether it reaches a lead (`outreach::reach`), its rates (`outreach::policy`), the form
//! of a draft (`outreach::writing`, `recommendations::draft`) and the provider (`functions/delivery`). Depending on its
//! kind, a channel also needs:
//!
//! - sent by a provider: its protocol in `clients::providers`, its sender in `accounts::site`, a stand-in in
//!   `local/src/providers`;
//! - received: a webhook function such as `functions/meta-webhook`, its message in `crm::inbox` and in
//!   `functions/message-worker`, its count in `functions/lead-stats`;
//! - suggested: its name in `functions/suggest-followups/src/channel.rs`;
//! - in every case: support in `cargo cli channel` and `cargo cli site`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

/// A way to or from a lead. Ordered by how little they ask of the lead, least first: of two channels that are equally
/// likely to succeed, the earlier is recommended.
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
    /// A short notification inside the product.
    Notification,
    /// A banner or popup on the site.
    Web,
}

impl Channel {
    /// The channels that the policy scores.
    pub const SCORED: [Self; 5] = [Self::Email, Self::Sms, Self::Whatsapp, Self::PhoneCall, Self::Meeting];

    /// The channels that a recommendation can have.
    pub const RECOMMENDED: [Self; 7] =
        [Self::Email, Self::Whatsapp, Self::Sms, Self::PhoneCall, Self::Meeting, Self::Notification, Self::Web];

    /// The channels that a provider sends. The others are shown to the lead or done by the representative.
    pub const SENT: [Self; 3] = [Self::Email, Self::Whatsapp, Self::Sms];

    /// The channels that leadFollowUp writes for, in the order of its answer.
    pub const FOLLOW_UP: [Self; 4] = [Self::Email, Self::Whatsapp, Self::Notification, Self::Web];

    /// The channels of the leads API, in the order of its statistics.
    pub const PLATFORMS: [Self; 3] = [Self::Whatsapp, Self::Instagram, Self::Webchat];

    /// The name in requests, responses and stored items.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The channel with this name, if it is in `list`.
    pub fn one_of(list: &[Self], name: &str) -> Option<Self> {
        name.parse().ok().filter(|channel| list.contains(channel))
    }

    /// Whether a provider sends it.
    pub fn is_sent(self) -> bool {
        Self::SENT.contains(&self)
    }
}

/// Types that describe a part of the channels in the API's schema.
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
    FollowedUp = "Medium", FOLLOW_UP, "Where a message appears.";
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
