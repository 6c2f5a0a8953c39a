//! The attempts to get one reply: their number and timing, and what they report to the log and the circuit breaker.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Model;
use super::reply::{CallError, Reply};
use crate::base::observe::metrics::{
    self, MODEL_FAILURES, MODEL_LATENCY, MODEL_MISCONFIGURED, MODEL_REPLIES_REFUSED, MODEL_TOKENS_CACHED,
    MODEL_TOKENS_IN, MODEL_TOKENS_OUT, Metric,
};
use crate::base::observe::traces::{Of, Subsegment};
use crate::base::problem::{Code, Problem};

/// The maximum number of attempts for one reply.
const ATTEMPTS: u32 = 3;

/// The attempts to get one reply.
pub struct Attempts<'a> {
    model: &'a Model,
    prompt: &'static str,
    version: String,
    deadline: DateTime<Utc>,
    left: u32,
    /// Whether a text was withheld already.
    is_repeated: bool,
    asked: DateTime<Utc>,
    /// The trace's subsegment of the current call.
    call: Option<Subsegment>,
    last: Option<Failure>,
}

/// The reason why the last attempt failed.
struct Failure {
    whose: Whose,
    what: String,
}

/// The part that caused a failure.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The model: it does not answer.
    Model,
    /// The configuration: the endpoint refuses our requests.
    Endpoint,
    /// The request: the model answers, but with nothing usable.
    Request,
}

impl Model {
    pub(super) fn attempts(&self, prompt: &'static str, version: String, deadline: DateTime<Utc>) -> Attempts<'_> {
        let asked = self.clock.now();
        Attempts {
            model: self,
            prompt,
            version,
            deadline,
            left: ATTEMPTS,
            is_repeated: false,
            asked,
            call: None,
            last: None,
        }
    }
}

impl Attempts<'_> {
    /// The time limit of the next attempt; `None` if there is no further attempt.
    pub fn next(&mut self) -> Option<Duration> {
        let left = self.model.left(self.deadline);
        if left.is_zero() {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        self.asked = self.model.clock.now();
        let mut call = Subsegment::begin(&format!("chat {}", self.model.name()), Of::Remote);
        call.annotate("gen_ai_request_model", self.model.name());
        call.annotate("prompt", self.prompt);
        call.annotate("prompt_version", self.version.as_str());
        self.call = Some(call);
        Some(left.min(self.model.attempt_time))
    }

    /// Makes the current attempt the last one.
    pub fn no_more(&mut self) {
        self.left = 0;
    }

    /// Makes the next attempt the last one. A second call leaves none.
    pub fn once_more(&mut self) {
        self.left = if self.is_repeated { 0 } else { self.left.min(1) };
        self.is_repeated = true;
    }

    fn latency_ms(&self) -> i64 {
        (self.model.clock.now() - self.asked).num_milliseconds()
    }

    fn count(&self, values: &[(Metric, u64)]) {
        metrics::record(values, &[("Model", self.model.name()), ("Prompt", self.prompt)]);
    }

    /// Records a reply. The attributes' names come from OpenTelemetry's semantic conventions for generative AI.
    pub fn replied(&mut self, reply: &Reply) {
        let latency_ms = self.latency_ms();
        if let Some(mut call) = self.call.take() {
            call.answered(200);
            call.annotate("gen_ai_response_model", reply.model.as_str());
            call.annotate("gen_ai_usage_input_tokens", reply.input_tokens);
            call.annotate("gen_ai_usage_cache_read_input_tokens", reply.cached_tokens);
            call.annotate("gen_ai_usage_output_tokens", reply.output_tokens);
        }
        self.count(&[
            took(latency_ms),
            (MODEL_FAILURES, 0),
            (MODEL_TOKENS_IN, reply.input_tokens),
            (MODEL_TOKENS_CACHED, reply.cached_tokens),
            (MODEL_TOKENS_OUT, reply.output_tokens),
        ]);
        tracing::info!(
            gen_ai.request.model = self.model.name(),
            gen_ai.response.model = reply.model,
            gen_ai.usage.input_tokens = reply.input_tokens,
            gen_ai.usage.cache_read.input_tokens = reply.cached_tokens,
            gen_ai.usage.output_tokens = reply.output_tokens,
            prompt = self.prompt,
            prompt_version = self.version,
            tool_calls = reply.calls.len(),
            latency_ms,
            "model replied"
        );
    }

    /// Records that the reply broke a rule.
    pub fn refused(&mut self) {
        self.last = Some(Failure { whose: Whose::Request, what: "the reply broke a rule".to_owned() });
        self.count(&[(MODEL_REPLIES_REFUSED, 1)]);
        tracing::warn!(gen_ai.request.model = self.model.name(), prompt = self.prompt, "model reply refused");
    }

    /// Records that there was no reply, and waits until the next attempt makes sense.
    pub async fn failed(&mut self, error: CallError) {
        let latency_ms = self.latency_ms();
        let made = ATTEMPTS - self.left.min(ATTEMPTS - 1);
        let mut wait = self.model.random.up_to(Duration::from_millis(100 << made));
        let failure = match error {
            CallError::Misconfigured(what) => {
                self.no_more();
                self.count(&[(MODEL_MISCONFIGURED, 1)]);
                Failure { whose: Whose::Endpoint, what }
            }
            CallError::TextRefused(what) => {
                self.no_more();
                Failure { whose: Whose::Request, what }
            }
            CallError::Broken(what) | CallError::CutOff(what) => Failure { whose: Whose::Request, what },
            CallError::Unavailable { what, retry_after } => {
                wait = wait.max(retry_after.unwrap_or_default());
                Failure { whose: Whose::Model, what }
            }
        };
        if let Some(mut call) = self.call.take() {
            call.failed(&failure.what);
        }
        self.count(&[took(latency_ms), (MODEL_FAILURES, 1)]);
        tracing::warn!(
            gen_ai.request.model = self.model.name(),
            prompt = self.prompt,
            cause = failure.what,
            latency_ms,
            "model call failed"
        );
        self.last = Some(failure);
        if self.left > 0 {
            if wait < self.model.left(self.deadline) {
                tokio::time::sleep(wait).await;
            } else {
                self.no_more();
            }
        }
    }

    /// The problem after the last attempt gave no usable reply.
    pub async fn given_up(self) -> Problem {
        let whose = self.last.as_ref().map(|failure| failure.whose);
        match whose {
            Some(Whose::Request) => self.model.breaker.succeeded().await,
            Some(Whose::Model | Whose::Endpoint) => self.model.breaker.failed().await,
            None => {}
        }
        let code = if whose == Some(Whose::Request) { Code::AiUnusable } else { Code::AiUnavailable };
        let cause = self.last.map_or_else(|| "no time was left to ask the model".to_owned(), |failure| failure.what);
        Problem::new(code, "the AI model gave no usable answer; nothing was charged, retry in a moment").because(cause)
    }
}

fn took(latency_ms: i64) -> (Metric, u64) {
    (MODEL_LATENCY, latency_ms.max(0).unsigned_abs())
}
