//! What an endpoint takes, found out from its refusals and remembered by this process. No list of endpoints is as
//! current as their answers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::refusal::Refusal;

/// How the model is told the form of its reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// By `response_format` `json_schema`.
    #[default]
    Schema,
    /// By `response_format` `json_object`, and the schema in the prompt.
    Object,
    /// By the schema in the prompt alone.
    Prompt,
}

/// What an endpoint takes.
#[derive(Clone, Debug, Default)]
pub struct Abilities {
    pub format: Format,
    /// Whether the endpoint enforces a schema only if it stands in the prompt too.
    ignores_schema: bool,
    /// The fields that the endpoint refuses.
    refused: BTreeSet<String>,
}

/// Optional fields of a request.
const OPTIONAL: [&str; 4] = ["stream_options", "tool_choice", "strict", "stream"];

impl Abilities {
    /// Whether the endpoint takes a field.
    pub fn takes(&self, field: &str) -> bool {
        !self.refused.contains(field)
    }

    /// Whether the prompt has to state the schema.
    pub fn needs_schema_in_prompt(&self) -> bool {
        self.ignores_schema || self.format != Format::Schema
    }

    /// Learns from the refusal of a request. `false` if the same request would be sent again.
    fn adapt(&mut self, refusal: &Refusal, request: &Value) -> bool {
        if !refusal.is_about_a_field() {
            return false;
        }
        if refusal.names_the_format() && request.get("response_format").is_some() {
            let sent = &request["response_format"]["type"];
            self.format = if sent == "json_schema" { Format::Object } else { Format::Prompt };
            return true;
        }
        let mut fields = Vec::new();
        optional_fields(request, &mut fields);
        let Some(named) = fields.into_iter().find(|field| refusal.names(field)) else { return false };
        self.refused.insert(named.to_owned());
        true
    }
}

/// The optional fields of a request, and those that came with the model's messages and calls.
fn optional_fields<'a>(value: &'a Value, fields: &mut Vec<&'a str>) {
    const OURS: [&str; 12] = [
        "role",
        "content",
        "tool_calls",
        "tool_call_id",
        "id",
        "type",
        "function",
        "name",
        "arguments",
        "description",
        "parameters",
        "model",
    ];
    match value {
        Value::Object(object) => {
            let is_message = object.contains_key("role") || object.contains_key("function");
            for (name, value) in object {
                if OPTIONAL.contains(&name.as_str()) || is_message && !OURS.contains(&name.as_str()) {
                    fields.push(name);
                }
                if matches!(name.as_str(), "messages" | "tools" | "tool_calls" | "function") {
                    optional_fields(value, fields);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| optional_fields(value, fields)),
        _ => {}
    }
}

/// The abilities of the configured endpoint, shared by all requests of this process.
#[derive(Clone, Debug, Default)]
pub struct Remembered(Arc<Mutex<Abilities>>);

impl Remembered {
    pub fn current(&self) -> Abilities {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Learns from the refusal of a request. `true` if the request is worth sending again in another form.
    pub fn adapt(&self, refusal: &Refusal, request: &Value) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).adapt(refusal, request)
    }

    /// Learns that a reply did not have the form that `response_format` demanded.
    pub fn ignores_schema(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ignores_schema = true;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(param: &str) -> Refusal {
        Refusal::of(400, &json!({"error": {"message": "No.", "param": param}}))
    }

    #[test]
    fn a_refused_field_is_left_out_and_a_field_that_was_not_sent_is_no_reason_to_ask_again() {
        let mut abilities = Abilities::default();
        let request = json!({"messages": [{"role": "assistant", "reasoning": "hm", "content": "x"}], "stream": true});
        assert!(abilities.adapt(&refusal("messages.0.reasoning"), &request) && !abilities.takes("reasoning"));
        assert!(!abilities.adapt(&refusal("tool_choice"), &request) && abilities.takes("tool_choice"));
        assert!(!abilities.adapt(&refusal("messages.0.content"), &request));
    }

    #[test]
    fn the_form_of_a_reply_falls_back_step_by_step() {
        let mut abilities = Abilities::default();
        for (sent, next) in [("json_schema", Format::Object), ("json_object", Format::Prompt)] {
            let request = json!({"response_format": {"type": sent}});
            assert!(abilities.adapt(&refusal("response_format"), &request));
            assert_eq!((abilities.format, abilities.needs_schema_in_prompt()), (next, true));
        }
        assert!(!abilities.adapt(&refusal("response_format"), &json!({"messages": []})));
    }
}
