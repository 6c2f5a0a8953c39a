//! What a provider reports of a message.

use std::fmt;

use chrono::{DateTime, Utc};

/// One report. Reports come late, repeated and in any order. Its `Debug` leaves the provider's identifier
/// out, which may hold the lead's number.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    /// The delivery, as [`Outgoing::delivery_id`](super::Outgoing::delivery_id) named it. Read without proof
    /// that it is one of ours.
    pub delivery_id: Option<String>,
    /// What the provider calls the message.
    pub provider_message_id: Option<String>,
    /// What happened.
    pub kind: Kind,
    /// When it happened; when it was received, where the provider does not say.
    pub at: DateTime<Utc>,
}

/// What happened to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The provider has taken it and will try.
    Accepted,
    /// It is on its way.
    Sent,
    /// It did not arrive yet; the provider goes on trying.
    Delayed,
    /// It reached the lead, or the lead's mail server.
    Delivered,
    /// The lead has seen it.
    Opened,
    /// The lead has followed a link in it.
    Clicked,
    /// It did not reach the lead and will not.
    Failed {
        /// The provider's code, or ours in small letters.
        code: String,
    },
    /// The lead's mail server has refused it.
    Bounced {
        /// Whether the address will refuse whatever comes.
        permanent: bool,
    },
    /// The lead calls it spam.
    Complained,
    /// The lead wants nothing more on this channel.
    Stopped,
    /// The lead has written.
    Replied,
}

impl fmt::Debug for Callback {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Callback");
        shown.field("delivery_id", &self.delivery_id).field("kind", &self.kind).field("at", &self.at);
        shown.finish_non_exhaustive()
    }
}
