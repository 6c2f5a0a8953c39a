//! The demo data: a workspace with some 200 leads and their activity over the last 90 days, another
//! 60 that a user's agents talk with, who are contacts as well, all dated from the moment of loading, two
//! lists of contacts, 2,000 prospects, and keys to try everything with. The keys are public, so the data belongs on
//! a laptop and nowhere else.

mod arcs;
mod chats;
mod lists;
mod people;
mod prospects;
mod siddhant;
mod sites;
mod talks;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use shared::base::channel::Channel;
use shared::base::context::{Context, FromContext};
use shared::base::environment::ConfigError;
use shared::base::store::StoreError;
use shared::crm::conversations::{Conversations, Story};
use shared::crm::identifiers::User;
use shared::crm::leads::{Activity, Lead, Leads};
use shared::crm::prospects::Prospect;
use shared::workspace::accounts::{Accounts, ChannelAccount, KeyRecord, Taken, Workspace};
use shared::workspace::auth::{ApiKey, Permission};
use shared::workspace::credits::Ledger;
use uuid::{Uuid, uuid};

/// The workspace of the keys `demo`, `read` and `past`.
pub const WORKSPACE: Uuid = uuid!("5eed0000-0000-4000-8000-000000000001");
/// The workspace of the key `poor`: one credit, and the document's contact.
pub const POOR: Uuid = uuid!("5eed0000-0000-4000-8000-000000000002");
/// The workspace of the key `rival`: other leads.
pub const RIVAL: Uuid = uuid!("5eed0000-0000-4000-8000-000000000003");
/// The contact of the document's example.
pub const CONTACT: Uuid = uuid!("123e4567-e89b-12d3-a456-426614174000");
/// The list `Q1 Leads` of the demo workspace: 12 contacts, the document's among them.
pub const Q1_LEADS: Uuid = uuid!("5eed0000-0000-4000-8000-000000000501");
/// The list `Law firms` of the demo workspace.
pub const LAW_FIRMS: Uuid = uuid!("5eed0000-0000-4000-8000-000000000502");
/// The user of the leads API's document: in two workspaces, with different leads.
pub const USER: &str = "789895c8-4bd6-43e9-bfea-a4171ec47197";

/// The WhatsApp phone number id that leads of [`USER`] write to, in the demo workspace.
pub const PHONE_NUMBER_ID: &str = "106540352242922";
/// The Instagram account that leads of [`USER`] write to.
pub const INSTAGRAM_ACCOUNT: &str = "17841400000000000";

/// The words of the fixed keys, and what each is for.
pub const KEYS: [(&str, &str); 5] = [
    ("demo", "everything"),
    ("read", "reads only"),
    ("poor", "a workspace with 1 credit"),
    ("past", "expired"),
    ("rival", "another workspace, with leads of its own"),
];

/// Credits of the demo workspace: after the document's own call the balance is the document's.
const CREDITS: u32 = 4_863;
const LEADS: u64 = 200;
const RIVAL_LEADS: u64 = 12;
/// Leads that the user's agents talk with, besides the document's.
const CHATS: u64 = 59;
const RIVAL_CHATS: u64 = 6;

/// What was loaded; all zero if the data was there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Workspaces.
    pub workspaces: usize,
    /// Leads.
    pub leads: usize,
    /// Activities.
    pub activities: usize,
    /// Conversations.
    pub conversations: usize,
    /// Messages of conversations.
    pub messages: usize,
    /// Prospects of the demo workspace.
    pub prospects: usize,
}

/// The fixed key of a word: `wbk_` and the word padded with `a` to 52 characters.
pub fn key(word: &str) -> String {
    format!("wbk_{word:a<52}")
}

