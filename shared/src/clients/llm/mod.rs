//! The language model, behind any OpenAI-compatible endpoint.
//!
//! This module holds the only retry loop around a model. It retries a call that failed in transport, was throttled,
//! answered 5xx or replied with something invalid, with full jitter, until the request's deadline. After an invalid
//! reply, the next attempt includes the complaint.

mod abilities;
mod attempts;
mod breaker;
mod conversation;
mod json;
mod openai;
mod refusal;
mod reply;
mod schema;
mod stream;
mod visible;

use std::time::Duration;

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::base::clock::{Clock, Random};
use crate::base::context::FromContext;
use crate::base::problem::Problem;
use breaker::Breaker;
pub use breaker::Ready;
pub use conversation::{Conversation, Said, Tool, ToolCall, Turn};
use openai::{Limits, OpenAi};
use reply::CallError;
use schema::strict_schema;

/// Parses an endpoint's whole answer: its text and the number of its tool calls. `None` if it is not an answer. For
/// tests of the parser with arbitrary bytes.
pub fn answered(answer: &[u8]) -> Option<(String, usize)> {
    openai::read(answer).ok().map(|reply| (reply.text, reply.calls.len()))
}

/// Like [`answered`], for an answer that is streamed in these pieces.
pub fn streamed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<(String, usize)> {
    let mut reader = stream::StreamReader::default();
    for piece in pieces {
        reader.take(piece, &mut |_| {}).ok()?;
    }
    reader.finish(&mut |_| {}).ok().map(|reply| (reply.text, reply.calls.len()))
}

/// A question to the model: instructions that are the same for every lead, and the facts of one lead.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The name of the reply's schema, also for the log and metrics.
    pub name: &'static str,
    /// The instructions: a file under `shared/prompts`.
    pub instructions: &'static str,
    /// The facts, as one JSON document. Texts of people in it are data, never instructions.
    pub facts: Value,
}

impl Prompt {
    /// The version of the instructions: the first twelve hexadecimal digits of their SHA-256.
    pub fn version(&self) -> String {
        version(self.instructions)
    }
}

fn version(instructions: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(instructions)[..6])
}

/// The result of checking a reply beyond its schema.
#[derive(Debug)]
pub enum Checked<T> {
    /// The reply is valid, or was corrected.
    Fine(T),
    /// The reply breaks a rule. `usable` is the valid part, in case the model does not fix the rest.
    Wrong {
        /// The complaint for the model's next attempt.
        complaint: String,
        /// The valid part; `None` if nothing is usable.
        usable: Option<T>,
    },
    /// As [`Checked::Wrong`], for a text that must not leave: the model is asked for it once more, no matter how many
    /// attempts are left.
    Withheld {
        /// The complaint for the model's next attempt.
        complaint: String,
        /// The valid part; `None` if nothing is usable.
        usable: Option<T>,
    },
}

impl<T> Checked<T> {
    /// A reply with faults; `is_withheld` if one of them is a text that must not leave.
    pub fn faulty(complaints: Vec<String>, usable: Option<T>, is_withheld: bool) -> Self {
        let complaint = complaints.join("; ");
        match is_withheld {
            true => Self::Withheld { complaint, usable },
            false => Self::Wrong { complaint, usable },
        }
    }
}

/// The configured model.
#[derive(Clone, Debug, FromContext)]
pub struct Model {
    clock: Clock,
    random: Random,
    breaker: Breaker,
    endpoint: OpenAi,
    /// The time limit of one attempt.
    #[context(Duration::from_secs(context.environment.parsed("LLM_ATTEMPT_SECONDS", 20)?))]
    attempt_time: Duration,
}

/// The request for a reply that fits into the endpoint's length limit.
const SHORTER: &str = "The last reply was too long and was cut off. Answer in fewer words.";

/// The time before a request's deadline that is reserved for storing the result.
const RESERVE: Duration = Duration::from_secs(3);

impl Model {
    /// The model's name at its endpoint.
    pub fn name(&self) -> &str {
        self.endpoint.model()
    }

    /// Checks the circuit breaker and the API key: 503 while the breaker is open or the key is unreadable. Meant to run
    /// beside the first reads of a request, before anything is held.
    pub async fn ready(&self) -> Result<Ready, Problem> {
        let (ready, key) = tokio::join!(self.breaker.check(), self.endpoint.key());
        key?;
        ready
    }

    /// Takes the single trial of an open circuit breaker, for all calls of this request.
    ///
    /// # Errors
    /// 503 if another request took the trial first.
    pub async fn enter(&self, ready: &mut Ready) -> Result<(), Problem> {
        self.breaker.enter(ready).await
    }

