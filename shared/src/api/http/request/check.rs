//! Checks JSON against the schema of its type, so that one answer names every invalid field.
//!
//! The schema says which fields are required, known and within limits, and which type parses a text itself (a phone
//! number, a time) and returns its own complaint.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Complaints;
use super::text::complaint;
use crate::api::schema::{APART, WORDS, plain_enums};
use crate::base::problem::MISSING;

/// Parses a `T` from the fields of an object.
///
/// # Errors
/// The invalid fields, each with its complaint.
pub fn read<T: DeserializeOwned + JsonSchema + 'static>(given: Map<String, Value>) -> Result<T, Complaints> {
    let mut given = Value::Object(given);
    let mut complaints = Complaints::new();
    check(schema_of::<T>(), &mut given, "", &mut complaints);
    if !complaints.is_empty() {
        return Err(complaints);
    }
    serde_path_to_error::deserialize(given)
        .map_err(|error| Complaints::from([(error.path().to_string(), error.inner().to_string())]))
}

/// Converts a query's texts to the types in the schema of `T`: numbers, flags and lists. A list is `name=a,b`,
/// `name=a&name=b` or `name[]=a&name[]=b`. A text that cannot be converted stays a text, and gets a complaint. So does a
/// parameter that is repeated without being a list, and one that `T` does not name: a filter that is misspelt must not
/// answer with everything.
pub(super) fn typed<T: JsonSchema + 'static>(
    given: Vec<(String, String)>,
    complaints: &mut Complaints,
) -> Map<String, Value> {
    let schema = schema_of::<T>();
    let known = |name: &str| schema["properties"].get(name).map(without_null);
    let mut query = Map::new();
    for (name, text) in given {
        let plain = name.strip_suffix("[]").filter(|plain| known(plain).is_some_and(|of| is_type(of, "array")));
        let name = plain.map_or(name.as_str(), |plain| plain).to_owned();
        let Some(property) = known(&name) else {
            no_parameter(name, schema["properties"].as_object().into_iter().flat_map(Map::keys), complaints);
            continue;
        };
        match (query.get_mut(&name), of_text(property, text)) {
            (None, value) => drop(query.insert(name, value)),
            (Some(Value::Array(values)), Value::Array(more)) => values.extend(more),
            (Some(_), _) => drop(complaints.insert(name, "must be given once".to_owned())),
        }
    }
    query
}

/// Complains about a parameter of the query that is not known.
pub(super) fn no_parameter<'a>(name: String, known: impl Iterator<Item = &'a String>, complaints: &mut Complaints) {
    complaints.extend([unknown(&name, "parameter", known)]);
}

/// A name that is not known, and the complaint about it.
fn unknown<'a>(name: &str, what: &str, known: impl Iterator<Item = &'a String>) -> (String, String) {
    // Text that does not look like a name may be personal data, so it is not shown.
    let is_name = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let known = known.map(String::as_str).collect::<Vec<_>>().join(", ");
    let known = if known.is_empty() { "none" } else { &known };
    let shown = if is_name { name } else { "(unnamed)" };
    (shown.to_owned(), format!("is not a {what} of this request; known are {known}"))
}

fn of_text(schema: &Value, text: String) -> Value {
    let is_whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match schema {
        // A number that is too large becomes the type's maximum, because it is still a number.
        _ if is_type(schema, "integer") && is_whole => json!(text.parse().unwrap_or(u32::MAX)),
        _ if is_type(schema, "boolean") && (text == "true" || text == "false") => json!(text == "true"),
        _ if is_type(schema, "array") => text.split(',').map(|part| json!(part.trim())).collect(),
        _ => Value::String(text),
    }
}

/// The variable parts of a path that `T` names. A missing part is empty.
pub(super) fn named<T: JsonSchema + 'static>(given: &HashMap<String, String>) -> Map<String, Value> {
    let names = schema_of::<T>()["properties"].as_object().into_iter().flat_map(Map::keys);
    names.map(|name| (name.clone(), json!(given.get(name).map_or("", String::as_str)))).collect()
}