/// Loads the demo data, unless it is there. The workspace is written last, so that an interrupted
/// load is done again. `write` writes the prospects of a workspace: with their postings they are most of the
/// data, and whoever has the database at hand has a faster way.
pub async fn load<W>(context: &Context, write: W) -> Result<Loaded, StoreError>
where
    W: AsyncFnOnce(Uuid, &[Prospect]) -> Result<(), StoreError>,
{
    let broken = |error: ConfigError| StoreError::Broken(error.to_string());
    let accounts = Accounts::new(context).map_err(broken)?;
    let ledger = Ledger::new(context).map_err(broken)?;
    let table = Leads::new(context).map_err(broken)?;
    if accounts.workspace(WORKSPACE).await?.is_some() {
        return Ok(Loaded::default());
    }
    // An interrupted load is done again with its own time, or its activities would be there twice.
    let now = match accounts.workspace(POOR).await? {
        Some(begun) => begun.created_at,
        None => context.clock.now(),
    };
    accounts.put_workspace(&workspace(POOR, "Pennywise", now)).await?;

    let mut loaded = Loaded { workspaces: 3, ..Loaded::default() };
    let documents = [document_contact(now)];
    let mut leads: Vec<_> = (0..LEADS - 1).map(|index| people::lead(WORKSPACE, index, now)).collect();
    leads.extend(documents.clone());
    let rivals: Vec<_> = (0..RIVAL_LEADS).map(|index| people::lead(RIVAL, index, now)).collect();
    for (workspace, leads) in [(WORKSPACE, &leads[..]), (POOR, &documents), (RIVAL, &rivals)] {
        table.load(workspace, leads).await?;
        loaded.leads += leads.len();
        loaded.activities += leads.iter().map(|(_, activities)| activities.len()).sum::<usize>();
    }

    lists::load(context, leads.iter().map(|(lead, _)| lead)).await?;
    load_chats(context, now, &mut loaded).await?;
    let prospects = prospects::all();
    write(WORKSPACE, &prospects).await?;
    loaded.prospects = prospects.len();
    sites::load(&accounts, now).await?;

    let all: BTreeSet<_> = Permission::ALL.into();
    let reads = BTreeSet::from([Permission::ReadAi, Permission::ReadLeads]);
    let keys = [
        ("demo", WORKSPACE, &all),
        ("read", WORKSPACE, &reads),
        ("poor", POOR, &all),
        ("past", WORKSPACE, &all),
        ("rival", RIVAL, &all),
    ];
    for (index, (word, workspace, permissions)) in (1_u64..).zip(keys) {
        let key: ApiKey = key(word).parse().map_err(|_| StoreError::Broken(format!("{word} makes no key")))?;
        let key_id = Uuid::from_u64_pair(0x5eed_0000_0000_4000, 0x8000_0000_0000_0100 + index);
        let mut record = KeyRecord::new(&key, key_id, workspace, permissions.clone(), now);
        record.expires_at = (word == "past").then(|| (now - TimeDelta::days(1)).timestamp());
        accounts.put_key(&record).await?;
    }
    for (platform, channel_id) in [(Channel::Whatsapp, PHONE_NUMBER_ID), (Channel::Instagram, INSTAGRAM_ACCOUNT)] {
        let channel = ChannelAccount {
            platform,
            channel_id: channel_id.to_owned(),
            workspace_id: WORKSPACE,
            user_id: USER.to_owned(),
            agent_id: None,
            agent_name: None,
            created_at: now,
        };
        let taken = |taken: Taken| StoreError::Broken(taken.to_string());
        accounts.put_channel(&channel).await?.map_err(taken)?;
    }
    for (workspace_id, credits) in [(RIVAL, 500), (POOR, 1), (WORKSPACE, CREDITS)] {
        // The grant's id is the workspace's, so that loading again grants nothing.
        ledger.grant(workspace_id, workspace_id, credits, "demo", now).await?;
    }
    accounts.put_workspace(&workspace(RIVAL, "Rival Partners", now)).await?;
    accounts.put_workspace(&workspace(WORKSPACE, "Northwind Legal", now)).await?;
    Ok(loaded)
}

/// Loads what the user's agents and leads wrote.
async fn load_chats(context: &Context, now: DateTime<Utc>, loaded: &mut Loaded) -> Result<(), StoreError> {
    let table = Conversations::new(context).map_err(|error| StoreError::Broken(error.to_string()))?;
    let document = siddhant::story(Uuid::from_u64_pair(0x5eed_0000_0000_4000, 0x8000_0000_0000_0300))?;
    let stories = |workspace, count| (0..count).map(move |index| chats::story(workspace, index, now));
    let mut ours: Vec<Story> = stories(WORKSPACE, CHATS).collect::<Result<_, _>>()?;
    ours.push(document);
    let theirs: Vec<Story> = stories(RIVAL, RIVAL_CHATS).collect::<Result<_, _>>()?;
    for (workspace_id, stories) in [(WORKSPACE, ours), (RIVAL, theirs)] {
        for story in &stories {
            let conversations = &story.row.conversations;
            loaded.conversations += conversations.len();
            loaded.messages +=
                conversations.iter().map(|of| usize::try_from(of.message_count).unwrap_or(0)).sum::<usize>();
        }
        let user = User::new(workspace_id, USER).map_err(|error| StoreError::Broken(error.to_string()))?;
        table.load(&user, stories).await?;
    }
    Ok(())
}

