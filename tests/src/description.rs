//! Checks answers against `docs/openapi.json`: the status is documented, the body has the documented schema and no
//! other fields, and the required headers are present.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::Answer;

pub static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../docs/openapi.json")).expect("docs/openapi.json"));

/// The schemas by name, each [`closed`].
static SCHEMAS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let schemas = DESCRIPTION["components"]["schemas"].as_object().expect("schemas").clone();
    schemas.into_iter().map(|(name, schema)| (name, closed(schema))).collect()
});

/// Validators by schema name, because creating one takes longer than using it.
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Panics if an answer of the API is not as described. Answers of other servers, such as an emulator, pass.
pub fn check(method: &str, path: &str, answer: &Answer) {
    let path = path.strip_prefix("/functions/v1/api-gateway").unwrap_or(path);
    let Some((template, operation)) = operation(method, path) else { return };
    // An error of API Gateway itself, as after a function's timeout.
    if !answer.headers.contains_key("x-request-id") && [413, 500, 504].contains(&answer.status) {
        return;
    }
    let what = format!("{method} {template}: {}", answer.status);
    let Some(response) = operation["responses"].get(answer.status.to_string()) else {
        panic!("{what} is not in docs/openapi.json: {}", answer.text);
    };
    let response = resolved(response);
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        if resolved(header)["required"] == true {
            assert!(answer.headers.contains_key(name.as_str()), "{what} lacks the header {name}: {:?}", answer.headers);
        }
    }
    let Some(contents) = response["content"].as_object() else { return };
    let media_type = answer.header("content-type").split(';').next().unwrap_or_default().trim();
    let Some(content) = contents.get(media_type) else { panic!("{what} is not described as {media_type:?}") };
    if media_type == "application/json" {
        let schema = &content["schema"];
        // An error's schema narrows the schema that it refers to, so it cannot be closed.
        let schema = if answer.status < 300 { closed(schema.clone()) } else { schema.clone() };
        if let Some(complaint) = complaint(&schema, &answer.json(), &what) {
            panic!("{what}: {complaint}: {}", answer.text);
        }
    }
}

/// The operation of a request, with its path template. A literal path takes precedence over variables.
pub fn operation(method: &str, path: &str) -> Option<(&'static str, &'static Value)> {
    let fits = |template: &str| {
        let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
        let part =
            |(expected, given): (&&str, &&str)| expected.starts_with('{') && !given.is_empty() || expected == given;
        template.len() == path.len() && template.iter().zip(&path).all(part)
    };
    let paths = DESCRIPTION["paths"].as_object().expect("paths");
    let found =
        paths.iter().filter(|(template, _)| fits(template)).min_by_key(|(template, _)| template.matches('{').count());
    let (template, operations) = found?;
    Some((template, operations.get(method.to_ascii_lowercase())?))
}

/// Follows a reference.
pub fn resolved(value: &'static Value) -> &'static Value {
    let reference = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    reference.map_or(value, |pointer| DESCRIPTION.pointer(pointer).expect("what is referred to"))
}

/// The errors of a value by a schema. `name` identifies the schema.
pub fn complaint(schema: &Value, value: &Value, name: &str) -> Option<String> {
    let known = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
    let validator = known.unwrap_or_else(|| {
        let made = Arc::new(validator(schema));
        VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), Arc::clone(&made));
        made
    });
    let complaints: Vec<_> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    (!complaints.is_empty()).then(|| complaints.join("; "))
}

fn validator(schema: &Value) -> Validator {
    let mut schema = schema.clone();
    let mut used = BTreeMap::new();
    collect(&schema, &mut used);
    schema["components"] = json!({ "schemas": used });
    let options = jsonschema::draft202012::options().should_validate_formats(true);
    options.build(&schema).expect("a schema")
}

/// Collects the schemas that this one refers to, directly or through others.
fn collect(schema: &Value, used: &mut BTreeMap<String, Value>) {
    match schema {
        Value::Object(fields) => {
            if let Some(name) = fields.get("$ref").and_then(Value::as_str).and_then(|name| name.rsplit('/').next())
                && !used.contains_key(name)
            {
                let referred = SCHEMAS.get(name).expect("a schema that is referred to");
                used.insert(name.to_owned(), referred.clone());
                collect(referred, used);
            }
            fields.values().for_each(|field| collect(field, used));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, used)),
        _ => {}
    }
}

/// A schema that allows only the fields that it names.
fn closed(schema: Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let mut fields: Map<String, Value> =
                fields.into_iter().map(|(name, field)| (name, closed(field))).collect();
            if fields.get("properties").is_some_and(Value::is_object) && fields.contains_key("type") {
                fields.entry("additionalProperties").or_insert(json!(false));
            }
            Value::Object(fields)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(closed).collect()),
        other => other,
    }
}
