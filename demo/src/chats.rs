//! Leads of the leads API: who wrote, where, and what came of it. Always the same for the same index
//! and moment.

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use shared::base::channel::Channel;
use shared::base::store::StoreError;
use shared::crm::conversations::MessageStatus;
use shared::crm::conversations::Story;
use shared::crm::conversations::row::{Extraction, Message, Sender};
use shared::crm::identifiers::CustomerPhone;
use shared::crm::leads::Lead;
use uuid::Uuid;

use crate::people;
use crate::talks::{TALKS, Talk};

/// The people of the conversations come after those of the contacts.
const FIRST_PERSON: u64 = 300;

const AGENTS: [(&str, &str); 3] =
    [("agent-ava", "Ava, first contact"), ("agent-noor", "Noor, sales"), ("agent-sol", "Sol, customer care")];

/// The lead of this index, with what was said and sent.
pub fn story(workspace_id: Uuid, index: u64, now: DateTime<Utc>) -> Result<Story, StoreError> {
    let tenant = workspace_id.as_u64_pair().1;
    let mut random = StdRng::seed_from_u64(tenant.wrapping_mul(7_368_787).wrapping_add(index));
    let (person, _) = people::lead(workspace_id, FIRST_PERSON + index, now);
    let (platform, identifier) = channel(tenant, index);
    let lead = CustomerPhone::parse(&identifier).map_err(|error| StoreError::Broken(error.to_string()))?;
    let number = |kind: u64| {
        Uuid::from_u64_pair(0x5eed_0000_0000_4000, (tenant & 0xff) << 32 | 0x8000_0000_0000_0000 | kind << 16 | index)
    };
    // The first story starts now, the others somewhere in the last weeks.
    let end = now - TimeDelta::days(spread(index)) - TimeDelta::minutes(random.random_range(3..900));
    let mut story = Story::new(&lead, person.lead_id, end);
    if index.is_multiple_of(2) {
        story.row.contact_name.clone_from(&person.full_name);
        story.row.contact_company.clone_from(&person.company_name);
    }
    if index % 8 == 7 {
        story.template_send(&format!("demo-{index:03}-1"), platform, end)?;
        if index % 16 == 7 {
            story.template_send(&format!("demo-{index:03}-2"), platform, end - TimeDelta::days(6))?;
        }
        return Ok(story);
    }
    let talk = &TALKS[usize::try_from(index).unwrap_or_default() % TALKS.len()];
    let last = Talker { person: &person, platform, conversation: number(0x300), index }.tell(&mut story, talk, end)?;
    if index % 9 == 4 {
        // Somebody who had written before.
        let earlier = &TALKS[random.random_range(4..TALKS.len())];
        let before = story.row.first_contact_at - TimeDelta::hours(random.random_range(20..120));
        Talker { person: &person, platform, conversation: number(0x301), index }.tell(&mut story, earlier, before)?;
    }
    if index.is_multiple_of(5) {
        story.template_send(
            &format!("demo-{index:03}-0"),
            platform,
            story.row.first_contact_at - TimeDelta::days(1),
        )?;
    }
    if index % 3 != 2 {
        let [intent_score, urgency_score, budget_score, fit_score, engagement_score] = talk.scores;
        story.extraction(&Extraction {
            extraction_id: number(0x302),
            name: person.full_name.clone(),
            email: person.email.clone(),
            company: person.company_name.clone(),
            intent_score,
            urgency_score,
            budget_score,
            fit_score,
            engagement_score: (engagement_score + u8::from(random.random_bool(0.3))).min(3),
            extracted_at: last + TimeDelta::seconds(5),
        })?;
    }
    Ok(story)
}

/// Where a lead writes from, and its identifier there.
fn channel(tenant: u64, index: u64) -> (Channel, String) {
    match index % 7 {
        0 | 2 | 3 | 5 => (Channel::Whatsapp, format!("1202555{:04}", (tenant & 0xf) * 1_000 + FIRST_PERSON + index)),
        1 | 4 => (Channel::Instagram, format!("178414{:011}", 73_561_170_000 + (tenant & 0xf) * 1_000 + index * 13)),
        _ => (Channel::Webchat, format!("web-{:06x}-{index:06x}", 0xdec0de + (tenant & 0xf))),
    }
}