/// The schema of `T`, with every referenced type inline.
fn schema_of<T: JsonSchema + 'static>() -> &'static Value {
    static KNOWN: LazyLock<RwLock<HashMap<TypeId, &'static Value>>> = LazyLock::new(RwLock::default);
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(&TypeId::of::<T>()).copied();
    known.unwrap_or_else(|| {
        let mut settings = SchemaSettings::draft2020_12().for_deserialize();
        settings.inline_subschemas = true;
        let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
        plain_enums(&mut schema);
        // Leaked once for each type, and kept while the process runs.
        let schema: &'static Value = Box::leak(Box::new(schema));
        KNOWN.write().unwrap_or_else(PoisonError::into_inner).insert(TypeId::of::<T>(), schema);
        schema
    })
}

/// A schema without its `null`. Keeps the nullable schema's own complaint, if it has one.
fn without_null(schema: &Value) -> &Value {
    if schema.get(WORDS).is_none() { beside_null(schema) } else { schema }
}

fn beside_null(schema: &Value) -> &Value {
    let choices = schema["anyOf"].as_array().map_or(&[][..], Vec::as_slice);
    match choices.iter().filter(|choice| choice["type"] != "null").collect::<Vec<_>>()[..] {
        [one] if choices.len() == 2 => one,
        _ => schema,
    }
}

/// Whether a schema's type is, or may be, `name`.
fn is_type(schema: &Value, name: &str) -> bool {
    schema["type"] == name || schema["type"].as_array().is_some_and(|names| names.contains(&json!(name)))
}

/// Adds the complaints about a value and everything in it. Removes members that count as absent, also invalid ones.
fn check(schema: &Value, given: &mut Value, path: &str, complaints: &mut Complaints) {
    if let Some(words) = schema[WORDS].as_str() {
        let mut own = Complaints::new();
        check_type(beside_null(schema), given, path, &mut own);
        if !own.is_empty() {
            complaints.insert(path.to_owned(), words.to_owned());
        }
        return;
    }
    check_type(schema, given, path, complaints);
}

fn check_type(schema: &Value, given: &mut Value, path: &str, complaints: &mut Complaints) {
    match given {
        Value::Object(members) if is_type(schema, "object") => check_members(schema, members, path, complaints),
        Value::Array(items) if is_type(schema, "array") => {
            let (least, most) = (schema["minItems"].as_u64(), schema["maxItems"].as_u64());
            let length = items.len() as u64;
            let is_list_of_names = !schema["items"]["enum"].is_null();
            if least.is_some_and(|least| length < least) || most.is_some_and(|most| length > most) {
                complaints.insert(path.to_owned(), demand(schema, path));
                return;
            }
            if schema[APART] == true {
                return;
            }
            for (index, item) in items.iter_mut().enumerate() {
                let mut own = Complaints::new();
                check(&schema["items"], item, &format!("{path}[{index}]"), &mut own);
                if own.is_empty() {
                    continue;
                }
                if is_list_of_names {
                    complaints.insert(path.to_owned(), demand(schema, path));
                    return;
                }
                complaints.append(&mut own);
            }
        }
        given if !holds(schema, given) => _ = complaints.insert(path.to_owned(), demand(schema, path)),
        Value::String(text) => {
            complaints.extend(complaint(schema, text).map(|complaint| (path.to_owned(), complaint.to_owned())));
        }
        _ => {}
    }
}

fn check_members(schema: &Value, given: &mut Map<String, Value>, path: &str, complaints: &mut Complaints) {
    let is_closed = schema["additionalProperties"] == false;
    let none = Map::new();
    let Some(properties) = schema["properties"].as_object().or(is_closed.then_some(&none)) else { return };
    let is_required = |name: &String| schema["required"].as_array().is_some_and(|all| all.contains(&json!(name)));
    given.retain(|name, value| {
        let may_be_blank = |property| is_plain_text(property, is_required(name));
        let is_blank = |text: &str| properties.get(name).is_some_and(may_be_blank) && text.trim().is_empty();
        !(value.is_null() || value.as_str().is_some_and(is_blank))
    });
    let within = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if is_closed {
        for name in given.keys().filter(|name| !properties.contains_key(*name)) {
            let (shown, complaint) = unknown(name, "field", properties.keys());
            complaints.insert(within(&shown), complaint);
        }
        given.retain(|name, _| properties.contains_key(name));
    }
    for (name, property) in properties {
        let Some(value) = given.get_mut(name) else {
            if is_required(name) {
                complaints.insert(within(name), MISSING.to_owned());
            }
            continue;
        };
        let before = complaints.len();
        check(without_null(property), value, &within(name), complaints);
        if complaints.len() > before {
            given.remove(name);
        }
    }
}

