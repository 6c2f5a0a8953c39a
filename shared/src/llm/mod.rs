//! The language model, behind any OpenAI-compatible endpoint.
//!
//! Here is the only retry loop around a model: a call that failed in transport, was throttled,
//! answered 5xx, or replied with something that does not fit is tried again inside the request's
//! time, with full jitter; a reply that did not fit is told what was wrong with it.

mod breaker;
mod openai;

use std::time::Duration;

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::context::{Clock, Context, Random};
use crate::environment::ConfigError;
use crate::problem::{Code, Problem};
use breaker::Breaker;
pub use breaker::Ready;
use openai::{CallError, Message, OpenAi};

/// What a model is asked: instructions that are the same for every lead, and the facts of one.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The name of the reply's schema.
    pub name: &'static str,
    /// The instructions: a file under `shared/prompts`.
    pub instructions: &'static str,
    /// The facts, as one JSON document. What people wrote is data in it, never an instruction.
    pub facts: Value,
}

impl Prompt {
    /// The version of the instructions: the first twelve hexadecimal digits of their SHA-256.
    pub fn version(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(self.instructions)[..6])
    }
}

/// What checking a reply found beyond its schema.
#[derive(Debug)]
pub enum Checked<T> {
    /// It is right, or was put right.
    Fine(T),
    /// It breaks a rule. `usable` is what is left of it if the model does not mend it.
    Wrong {
        /// What to tell the model.
        complaint: String,
        /// What may be used in the end.
        usable: Option<T>,
    },
}

/// The configured model.
#[derive(Clone, Debug)]
pub struct Model {
    clock: Clock,
    random: Random,
    breaker: Breaker,
    endpoint: OpenAi,
    attempt_time: Duration,
}

/// How often a model is asked for one reply.
const ATTEMPTS: u32 = 3;

/// Time kept back from a request's deadline, for storing the outcome.
const RESERVE: Duration = Duration::from_secs(3);

impl Model {
    /// The model named by `LLM_BASE_URL`, `LLM_MODEL` and `LLM_API_KEY`. One attempt may take
    /// `LLM_ATTEMPT_SECONDS`, by default 12.
    pub fn new(context: &Context) -> Result<Self, ConfigError> {
        let attempt_seconds: u64 = context.environment.parsed("LLM_ATTEMPT_SECONDS", 12)?;
        Ok(Self {
            clock: context.clock.clone(),
            random: context.random.clone(),
            breaker: Breaker::new(context)?,
            endpoint: OpenAi::new(&context.environment)?,
            attempt_time: Duration::from_secs(attempt_seconds),
        })
    }

    /// Its name at its endpoint.
    pub fn name(&self) -> &str {
        self.endpoint.model()
    }

    /// Whether the model is worth asking: 503 while its breaker is open. Meant to run beside the
    /// first reads of a request, before anything is held.
    pub async fn ready(&self) -> Result<Ready, Problem> {
        self.breaker.check().await
    }

    /// What is left of a request's time for the model.
    fn left(&self, deadline: DateTime<Utc>) -> Duration {
        (deadline - self.clock.now()).to_std().unwrap_or_default().saturating_sub(RESERVE)
    }

    /// Asks for a `T` until `deadline`.
    ///
    /// # Errors
    /// 503 if the breaker gave its one trial to another request meanwhile;
    /// [`Code::AiUnavailable`] when no attempt gave a usable reply.
    pub async fn complete<T: JsonSchema + DeserializeOwned>(
        &self,
        ready: Ready,
        prompt: &Prompt,
        deadline: DateTime<Utc>,
        check: impl Fn(T) -> Checked<T>,
    ) -> Result<T, Problem> {
        self.breaker.enter(ready).await?;
        let schema = strict_schema::<T>();
        let mut messages = vec![
            Message { role: "system", content: prompt.instructions.to_owned() },
            Message { role: "user", content: prompt.facts.to_string() },
        ];
        let mut last: Option<Failure> = None;
        let mut usable = None;
        for attempt in 0..ATTEMPTS {
            let left = self.left(deadline);
            if left.is_zero() {
                break;
            }
            let asked = self.clock.now();
            let called = self.endpoint.call(&messages, prompt.name, &schema, left.min(self.attempt_time)).await;
            let latency_ms = (self.clock.now() - asked).num_milliseconds();
            let mut wait = self.random.up_to(Duration::from_millis(200 << attempt));
            match called {
                Ok(reply) => {
                    // Attribute names of OpenTelemetry's semantic conventions for generative AI.
                    tracing::info!(
                        gen_ai.request.model = self.endpoint.model(),
                        gen_ai.response.model = reply.model,
                        gen_ai.usage.input_tokens = reply.input_tokens,
                        gen_ai.usage.output_tokens = reply.output_tokens,
                        prompt = prompt.name,
                        prompt_version = prompt.version(),
                        latency_ms,
                        "model replied"
                    );
                    let complaint = match serde_json::from_str::<T>(&reply.content).map(&check) {
                        Ok(Checked::Fine(value)) => {
                            self.breaker.succeeded().await;
                            return Ok(value);
                        }
                        Ok(Checked::Wrong { complaint, usable: left }) => {
                            usable = left.or(usable);
                            complaint
                        }
                        Err(error) => schema_complaint(&error),
                    };
                    last = Some(Failure { reachable: true, what: "the reply broke a rule".to_owned() });
                    tracing::warn!(
                        gen_ai.request.model = self.endpoint.model(),
                        prompt = prompt.name,
                        "model reply refused"
                    );
                    messages.truncate(2);
                    messages.push(Message { role: "assistant", content: reply.content });
                    messages.push(Message {
                        role: "user",
                        content: format!(
                            "That reply cannot be used: {complaint}. Answer again, whole, in the required form."
                        ),
                    });
                    continue;
                }
                Err(CallError::Refused(what)) => {
                    last = Some(Failure { reachable: true, what });
                    break;
                }
                Err(CallError::Broken(what)) => last = Some(Failure { reachable: true, what }),
                Err(CallError::Unavailable { what, retry_after }) => {
                    last = Some(Failure { reachable: false, what });
                    wait = wait.max(retry_after.unwrap_or_default());
                }
            }
            tracing::warn!(
                gen_ai.request.model = self.endpoint.model(),
                prompt = prompt.name,
                cause = last.as_ref().map(|failure| failure.what.as_str()),
                latency_ms,
                "model call failed"
            );
            if attempt + 1 < ATTEMPTS && wait < self.left(deadline) {
                tokio::time::sleep(wait).await;
            } else {
                break;
            }
        }
        match &last {
            Some(Failure { reachable: true, .. }) => self.breaker.succeeded().await,
            Some(Failure { reachable: false, .. }) => self.breaker.failed().await,
            None => {}
        }
        usable.ok_or_else(|| {
            Problem::new(
                Code::AiUnavailable,
                "the AI model gave no usable answer; nothing was charged, retry in a moment",
            )
            .because(last.map_or_else(|| "no time was left to ask the model".to_owned(), |failure| failure.what))
        })
    }
}

/// Why the last attempt failed; `reachable` tells a bad answer from no answer.
struct Failure {
    reachable: bool,
    what: String,
}

/// What to tell the model about a reply that does not fit its schema. serde's message can quote
/// the reply, which is the model's own text and goes back to nobody else.
fn schema_complaint(error: &serde_json::Error) -> String {
    format!("it does not fit the JSON schema ({error})")
}

/// The schema of `T` in the form that strict mode asks for: every property required, none
/// besides, everything inline.
fn strict_schema<T: JsonSchema>() -> Value {
    let mut settings = schemars::generate::SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
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
