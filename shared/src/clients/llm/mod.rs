//! The language model, behind any OpenAI-compatible endpoint.
//!
//! Here is the only retry loop around a model: a call that failed in transport, was throttled,
//! answered 5xx, or replied with something that does not fit is tried again inside the request's
//! time, with full jitter; a reply that did not fit is told what was wrong with it.

mod attempts;
mod breaker;
mod conversation;
mod openai;
mod reply;
mod schema;
mod stream;

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
use schema::strict_schema;

/// What an endpoint's answer says that came whole: its text, and how many tools it calls. `None` if it is no answer.
/// For whoever holds the parser against arbitrary bytes.
pub fn answered(answer: &[u8]) -> Option<(String, usize)> {
    openai::read(answer).ok().map(|reply| (reply.text, reply.calls.len()))
}

/// As [`answered`], of an answer that is streamed in these pieces.
pub fn streamed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<(String, usize)> {
    let mut reader = stream::StreamReader::default();
    for piece in pieces {
        reader.take(piece, &mut |_| {}).ok()?;
    }
    reader.finish().ok().map(|reply| (reply.text, reply.calls.len()))
}

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
        version(self.instructions)
    }
}

fn version(instructions: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(instructions)[..6])
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
#[derive(Clone, Debug, FromContext)]
pub struct Model {
    clock: Clock,
    random: Random,
    breaker: Breaker,
    endpoint: OpenAi,
    /// How long one attempt may take.
    #[context(Duration::from_secs(context.environment.parsed("LLM_ATTEMPT_SECONDS", 12)?))]
    attempt_time: Duration,
}

/// Time kept back from a request's deadline, for storing the outcome.
const RESERVE: Duration = Duration::from_secs(3);

impl Model {
    /// Its name at its endpoint.
    pub fn name(&self) -> &str {
        self.endpoint.model()
    }

    /// Whether the model is worth asking: 503 while its breaker is open. Meant to run beside the
    /// first reads of a request, before anything is held. Also 503 if its key cannot be read.
    pub async fn ready(&self) -> Result<Ready, Problem> {
        let (ready, key) = tokio::join!(self.breaker.check(), self.endpoint.key());
        key?;
        ready
    }

    /// Takes the one trial that an open breaker gives, for all that this request is going to ask.
    ///
    /// # Errors
    /// 503 if the breaker gave it to another request meanwhile.
    pub async fn enter(&self, ready: &mut Ready) -> Result<(), Problem> {
        self.breaker.enter(ready).await
    }

    /// What is left of a request's time for the model.
    fn left(&self, deadline: DateTime<Utc>) -> Duration {
        (deadline - self.clock.now()).to_std().unwrap_or_default().saturating_sub(RESERVE)
    }

    /// Asks for a `T` until `deadline`.
    ///
    /// # Errors
    /// 503 if the breaker gave its one trial to another request meanwhile;
    /// [`Code::AiUnusable`] when the model answered, and no attempt gave a usable reply; [`Code::AiUnavailable`]
    /// when it did not answer, or takes no requests from here.
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
                    attempts.failed(error).await;
                    continue;
                }
            };
            attempts.replied(&reply);
            let complaint = match serde_json::from_str::<T>(&reply.text).map(&check) {
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

    /// One turn of a conversation with tools, until `deadline`. `ready` may serve several turns of one
    /// request: the first enters the breaker. With `on_text` the answer is streamed, and its text handed over
    /// as it comes; what was handed over is the beginning of the turn's text.
    ///
    /// What the model wants to call, and whether that makes sense, is the caller's to judge: a call has a name
    /// and an id, and nothing else is known of it.
    ///
    /// # Errors
    /// As [`Model::complete`]. Once text was handed over, a failure is not tried again.
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
                    return Ok(Turn { text: reply.text, calls: reply.calls });
                }
                Err(error) => attempts.failed(error).await,
            }
        }
        Err(attempts.given_up().await)
    }
}

/// What to tell the model about a reply that does not fit its schema. serde's message can quote
/// the reply, which is the model's own text and goes back to nobody else.
fn schema_complaint(error: &serde_json::Error) -> String {
    format!("it does not fit the JSON schema ({error})")
}
