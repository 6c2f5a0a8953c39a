//! Channels: which workspace and user a provider's phone number or account belongs to.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Accounts, keyed, workspace_pk};
use crate::base::channel::Platform;
use crate::base::store::{Item, StoreError, Transacted, from_item, query_all, s, to_item, transact};

/// A phone number or account that leads write to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Where it is.
    pub platform: Platform,
    /// WhatsApp's phone number id, or the Instagram account's id.
    pub channel_id: String,
    /// The workspace that it belongs to.
    pub workspace_id: Uuid,
    /// The user whose leads write to it.
    pub user_id: String,
    /// The agent that answers on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The agent's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_name: Option<String>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// The channel belongs to another workspace.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the channel belongs to another workspace")]
pub struct Taken;

fn channel_pk(platform: Platform, channel_id: &str) -> String {
    format!("C#{}#{channel_id}", platform.name())
}

fn listed_sk(platform: Platform, channel_id: &str) -> String {
    format!("channel#{}#{channel_id}", platform.name())
}

const OF_THE_WORKSPACE: &str = "attribute_not_exists(pk) OR workspace_id = :workspace";

impl Accounts {
    /// Adds a channel, or changes it; its item and its place in the workspace's list together.
    pub async fn put_channel(&self, channel: &Channel) -> Result<Result<(), Taken>, StoreError> {
        let item = to_item(channel)?;
        let own = keyed(item.clone(), channel_pk(channel.platform, &channel.channel_id), "channel");
        let listed = listed_sk(channel.platform, &channel.channel_id);
        let listed = keyed(item, workspace_pk(channel.workspace_id), &listed);
        let own = Put::builder()
            .table_name(&self.table)
            .set_item(Some(own))
            .condition_expression(OF_THE_WORKSPACE)
            .expression_attribute_values(":workspace", s(channel.workspace_id));
        let listed = Put::builder().table_name(&self.table).set_item(Some(listed));
        let writes = vec![
            TransactWriteItem::builder().put(own.build()?).build(),
            TransactWriteItem::builder().put(listed.build()?).build(),
        ];
        Ok(match transact(&self.client, &self.random, writes).await? {
            Transacted::Applied => Ok(()),
            Transacted::Refused(_) => Err(Taken),
        })
    }

    /// The channel of a provider's identifier.
    pub async fn channel(&self, platform: Platform, channel_id: &str) -> Result<Option<Channel>, StoreError> {
        self.get(channel_pk(platform, channel_id), "channel".to_owned()).await?.map(from_item).transpose()
    }

    /// The channels of a workspace, by platform and identifier.
    pub async fn channels(&self, workspace_id: Uuid) -> Result<Vec<Channel>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :channel)")
            .expression_attribute_values(":pk", s(workspace_pk(workspace_id)))
            .expression_attribute_values(":channel", s("channel#"))
            .consistent_read(true);
        query_all(query).await
    }

    /// Removes a channel; what it brought stays. `false` if the workspace has no such channel.
    pub async fn remove_channel(
        &self,
        workspace_id: Uuid,
        platform: Platform,
        channel_id: &str,
    ) -> Result<bool, StoreError> {
        if self.channel(platform, channel_id).await?.is_none_or(|channel| channel.workspace_id != workspace_id) {
            return Ok(false);
        }
        let key = |pk: String, sk: &str| keyed(Item::new(), pk, sk);
        let own = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key(channel_pk(platform, channel_id), "channel")))
            .condition_expression(OF_THE_WORKSPACE)
            .expression_attribute_values(":workspace", s(workspace_id));
        let listed = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key(workspace_pk(workspace_id), &listed_sk(platform, channel_id))));
        let writes = vec![
            TransactWriteItem::builder().delete(own.build()?).build(),
            TransactWriteItem::builder().delete(listed.build()?).build(),
        ];
        Ok(matches!(transact(&self.client, &self.random, writes).await?, Transacted::Applied))
    }
}
