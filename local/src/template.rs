//! The tables, queues and functions that `template.yaml` declares.

mod roles;
mod values;

use std::collections::{BTreeMap, HashMap};

pub use roles::Permission;
use saphyr::{LoadableYamlNode, Yaml};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use values::plain;

/// The prefix of the names of tables and queues.
pub const STACK_NAME: &str = "lead-followup";

pub const ACCOUNT: &str = "000000000000";
pub const REGION: &str = "us-east-1";

#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("{path}: {source}; run from the project's folder, or name the file with --template")]
    Unreadable { path: String, source: std::io::Error },
    #[error("the template is not valid YAML: {0}")]
    NotYaml(String),
    #[error("the template's {resource}: {reason}")]
    Resource { resource: String, reason: String },
}

#[derive(Clone, Debug)]
pub struct Template {
    resources: BTreeMap<String, Resource>,
    parameters: HashMap<String, String>,
    globals: Map<String, Value>,
    conditions: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    properties: Value,
    #[serde(default)]
    metadata: Value,
}

/// A function, with its environment resolved.
#[derive(Clone, Debug)]
pub struct DeclaredFunction {
    /// The logical id.
    pub id: String,
    /// The name of its crate and binary.
    pub name: String,
    /// The timeout in seconds.
    pub timeout: u64,
    pub environment: HashMap<String, String>,
    pub events: Vec<Event>,
    /// The permissions of its role.
    pub permissions: Vec<Permission>,
}

