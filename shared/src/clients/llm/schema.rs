//! JSON schemas for strict mode ("Structured model outputs", OpenAI API documentation).

use schemars::JsonSchema;
use serde_json::{Value, json};

/// The schema of `T` for strict mode: every property is required, no others are allowed, and everything is inline.
pub fn strict_schema<T: JsonSchema>() -> Value {
    let mut settings = schemars::generate::SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    // A type without fields has no `properties`, which strict mode requires of every object.
    if schema["type"] == "object" && schema["properties"].is_null() {
        schema["properties"] = json!({});
    }
    make_strict(&mut schema);
    schema
}

fn make_strict(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(properties) = object.get("properties").and_then(Value::as_object) {
                let names: Vec<Value> = properties.keys().map(|name| Value::from(name.as_str())).collect();
                object.insert("required".to_owned(), Value::Array(names));
                object.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            // An enum with described variants is a `oneOf`, which strict mode does not support.
            let constants = object.get("oneOf").and_then(Value::as_array).map(|variants| {
                variants.iter().map(|variant| variant.get("const").cloned()).collect::<Option<Vec<_>>>()
            });
            if let Some(Some(constants)) = constants {
                object.remove("oneOf");
                object.insert("type".to_owned(), Value::from("string"));
                object.insert("enum".to_owned(), Value::Array(constants));
            }
            // Strict mode does not support these keywords; the reply is checked on arrival instead.
            for keyword in
                ["format", "default", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "title"]
            {
                if object.get(keyword).is_some_and(|value| !value.is_object()) {
                    object.remove(keyword);
                }
            }
            object.values_mut().for_each(make_strict);
        }
        Value::Array(values) => values.iter_mut().for_each(make_strict),
        _ => {}
    }
}
