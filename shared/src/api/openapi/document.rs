//! Assembles operations into one document (OpenAPI Specification 3.1).

use std::collections::BTreeMap;

use chrono::DateTime;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::operation::{Access, Content, Next, Operation};
use super::{headers, refusals};
use crate::api::http::Dialect;
use crate::api::http::dialect::Stamp;
use crate::api::http::request::Describe;
use crate::api::schema::{plain_enums, without_words};

/// A group of operations, which becomes a tag.
pub struct Group {
    /// The name of the tag.
    pub name: &'static str,
    /// The description of the tag, in Markdown.
    pub description: &'static str,
    /// The operations of the group.
    pub operations: Vec<Operation>,
}

/// The examples of an operation.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Examples {
    requests: Vec<RequestExample>,
    answers: Vec<AnswerExample>,
}

/// An example of a request body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestExample {
    summary: String,
    value: Value,
}

/// An example of a successful answer without its envelope. `meta` also becomes the `pagination` of the leads API.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerExample {
    summary: String,
    data: Value,
    meta: Option<Value>,
}

/// The time and the correlation id of every example.
pub(super) fn example_stamp() -> Stamp {
    let at = DateTime::from_timestamp(1_795_167_000, 0).unwrap_or_default();
    Stamp { at, correlation_id: "1765572954465-eeh5x4k32".to_owned() }
}

/// The content of `components.json`: the parts of the document that depend on no operation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fixed {
    security_schemes: Value,
    /// Every header of a response by its name, as required.
    headers: Value,
    /// The request headers that several operations take.
    parameters: Value,
}

/// The whole document, with examples by `operationId`.
///
/// # Errors
/// `components.json` or `errors.json` is malformed.
pub fn document(groups: &[Group], info: &Value, examples: &BTreeMap<String, Examples>) -> serde_json::Result<Value> {
    let no_examples = Examples::default();
    let mut parts = Parts::new()?;
    let mut paths: Map<String, Value> = Map::new();
    for group in groups {
        for operation in &group.operations {
            let path = paths.entry(operation.path).or_insert_with(|| json!({}));
            let examples = examples.get(operation.id).unwrap_or(&no_examples);
            path[operation.method.to_ascii_lowercase()] = parts.operation(group.name, operation, examples);
        }
    }
    let tags: Vec<_> =
        groups.iter().map(|group| json!({"name": group.name, "description": group.description})).collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": info,
        "servers": [{"url": "/", "description": "This deployment. Routes under `/v1` are also reached under `/functions/v1/api-gateway/v1`, the base path of the LeadLex documents."}],
        "security": [{"key": []}],
        "tags": tags,
        "paths": paths,
        "components": parts.components()?,
    });
    plain_enums(&mut document);
    without_words(&mut document);
    Ok(document)
}

/// The components that operations refer to, collected while the document is built.
struct Parts {
    /// Schemas of requests, in which optional fields are not required.
    taken: SchemaGenerator,
    /// Schemas of answers, in which every field is required.
    given: SchemaGenerator,
    responses: BTreeMap<String, Value>,
    fixed: Fixed,
}

impl Parts {
    fn new() -> serde_json::Result<Self> {
        let settings = || {
            let mut settings = SchemaSettings::draft2020_12();
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
            settings
        };
        Ok(Self {
            taken: settings().for_deserialize().into_generator(),
            given: settings().for_serialize().into_generator(),
            responses: BTreeMap::new(),
            fixed: serde_json::from_str(include_str!("components.json"))?,
        })
    }

    fn components(mut self) -> serde_json::Result<Value> {
        let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
        for generator in [&mut self.taken, &mut self.given] {
            schemas.extend(generator.take_definitions(true));
        }
        schemas.extend(refusals::schemas()?);
        Ok(json!({
            "securitySchemes": self.fixed.security_schemes,
            "headers": self.fixed.headers,
            "responses": self.responses,
            "schemas": schemas,
        }))
    }