/// An event that invokes a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A route of the HTTP API with its upper-case method, or `ANY`. The path `$default` matches requests that match no
    /// other route.
    Route { method: String, path: String },
    /// A schedule, in seconds.
    Every(u64),
    /// The messages of a queue, in batches of at most this size.
    Queue { queue: String, batch_size: i32 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredQueue {
    pub name: String,
    /// Its settings by SQS's names.
    pub attributes: HashMap<String, String>,
    /// The dead-letter queue, and how often a message is received before it goes there.
    pub redrive: Option<(String, u32)>,
}

impl Template {
    /// Reads a template with the parameters of a deployment. A parameter without value or default is an error.
    pub fn parse(text: &str, parameters: &HashMap<String, String>) -> Result<Self, TemplateError> {
        let documents = Yaml::load_from_str(text).map_err(|error| TemplateError::NotYaml(error.to_string()))?;
        let root = documents.first().map(plain).unwrap_or_default();
        let mut values = HashMap::new();
        for (name, declared) in root["Parameters"].as_object().into_iter().flatten() {
            let value = parameters.get(name).cloned().or_else(|| text_of(&declared["Default"]));
            values.insert(name.clone(), value.ok_or_else(|| broken(name, "the parameter has no value"))?);
        }
        let resources = match &root["Resources"] {
            Value::Object(resources) => resources.clone(),
            _ => return Err(broken("Resources", "there are none")),
        };
        let resources = resources.into_iter().map(|(id, resource)| typed(&id, resource).map(|resource| (id, resource)));
        let globals = root["Globals"]["Function"].as_object().cloned().unwrap_or_default();
        let conditions = root["Conditions"].as_object().cloned().unwrap_or_default();
        Ok(Self { resources: resources.collect::<Result<_, _>>()?, parameters: values, globals, conditions })
    }

    /// The tables as `CreateTable` requests of DynamoDB, each with its TTL attribute.
    pub fn tables(&self) -> Result<Vec<(Value, Option<String>)>, TemplateError> {
        const FIELDS: [&str; 5] =
            ["AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"];
        let tables = self.of_type("AWS::DynamoDB::Table");
        tables
            .map(|(id, table)| {
                let properties = self.resolve(id, &table.properties)?;
                let fields = FIELDS.iter().filter_map(|name| Some(((*name).to_owned(), properties.get(name)?.clone())));
                let mut request: Map<_, _> = fields.collect();
                request.insert("TableName".to_owned(), json!(self.name_of(id, table)?));
                Ok((Value::Object(request), text_of(&properties["TimeToLiveSpecification"]["AttributeName"])))
            })
            .collect()
    }

    pub fn queues(&self) -> Result<Vec<DeclaredQueue>, TemplateError> {
        const SETTINGS: [&str; 5] = [
            "VisibilityTimeout",
            "MessageRetentionPeriod",
            "DelaySeconds",
            "ReceiveMessageWaitTimeSeconds",
            "MaximumMessageSize",
        ];
        let queues = self.of_type("AWS::SQS::Queue");
        queues
            .map(|(id, queue)| {
                let properties = self.resolve(id, &queue.properties)?;
                let attributes =
                    SETTINGS.iter().filter_map(|name| Some(((*name).to_owned(), text_of(&properties[*name])?)));
                let redrive = match &properties["RedrivePolicy"] {
                    Value::Null => None,
                    policy => {
                        let target = text_of(&policy["deadLetterTargetArn"]).unwrap_or_default();
                        let count = policy["maxReceiveCount"].as_u64().and_then(|count| u32::try_from(count).ok());
                        let count =
                            count.ok_or_else(|| broken(id, "RedrivePolicy.maxReceiveCount must be a number"))?;
                        Some((last_part(&target), count))
                    }
                };
                Ok(DeclaredQueue { name: self.name_of(id, queue)?, attributes: attributes.collect(), redrive })
            })
            .collect()
    }

    /// The topic that SES publishes its events to, and the name of the queue that subscribes to it.
    pub fn email_events(&self) -> Result<Option<(String, String)>, TemplateError> {
        let Some((id, destination)) = self.of_type("AWS::SES::ConfigurationSetEventDestination").next() else {
            return Ok(None);
        };
        let destination = self.resolve(id, &destination.properties)?;
        let topic = &destination["EventDestination"]["SnsDestination"]["TopicARN"];
        for (id, subscription) in self.of_type("AWS::SNS::Subscription") {
            let subscription = self.resolve(id, &subscription.properties)?;
            if subscription["Protocol"] == "sqs" && subscription["TopicArn"] == *topic {
                return Ok(text_of(topic).zip(text_of(&subscription["Endpoint"]).map(|endpoint| last_part(&endpoint))));
            }
        }
        Ok(None)
    }

    pub fn functions(&self) -> Result<Vec<DeclaredFunction>, TemplateError> {
        self.of_type("AWS::Serverless::Function").map(|(id, function)| self.function(id, function)).collect()
    }

    fn function(&self, id: &str, function: &Resource) -> Result<DeclaredFunction, TemplateError> {
        let properties = &function.properties;
        let binary = text_of(&function.metadata["BuildProperties"]["Binary"]);
        let name = binary
            .or_else(|| text_of(&properties["CodeUri"]).map(|uri| last_part(uri.trim_end_matches('/'))))
            .ok_or_else(|| broken(id, "neither BuildProperties.Binary nor CodeUri names its binary"))?;
        let mut environment = HashMap::new();
        for declared in [self.globals.get("Environment"), properties.get("Environment")].into_iter().flatten() {
            for (variable, value) in self.resolve(id, &declared["Variables"])?.as_object().into_iter().flatten() {
                let value = text_of(value)
                    .ok_or_else(|| broken(id, &format!("environment variable {variable} is not text")))?;
                environment.insert(variable.clone(), value);
            }
        }
        let timeout = properties.get("Timeout").or_else(|| self.globals.get("Timeout")).and_then(Value::as_u64);
        let mut events = Vec::new();
        for (event, declared) in properties["Events"].as_object().into_iter().flatten() {
            let properties = self.resolve(id, &declared["Properties"])?;
            events.push(
                event_of(&declared["Type"], &properties)
                    .map_err(|reason| broken(id, &format!("event {event}: {reason}")))?,
            );
        }
        let permissions = self.permissions(id, properties.get("Role"))?;
        let timeout = timeout.unwrap_or(3);
        Ok(DeclaredFunction { id: id.to_owned(), name, timeout, environment, events, permissions })
    }

    fn of_type(&self, kind: &'static str) -> impl Iterator<Item = (&String, &Resource)> {
        self.resources.iter().filter(move |(_, resource)| resource.kind == kind)
    }

    fn name_of(&self, id: &str, resource: &Resource) -> Result<String, TemplateError> {
        let names = ["TableName", "QueueName", "LogGroupName"];
        match names.into_iter().find_map(|name| resource.properties.get(name)) {
            None => Ok(format!("{STACK_NAME}-{id}")),
            Some(name) => text_of(&self.resolve(id, name)?).ok_or_else(|| broken(id, "its name is not text")),
        }
    }
}

fn event_of(kind: &Value, properties: &Value) -> Result<Event, String> {
    let required = |name: &str| text_of(&properties[name]).ok_or_else(|| format!("{name} is missing"));
    match kind.as_str() {
        Some("HttpApi") => Ok(Event::Route { method: required("Method")?.to_uppercase(), path: required("Path")? }),
        Some("Schedule") => rate(&required("Schedule")?).map(Event::Every),
        Some("ScheduleV2") => rate(&required("ScheduleExpression")?).map(Event::Every),
        Some("SQS") => Ok(Event::Queue {
            queue: last_part(&required("Queue")?),
            batch_size: properties["BatchSize"].as_i64().and_then(|size| i32::try_from(size).ok()).unwrap_or(10),
        }),
        other => Err(format!("type {} is not run locally", other.unwrap_or("(none)"))),
    }
}

/// The seconds of an expression such as `rate(1 minute)`.
fn rate(expression: &str) -> Result<u64, String> {
    let unknown = || format!("{expression} is not a rate such as rate(5 minutes)");
    let inside = expression.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(unknown)?;
    let (count, unit) = inside.split_once(' ').ok_or_else(unknown)?;
    let seconds = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return Err(unknown()),
    };
    count.parse().ok().filter(|count: &u64| *count > 0).map(|count| count * seconds).ok_or_else(unknown)
}

