//! A provider's report about a message.

use std::fmt;

use chrono::{DateTime, Utc};

/// One report. Reports arrive late, repeated and in any order. `Debug` omits the provider's identifier, which may
/// contain the lead's number.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    /// The delivery, as in [`Outgoing::delivery_id`](super::Outgoing::delivery_id). It is not verified to be one of
    /// ours.
    pub delivery_id: Option<String>,
    /// The provider's identifier of the message.
    pub provider_message_id: Option<String>,
    /// The event that the report describes.
    pub kind: Kind,
    /// The time of the event, or of the report's arrival if the provider gives none.
    pub at: DateTime<Utc>,
}

/// The event that a report describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The provider accepted the message and will try to send it.
    Accepted,
    /// The message is on its way.
    Sent,
    /// The message has not arrived yet; the provider keeps trying.
    Delayed,
    /// The message reached the lead, or the lead's mail server.
    Delivered,
    /// The lead opened the message.
    Opened,
    /// The lead followed a link in the message.
    Clicked,
    /// The message did not and will not reach the lead.
    Failed {
        /// The provider's code, or ours in lower case.
        code: String,
    },
    /// The lead's mail server rejected the message.
    Bounced {
        /// Whether the address will reject every message.
        permanent: bool,
    },
    /// The lead marked the message as spam.
    Complained,
    /// The lead opted out of this channel.
    Stopped,
    /// The lead replied.
    Replied,
}

impl fmt::Debug for Callback {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Callback");
        shown.field("delivery_id", &self.delivery_id).field("kind", &self.kind).field("at", &self.at);
        shown.finish_non_exhaustive()
    }
}