    fn operation(&mut self, group: &str, operation: &Operation, examples: &Examples) -> Value {
        let mut shown = json!({
            "operationId": operation.id,
            "tags": [group],
            "summary": operation.summary,
            "description": description(operation),
        });
        match operation.access {
            Access::Key(permission) => shown["x-permission"] = json!(permission.to_string()),
            Access::Signature(_) | Access::Open => shown["security"] = json!([]),
        }
        let parameters = self.parameters(operation);
        if !parameters.is_empty() {
            shown["parameters"] = json!(parameters);
        }
        if let Some(taken) = &operation.taken {
            let schema = (taken.schema)(&mut self.taken).to_value();
            let requests = examples.requests.iter().map(|request| (&*request.summary, request.value.clone()));
            shown["requestBody"] = json!({
                "required": taken.is_required,
                "content": {taken.media_type: media(&schema, requests)},
            });
        }
        let mut responses = Map::from_iter([("200".to_owned(), self.success(operation, examples))]);
        if operation.is_kept {
            let headers = headers::of(&self.fixed.headers, &["X-Request-Id", "Cache-Control", "ETag"], &[]);
            responses.insert("304".to_owned(), json!({"description": "It has not changed.", "headers": headers}));
        }
        for (status, response) in refusals::of(operation, &self.fixed.headers, &mut self.responses) {
            responses.insert(status.to_string(), response);
        }
        shown["responses"] = Value::Object(responses);
        shown
    }

    fn parameters(&mut self, operation: &Operation) -> Vec<Value> {
        let mut parameters: Vec<Value> = operation
            .parameters
            .iter()
            .map(|parameter| {
                json!({
                    "name": parameter.name,
                    "in": "header",
                    "required": false,
                    "description": parameter.description,
                    "schema": parameter.schema,
                })
            })
            .collect();
        if let Some(describe) = operation.path_parts {
            parameters.extend(self.fields(describe, "path"));
        }
        if let Some(describe) = operation.query {
            parameters.extend(self.fields(describe, "query"));
        }
        if operation.is_idempotent {
            parameters.push(self.fixed.parameters["Idempotency-Key"].clone());
        }
        if operation.dialect == Dialect::Leads {
            parameters.push(self.fixed.parameters["X-Correlation-ID"].clone());
        }
        parameters
    }