fn typed<T: DeserializeOwned>(id: &str, value: Value) -> Result<T, TemplateError> {
    serde_json::from_value(value).map_err(|error| broken(id, &error.to_string()))
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The texts of an array, or a single text.
fn texts_of(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().filter_map(text_of).collect(),
        one => text_of(one).into_iter().collect(),
    }
}

fn last_part(text: &str) -> String {
    text.rsplit(['/', ':']).next().unwrap_or_default().to_owned()
}

fn broken(resource: &str, reason: &str) -> TemplateError {
    TemplateError::Resource { resource: resource.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Template, TemplateError> {
        Template::parse(text, &HashMap::from([("Model".to_owned(), "m".to_owned())]))
    }

    const FUNCTION: &str = "
Parameters: { Model: { Type: String } }
Globals: { Function: { Timeout: 29, Environment: { Variables: { LEVEL: info } } } }
Resources:
  Table: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: !Sub '${AWS::StackName}-t' } }
  Work: { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: 30, RedrivePolicy: { deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5 } } }
  Dead: { Type: 'AWS::SQS::Queue', Properties: { QueueName: dead } }
  F:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: f } }
    Properties:
      Environment: { Variables: { TABLE: !Ref Table, ARN: !GetAtt Table.Arn, INDEX: !Sub '${Table.Arn}/index/x', MODEL: !Ref Model } }
      Events:
        A: { Type: HttpApi, Properties: { Method: post, Path: '/a/{b}' } }
        B: { Type: ScheduleV2, Properties: { ScheduleExpression: rate(5 minutes) } }
        C: { Type: SQS, Properties: { Queue: !GetAtt Work.Arn, BatchSize: 3 } }
";

    #[test]
    fn a_function_is_read_with_its_environment_resolved() {
        let function = parse(FUNCTION).unwrap().functions().unwrap().remove(0);
        assert_eq!((function.name.as_str(), function.timeout), ("f", 29));
        assert_eq!(function.environment["TABLE"], "lead-followup-t");
        assert_eq!(function.environment["INDEX"], format!("{}/index/x", function.environment["ARN"]));
        assert_eq!(function.environment["MODEL"], "m");
        assert_eq!(function.environment["LEVEL"], "info");
        assert_eq!(
            function.events,
            [
                Event::Route { method: "POST".to_owned(), path: "/a/{b}".to_owned() },
                Event::Every(300),
                Event::Queue { queue: "lead-followup-Work".to_owned(), batch_size: 3 },
            ]
        );
    }

    #[test]
    fn a_condition_decides_between_two_values() {
        for (model, expected) in [("m", "secret-m"), ("", "")] {
            let text = "
Parameters: { Model: { Type: String } }
Conditions: { HasModel: !Not [!Equals [!Ref Model, '']] }
Resources:
  F:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: f } }
    Properties: { Environment: { Variables: { SECRET: !If [HasModel, !Sub 'secret-${Model}', ''] } } }
";
            let parameters = HashMap::from([("Model".to_owned(), model.to_owned())]);
            let function = Template::parse(text, &parameters).unwrap().functions().unwrap().remove(0);
            assert_eq!(function.environment["SECRET"], expected);
        }
    }

    #[test]
    fn a_queue_is_read_with_its_dead_letter_queue() {
        let queues = parse(FUNCTION).unwrap().queues().unwrap();
        let work = queues.iter().find(|queue| queue.name == "lead-followup-Work").unwrap();
        assert_eq!(work.redrive, Some(("dead".to_owned(), 5)));
        assert_eq!(work.attributes["VisibilityTimeout"], "30");
    }

    #[test]
    fn a_broken_template_says_where_in_one_line() {
        for (text, expected) in [
            ("a: [", "not valid YAML"),
            ("Resources: 3", "Resources: there are none"),
            ("Parameters: { Other: { Type: String } }\nResources: {}", "Other: the parameter has no value"),
            (&FUNCTION.replace("!Ref Table", "!Ref Tabel"), "F: refers to Tabel, which is not declared"),
            (&FUNCTION.replace("rate(5 minutes)", "cron(0 1 * * ? *)"), "F: event B: cron(0 1 * * ? *) is not a rate"),
            (&FUNCTION.replace("Type: HttpApi", "Type: Kinesis"), "F: event A: type Kinesis is not run locally"),
        ] {
            let error = match parse(text).and_then(|template| template.functions().map(drop)) {
                Err(error) => error.to_string(),
                Ok(()) => panic!("{text} was read"),
            };
            assert!(error.contains(expected) && !error.contains('\n'), "{error}");
        }
    }
}
