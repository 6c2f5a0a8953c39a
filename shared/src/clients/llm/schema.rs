//! JSON schemas in the form that strict mode takes ("Structured model outputs", OpenAI API documentation).

use schemars::JsonSchema;
use serde_json::{Value, json};

/// The schema of `T` in the form that strict mode asks for: every property required, none
/// besides, everything inline.
pub fn strict_schema<T: JsonSchema>() -> Value {
    let mut settings = schemars::generate::SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    // A type without fields comes without the properties that strict mode wants of every object.
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
            // An enum whose variants are described comes as `oneOf`, which strict mode does not know.
            let constants = object.get("oneOf").and_then(Value::as_array).map(|variants| {
                variants.iter().map(|variant| variant.get("const").cloned()).collect::<Option<Vec<_>>>()
            });
            if let Some(Some(constants)) = constants {
                object.remove("oneOf");
                object.insert("type".to_owned(), Value::from("string"));
                object.insert("enum".to_owned(), Value::Array(constants));
            }
            // Not among the keywords that strict mode knows; what they say is checked on arrival.
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
