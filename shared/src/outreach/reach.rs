//! How a lead can be reached now: by which channels, and at which addresses.
//!
//! A channel is eligible if the lead has the identity that it needs, has not opted out, and, for a WhatsApp text, the
//! customer service window is open.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::window;
use crate::base::channel::Channel;
use crate::base::clock::Clock;
use crate::base::context::FromContext;
use crate::base::store::StoreError;
use crate::crm::conversations::Conversations;
use crate::crm::leads::{Direction, History, Lead, Leads};

/// A lead, what happened with it, and how it can be reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Reach {
    /// The lead and what happened with it.
    pub history: History,
    /// Whether the lead has opted out of all contact.
    pub is_suppressed: bool,
    /// When this was looked at.
    at: DateTime<Utc>,
}

impl Reach {
    /// The lead.
    pub fn lead(&self) -> &Lead {
        &self.history.lead
    }

    /// The channels that reach the lead now.
    pub fn channels(&self) -> Vec<Channel> {
        [Channel::Email, Channel::Whatsapp, Channel::Sms, Channel::PhoneCall, Channel::Meeting]
            .into_iter()
            .filter(|channel| self.reaches(*channel))
            .collect()
    }

    /// Whether a channel reaches the lead now. A channel that is only shown needs no address.
    pub fn reaches(&self, channel: Channel) -> bool {
        let lead = self.lead();
        !self.is_suppressed
            && match channel {
                Channel::Email => lead.email.is_some(),
                Channel::Sms | Channel::PhoneCall => lead.phone.is_some(),
                Channel::Whatsapp => lead.phone.is_some() && window::is_open(&self.history, self.at),
                Channel::Meeting => lead.phone.is_some() || lead.email.is_some(),
                Channel::Linkedin => lead.linkedin.is_some(),
                Channel::Notification | Channel::Web => true,
                // Nothing is sent there yet; its conversations come in by webhooks.
                Channel::Instagram | Channel::Webchat => false,
            }
    }

    /// Whether the lead has written or called since a moment. It has to be within the time that was read.
    pub fn has_replied_since(&self, moment: DateTime<Utc>) -> bool {
        let mut recent = self.history.recent.iter().filter(|one| (moment..=self.at).contains(&one.occurred_at));
        recent.any(|one| one.direction == Some(Direction::Inbound))
    }

    /// The address to send to.
    pub fn address(&self, channel: Channel) -> Option<&str> {
        match channel {
            Channel::Email => self.lead().email.as_deref(),
            Channel::Sms | Channel::Whatsapp => self.lead().phone.as_deref(),
            _ => None,
        }
    }
}

/// Looks leads up.
#[derive(Clone, Debug, FromContext)]
pub struct Reaching {
    clock: Clock,
    leads: Leads,
    conversations: Conversations,
}

impl Reaching {
    /// A lead with what happened since `since`. `None` if the workspace has no such lead.
    pub async fn reach(
        &self,
        workspace_id: Uuid,
        lead_id: Uuid,
        since: DateTime<Utc>,
    ) -> Result<Option<Reach>, StoreError> {
        let at = self.clock.now();
        let (history, is_suppressed) = tokio::try_join!(
            self.leads.history(workspace_id, lead_id, since),
            self.leads.is_suppressed(workspace_id, lead_id),
        )?;
        let Some(mut history) = history else { return Ok(None) };
        let messages = async {
            if history.rows.is_empty() {
                Ok(Vec::new())
            } else {
                self.conversations.touches(&history.rows, since).await
            }
        };
        let (messages, was_suppressed) =
            tokio::try_join!(messages, self.leads.was_suppressed(workspace_id, &history.lead))?;
        history.take(messages, since);
        Ok(Some(Reach { history, is_suppressed: is_suppressed || was_suppressed, at }))
    }
}
