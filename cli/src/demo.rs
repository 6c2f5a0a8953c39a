//! The demo data: a workspace with 200 leads and their activity over the last 90 days, another 60 that a
//! user's agents talk with, who are contacts as well, two lists of contacts, 2,000 prospects, and keys to try
//! everything with. The keys are public, so the data belongs on a laptop and nowhere else.
//!
//! The data is in `data/demo/`, one JSON object a line, in the form in which the stores read it. The loader
//! replaces three kinds of text by times: `now`, `now -2d 10:30:00` (two days before the load, and from there
//! ten and a half hours on) and `today -2d 15:00:00` (at three o'clock, two days before).
//!
//! Phone numbers are from 555-0100 to 555-0199, which are reserved ("555 Line Numbers", North American Numbering
//! Plan Administrator), and addresses end with `.example` (RFC 2606).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::base::channel::Channel;
use shared::base::context::{Context, FromContext};
use shared::base::environment::ConfigError;
use shared::base::store::StoreError;
use shared::crm::conversations::row::{Extraction, Message};
use shared::crm::conversations::{Conversations, Story};
use shared::crm::identifiers::{CustomerPhone, User};
use shared::crm::leads::{Activity, Lead, Leads};
use shared::crm::lists::{ListError, Lists, Member, Target};
use shared::crm::prospects::Prospect;
use shared::workspace::accounts::{Accounts, Agent, ChannelAccount, KeyRecord, Site, Workspace};
use shared::workspace::auth::{ApiKey, Permission};
use shared::workspace::credits::Ledger;
use uuid::{Uuid, uuid};

/// The workspace of the keys `demo`, `read` and `past`.
pub const WORKSPACE: Uuid = uuid!("5eed0000-0000-4000-8000-000000000001");
/// The contact of the examples.
pub const CONTACT: Uuid = uuid!("123e4567-e89b-12d3-a456-426614174000");
/// The list `Q1 Leads` of the demo workspace: 12 contacts, [`CONTACT`] among them.
pub const Q1_LEADS: Uuid = uuid!("5eed0000-0000-4000-8000-000000000501");
/// The list `Law firms` of the demo workspace.
pub const LAW_FIRMS: Uuid = uuid!("5eed0000-0000-4000-8000-000000000502");
/// The user of the leads API's document: in two workspaces, with different leads.
pub const USER: &str = "789895c8-4bd6-43e9-bfea-a4171ec47197";
/// The WhatsApp phone number id that leads of [`USER`] write to, in the demo workspace.
pub const PHONE_NUMBER_ID: &str = "106540352242922";
/// The Instagram account that leads of [`USER`] write to.
pub const INSTAGRAM_ACCOUNT: &str = "17841400000000000";

macro_rules! data {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/demo/", $name, ".jsonl"))
    };
}

/// The number of items that a load wrote; all zero if the data was there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
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

/// A key that everybody knows.
#[derive(Debug, Deserialize)]
pub struct Key {
    /// The word that [`key`] makes it from.
    pub word: String,
    /// What the key is for.
    pub purpose: String,
    key_id: Uuid,
    workspace_id: Uuid,
    permissions: BTreeSet<Permission>,
    expires_at: Option<DateTime<Utc>>,
}

/// A line of a file whose lines belong to several workspaces.
#[derive(Deserialize)]
struct Owned<T> {
    workspace_id: Uuid,
    #[serde(flatten)]
    item: T,
}

#[derive(Deserialize)]
struct FundedWorkspace {
    #[serde(flatten)]
    workspace: Workspace,
    credits: u32,
}

#[derive(Deserialize)]
struct LeadHistory {
    #[serde(flatten)]
    lead: Lead,
    #[serde(default)]
    activities: Vec<Activity>,
}

#[derive(Deserialize)]
struct ContactList {
    #[serde(flatten)]
    list: Target,
    contacts: Vec<Uuid>,
}

#[derive(Deserialize)]
struct StaffedSite {
    #[serde(flatten)]
    site: Site,
    agents: Vec<Agent>,
}

