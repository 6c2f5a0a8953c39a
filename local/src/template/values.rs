//! The template's values: YAML as JSON, with CloudFormation's intrinsic functions resolved.

use saphyr::{Scalar, Yaml};
use serde_json::{Value, json};

use super::{ACCOUNT, REGION, STACK_NAME, Template, TemplateError, broken, text_of};

impl Template {
    /// Replaces `Ref`, `Fn::GetAtt`, `Fn::Sub` and `Fn::If` by their values.
    pub(super) fn resolve(&self, id: &str, value: &Value) -> Result<Value, TemplateError> {
        match value {
            Value::Object(object) => {
                if let Some((function, argument)) = object.iter().next().filter(|_| object.len() == 1)
                    && let Some(value) = self.resolve_intrinsic(id, function, argument)?
                {
                    return Ok(value);
                }
                object.iter().map(|(name, value)| Ok((name.clone(), self.resolve(id, value)?))).collect()
            }
            Value::Array(values) => values.iter().map(|value| self.resolve(id, value)).collect(),
            scalar => Ok(scalar.clone()),
        }
    }

    /// The value of an intrinsic function; `None` if the function is none of them.
    fn resolve_intrinsic(&self, id: &str, function: &str, argument: &Value) -> Result<Option<Value>, TemplateError> {
        let text = text_of(argument).unwrap_or_default();
        let value = match function {
            "Ref" => self.reference(id, &text, None)?.into(),
            "Fn::GetAtt" => {
                let (target, attribute) =
                    text.split_once('.').ok_or_else(|| broken(id, "GetAtt needs Resource.Attribute"))?;
                self.reference(id, target, Some(attribute))?.into()
            }
            "Fn::Sub" => self.substitute(id, &text)?.into(),
            "Fn::If" => match argument.as_array().map(Vec::as_slice) {
                Some([condition, yes, no]) => {
                    let holds = self.holds(id, &text_of(condition).unwrap_or_default())?;
                    self.resolve(id, if holds { yes } else { no })?
                }
                _ => return Err(broken(id, "If needs a condition and two values")),
            },
            _ => return Ok(None),
        };
        Ok(Some(value))
    }

    /// Whether a condition of the template holds.
    fn holds(&self, id: &str, condition: &str) -> Result<bool, TemplateError> {
        let declared = self.conditions.get(condition);
        self.is_true(id, declared.ok_or_else(|| broken(id, &format!("the condition {condition} is not declared")))?)
    }

    fn is_true(&self, id: &str, condition: &Value) -> Result<bool, TemplateError> {
        let only = condition.as_object().and_then(|object| object.iter().next());
        match only.map(|(function, argument)| (function.as_str(), argument.as_array().map(Vec::as_slice))) {
            Some(("Fn::Not", Some([inner]))) => Ok(!self.is_true(id, inner)?),
            Some(("Fn::Equals", Some([one, other]))) => Ok(self.resolve(id, one)? == self.resolve(id, other)?),
            _ => Err(broken(id, "its condition is neither Not nor Equals")),
        }
    }

    fn substitute(&self, id: &str, text: &str) -> Result<String, TemplateError> {
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or_else(|| broken(id, "Sub has an open ${"))?;
            let (target, attribute) =
                name.split_once('.').map_or((name, None), |(target, attribute)| (target, Some(attribute)));
            out.push_str(before);
            out.push_str(&self.reference(id, target, attribute)?);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn reference(&self, id: &str, target: &str, attribute: Option<&str>) -> Result<String, TemplateError> {
        let pseudo = match target {
            "AWS::StackName" => Some(STACK_NAME),
            "AWS::Region" => Some(REGION),
            "AWS::AccountId" => Some(ACCOUNT),
            "AWS::Partition" => Some("aws"),
            "AWS::URLSuffix" => Some("amazonaws.com"),
            "AWS::NoValue" => Some(""),
            _ => None,
        };
        if let Some(value) = pseudo.or_else(|| self.parameters.get(target).map(String::as_str)) {
            return Ok(value.to_owned());
        }
        let resource = self
            .resources
            .get(target)
            .ok_or_else(|| broken(id, &format!("refers to {target}, which is not declared")))?;
        let name = self.name_of(target, resource)?;
        Ok(match (resource.kind.as_str(), attribute) {
            ("AWS::DynamoDB::Table", Some("Arn")) => format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"),
            ("AWS::SQS::Queue", Some("Arn")) => format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"),
            ("AWS::Logs::LogGroup", Some("Arn")) => format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*"),
            ("AWS::SNS::Topic", None) => format!("arn:aws:sns:{REGION}:{ACCOUNT}:{name}"),
            ("AWS::SQS::Queue", None) => format!("queue:{name}"),
            _ => name,
        })
    }
}

/// YAML as JSON, with the long forms of intrinsic functions.
pub(super) fn plain(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Representation(value, ..) => json!(value),
        Yaml::Sequence(values) => values.iter().map(plain).collect(),
        Yaml::Mapping(mapping) => {
            let fields = mapping.iter().map(|(name, value)| (text_of(&plain(name)).unwrap_or_default(), plain(value)));
            Value::Object(fields.collect())
        }
        Yaml::Tagged(tag, inner) => {
            let function = if tag.suffix == "Ref" { "Ref".to_owned() } else { format!("Fn::{}", tag.suffix) };
            json!({ function: plain(inner) })
        }
        Yaml::Value(Scalar::Null) | Yaml::Alias(_) | Yaml::BadValue => Value::Null,
    }
}
