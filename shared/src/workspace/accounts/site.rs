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

/// A website that leads come from, with its senders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The site's UUID.
    pub site_id: Uuid,
    /// The name that leads know.
    pub name: String,
    /// The site's URL.
    pub url: String,
    /// The sender's e-mail address; null if e-mail is not configured.
    pub email: Option<String>,
    /// The sender's WhatsApp phone number id; null if WhatsApp is not configured.
    pub whatsapp: Option<String>,
    /// The sender's phone number or Twilio messaging service; null if SMS is not configured.
    pub sms: Option<String>,
    /// The time at which the site was added.
    pub created_at: DateTime<Utc>,
}

impl Site {
    /// The sender for a channel, if it is configured.
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
    /// The role's title that people see.
    pub fn title(self) -> &'static str {
        match self {
            Self::Sales => "Sales/CRM Specialist",
            Self::Copywriter => "Content Creator & Copywriter",
        }
    }

    /// The name in commands and on the command line.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// An agent that writes for a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// The agent's UUID.
    pub agent_id: Uuid,
    /// The site that the agent writes for.
    pub site_id: Uuid,
    /// The display name.
    pub name: String,
    /// Whether it writes first or refines.
    pub role: Role,
    /// The representative for whom the agent writes.
    pub user_id: Uuid,
    /// Whether the agent gets work.
    pub active: bool,
    /// The time at which the agent was added.
    pub created_at: DateTime<Utc>,
}

/// A site with its agents, ordered by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staffed {
    /// The site.
    pub site: Site,
    /// All agents, active or not.
    pub agents: Vec<Agent>,
}

impl Staffed {
    /// The active agent with this role. If there are several, the one that was added first.
    pub fn active(&self, role: Role) -> Option<&Agent> {
        let active = self.agents.iter().filter(|agent| agent.active && agent.role == role);
        active.min_by_key(|agent| (agent.created_at, agent.agent_id))
    }
}

/// The workspace that owns a number for text messages.
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
    /// Adds or changes a site. `false`, without a change, if another workspace sends text messages from its number,
    /// because replies go to that workspace.
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

    /// Adds or changes an agent.
    pub async fn put_agent(&self, workspace_id: Uuid, agent: &Agent) -> Result<(), StoreError> {
        let key = key(site_pk(workspace_id, agent.site_id), format!("agent#{}", agent.agent_id));
        self.table.write(self.table.put(keyed(agent, key)?)).await.map(drop)
    }

    /// A site with its agents; `None` if the workspace has no such site.
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

    /// All sites of a workspace, ordered by id.
    pub async fn sites(&self, workspace_id: Uuid) -> Result<Vec<Site>, StoreError> {
        self.table.under(workspace_pk(workspace_id), "site#").all().await
    }
}