/// How many days ago the last message was: a few today, most in the last month, none so long ago
/// that what was before it is older than 90 days.
fn spread(index: u64) -> i64 {
    let days = i64::try_from(index * 11 % 60).unwrap_or_default();
    days * days / 48
}

/// One conversation of a person.
struct Talker<'a> {
    person: &'a Lead,
    platform: Channel,
    conversation: Uuid,
    index: u64,
}

impl Talker<'_> {
    /// Tells a talk that ends at `end`; gives the moment of its last message.
    fn tell(&self, story: &mut Story, talk: &Talk, end: DateTime<Utc>) -> Result<DateTime<Utc>, StoreError> {
        let whole: i64 = talk.lines.iter().map(|(after, ..)| after).sum();
        let mut at = end - TimeDelta::minutes(whole);
        let (agent_id, agent_name) = AGENTS[usize::try_from(self.index).unwrap_or_default() % AGENTS.len()];
        let company = self.person.company_name.as_deref().unwrap_or("our company");
        for (number, (after, sender, text)) in (1..).zip(talk.lines) {
            at += TimeDelta::minutes(*after);
            story.message(&Message {
                message_id: message_id(self.platform, *sender, self.conversation, number),
                conversation_id: self.conversation.to_string(),
                agent_id: Some(agent_id.to_owned()),
                agent_name: Some(agent_name.to_owned()),
                platform: self.platform,
                phone_number_id: Some(format!("demo-{}-1", self.platform.name())),
                sender: *sender,
                text: text.replace("{first}", self.person.first_name()).replace("{company}", company),
                timestamp: at,
                status: MessageStatus::Sent,
                sequence_no: 0,
                is_delivered: true,
            })?;
        }
        Ok(at)
    }
}

/// As the providers name messages, and always the same.
fn message_id(platform: Channel, sender: Sender, conversation: Uuid, number: usize) -> String {
    let kind = match (sender, platform) {
        (Sender::Agent, _) => "out",
        (Sender::User, Channel::Whatsapp) => "wamid",
        (Sender::User, Channel::Instagram) => "mid",
        (Sender::User, _) => "web",
    };
    format!("{kind}.demo.{}.{number:02}", conversation.simple())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::{CHATS, RIVAL, WORKSPACE};

    #[test]
    fn stories_are_varied_lie_in_the_last_90_days_and_repeat() {
        let now: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        let mut identifiers = BTreeSet::new();
        let (mut statuses, mut platforms) = (BTreeMap::<_, usize>::new(), BTreeMap::<_, usize>::new());
        let (mut templates_alone, mut twice, mut today) = (0, 0, 0);
        for index in 0..CHATS {
            let story = story(WORKSPACE, index, now).unwrap();
            assert_eq!(story, super::story(WORKSPACE, index, now).unwrap());
            let row = &story.row;
            assert!(identifiers.insert(row.customer_phone.clone()), "{}", row.customer_phone);
            assert!(now - row.first_contact_at < TimeDelta::days(90), "{index}: {}", row.first_contact_at);
            assert!(row.last_message_at().is_some_and(|at| at < now), "{index}");
            let status = row.extraction.as_ref().map(|extraction| extraction.lead_status());
            *statuses.entry(status).or_default() += 1;
            *platforms.entry(row.platforms.iter().copied().collect::<Vec<_>>()).or_default() += 1;
            templates_alone += usize::from(row.conversations.is_empty());
            twice += usize::from(row.conversations.len() == 2);
            today += usize::from(row.last_message_at().is_some_and(|at| now - at < TimeDelta::days(1)));
        }
        assert_eq!(statuses.len(), 4);
        assert!(statuses.values().all(|count| *count >= 8), "{statuses:?}");
        assert!(platforms.len() == 3 && platforms.values().all(|count| *count >= 7), "{platforms:?}");
        assert!(templates_alone >= 5 && twice >= 4 && today >= 3, "{templates_alone} {twice} {today}");
        assert!(!identifiers.contains(&story(RIVAL, 0, now).unwrap().row.customer_phone));
    }
}
