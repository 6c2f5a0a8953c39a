//! A query of one table, strongly consistent unless it reads a global index.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use serde::de::DeserializeOwned;

use super::write::names;
use super::{Item, StoreError, Table, from_item, s, store_error};

/// A query of one table. As in a [`Write`](super::Write), expressions write a reserved word as `#state`.
#[derive(Clone, Debug)]
pub struct Query {
    client: Client,
    table: String,
    condition: String,
    filter: Option<String>,
    projection: Option<String>,
    values: HashMap<String, AttributeValue>,
    index: Option<&'static str>,
    is_consistent: bool,
    newest_first: bool,
    limit: Option<i32>,
    after: Option<Item>,
}

impl Table {
    /// The items that match a key condition such as `pk = :pk AND begins_with(sk, :prefix)`.
    pub fn query(&self, condition: &str) -> Query {
        Query {
            client: self.client.clone(),
            table: self.name.clone(),
            condition: condition.to_owned(),
            filter: None,
            projection: None,
            values: HashMap::new(),
            index: None,
            is_consistent: true,
            newest_first: false,
            limit: None,
            after: None,
        }
    }

    /// All items of a partition.
    pub fn partition(&self, pk: impl Into<String>) -> Query {
        self.query("pk = :pk").bind("pk", s(pk))
    }

    /// The items of a partition whose sort key starts with `prefix`.
    pub fn under(&self, pk: impl Into<String>, prefix: &str) -> Query {
        self.query("pk = :pk AND begins_with(sk, :prefix)").bind("pk", s(pk)).bind("prefix", s(prefix))
    }
}

impl Query {
    /// Sets the value of `:name`.
    #[must_use]
    pub fn bind(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(format!(":{name}"), value);
        self
    }

    /// Returns only the items that match this filter. Items that do not match are still read and paid for.
    #[must_use]
    pub fn filter(self, filter: &str) -> Self {
        Self { filter: Some(filter.to_owned()), ..self }
    }

    /// Reads only these attributes, separated by commas.
    #[must_use]
    pub fn only(self, attributes: &str) -> Self {
        Self { projection: Some(attributes.to_owned()), ..self }
    }

    /// Reads a local index, which is also strongly consistent.
    #[must_use]
    pub fn index(self, name: &'static str) -> Self {
        Self { index: Some(name), ..self }
    }

    /// Reads a global index, which may lag behind.
    #[must_use]
    pub fn global_index(self, name: &'static str) -> Self {
        Self { index: Some(name), is_consistent: false, ..self }
    }

    /// Sorts by sort key, descending.
    #[must_use]
    pub fn newest_first(self) -> Self {
        Self { newest_first: true, ..self }
    }

    /// Limits the items of a page.
    #[must_use]
    pub fn page_size(self, most: usize) -> Self {
        Self { limit: Some(i32::try_from(most).unwrap_or(i32::MAX)), ..self }
    }

    /// Starts after this key, which the page before returned.
    #[must_use]
    pub fn after(self, key: Option<Item>) -> Self {
        Self { after: key, ..self }
    }

    fn build(self) -> QueryFluentBuilder {
        let used = [&*self.condition, self.filter.as_deref().unwrap_or(""), self.projection.as_deref().unwrap_or("")];
        let names = names(used);
        self.client
            .query()
            .table_name(self.table)
            .key_condition_expression(self.condition)
            .set_filter_expression(self.filter)
            .set_projection_expression(self.projection)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(Some(self.values))
            .set_index_name(self.index.map(str::to_owned))
            .consistent_read(self.is_consistent)
            .scan_index_forward(!self.newest_first)
            .set_limit(self.limit)
            .set_exclusive_start_key(self.after)
    }

    /// All matching items, from all pages.
    pub async fn all<T: DeserializeOwned>(self) -> Result<Vec<T>, StoreError> {
        self.first(usize::MAX).await
    }

    /// The first `most` matching items. Reads no more pages than needed.
    pub async fn first<T: DeserializeOwned>(self, most: usize) -> Result<Vec<T>, StoreError> {
        let mut items = self.items();
        let mut found = Vec::new();
        while found.len() < most
            && let Some(item) = items.next().await?
        {
            found.push(from_item(item)?);
        }
        Ok(found)
    }

    /// The matching items, one by one.
    pub fn items(self) -> Items {
        Items(self.build().into_paginator().items().send())
    }

    /// One page of matching items.
    pub async fn page(self) -> Result<QueryOutput, StoreError> {
        self.build().send().await.map_err(|error| store_error("Query", &error))
    }

    /// The number of matching items.
    pub async fn count(self) -> Result<usize, StoreError> {
        let mut pages = self.build().select(Select::Count).into_paginator().send();
        let mut count = 0;
        while let Some(page) = pages.next().await {
            count += usize::try_from(page.map_err(|error| store_error("Query", &error))?.count).unwrap_or(0);
        }
        Ok(count)
    }
}

/// The matching items of a query, one by one.
#[derive(Debug)]
pub struct Items(
    aws_smithy_async::future::pagination_stream::PaginationStream<
        Result<Item, aws_sdk_dynamodb::error::SdkError<aws_sdk_dynamodb::operation::query::QueryError>>,
    >,
);

impl Items {
    /// The next item, or `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Item>, StoreError> {
        self.0.next().await.transpose().map_err(|error| store_error("Query", &error))
    }
}