fn workspace(workspace_id: Uuid, name: &str, created_at: DateTime<Utc>) -> Workspace {
    Workspace { workspace_id, name: name.to_owned(), prices: BTreeMap::new(), webhook: None, created_at }
}

/// Jane, of the document's example: three e-mails and a discovery call in the last 14 days, a
/// price asked for and not yet given, a legal review named as the next step.
fn document_contact(now: DateTime<Utc>) -> (Lead, Vec<Activity>) {
    let lead = Lead {
        lead_id: CONTACT,
        external_ref: Some("LD-1001".to_owned()),
        full_name: Some("Jane Smith".to_owned()),
        email: Some("jane@acme.example".to_owned()),
        phone: Some("+12025550142".to_owned()),
        linkedin: None,
        job_title: Some("Marketing Director".to_owned()),
        company_name: Some("Acme Inc.".to_owned()),
        stage: Some("qualified".to_owned()),
    };
    let touches = [
        (
            "meeting",
            2,
            15,
            None,
            None,
            "Discovery call",
            "Walked through their review process. Jane asked for pricing and wants a flat-fee proposal before month end. Next step on their side: a legal review session with their counsel.",
        ),
        (
            "email",
            5,
            9,
            Some("inbound"),
            Some("replied"),
            "Re: Introduction",
            "Happy to talk, Thursday afternoon works. Could you cover how you charge?",
        ),
        (
            "email",
            9,
            14,
            Some("outbound"),
            Some("opened"),
            "Two times for a first call",
            "Offered Thursday 15:00 or Friday 10:00 for a first conversation.",
        ),
        (
            "email",
            13,
            11,
            Some("outbound"),
            Some("opened"),
            "Introduction",
            "Introduced our contract review service after she downloaded the guide.",
        ),
        (
            "email",
            75,
            10,
            Some("outbound"),
            Some("no_response"),
            "Invitation to the spring webinar",
            "Invited to the webinar on contract automation.",
        ),
    ];
    let activities =
        (1_u64..).zip(touches).map(|(index, (kind, days, hour, direction, outcome, title, body))| Activity {
            opens_window: false,
            activity_id: Uuid::from_u64_pair(0x5eed_0000_0000_4000, 0x8000_0000_0000_0200 + index),
            kind: kind.into(),
            occurred_at: days_before(now, days, hour),
            direction: direction.and_then(|direction: &str| direction.parse().ok()),
            outcome: outcome.map(str::to_owned),
            title: Some(title.to_owned()),
            body: Some(body.to_owned()),
        });
    (lead, activities.collect())
}

/// A moment so many days ago, at an hour of the day.
fn days_before(now: DateTime<Utc>, days: i64, hour: u32) -> DateTime<Utc> {
    let day = now - TimeDelta::days(days);
    day.with_hour(hour).and_then(|at| at.with_minute(0)?.with_second(0)?.with_nanosecond(0)).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_makes_a_key() {
        for (word, _) in KEYS {
            assert!(key(word).parse::<ApiKey>().is_ok(), "{word}");
        }
    }

    #[test]
    fn leads_are_varied_and_no_two_share_an_identity() {
        let now = DateTime::parse_from_rfc3339("2026-11-20T12:00:00Z").unwrap().to_utc();
        let leads: Vec<_> = (0..LEADS).map(|index| people::lead(WORKSPACE, index, now)).collect();
        let mut identities = BTreeSet::new();
        let mut names = BTreeSet::new();
        for (lead, activities) in &leads {
            names.insert(lead.full_name.clone());
            assert!(lead.identities().all(|(kind, value)| identities.insert(format!("{kind} {value}"))), "{lead:?}");
            assert!(activities.iter().all(|activity| now - activity.occurred_at < TimeDelta::days(91)));
        }
        assert!(names.len() > 180);
        assert!(leads.iter().any(|(_, activities)| activities.is_empty()));
        assert!(leads.iter().any(|(lead, _)| lead.email.is_none()));
        assert!(leads.iter().any(|(_, activities)| activities.iter().any(|activity| activity.occurred_at > now)));
    }
}
