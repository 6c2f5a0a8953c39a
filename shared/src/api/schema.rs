//! Adapts schemas for clients and for the check of requests.

use serde_json::{Map, Value, json};

/// The schema keyword for a custom error message of a value. Only the check of requests reads it.
pub(super) const WORDS: &str = "x-complaint";

/// The schema keyword for a list whose items are checked one by one, each with its own result. Only the check of
/// requests reads it.
pub(super) const APART: &str = "x-apart";

/// The schema keyword for the type that parses a text. Only the check of requests reads it.
pub(super) const PARSER: &str = "x-parser";

/// Simplifies enums: a `oneOf` of constants becomes one `enum`, which client generators support, and the variants'
/// comments become part of its description.
pub(super) fn plain_enums(schema: &mut Value) {
    each_object(schema, &mut |schema| {
        let Some(variants) = schema.get("oneOf").and_then(Value::as_array) else { return };
        let Some(names) = variants.iter().map(names_of).collect::<Option<Vec<_>>>() else { return };
        let mut lines: Vec<String> =
            schema.get("description").and_then(Value::as_str).map(str::to_owned).into_iter().collect();
        for (variant, names) in variants.iter().zip(&names) {
            if let ([name], Some(description)) = (&names[..], variant["description"].as_str()) {
                lines.push(format!("- `{name}`: {description}"));
            }
        }
        let list: Vec<String> = names.concat();
        schema.shift_remove("oneOf");
        schema.insert("type".to_owned(), json!("string"));
        schema.insert("enum".to_owned(), json!(list));
        if !lines.is_empty() {
            schema.insert("description".to_owned(), json!(lines.join("\n").replacen("\n- ", "\n\n- ", 1)));
        }
    });
}

/// The names (constants) of an enum variant; `None` if the variant holds data.
fn names_of(variant: &Value) -> Option<Vec<String>> {
    match (&variant["const"], &variant["enum"]) {
        (Value::String(name), _) => Some(vec![name.clone()]),
        (_, Value::Array(names)) => names.iter().map(|name| name.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// Removes the keywords that only the check of requests reads.
pub(super) fn without_words(schema: &mut Value) {
    each_object(schema, &mut |schema| {
        schema.retain(|key, _| ![APART, PARSER, WORDS].contains(&key.as_str()));
    });
}

fn each_object(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(|member| each_object(member, change));
            change(members);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_object(item, change)),
        _ => {}
    }
}