/// A lead of the leads API, and everything that was exchanged with it.
#[derive(Deserialize)]
struct Chat {
    customer_phone: String,
    lead_id: Uuid,
    first_contact_at: DateTime<Utc>,
    contact_name: Option<String>,
    contact_company: Option<String>,
    #[serde(default)]
    messages: Vec<Message>,
    /// When the conversations were opened, unless with their first messages.
    opened_at: Option<DateTime<Utc>>,
    #[serde(default)]
    template_sends: Vec<TemplateSend>,
    extraction: Option<Extraction>,
}

#[derive(Deserialize)]
struct TemplateSend {
    send_id: String,
    platform: Channel,
    sent_at: DateTime<Utc>,
}

/// The fixed key of a word: `wbk_` and the word padded with `a` to 52 characters.
pub fn key(word: &str) -> String {
    format!("wbk_{word:a<52}")
}

/// The fixed keys.
pub fn keys(now: DateTime<Utc>) -> Result<Vec<Key>, StoreError> {
    parse(data!("keys"), now)
}

/// Loads the demo data, unless it is there. The workspace is written last, so that an interrupted
/// load is done again. `write` writes the prospects of a workspace: they are most of the data, and the
/// local stack has a faster way to its database.
pub async fn load<W>(context: &Context, write: W) -> Result<Loaded, StoreError>
where
    W: AsyncFnOnce(Uuid, &[Prospect]) -> Result<(), StoreError>,
{
    let accounts = Accounts::new(context).map_err(broken::<ConfigError>)?;
    if accounts.workspace(WORKSPACE).await?.is_some() {
        return Ok(Loaded::default());
    }
    let mut now = context.clock.now();
    let mut workspaces: Vec<FundedWorkspace> = parse(data!("workspaces"), now)?;
    if let Some(FundedWorkspace { workspace, .. }) = workspaces.first() {
        let begun = accounts.workspace(workspace.workspace_id).await?;
        if begun.is_none() {
            accounts.put_workspace(workspace).await?;
        }
        // A load after an interrupted one repeats its time to the digit: activities and messages are keyed by time,
        // and another time would add them again.
        now = begun.as_ref().map_or(workspace.created_at, |begun| begun.created_at);
    }
    workspaces.iter_mut().for_each(|funded| funded.workspace.created_at = now);

    let mut loaded = Loaded { workspaces: workspaces.len(), ..Loaded::default() };
    load_leads(context, now, &mut loaded).await?;
    load_chats(context, now, &mut loaded).await?;
    let prospects: Vec<Prospect> = parse(data!("prospects"), now)?;
    write(WORKSPACE, &prospects).await?;
    loaded.prospects = prospects.len();
    for StaffedSite { site, agents } in parse(data!("sites"), now)? {
        accounts.put_site(WORKSPACE, &site).await?;
        for agent in &agents {
            accounts.put_agent(WORKSPACE, agent).await?;
        }
    }
    for Key { word, key_id, workspace_id, permissions, expires_at, .. } in keys(now)? {
        let key: ApiKey = key(&word).parse().map_err(|_| StoreError::Broken(format!("{word} makes no key")))?;
        let mut record = KeyRecord::new(&key, key_id, workspace_id, permissions, now);
        record.expires_at = expires_at.map(|at| at.timestamp());
        accounts.put_key(&record).await?;
    }
    for channel in parse::<ChannelAccount>(data!("channels"), now)? {
        accounts.put_channel(&channel).await?.map_err(broken)?;
    }
    let ledger = Ledger::new(context).map_err(broken::<ConfigError>)?;
    for FundedWorkspace { workspace, credits } in &workspaces {
        // The grant's id is the workspace's, so that loading again grants nothing.
        ledger.grant(workspace.workspace_id, workspace.workspace_id, *credits, "demo", now).await?;
    }
    for FundedWorkspace { workspace, .. } in workspaces.iter().skip(1) {
        accounts.put_workspace(workspace).await?;
    }
    Ok(loaded)
}

async fn load_leads(context: &Context, now: DateTime<Utc>, loaded: &mut Loaded) -> Result<(), StoreError> {
    let (table, lists) = (Leads::new(context).map_err(broken)?, Lists::new(context).map_err(broken)?);
    for (workspace_id, leads) in leads(now)? {
        table.load(workspace_id, &leads).await?;
        loaded.leads += leads.len();
        loaded.activities += leads.iter().map(|(_, activities)| activities.len()).sum::<usize>();
    }
    for ContactList { list, contacts } in parse(data!("lists"), now)? {
        lists.create(&list, WORKSPACE).await?;
        let members: Vec<_> = contacts.into_iter().map(|lead_id| Member { lead_id, prospect_id: None }).collect();
        lists.add(WORKSPACE, list.list_id, &members).await.map_err(|error| match error {
            ListError::Store(error) => error,
            other => broken(other),
        })?;
    }
    Ok(())
}

