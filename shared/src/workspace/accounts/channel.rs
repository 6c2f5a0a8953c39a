//! Channel accounts: the workspace and user that a provider's phone number or account belongs to.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Accounts, workspace_pk};
use crate::base::channel::Channel;
use crate::base::store::{Item, StoreError, Transacted, Write, key, keyed, s};

/// A phone number or account that receives leads' messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelAccount {
    /// The platform: WhatsApp or Instagram.
    pub platform: Channel,
    /// WhatsApp's phone number id, or the Instagram account's id.
    pub channel_id: String,
    /// The workspace that owns the channel.
    pub workspace_id: Uuid,
    /// The user whose leads write to the channel.
    pub user_id: String,
    /// The agent that answers on the channel; null if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The agent's display name; null if there is no agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_name: Option<String>,
    /// The time at which the channel was added.
    pub created_at: DateTime<Utc>,
}

/// The channel belongs to another workspace.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the channel belongs to another workspace")]
pub struct Taken;

fn channel_key(platform: Channel, channel_id: &str) -> Item {
    key(format!("C#{}#{channel_id}", platform.name()), "channel")
}

fn listed_key(workspace_id: Uuid, platform: Channel, channel_id: &str) -> Item {
    key(workspace_pk(workspace_id), format!("channel#{}#{channel_id}", platform.name()))
}

/// Requires that no other workspace has the channel.
pub(super) fn of_the_workspace(write: Write, workspace_id: Uuid) -> Write {
    write.when("attribute_not_exists(pk) OR workspace_id = :workspace").bind("workspace", s(workspace_id))
}

impl Accounts {
    /// Adds or changes a channel, together with its entry in the workspace's list.
    pub async fn put_channel(&self, channel: &ChannelAccount) -> Result<Result<(), Taken>, StoreError> {
        let own = keyed(channel, channel_key(channel.platform, &channel.channel_id))?;
        let listed = keyed(channel, listed_key(channel.workspace_id, channel.platform, &channel.channel_id))?;
        let writes = [of_the_workspace(self.table.put(own), channel.workspace_id), self.table.put(listed)];
        Ok(match self.table.transact(writes).await? {
            Transacted::Applied => Ok(()),
            Transacted::Refused(_) => Err(Taken),
        })
    }

    /// The channel with a provider's identifier.
    pub async fn channel(&self, platform: Channel, channel_id: &str) -> Result<Option<ChannelAccount>, StoreError> {
        self.table.get(channel_key(platform, channel_id)).await
    }

    /// All channels of a workspace, by platform and identifier.
    pub async fn channels(&self, workspace_id: Uuid) -> Result<Vec<ChannelAccount>, StoreError> {
        self.table.under(workspace_pk(workspace_id), "channel#").all().await
    }

    /// Removes a channel but keeps the data that it brought. `false` if the workspace has no such channel.
    pub async fn remove_channel(
        &self,
        workspace_id: Uuid,
        platform: Channel,
        channel_id: &str,
    ) -> Result<bool, StoreError> {
        if self.channel(platform, channel_id).await?.is_none_or(|channel| channel.workspace_id != workspace_id) {
            return Ok(false);
        }
        let own = self.table.delete(channel_key(platform, channel_id));
        let listed = self.table.delete(listed_key(workspace_id, platform, channel_id));
        let writes = [of_the_workspace(own, workspace_id), listed];
        Ok(matches!(self.table.transact(writes).await?, Transacted::Applied))
    }
}
