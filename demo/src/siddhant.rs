//! The lead of the leads API's document: its identifiers, times and texts where it tells them, the
//! rest of the 37 messages made up around them.

use chrono::{DateTime, TimeDelta, Utc};
use shared::base::channel::Channel;
use shared::base::store::StoreError;
use shared::crm::conversations::MessageStatus;
use shared::crm::conversations::Story;
use shared::crm::conversations::row::Sender::{Agent, User};
use shared::crm::conversations::row::{Extraction, Message, Sender};
use shared::crm::identifiers::CustomerPhone;
use uuid::{Uuid, uuid};

const PHONE: &str = "918979556941";
const CONVERSATION: Uuid = uuid!("b1a93252-f8c6-448f-a765-195eea996d9a");
const EXTRACTION: Uuid = uuid!("791a2e81-4706-4703-9532-842a2fd16e0c");
/// When the conversation was opened, half a second before its first message.
const OPENED: &str = "2025-10-05T06:21:34.662Z";

/// Milliseconds after the message before it, who writes, and what.
type Line = (i64, Sender, &'static str);

/// When each part begins, and its messages.
const PARTS: [(&str, &[Line]); 5] = [
    (
        "2025-10-05T06:21:35.197Z",
        &[
            (0, User, "hi my name is siddhant"),
            (
                7_470,
                Agent,
                "Thanks, Siddhant! How can I help you today? May I have your email to send detailed docs? Quick one — what's your budget range for this?",
            ),
            (41_210, User, "i am looking at tools for my small team, no budget fixed yet"),
            (6_900, Agent, "Got it, no budget fixed yet. How many people would use it?"),
            (22_480, User, "three or four people at most"),
            (7_310, Agent, "Three or four people fit our smallest plan. What should the tool do for you first?"),
            (63_050, User, "answer customers on whatsapp when we are not at the desk"),
            (8_120, Agent, "That is what our agents do, around the clock. Where may I send the details?"),
            (35_770, User, "you can use sddhantjaiii@gmail.com for the details"),
            (6_640, Agent, "Thank you, Siddhant. The details are on their way to your inbox."),
        ],
    ),
    (
        "2025-10-07T14:03:11.420Z",
        &[
            (0, User, "got the docs, does it also work for instagram?"),
            (7_020, Agent, "Yes, WhatsApp, Instagram and a chat on your website, all in one place."),
            (48_300, User, "can it answer in hindi and english?"),
            (6_810, Agent, "It can. It answers in the language in which the customer writes."),
            (29_640, User, "nice, and who trains it on our products?"),
            (7_760, Agent, "You upload your catalogue and past answers, and we help with the first setup."),
            (90_120, User, "our catalogue is only a spreadsheet right now"),
            (7_330, Agent, "A spreadsheet is enough to begin with. We import it as it is."),
        ],
    ),
    (
        "2025-10-29T09:40:02.008Z",
        &[
            (0, User, "hello again, we were busy with diwali orders"),
            (7_550, Agent, "Welcome back, Siddhant! I hope the season went well. Shall we pick up where we stopped?"),
            (33_900, User, "yes, how long does the setup take?"),
            (6_980, Agent, "Usually two days, most of which is waiting for the approval of the phone number."),
            (52_660, User, "do we need a new number for this?"),
            (7_140, Agent, "No, your number can stay, once it is moved to the business platform."),
            (71_030, User, "will our old chats be kept when it moves?"),
            (7_890, Agent, "They stay on the phone. New ones are kept here from the day of the move."),
        ],
    ),
    (
        "2025-11-18T17:25:47.913Z",
        &[
            (0, User, "my partner asks if there is a free trial"),
            (7_210, Agent, "There is one of 14 days, with everything included and no card needed."),
            (44_870, User, "and what happens when the trial is over?"),
            (6_730, Agent, "Nothing by itself. You choose a plan, or the agent simply stops to answer."),
            (38_120, User, "fair, we will think about it"),
            (7_660, Agent, "Take your time, Siddhant. Would you like me to set up a call for next week?"),
        ],
    ),
    (
        "2025-12-12T09:04:12.300Z",
        &[
            (0, User, "hi, about that call you offered"),
            (7_480, Agent, "Hi Siddhant! I can offer Monday at eleven or Tuesday at four. Which one suits you?"),
            (96_214, User, "sorry, we are not ready for a call yet"),
            (51_330, User, "we may come back in the new year"),
            (
                51_332,
                Agent,
                "No problem, Siddhant. If you'd like, I can share a quick feature overview or pricing details. Which would you prefer?",
            ),
        ],
    ),
];

fn moment(text: &str) -> Result<DateTime<Utc>, StoreError> {
    text.parse().map_err(|_| StoreError::Broken(format!("{text} is no time")))
}

/// The document's lead.
pub fn story(lead_id: Uuid) -> Result<Story, StoreError> {
    let phone = CustomerPhone::parse(PHONE).map_err(|error| StoreError::Broken(error.to_string()))?;
    let opened = moment(OPENED)?;
    let mut story = Story::new(&phone, lead_id, opened);
    // As WhatsApp tells it.
    story.row.contact_name = Some("Siddhant".to_owned());
    let (mut number, mut last) = (0, opened);
    for (begins, lines) in PARTS {
        last = moment(begins)?;
        for (after, sender, text) in lines {
            last += TimeDelta::milliseconds(*after);
            number += 1;
            story.message(&message(number, last, *sender, text))?;
        }
    }
    for conversation in &mut story.row.conversations {
        conversation.created_at = opened;
    }
    story.extraction(&Extraction {
        extraction_id: EXTRACTION,
        name: Some("Siddhant".to_owned()),
        email: Some("sddhantjaiii@gmail.com".to_owned()),
        company: None,
        intent_score: 1,
        urgency_score: 1,
        budget_score: 2,
        fit_score: 2,
        engagement_score: 2,
        extracted_at: last + TimeDelta::seconds(3),
    })?;
    Ok(story)
}

fn message(number: u32, timestamp: DateTime<Utc>, sender: Sender, text: &str) -> Message {
    let message_id = match number {
        1 => "wamid.HBgMOTE4OTc5NTU2OTQxFQIAEhgUM0ZBMDM4RkM0QTg5NkI1ODIzRTgA".to_owned(),
        2 => "out-1759645300741-hij9fvlyv".to_owned(),
        _ if sender == User => format!("wamid.demo-document-{number:02}"),
        _ => format!("out-demo-document-{number:02}"),
    };
    Message {
        message_id,
        conversation_id: CONVERSATION.to_string(),
        agent_id: Some("test-agent-001".to_owned()),
        agent_name: Some("Test AI Agent".to_owned()),
        platform: Channel::Whatsapp,
        phone_number_id: Some("test-phone-001".to_owned()),
        sender,
        text: text.to_owned(),
        timestamp,
        status: MessageStatus::Sent,
        sequence_no: 0,
        is_delivered: true,
    }
}

#[cfg(test)]
mod tests {
    use shared::base::time::timestamp;
    use shared::crm::conversations::LeadObject;

    use super::*;

    #[test]
    fn the_documents_lead_shows_what_the_document_shows() {
        let row = story(Uuid::nil()).unwrap().row;
        let lead = LeadObject::new(&row, "2025-12-20T00:00:00Z".parse().unwrap());
        assert_eq!((lead.total_messages, lead.conversation_count, lead.total_score), (37, 1, Some(8)));
        assert_eq!(lead.last_message_at.map(|at| timestamp(at.0)).as_deref(), Some("2025-12-12T09:07:38.656Z"));
        assert_eq!(timestamp(lead.first_contact_at.0), OPENED);
        assert_eq!(timestamp(lead.conversations[0].created_at.0), OPENED);
        assert_eq!((lead.last_message_sender, lead.company), (Some(Agent), None));
    }
}