/// Whether only the length of a text matters, so that a blank text counts as absent. The type of an optional field
/// whose text must not be blank complains itself.
fn is_plain_text(schema: &Value, is_required: bool) -> bool {
    let is_any = schema["pattern"].is_null() || is_required && schema["pattern"] == r"\S";
    is_any && is_type(schema, "string") && ["enum", "const", "format", WORDS].iter().all(|key| schema[key].is_null())
}

/// Whether a single value has its type and is within its limits. Types check patterns and formats themselves.
fn holds(schema: &Value, given: &Value) -> bool {
    if schema["enum"].as_array().is_some_and(|names| !names.contains(given)) {
        return false;
    }
    let names: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return true,
    };
    names.iter().any(|name| match (*name, given) {
        ("string", Value::String(text)) => {
            let fits = |limit: &str, fits: fn(u64, u64) -> bool| {
                schema[limit].as_u64().is_none_or(|limit| fits(text.chars().count() as u64, limit))
            };
            fits("minLength", |length, least| length >= least)
                && fits("maxLength", |length, most| length <= most)
                && (schema["format"] != "uuid" || super::uuid(text).is_some())
        }
        ("integer", given) => {
            let number = given.as_i64();
            let within = |limit: &str, fits: fn(i64, i64) -> bool| {
                schema[limit].as_i64().is_none_or(|limit| number.is_some_and(|number| fits(number, limit)))
            };
            number.is_some_and(|number| schema["format"] != "uint32" || u32::try_from(number).is_ok())
                && within("minimum", |number, least| number >= least)
                && within("maximum", |number, most| number <= most)
        }
        ("number", given) => given.is_number(),
        ("boolean", given) => given.is_boolean(),
        ("array", given) => given.is_array(),
        ("object", given) => given.is_object(),
        ("null", given) => given.is_null(),
        _ => false,
    })
}

