//! WhatsApp's customer service window: for 24 hours after a lead's last message there, free text may be sent
//! ("Customer service windows", WhatsApp Business Channel documentation).
//!
//! Only a message that the provider delivered opens it: `conversations::record` notes the delivery, and
//! `conversations::touches` says which messages open the window. What a caller of the API reports does not.

use chrono::{DateTime, TimeDelta, Utc};

use crate::crm::leads::History;

/// How long the window stays open after the lead's last message.
const LENGTH: TimeDelta = TimeDelta::hours(24);

/// Whether the window is open at a time.
pub fn is_open(history: &History, at: DateTime<Utc>) -> bool {
    history.recent.iter().any(|activity| activity.opens_window && activity.occurred_at > at - LENGTH)
}