    /// The rest of a request's time that the model may use.
    fn left(&self, deadline: DateTime<Utc>) -> Duration {
        (deadline - self.clock.now()).to_std().unwrap_or_default().saturating_sub(RESERVE)
    }

    /// Asks for a `T` until `deadline`.
    ///
    /// # Errors
    /// 503 if another request took the circuit breaker's trial first; [`Code::AiUnusable`] if the model answered but no
    /// attempt gave a usable reply; [`Code::AiUnavailable`] if it did not answer, or its endpoint refuses our requests.
    pub async fn complete<T: JsonSchema + DeserializeOwned>(
        &self,
        mut ready: Ready,
        prompt: &Prompt,
        deadline: DateTime<Utc>,
        check: impl Fn(T) -> Checked<T>,
    ) -> Result<T, Problem> {
        self.breaker.enter(&mut ready).await?;
        let schema = strict_schema::<T>();
        let mut messages = vec![
            json!({"role": "system", "content": prompt.instructions}),
            json!({"role": "user", "content": prompt.facts.to_string()}),
        ];
        let mut usable = None;
        let mut attempts = self.attempts(prompt.name, prompt.version(), deadline);
        while let Some(within) = attempts.next() {
            let reply = match self.endpoint.complete(&messages, prompt.name, &schema, within).await {
                Ok(reply) => reply,
                Err(error) => {
                    if matches!(error, CallError::CutOff(_)) {
                        messages.truncate(1);
                        messages.push(json!({"role": "user", "content": format!("{}\n\n{SHORTER}", prompt.facts)}));
                    }
                    attempts.failed(error).await;
                    continue;
                }
            };
            attempts.replied(&reply);
            let complaint = match json::parse::<T>(&reply.text).map(&check) {
                Ok(Checked::Fine(value)) => {
                    self.breaker.succeeded().await;
                    return Ok(value);
                }
                Ok(Checked::Wrong { complaint, usable: left }) => {
                    usable = left.or(usable);
                    complaint
                }
                Ok(Checked::Withheld { complaint, usable: left }) => {
                    attempts.once_more();
                    usable = left.or(usable);
                    complaint
                }
                Err(error) => {
                    self.endpoint.ignores_schema();
                    schema_complaint(&error)
                }
            };
            attempts.refused();
            messages.truncate(2);
            messages.push(json!({"role": "assistant", "content": reply.text}));
            messages.push(json!({
                "role": "user",
                "content": format!("That reply cannot be used: {complaint}. Answer again, whole, in the required form."),
            }));
        }
        let problem = attempts.given_up().await;
        usable.ok_or(problem)
    }

    /// One turn of a conversation with tools, until `deadline`. `ready` may serve several turns of one request; the
    /// first turn enters the circuit breaker. With `on_text` the answer is streamed, and `on_text` gets the turn's text
    /// in pieces.
    ///
    /// The caller has to check each tool call: it has a name and an id, but both are unverified.
    ///
    /// # Errors
    /// As [`Model::complete`]. After `on_text` got text, a failure is not retried.
    pub async fn converse(
        &self,
        ready: &mut Ready,
        conversation: &Conversation<'_>,
        deadline: DateTime<Utc>,
        mut on_text: Option<&mut (dyn FnMut(&str) + Send)>,
    ) -> Result<Turn, Problem> {
        self.breaker.enter(ready).await?;
        let mut attempts = self.attempts(conversation.name, version(conversation.instructions), deadline);
        while let Some(within) = attempts.next() {
            let called = match on_text.as_mut() {
                None => self.endpoint.converse(conversation, within).await,
                Some(on_text) => {
                    let mut hand_over = |text: &str| {
                        attempts.no_more();
                        on_text(text);
                    };
                    let limits = Limits { silence: self.attempt_time, whole: self.left(deadline) };
                    self.endpoint.converse_streaming(conversation, limits, &mut hand_over).await
                }
            };
            match called {
                Ok(reply) => {
                    attempts.replied(&reply);
                    self.breaker.succeeded().await;
                    return Ok(Turn { text: reply.text, calls: reply.calls, extra: reply.extra });
                }
                Err(error) => attempts.failed(error).await,
            }
        }
        Err(attempts.given_up().await)
    }
}

/// The complaint about a reply that does not match its schema. serde's message can quote the reply, which is the
/// model's own text and goes only to the model.
fn schema_complaint(error: &serde_json::Error) -> String {
    format!("it does not fit the JSON schema ({error})")
}