/// The complaint that completes the sentence "`field` …".
fn demand(schema: &Value, path: &str) -> String {
    if let Some(names) = schema["enum"].as_array() {
        return match &names.iter().filter_map(Value::as_str).collect::<Vec<_>>()[..] {
            [one, other] => format!("must be {one} or {other}"),
            names => format!("must be one of {}", names.join(", ")),
        };
    }
    let most = |limit: &str| schema[limit].as_u64();
    if is_type(schema, "string") {
        return match most("maxLength") {
            _ if schema["format"] == "uuid" => "must be a UUID".to_owned(),
            Some(most) => format!("must be a text of at most {most} characters"),
            None => "must be a text".to_owned(),
        };
    }
    if is_type(schema, "integer") {
        let least = most("minimum").unwrap_or_default();
        return match most("maximum") {
            Some(most) => format!("must be a whole number from {least} to {most}"),
            None => format!("must be a whole number, at least {least}"),
        };
    }
    if is_type(schema, "array") {
        if let Some(names) = schema["items"]["enum"].as_array() {
            let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
            return format!("must be a list of at least one of {}", names.join(", "));
        }
        let name = path.rsplit('.').next().filter(|name| name.ends_with('s')).unwrap_or("items");
        return match (most("minItems"), most("maxItems")) {
            (Some(least), Some(most)) => format!("must be a list of {least} to {most} {name}"),
            (None, Some(most)) => format!("must be a list of at most {most} {name}"),
            _ => "must be a list".to_owned(),
        };
    }
    let kind = ["boolean", "object", "number"].into_iter().find(|kind| is_type(schema, kind));
    match kind {
        Some("boolean") => "must be true or false".to_owned(),
        Some("object") => "must be an object".to_owned(),
        _ => "must be a number".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// An even number of letters.
    #[derive(Debug, PartialEq)]
    struct Even(String);

    crate::parsed_text!(
        Even,
        |text: &str| Some(Even(text.to_owned())).filter(|_| text.len().is_multiple_of(2)),
        "must have an even length",
        {"type": "string"}
    );

    #[derive(Debug, Deserialize, JsonSchema, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Size {
        Small,
        Large,
    }

    #[derive(Debug, Deserialize, JsonSchema, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Item {
        #[schemars(length(max = 5))]
        name: String,
        even: Even,
        odd: Option<Even>,
        #[schemars(range(min = 1, max = 3))]
        count: Option<u32>,
        size: Option<Size>,
        #[serde(default)]
        #[schemars(length(max = 2))]
        parts: Vec<Part>,
        id: Option<uuid::Uuid>,
    }

    #[derive(Debug, Deserialize, JsonSchema, PartialEq)]
    struct Part {
        name: String,
        even: Even,
        #[schemars(range(min = 1, max = 3))]
        count: Option<u32>,
    }

    fn complaints(given: Value) -> Vec<(String, String)> {
        let Value::Object(given) = given else { panic!("an object") };
        read::<Item>(given).unwrap_err().into_iter().collect()
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let given = json!({
            "name": "longer", "even": "odd", "odd": 5, "count": 4, "size": "huge", "id": "x", "other": 1,
            "parts": [{"name": " ", "even": "x"}, {"name": "a", "even": "ab", "count": "1"}],
        });
        let expected = [
            ("count", "must be a whole number from 1 to 3"),
            ("even", "must have an even length"),
            ("id", "must be a UUID"),
            ("name", "must be a text of at most 5 characters"),
            ("odd", "must have an even length"),
            ("other", "is not a field of this request; known are name, even, odd, count, size, parts, id"),
            ("parts[0].even", "must have an even length"),
            ("parts[0].name", "is required"),
            ("parts[1].count", "must be a whole number from 1 to 3"),
            ("size", "must be small or large"),
        ];
        let found = complaints(given);
        let found: Vec<_> = found.iter().map(|(field, complaint)| (field.as_str(), complaint.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn null_and_blank_texts_count_as_absent() {
        let given = json!({"name": "a", "even": "ab", "odd": null, "count": null, "parts": []});
        let Value::Object(given) = given else { panic!("an object") };
        let read: Item = read(given).unwrap();
        assert_eq!((read.name.as_str(), read.odd, read.count), ("a", None, None));
        assert_eq!(complaints(json!({"name": " ", "even": "ab"})), [("name".to_owned(), MISSING.to_owned())]);
    }

    #[test]
    fn a_text_that_must_not_be_blank_counts_as_absent_only_if_it_is_required() {
        #[derive(Debug, Deserialize, JsonSchema)]
        struct Texts {
            #[schemars(regex(pattern = r"\S"))]
            _required: String,
            #[schemars(regex(pattern = r"\S"))]
            optional: Option<String>,
        }
        let texts = |required: &str| {
            read::<Texts>(Map::from_iter([
                ("_required".to_owned(), json!(required)),
                ("optional".to_owned(), json!(" ")),
            ]))
        };
        assert_eq!(texts(" ").unwrap_err(), Complaints::from([("_required".to_owned(), MISSING.to_owned())]));
        assert_eq!(texts("a").unwrap().optional.as_deref(), Some(" "));
    }

    #[test]
    fn a_type_without_fields_knows_none() {
        #[derive(Debug, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        struct Empty {}
        let complaints = read::<Empty>(Map::from_iter([("a".to_owned(), json!(1))])).unwrap_err();
        assert_eq!(complaints["a"], "is not a field of this request; known are none");
        assert!(read::<Empty>(Map::new()).is_ok());
    }

    #[test]
    fn a_number_fits_its_type() {
        #[derive(Debug, Deserialize, JsonSchema)]
        struct Numbers {
            #[schemars(range(min = 1))]
            _version: u32,
        }
        for number in [0, 1_u64 << 32] {
            let complaints = read::<Numbers>(Map::from_iter([("_version".to_owned(), json!(number))])).unwrap_err();
            assert_eq!(complaints["_version"], "must be a whole number, at least 1");
        }
    }
}