async fn load_chats(context: &Context, now: DateTime<Utc>, loaded: &mut Loaded) -> Result<(), StoreError> {
    let table = Conversations::new(context).map_err(broken)?;
    for (workspace_id, stories) in stories(now)? {
        for conversation in stories.iter().flat_map(|story| &story.row.conversations) {
            loaded.conversations += 1;
            loaded.messages += usize::try_from(conversation.message_count).unwrap_or(0);
        }
        let user = User::new(workspace_id, USER).map_err(broken)?;
        table.load(&user, stories).await?;
    }
    Ok(())
}

type Histories = Vec<(Lead, Vec<Activity>)>;

/// The leads of each workspace, with their activity.
fn leads(now: DateTime<Utc>) -> Result<BTreeMap<Uuid, Histories>, StoreError> {
    by_workspace(data!("leads"), now, |LeadHistory { lead, activities }| Ok((lead, activities)))
}

/// The leads of the leads API of each workspace.
fn stories(now: DateTime<Utc>) -> Result<BTreeMap<Uuid, Vec<Story>>, StoreError> {
    by_workspace(data!("conversations"), now, story)
}

fn story(chat: Chat) -> Result<Story, StoreError> {
    let phone = CustomerPhone::parse(&chat.customer_phone).map_err(broken)?;
    let mut story = Story::new(&phone, chat.lead_id, chat.first_contact_at);
    (story.row.contact_name, story.row.contact_company) = (chat.contact_name, chat.contact_company);
    for message in &chat.messages {
        story.message(message)?;
    }
    for conversation in &mut story.row.conversations {
        conversation.created_at = chat.opened_at.unwrap_or(conversation.created_at);
    }
    for send in &chat.template_sends {
        story.template_send(&send.send_id, send.platform, send.sent_at)?;
    }
    if let Some(extraction) = &chat.extraction {
        story.extraction(extraction)?;
    }
    Ok(story)
}

/// The lines of a file by workspace, in the order of the file.
fn by_workspace<L: DeserializeOwned, T>(
    file: &str,
    now: DateTime<Utc>,
    item: impl Fn(L) -> Result<T, StoreError>,
) -> Result<BTreeMap<Uuid, Vec<T>>, StoreError> {
    let mut items = BTreeMap::<_, Vec<T>>::new();
    for line in parse::<Owned<L>>(file, now)? {
        items.entry(line.workspace_id).or_default().push(item(line.item)?);
    }
    Ok(items)
}

fn parse<T: DeserializeOwned>(file: &str, now: DateTime<Utc>) -> Result<Vec<T>, StoreError> {
    let parse_line = |line| {
        let mut value = serde_json::from_str(line)?;
        resolve_times(&mut value, now);
        serde_json::from_value(value)
    };
    file.lines().map(parse_line).collect::<Result<_, _>>().map_err(broken)
}

fn resolve_times(value: &mut Value, now: DateTime<Utc>) {
    match value {
        Value::String(text) => *text = time(text, now).map_or_else(|| std::mem::take(text), |at| at.to_rfc3339()),
        Value::Array(items) => items.iter_mut().for_each(|item| resolve_times(item, now)),
        Value::Object(fields) => fields.values_mut().for_each(|field| resolve_times(field, now)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The time that a text of the data files stands for. `None` for any other text.
fn time(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if text == "now" {
        return Some(now);
    }
    let midnight = now.date_naive().and_time(NaiveTime::MIN).and_utc();
    let (start, rest) = match text.strip_prefix("now ") {
        Some(rest) => (now, rest),
        None => (midnight, text.strip_prefix("today ")?),
    };
    let (days, clock) = rest.split_once("d ")?;
    let clock: NaiveTime = clock.parse().ok()?;
    Some(start + TimeDelta::days(days.parse().ok()?) + (clock - NaiveTime::MIN))
}

fn broken<E: ToString>(error: E) -> StoreError {
    StoreError::Broken(error.to_string())
}

#[cfg(test)]
mod tests;
