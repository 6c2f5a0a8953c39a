//! Sites, the channels that are configured for them, and the agents that write for them.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | site | `W#<workspace>#S#<site>` | `site` |
//! | agent | `W#<workspace>#S#<site>` | `agent#<agent>` |
//! | site, listed | `W#<workspace>` | `site#<site>` |
//! | number that text messages are sent from | `C#sms#<number>` | `sender` |
//!
//! One query gives a site with its agents.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};
use uuid::Uuid;

use super::channel::of_the_workspace;
use super::{Accounts, workspace_pk};
use crate::base::channel::Channel;
use crate::base::store::{Item, StoreError, Transacted, from_item, key, keyed, s};

/// A website that leads come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Its identifier.
    pub site_id: Uuid,
    /// Its name, as leads know it.
    pub name: String,
    /// Its address.
    pub url: String,
    /// The address that e-mails are sent from, if e-mail is configured.
    pub email: Option<String>,
    /// WhatsApp's phone number id that messages are sent from, if WhatsApp is configured.
    pub whatsapp: Option<String>,
    /// The phone number, or the messaging service, that text messages are sent from, if SMS is configured.
    pub sms: Option<String>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

impl Site {
    /// What is sent from on a channel, if it is configured.
    pub fn sender(&self, channel: Channel) -> Option<&str> {
        match channel {
            Channel::Email => self.email.as_deref(),
            Channel::Whatsapp => self.whatsapp.as_deref(),
            Channel::Sms => self.sms.as_deref(),
            _ => None,
        }
    }
}

/// What an agent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, EnumString, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[schemars(rename = "AgentRole")]
pub enum Role {
    /// Sales/CRM Specialist: decides on the strategy and writes first.
    Sales,
    /// Content Creator & Copywriter: refines what was written.
    Copywriter,
}

impl Role {
    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Sales => "Sales/CRM Specialist",
            Self::Copywriter => "Content Creator & Copywriter",
        }
    }

    /// Its name in commands and on the command line.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// An agent of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Its identifier.
    pub agent_id: Uuid,
    /// The site that it writes for.
    pub site_id: Uuid,
    /// Its name.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// The representative for whom it writes.
    pub user_id: Uuid,
    /// Whether it is given work.
    pub active: bool,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// A site with its agents, in the order of their identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staffed {
    /// The site.
    pub site: Site,
    /// Its agents, active or not.
    pub agents: Vec<Agent>,
}

impl Staffed {
    /// The active agent of a role; of several the one that was added first.
    pub fn active(&self, role: Role) -> Option<&Agent> {
        let active = self.agents.iter().filter(|agent| agent.active && agent.role == role);
        active.min_by_key(|agent| (agent.created_at, agent.agent_id))
    }
}

/// Whose leads answer to a number.
#[derive(Serialize, Deserialize)]
struct SmsSender {
    workspace_id: Uuid,
}

fn sender_key(number: &str) -> Item {
    key(format!("C#sms#{number}"), "sender")
}

fn site_key(workspace_id: Uuid, site_id: Uuid) -> Item {
    key(site_pk(workspace_id, site_id), "site")
}

fn site_pk(workspace_id: Uuid, site_id: Uuid) -> String {
    format!("W#{workspace_id}#S#{site_id}")
}

impl Accounts {
    /// Adds a site, or changes it. `false`, and nothing changed, if another workspace sends text messages
    /// from its number: answers to it would be that one's.
    pub async fn put_site(&self, workspace_id: Uuid, site: &Site) -> Result<bool, StoreError> {
        let own = keyed(site, site_key(workspace_id, site.site_id))?;
        let listed = keyed(site, key(workspace_pk(workspace_id), format!("site#{}", site.site_id)))?;
        let mut writes = vec![self.table.put(own), self.table.put(listed)];
        if let Some(number) = &site.sms {
            let sender = self.table.put(keyed(&SmsSender { workspace_id }, sender_key(number))?);
            writes.push(of_the_workspace(sender, workspace_id));
        }
        Ok(matches!(self.table.transact(writes).await?, Transacted::Applied))
    }

    /// The workspace that sends text messages from a number.
    pub async fn sms_workspace(&self, number: &str) -> Result<Option<Uuid>, StoreError> {
        let sender: Option<SmsSender> = self.table.get(sender_key(number)).await?;
        Ok(sender.map(|sender| sender.workspace_id))
    }

    /// Adds an agent, or changes it.
    pub async fn put_agent(&self, workspace_id: Uuid, agent: &Agent) -> Result<(), StoreError> {
        let key = key(site_pk(workspace_id, agent.site_id), format!("agent#{}", agent.agent_id));
        self.table.write(self.table.put(keyed(agent, key)?)).await.map(drop)
    }

    /// A site with its agents. `None` if the workspace has no such site.
    pub async fn site(&self, workspace_id: Uuid, site_id: Uuid) -> Result<Option<Staffed>, StoreError> {
        let mut items = self.table.partition(site_pk(workspace_id, site_id)).items();
        let (mut site, mut agents) = (None, Vec::new());
        while let Some(item) = items.next().await? {
            match item.get("sk") == Some(&s("site")) {
                true => site = Some(from_item(item)?),
                false => agents.push(from_item(item)?),
            }
        }
        Ok(site.map(|site| Staffed { site, agents }))
    }

    /// The sites of a workspace, in the order of their identifiers.
    pub async fn sites(&self, workspace_id: Uuid) -> Result<Vec<Site>, StoreError> {
        self.table.under(workspace_pk(workspace_id), "site#").all().await
    }
}
