//! The embedded DynamoDB: dynoxide, served on loopback, with the tables of the template.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue as SdkValue;
use dynoxide::{AttributeValue, Database, ImportOptions};
use serde_json::{Value, json};
use shared::base::store::{Item, StoreError};
use tokio::net::TcpListener;

use crate::error::LocalError;

/// The interval for deleting expired items. DynamoDB itself promises "within a few days".
const TTL_SWEEP: Duration = Duration::from_secs(60);

/// Opens the database in memory or in a file, and creates the tables that it lacks. A table with other keys or
/// indexes is an error, because this function alters none.
pub fn open(file: Option<&Path>, tables: &[(Value, Option<String>)]) -> Result<Database, LocalError> {
    let failed = |what: &str, error: &dyn std::fmt::Display| LocalError::Emulator(format!("DynamoDB: {what}: {error}"));
    let database = match file {
        None => Database::memory(),
        Some(file) => Database::new(&file.to_string_lossy()),
    };
    let database = database.map_err(|error| failed("the database does not open", &error))?;
    let existing = database.list_tables(typed(json!({}))?).map_err(|error| failed("list", &error))?.table_names;
    for (table, ttl) in tables {
        let name = table["TableName"].as_str().unwrap_or_default();
        if existing.iter().any(|existing| existing == name) {
            let stored = database.describe_table(typed(json!({ "TableName": name }))?);
            let stored = serde_json::to_value(stored.map_err(|error| failed(name, &error))?.table).unwrap_or_default();
            if shape(&stored) != shape(table) {
                let folder = file.and_then(Path::parent).unwrap_or(Path::new(".")).display().to_string();
                return Err(LocalError::OtherTables { folder, table: name.to_owned() });
            }
            continue;
        }
        database.create_table(typed(table.clone())?).map_err(|error| failed(name, &error))?;
        if let Some(attribute) = ttl {
            let request =
                json!({"TableName": name, "TimeToLiveSpecification": {"AttributeName": attribute, "Enabled": true}});
            database.update_time_to_live(typed(request)?).map_err(|error| failed(name, &error))?;
        }
    }
    Ok(database)
}

/// The unchangeable parts of a table: its key, and the keys and projections of its indexes.
fn shape(table: &Value) -> BTreeMap<String, [Value; 2]> {
    let indexes = ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"].map(|kind| table[kind].as_array());
    let indexes = indexes.into_iter().flatten().flatten().map(|index| {
        let name = index["IndexName"].as_str().unwrap_or_default().to_owned();
        (name, [index["KeySchema"].clone(), index["Projection"].clone()])
    });
    let own = (String::new(), [table["KeySchema"].clone(), Value::Null]);
    indexes.chain([own]).collect()
}

/// Writes items in one transaction without the protocol, which is some ten times as fast. The attributes can be
/// texts, numbers and lists.
pub fn import(database: &Database, table: &str, items: Vec<Item>) -> Result<(), StoreError> {
    let broken = |reason: String| StoreError::Broken(format!("DynamoDB: {reason}"));
    let items = items.into_iter().map(|item| {
        item.into_iter().map(|(name, value)| Some((name, attribute(value)?))).collect::<Option<dynoxide::Item>>()
    });
    let items = items.collect::<Option<Vec<_>>>().ok_or_else(|| broken("a type that is not imported".to_owned()))?;
    database.import_items(table, items, ImportOptions::default()).map_err(|error| broken(error.to_string()))?;
    Ok(())
}

/// Converts an attribute of the SDK to the emulator's.
fn attribute(value: SdkValue) -> Option<AttributeValue> {
    match value {
        SdkValue::S(text) => Some(AttributeValue::S(text)),
        SdkValue::N(number) => Some(AttributeValue::N(number)),
        SdkValue::L(list) => Some(AttributeValue::L(list.into_iter().map(attribute).collect::<Option<_>>()?)),
        _ => None,
    }
}

/// Serves the database until the task is dropped.
pub async fn serve(listener: TcpListener, database: Database) {
    let expiring = database.clone();
    let sweep = async move {
        let mut interval = tokio::time::interval(TTL_SWEEP);
        loop {
            interval.tick().await;
            let expiring = expiring.clone();
            let swept = tokio::task::spawn_blocking(move || expiring.sweep_ttl()).await;
            if !matches!(swept, Ok(Ok(_))) {
                tracing::warn!("expired items were not deleted");
            }
        }
    };
    tokio::select! {
        () = dynoxide::server::serve_on(listener, database) => {}
        () = sweep => {}
    }
}

fn typed<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, LocalError> {
    serde_json::from_value(value).map_err(|error| LocalError::Emulator(format!("DynamoDB: {error}")))
}
