//! A circuit breaker for each model, shared by all instances through DynamoDB.
//!
//! It counts requests without an answer from the model. After [`THRESHOLD`] in a row it opens for [`OPEN`]. Then one
//! request may try, while the others wait until it succeeds. Each instance reads the shared state at most every
//! [`FRESH`].

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::base::clock::Clock;
use crate::base::context::FromContext;
use crate::base::observe::metrics::{self, BREAKER_OPENED};
use crate::base::problem::{Code, Problem};
use crate::base::store::{Item, StoreError, Table, Write, WriteOutcome, from_item, n, s};

const THRESHOLD: u32 = 5;
const OPEN: TimeDelta = TimeDelta::seconds(30);
const FRESH: TimeDelta = TimeDelta::seconds(2);
const FORGOTTEN: TimeDelta = TimeDelta::hours(1);

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct State {
    /// Consecutive requests without an answer.
    #[serde(default)]
    failures: u32,
    /// The end of the open time, in epoch milliseconds.
    #[serde(default)]
    open_until: i64,
}

/// A state and the time it was read.
type Seen = (DateTime<Utc>, State);

/// Permission to call the model, valid for all calls of one request. It is entered once the request's credits are held.
/// A copy of an entered permission is valid too.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The open state whose single trial this request may take; `None` if the circuit breaker is closed.
    trial: Option<State>,
}

#[derive(Clone, Debug, FromContext)]
pub struct Breaker {
    clock: Clock,
    #[context(Table::named(context, "IDEMPOTENCY_TABLE")?)]
    table: Table,
    #[context(context.environment.required("LLM_MODEL")?.to_owned())]
    model: String,
    #[context(Arc::default())]
    seen: Arc<Mutex<Option<Seen>>>,
}

impl Breaker {
    /// Returns 503 while the circuit breaker is open. Changes nothing, because the request may still be refused for
    /// another reason. An unreadable state counts as closed, because the call to the model will show whether it works.
    pub async fn check(&self) -> Result<Ready, Problem> {
        let now = self.clock.now();
        let state = match self.fresh(now) {
            Some(state) => state,
            None => self.read(now).await.unwrap_or_default(),
        };
        if state.failures < THRESHOLD {
            return Ok(Ready { trial: None });
        }
        if state.open_until <= now.timestamp_millis() {
            return Ok(Ready { trial: Some(state) });
        }
        Err(self.refusal(state))
    }

    /// Takes the single trial of an open circuit breaker. A closed one lets every request through.
    pub async fn enter(&self, ready: &mut Ready) -> Result<(), Problem> {
        match ready.trial.take() {
            Some(state) if !self.may_try(state).await => Err(self.refusal(state)),
            _ => Ok(()),
        }
    }

    fn refusal(&self, state: State) -> Problem {
        let now = self.clock.now();
        let seconds = (state.open_until - now.timestamp_millis()).max(0).unsigned_abs().div_ceil(1000);
        let message = "the AI model is not answering at the moment; nothing was charged, retry later";
        Problem::new(Code::AiCircuitOpen, message).retry_after(seconds).because("the model's breaker is open")
    }

    /// Resets the count of failures.
    pub async fn succeeded(&self) {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_none_or(|(_, state)| state.failures == 0) {
            return;
        }
        let close = self.update("SET failures = :zero, open_until = :zero").bind("zero", n(0));
        if self.table.write(close).await.is_ok() {
            self.remember(self.clock.now(), State::default());
        }
    }

    /// Counts a request without an answer.
    pub async fn failed(&self) {
        let now = self.clock.now();
        let open_until = (now + OPEN).timestamp_millis();
        let count = self.update("ADD failures :one SET open_until = :until, #expires = :expires").bind("one", n(1));
        let count = count.bind("until", n(open_until)).bind("expires", n((now + FORGOTTEN).timestamp()));
        match self.table.write(count).await {
            Ok(WriteOutcome::Applied(item)) => {
                if let Ok(state) = from_item::<State>(item) {
                    if state.failures >= THRESHOLD {
                        metrics::record(&[(BREAKER_OPENED, 1)], &[("Model", &self.model)]);
                    }
                    self.remember(now, state);
                }
            }
            Ok(WriteOutcome::Refused(_)) => {}
            Err(error) => tracing::warn!(cause = %error, "the breaker did not count a failure"),
        }
    }

    /// Whether this request may take the trial: the one that updates the state after the open time does.
    async fn may_try(&self, state: State) -> bool {
        let now = self.clock.now();
        let open_until = (now + OPEN).timestamp_millis();
        let open = self.update("SET open_until = :until").when("open_until = :seen");
        let open = open.bind("until", n(open_until)).bind("seen", n(state.open_until));
        let written = self.table.write(open).await;
        if let Ok(WriteOutcome::Applied(_)) = written {
            self.remember(now, State { open_until, ..state });
            return true;
        }
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // If the circuit breaker is unreachable, the request may try.
        written.is_err()
    }

    fn update(&self, expression: &str) -> Write {
        self.table.update(self.key(), expression)
    }

    fn key(&self) -> Item {
        Item::from([("pk".to_owned(), s(format!("breaker#{}", self.model)))])
    }

    async fn read(&self, now: DateTime<Utc>) -> Result<State, StoreError> {
        let state = self.table.get(self.key()).await?.unwrap_or_default();
        self.remember(now, state);
        Ok(state)
    }

    fn fresh(&self, now: DateTime<Utc>) -> Option<State> {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.filter(|(at, _)| now - *at < FRESH).map(|(_, state)| state)
    }

    fn remember(&self, now: DateTime<Utc>, state: State) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, state));
    }
}
