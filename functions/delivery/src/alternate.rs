//! The next channel after a proven failure, and the approved text in its form.

use shared::base::channel::Channel;
use shared::base::store::StoreError;
use shared::outreach::policy::{self, Tier};
use shared::outreach::reach::Reach;
use shared::workflow::analysis::touches;
use shared::workflow::recommendations::{Asked, Draft, Origin, Recommendation};

use crate::DeliveryWorker;

/// The maximum length of an e-mail's subject line, in characters.
const SUBJECT: usize = 80;

impl DeliveryWorker {
    /// The approved text in the form of the other channel that is most likely to succeed. `None` if there is none with
    /// a sender, if one was tried already, or if the text does not fit.
    pub(crate) async fn alternate(&self, failed: &Recommendation, reach: &Reach) -> Result<Option<Draft>, StoreError> {
        let Some(approved) = failed.approval.as_ref().map(|approval| &approval.draft) else { return Ok(None) };
        // Once per approval.
        if failed.attempts.len() > 1 {
            return Ok(None);
        }
        let asked = match &failed.origin {
            Origin::Engagement(asked) => Some(asked),
            Origin::FollowUp { .. } | Origin::Campaign { .. } => None,
        };
        let tier = Tier::named(asked.and_then(|asked| asked.account_tier.as_deref()).unwrap_or_default());
        let eligible: Vec<_> =
            reach.channels().into_iter().filter(|channel| channel.is_sent() && *channel != approved.channel).collect();
        let rates = self.rates.learned(failed.id.workspace_id).await?;
        let touches = touches(reach, asked.unwrap_or(&Asked::default()), self.clock.now());
        let basis = self.gate.basis(failed.id.workspace_id, reach.lead()).await?;
        let lead = (failed.id.workspace_id, reach.lead());
        for score in policy::score(&touches, tier, &rates, &eligible) {
            let draft = rendered(approved, score.channel);
            let fits = draft.fault().is_none();
            if fits && self.gate.check(lead, &basis, &draft.parts()).await?.is_empty() {
                return Ok(Some(draft));
            }
        }
        Ok(None)
    }
}

/// A text in the form of another channel, with the same words. A text message is one paragraph; an e-mail gets a
/// subject line.
fn rendered(approved: &Draft, channel: Channel) -> Draft {
    let message = match channel {
        Channel::Sms | Channel::Whatsapp => approved.message.split_whitespace().collect::<Vec<_>>().join(" "),
        _ => approved.message.clone(),
    };
    let title = (channel == Channel::Email).then(|| {
        let first = approved.message.split(['.', '!', '?', '\n']).next().unwrap_or_default().trim();
        let title = approved.title.clone().unwrap_or_else(|| first.to_owned());
        title.chars().take(SUBJECT).collect()
    });
    Draft { channel, title, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_words_on_another_channel() {
        let email = Draft {
            channel: Channel::Email,
            title: Some("Prices".to_owned()),
            message: "Hi Jane,\n\nhello.".to_owned(),
        };
        let sms = rendered(&email, Channel::Sms);
        assert_eq!((sms.title.clone(), sms.message.as_str()), (None, "Hi Jane, hello."));
        let again = rendered(&sms, Channel::Email);
        assert_eq!(again.title.as_deref(), Some("Hi Jane, hello"));
    }
}
