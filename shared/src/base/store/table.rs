//! One table: reads of single items, and unconditional reads and writes of many items.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, KeysAndAttributes, PutRequest, WriteRequest};
use serde::de::DeserializeOwned;

use super::{Item, StoreError, from_item, store_error};
use crate::base::clock::Random;
use crate::base::context::Context;
use crate::base::environment::ConfigError;

/// The longest pause before a throttled batch repeats its unprocessed part.
const UNPROCESSED_PAUSE: Duration = Duration::from_millis(200);

/// A DynamoDB table.
#[derive(Clone, Debug)]
pub struct Table {
    pub(super) client: Client,
    pub(super) random: Random,
    pub(super) name: String,
}

impl Table {
    /// The table that an environment variable names.
    pub fn named(context: &Context, variable: &'static str) -> Result<Self, ConfigError> {
        let name = context.environment.required(variable)?.to_owned();
        Ok(Self { client: context.dynamodb.clone(), random: context.random.clone(), name })
    }

    /// Reads an item, strongly consistent.
    pub async fn get<T: DeserializeOwned>(&self, key: Item) -> Result<Option<T>, StoreError> {
        self.get_item(key).await?.map(from_item).transpose()
    }

    /// Reads an item in DynamoDB's form, strongly consistent.
    pub async fn get_item(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&self.name).set_key(Some(key)).consistent_read(true);
        get.send().await.map(|got| got.item).map_err(|error| store_error("GetItem", &error))
    }

    /// Whether an item with this key exists.
    pub async fn has(&self, key: Item) -> Result<bool, StoreError> {
        let get = self.client.get_item().table_name(&self.name).set_key(Some(key)).consistent_read(true);
        let got = get.projection_expression("pk").send().await.map_err(|error| store_error("GetItem", &error))?;
        Ok(got.item.is_some())
    }

    /// Passes every item of the table that matches a filter to `take`, in any order. Reads the whole table.
    pub async fn scan<const N: usize>(
        &self,
        filter: &str,
        values: [(&str, AttributeValue); N],
        mut take: impl FnMut(Item) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let values = values.into_iter().map(|(name, value)| (format!(":{name}"), value)).collect();
        let scan = self.client.scan().table_name(&self.name).consistent_read(true).filter_expression(filter);
        let mut items = scan.set_expression_attribute_values(Some(values)).into_paginator().items().send();
        while let Some(item) = items.next().await {
            take(item.map_err(|error| store_error("Scan", &error))?)?;
        }
        Ok(())
    }

    /// Reads the items with these keys, in any order, strongly consistent. The keys must be distinct.
    pub async fn get_all(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::new();
        // The limit of BatchGetItem.
        for chunk in keys.chunks(100) {
            let mut pending = chunk.to_vec();
            while !pending.is_empty() {
                let keys = KeysAndAttributes::builder().set_keys(Some(pending)).consistent_read(true).build()?;
                let sent = self.client.batch_get_item().request_items(&self.name, keys).send().await;
                let got = sent.map_err(|error| store_error("BatchGetItem", &error))?;
                found.extend(got.responses.unwrap_or_default().into_values().flatten());
                let left = got.unprocessed_keys.unwrap_or_default().remove(&self.name);
                pending = left.map(|left| left.keys).unwrap_or_default();
                if !pending.is_empty() {
                    tokio::time::sleep(self.random.up_to(UNPROCESSED_PAUSE)).await;
                }
            }
        }
        Ok(found)
    }

    /// Puts items in batches, without conditions and not atomically. Replaces existing items. The keys must be
    /// distinct.
    pub async fn put_all(&self, items: Vec<Item>) -> Result<(), StoreError> {
        let put = |item| PutRequest::builder().set_item(Some(item)).build();
        let put = |item| Ok(WriteRequest::builder().put_request(put(item)?).build());
        self.write_all(items.into_iter().map(put).collect::<Result<_, StoreError>>()?).await
    }

    /// Deletes the items with these keys in batches, without conditions and not atomically. The keys must be distinct.
    pub async fn delete_all(&self, keys: Vec<Item>) -> Result<(), StoreError> {
        let delete = |key| DeleteRequest::builder().set_key(Some(key)).build();
        let delete = |key| Ok(WriteRequest::builder().delete_request(delete(key)?).build());
        self.write_all(keys.into_iter().map(delete).collect::<Result<_, StoreError>>()?).await
    }

    async fn write_all(&self, writes: Vec<WriteRequest>) -> Result<(), StoreError> {
        // The limit of BatchWriteItem.
        for chunk in writes.chunks(25) {
            let mut pending = chunk.to_vec();
            while !pending.is_empty() {
                let sent = self.client.batch_write_item().request_items(&self.name, pending).send().await;
                let done = sent.map_err(|error| store_error("BatchWriteItem", &error))?;
                pending = done.unprocessed_items.unwrap_or_default().remove(&self.name).unwrap_or_default();
                if !pending.is_empty() {
                    tokio::time::sleep(self.random.up_to(UNPROCESSED_PAUSE)).await;
                }
            }
        }
        Ok(())
    }
}
