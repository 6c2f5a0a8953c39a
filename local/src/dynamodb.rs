//! The embedded DynamoDB: dynoxide, served on loopback, with the tables of the template.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue as Given;
use dynoxide::{AttributeValue, Database, ImportOptions};
use serde_json::{Value, json};
use shared::base::store::{Item, StoreError};
use tokio::net::TcpListener;

use crate::stack::LocalError;

/// How often expired items are deleted. DynamoDB itself promises "within a few days".
const TTL_SWEEP: Duration = Duration::from_secs(60);

/// Opens the database, in memory or in a file that survives, and creates the tables it lacks. One that
/// another version has made with other keys or indexes is an error: nothing here alters tables.
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

/// What cannot be changed in a table that exists: its key, and the keys and contents of its indexes.
fn shape(table: &Value) -> BTreeMap<String, [Value; 2]> {
    let indexes = ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"].map(|kind| table[kind].as_array());
    let indexes = indexes.into_iter().flatten().flatten().map(|index| {
        let name = index["IndexName"].as_str().unwrap_or_default().to_owned();
        (name, [index["KeySchema"].clone(), index["Projection"].clone()])
    });
    let own = (String::new(), [table["KeySchema"].clone(), Value::Null]);
    indexes.chain([own]).collect()
}

/// Writes items in one transaction and past the protocol: some ten times as fast, for a data set.
///
/// # Errors
/// An item that the table refuses, or an attribute that is neither text, number nor list.
pub fn import(database: &Database, table: &str, items: Vec<Item>) -> Result<(), StoreError> {
    let broken = |reason: String| StoreError::Broken(format!("DynamoDB: {reason}"));
    let items = items.into_iter().map(|item| {
        item.into_iter().map(|(name, value)| Some((name, attribute(value)?))).collect::<Option<dynoxide::Item>>()
    });
    let items = items.collect::<Option<Vec<_>>>().ok_or_else(|| broken("a type that is not imported".to_owned()))?;
    database.import_items(table, items, ImportOptions::default()).map_err(|error| broken(error.to_string()))?;
    Ok(())
}

/// An attribute of the SDK as one of the emulator.
fn attribute(value: Given) -> Option<AttributeValue> {
    match value {
        Given::S(text) => Some(AttributeValue::S(text)),
        Given::N(number) => Some(AttributeValue::N(number)),
        Given::L(list) => Some(AttributeValue::L(list.into_iter().map(attribute).collect::<Option<_>>()?)),
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