    /// The fields of a type as parameters of a path or a query.
    fn fields(&mut self, describe: Describe, place: &str) -> Vec<Value> {
        let reference = describe(&mut self.taken).to_value();
        let name = reference["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()).unwrap_or_default();
        let schema = self.taken.definitions_mut().shift_remove(name).unwrap_or(reference);
        let is_required = |name: &String| schema["required"].as_array().is_some_and(|all| all.contains(&json!(name)));
        let fields = schema["properties"].as_object().into_iter().flatten();
        let parameter = |(name, field): (&String, &Value)| {
            let mut field = without_null(field.clone());
            let description = field.as_object_mut().and_then(|field| field.shift_remove("description"));
            let mut parameter = json!({
                "name": name,
                "in": place,
                "required": is_required(name),
                "description": description,
                "schema": field,
            });
            if field["type"] == "array" {
                parameter["style"] = json!("form");
                parameter["explode"] = json!(false);
            }
            parameter
        };
        fields.map(parameter).collect()
    }

    fn success(&mut self, operation: &Operation, examples: &Examples) -> Value {
        let mut content = Map::new();
        match &operation.content {
            Content::Text(media_type) => {
                content.insert((*media_type).to_owned(), json!({"schema": {"type": "string"}}));
            }
            Content::Bare(describe) => {
                let schema = describe(&mut self.given).to_value();
                let answers = examples.answers.iter().map(|answer| (&*answer.summary, answer.data.clone()));
                content.insert("application/json".to_owned(), media(&schema, answers));
            }
            Content::Data(describe) => {
                let data = describe(&mut self.given).to_value();
                let meta = operation.meta.map(|describe| describe(&mut self.given).to_value());
                let schema = envelope(operation.dialect, data, meta);
                let stamp = example_stamp();
                let answers = examples.answers.iter().map(|AnswerExample { summary, data, meta }| {
                    let body = operation.dialect.success(data, meta.as_ref(), &stamp).unwrap_or_default();
                    (&**summary, serde_json::from_str(&body).unwrap_or_default())
                });
                content.insert("application/json".to_owned(), media(&schema, answers));
            }
        }
        if let Some((description, example)) = operation.streams {
            let schema = json!({"type": "string", "description": description});
            content.insert("text/event-stream".to_owned(), json!({"schema": schema, "example": example}));
        }
        let (mut always, mut sometimes) = (vec!["X-Request-Id", "Cache-Control"], operation.headers.clone());
        if matches!(operation.access, Access::Key(_)) {
            always.extend(headers::RATE);
        }
        if operation.dialect == Dialect::Leads {
            always.push("X-Correlation-Id");
        }
        if operation.is_idempotent {
            sometimes.push("Idempotent-Replayed");
        }
        if operation.is_kept {
            always.push("ETag");
        }
        let headers = headers::of(&self.fixed.headers, &always, &sometimes);
        let mut response = json!({"description": "Done.", "headers": headers, "content": content});
        let data = if operation.dialect == Dialect::Followup { "" } else { "/data" };
        for Next { id, parameter, pointer } in &operation.next {
            let at = format!("$response.body#{data}{pointer}");
            response["links"][id] = json!({"operationId": id, "parameters": {*parameter: at}});
        }
        response
    }
}

fn description(operation: &Operation) -> String {
    let proof = match operation.access {
        Access::Key(permission) => format!("Permission: `{permission}`."),
        Access::Signature(header) => format!("Asks for no key: `{header}` proves the sender."),
        Access::Open => "Asks for no key.".to_owned(),
    };
    match operation.description.as_str() {
        "" => proof,
        description => format!("{description}\n\n{proof}"),
    }
}

/// The schema of a success body around its `data` (docs/behaviour.md, "Requests and answers").
fn envelope(dialect: Dialect, data: Value, meta: Option<Value>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut add = |name: &'static str, schema: Value| {
        properties.insert(name.to_owned(), schema);
        required.push(name);
    };
    match dialect {
        Dialect::Followup => return data,
        Dialect::Leadlex => add("data", data),
        Dialect::Agents | Dialect::Leads => {
            add("success", json!({"const": true}));
            add("data", data);
        }
    }
    if let Some(meta) = meta {
        add(if dialect == Dialect::Leads { "pagination" } else { "meta" }, meta);
    }
    if dialect == Dialect::Leads {
        add("timestamp", json!({"type": "string", "format": "date-time", "description": "When it was answered."}));
        add("correlationId", json!({"type": "string", "description": "As `X-Correlation-Id`."}));
    }
    json!({"type": "object", "required": required, "properties": properties})
}

/// A media type object: a schema with its examples.
pub(super) fn media<'a>(schema: &Value, examples: impl Iterator<Item = (&'a str, Value)>) -> Value {
    let named = |(index, (summary, value)): (usize, (&str, Value))| {
        (format!("example{}", index + 1), json!({"summary": summary, "value": value}))
    };
    let examples: Map<String, Value> = examples.enumerate().map(named).collect();
    match examples.is_empty() {
        true => json!({"schema": schema}),
        false => json!({"schema": schema, "examples": examples}),
    }
}

/// Removes `null` from a parameter's schema: a parameter is present or absent.
fn without_null(mut schema: Value) -> Value {
    if let Some(types) = schema["type"].as_array()
        && let [one] = &types.iter().filter(|name| *name != "null").cloned().collect::<Vec<_>>()[..]
    {
        schema["type"] = one.clone();
    }
    if let Some(choices) = schema["anyOf"].as_array()
        && let [one] = &choices.iter().filter(|choice| choice["type"] != "null").cloned().collect::<Vec<_>>()[..]
    {
        let one = one.clone();
        if let (Some(schema), Some(one)) = (schema.as_object_mut(), one.as_object()) {
            schema.shift_remove("anyOf");
            schema.extend(one.clone());
        }
    }
    if let Some(schema) = schema.as_object_mut()
        && let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut)
    {
        values.retain(|value| !value.is_null());
    }
    // Removes the `null` that indexing above may have inserted.
    if let Some(schema) = schema.as_object_mut() {
        schema.retain(|_, value| !value.is_null());
    }
    schema
}
