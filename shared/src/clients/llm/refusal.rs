//! Why an endpoint refused a request, from the error bodies of OpenAI, Azure, Gemini, Mistral, vLLM, FastAPI and the
//! like. An error's message can quote the request, so it never goes to a log.

use std::time::Duration;

use serde_json::Value;

use super::reply::CallError;

/// Codes and types that say that the text of this request is the cause.
const ABOUT_THE_TEXT: [&str; 8] = [
    "content_filter",
    "content_policy_violation",
    "context_length_exceeded",
    "data_inspection_failed",
    "exceed_context_size_error",
    "prompt_too_long",
    "responsibleaipolicyviolation",
    "string_above_max_length",
];

/// Words of messages without such a code: vLLM, TGI, Anthropic, Gemini.
const TOO_LONG: [&str; 5] =
    ["maximum context length", "context window", "prompt is too long", "input token count", "tokens must be <="];

/// Codes for a bad reply of the model in place of a bad request (Groq).
const ABOUT_THE_REPLY: [&str; 2] = ["tool_use_failed", "json_validate_failed"];

/// Codes for an account that has to be paid for; they come with status 429, but no retry helps.
const ABOUT_THE_ACCOUNT: [&str; 4] =
    ["insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "access_terminated"];

/// An error of an endpoint.
#[derive(Debug, Default)]
pub struct Refusal {
    /// The status of the answer, or for a success the one that the error names.
    status: u16,
    is_within_a_success: bool,
    code: Option<String>,
    kind: Option<String>,
    param: Option<String>,
    /// All texts of the error, in lower case.
    words: String,
}

impl Refusal {
    /// Reads the error in the body of an answer with this status. Any bytes are a refusal.
    pub fn read(status: u16, body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(body) => Self::of(status, &body),
            Err(_) => Self { status, ..Self::default() },
        }
    }

    /// Reads the error in a body. If the status is a success, the error's own code may be one.
    pub fn of(status: u16, body: &Value) -> Self {
        let body = body.as_array().and_then(|errors| errors.first()).unwrap_or(body);
        let error = body.get("error").filter(|error| !error.is_null()).unwrap_or(body);
        // Azure has the more exact code within.
        let inner = error.get("innererror").and_then(|inner| inner["code"].as_str());
        let mut refusal = Self {
            status,
            is_within_a_success: (200..300).contains(&status),
            code: inner.and_then(token).or_else(|| text_of(&error["code"])).or_else(|| text_of(&error["status"])),
            kind: text_of(&error["type"]),
            param: text_of(&error["param"]),
            words: String::new(),
        };
        refusal.gather(body, 0);
        let own_status = error["code"].as_u64().or_else(|| error["code"].as_str()?.parse().ok());
        if let (200..=299, Some(code @ 400..=599)) = (status, own_status) {
            refusal.status = u16::try_from(code).unwrap_or(status);
        }
        refusal
    }

    /// Gathers the words of an error, and the place that FastAPI names in `loc`.
    fn gather(&mut self, value: &Value, depth: usize) {
        match value {
            _ if depth > 8 || self.words.len() > 16 * 1024 => {}
            Value::String(text) => {
                self.words.push_str(&text.to_lowercase());
                self.words.push('\n');
            }
            Value::Array(values) => values.iter().for_each(|value| self.gather(value, depth + 1)),
            Value::Object(object) => {
                if let Some(place) = object.get("loc").and_then(Value::as_array) {
                    let place = place.iter().filter_map(text_of).filter(|part| part != "body").collect::<Vec<_>>();
                    self.param = self.param.take().or_else(|| token(&place.join(".")));
                }
                object.values().for_each(|value| self.gather(value, depth + 1));
            }
            _ => {}
        }
    }

    /// Whether the error may be about a field of the request.
    pub fn is_about_a_field(&self) -> bool {
        matches!(self.status, 400 | 404 | 422) && !self.is_about_the_text() && !self.is_one_of(&ABOUT_THE_REPLY)
    }

    /// Whether the error names a field: in its parameter, or in its words, in quotes or as a word with an underscore.
    pub fn names(&self, field: &str) -> bool {
        let is_part = |character: char| character.is_alphanumeric() || character == '_';
        let in_param = self.param.as_ref().is_some_and(|param| param.split(|c| !is_part(c)).any(|part| part == field));
        let quoted = ['\'', '"', '`'].iter().any(|quote| self.words.contains(&format!("{quote}{field}{quote}")));
        let as_word = || field.contains('_') && self.words.split(|c| !is_part(c)).any(|word| word == field);
        in_param || quoted || as_word()
    }

    /// Whether the error speaks of the form of the reply.
    pub fn names_the_format(&self) -> bool {
        ["response_format", "json_schema", "json_object"].iter().any(|field| self.names(field))
            || ["response format", "structured output", "json mode"].iter().any(|words| self.words.contains(words))
    }

    fn is_one_of(&self, known: &[&str]) -> bool {
        let codes = [&self.code, &self.kind].into_iter().flatten().map(|code| code.to_ascii_lowercase());
        codes.into_iter().any(|code| known.contains(&code.as_str()))
    }

    fn is_about_the_text(&self) -> bool {
        self.is_one_of(&ABOUT_THE_TEXT) || TOO_LONG.iter().any(|words| self.words.contains(words))
    }

    /// The kind of failure that this is.
    pub fn classified(self, retry_after: Option<Duration>) -> CallError {
        let what = self.what();
        let may_pass = matches!(self.status, 408 | 409 | 424 | 425 | 429 | 498 | 500..);
        match self.status {
            _ if self.is_one_of(&ABOUT_THE_ACCOUNT) => CallError::Misconfigured(what),
            _ if self.is_one_of(&ABOUT_THE_REPLY) => CallError::Broken(what),
            413 => CallError::TextRefused(what),
            400..=499 if self.is_about_the_text() => CallError::TextRefused(what),
            _ if may_pass => CallError::Unavailable { what, retry_after },
            400..=499 => CallError::Misconfigured(what),
            _ => CallError::Unavailable { what, retry_after },
        }
    }

    /// The status, code, type and parameter, for the log.
    fn what(&self) -> String {
        let mut what = match self.is_within_a_success {
            true => "model endpoint: an error in the answer".to_owned(),
            false => format!("model endpoint: status {}", self.status),
        };
        for (name, value) in [("code", &self.code), ("type", &self.kind), ("param", &self.param)] {
            if let Some(value) = value {
                what += &format!(", {name} {value}");
            }
        }
        what
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => token(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A text that is a name and no sentence, so that it can be logged.
fn token(text: &str) -> Option<String> {
    let is_name = (1..=80).contains(&text.len())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "_-.[]/".contains(character));
    is_name.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn class(status: u16, body: &Value) -> &'static str {
        match Refusal::read(status, body.to_string().as_bytes()).classified(None) {
            CallError::Unavailable { .. } => "retry later",
            CallError::Broken(_) => "retry now",
            CallError::CutOff(_) => "ask again shorter",
            CallError::TextRefused(_) => "refused",
            CallError::Misconfigured(_) => "misconfigured",
        }
    }

    #[test]
    fn each_failure_is_of_one_kind() {
        let coded = |code: &str| json!({"error": {"message": "x", "type": "invalid_request_error", "code": code}});
        for (status, body, expected) in [
            (400, coded("context_length_exceeded"), "refused"),
            (400, coded("content_filter"), "refused"),
            (400, json!({"error": {"code": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}), "refused"),
            (400, json!({"object": "error", "message": "This model's maximum context length is 8192"}), "refused"),
            (413, json!({}), "refused"),
            (400, coded("unsupported_value"), "misconfigured"),
            (400, json!({}), "misconfigured"),
            (401, coded("invalid_api_key"), "misconfigured"),
            (402, json!({}), "misconfigured"),
            (403, json!({}), "misconfigured"),
            (404, coded("model_not_found"), "misconfigured"),
            (422, json!({"detail": [{"loc": ["body", "messages"], "msg": "bad"}]}), "misconfigured"),
            (429, coded("insufficient_quota"), "misconfigured"),
            (429, coded("rate_limit_exceeded"), "retry later"),
            (400, coded("tool_use_failed"), "retry now"),
            (400, coded("json_validate_failed"), "retry now"),
            (424, json!({}), "retry later"),
            (498, json!({}), "retry later"),
            (500, json!("no"), "retry later"),
            (529, json!({"type": "error", "error": {"type": "overloaded_error"}}), "retry later"),
            (200, json!({"error": {"message": "Provider returned error", "code": 502}}), "retry later"),
            (200, json!({"error": {"message": "No auth", "code": "401"}}), "misconfigured"),
            (200, json!({"error": "overloaded"}), "retry later"),
            (400, json!([{"error": {"code": 400, "status": "INVALID_ARGUMENT"}}]), "misconfigured"),
        ] {
            assert_eq!(class(status, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn the_field_is_found_where_an_endpoint_names_it() {
        for body in [
            json!({"error": {"message": "No.", "param": "stream_options"}}),
            json!({"message": {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs"}]}}),
            json!({"error": {"message": "Unsupported parameter: 'stream_options' is not supported"}}),
            json!({"detail": "unknown field stream_options"}),
        ] {
            let refusal = Refusal::of(400, &body);
            assert!(refusal.is_about_a_field() && refusal.names("stream_options"), "{body}");
            assert!(!refusal.names("stream") && !refusal.names("tool_choice"), "{body}");
        }
        assert!(
            Refusal::of(400, &json!({"error": {"message": "This response_format type is unavailable now"}}))
                .names_the_format()
        );
    }

    #[test]
    fn the_log_gets_names_and_no_sentence() {
        let body = json!({"error": {"message": "You said: Jane", "code": "context_length_exceeded", "param": "messages",
            "type": "You said: Jane"}});
        let CallError::TextRefused(what) = Refusal::of(400, &body).classified(None) else { panic!("a refusal") };
        assert_eq!(what, "model endpoint: status 400, code context_length_exceeded, param messages");
    }
}
