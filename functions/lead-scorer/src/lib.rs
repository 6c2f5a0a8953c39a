//! Scoring: reads a conversation that has become quiet, asks the model for the five scores and for
//! who the lead is, and records the answer as a new extraction. Nothing is charged.
//!
//! A queue message names a lead. Each of its due rows is scored separately. Everything else is read when the message is
//! received, so a repeated or concurrent message changes nothing: the lead is no longer due, or its row has changed and
//! the second answer is not recorded. If the model gives no answer, the message fails and is retried.

mod scores;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::api::lambda::Definition;
use shared::base::clock::{Clock, Random};
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::base::queue::Consumer;
use shared::base::store::StoreError;
use shared::clients::llm::{Model, Prompt};
use shared::crm::conversations::Conversations;
use shared::crm::conversations::row::{Extraction, Message};
use shared::crm::conversations::scoring::{DueLead, Found};

pub use scores::{Score, Scores};

/// How many messages the model is shown: the newest.
const SHOWN: usize = 100;

/// How many characters of one message the model is shown.
const SHOWN_OF_ONE: usize = 4_000;

/// How many characters the model is shown of all messages together, so that they fit into the context
/// of a small model and one conversation costs no more than another.
const SHOWN_OF_ALL: usize = 60_000;

/// How long one message may take. The function's timeout is above it.
const TIME: TimeDelta = TimeDelta::seconds(50);

/// The outcome of a message; of several rows the highest outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// There is no such lead.
    Unknown,
    /// Every message is scored, or the conversation is not quiet.
    NotDue,
    /// The row changed while the model was asked; if it is still due, it is sent again.
    Overtaken,
    /// There is a new extraction.
    Scored,
}

/// Why a message has to come again.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// The table does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The model gave no usable answer.
    #[error("the model gave no scores: {0}")]
    Model(String),
}

impl From<Problem> for ScoreError {
    fn from(problem: Problem) -> Self {
        Self::Model(problem.cause.unwrap_or(problem.message))
    }
}

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::queue::<LeadScorer>("lead-scorer");

/// The scorer and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct LeadScorer {
    clock: Clock,
    random: Random,
    conversations: Conversations,
    model: Model,
}

impl Consumer for LeadScorer {
    type Message = DueLead;

    async fn try_one(&self, lead: DueLead) -> Result<(), StoreError> {
        match self.score(&lead).await {
            Ok(_) => Ok(()),
            Err(ScoreError::Store(error)) => Err(error),
            Err(error @ ScoreError::Model(_)) => Err(StoreError::Unavailable(error.to_string())),
        }
    }
}

impl LeadScorer {
    /// Scores the rows of a lead that are due.
    ///
    /// # Errors
    /// Those of the first row that could not be scored; the others are all the same.
    pub async fn score(&self, lead: &DueLead) -> Result<Outcome, ScoreError> {
        let deadline = self.clock.now() + TIME;
        let found = self.conversations.find(lead).await?;
        // A row that could not be scored keeps none of the others from it; then the message comes again.
        let outcomes = join_all(found.iter().map(|found| self.score_row(found, deadline))).await;
        let outcomes: Vec<Outcome> = outcomes.into_iter().collect::<Result<_, _>>()?;
        let outcome = outcomes.into_iter().max().unwrap_or(Outcome::Unknown);
        tracing::info!(workspace_id = %lead.workspace_id, lead_id = %lead.lead_id, ?outcome, "scoring done");
        Ok(outcome)
    }

    async fn score_row(&self, found: &Found, deadline: DateTime<Utc>) -> Result<Outcome, ScoreError> {
        if !self.conversations.is_due(&found.row) {
            return Ok(Outcome::NotDue);
        }
        let (messages, ready) = tokio::join!(self.conversations.newest_messages(found, SHOWN), self.model.ready());
        let (messages, ready) = (shortened(messages?), ready?);
        let prompt = self.prompt(&messages);
        let check = |scores: Scores| scores.checked(&messages);
        let scores = self.model.complete(ready, &prompt, deadline, check).await?;
        let extraction = self.extraction(&scores, found);
        let recorded =
            self.conversations.record_scoring(found, &extraction, &scores.reasons(), &prompt.version()).await?;
        Ok(if recorded { Outcome::Scored } else { Outcome::Overtaken })
    }

    /// The complete input of the model: this one lead's messages, without its number.
    fn prompt(&self, messages: &[Message]) -> Prompt {
        let told = |message: &Message| {
            json!({
                "date": message.timestamp.format("%A %Y-%m-%d %H:%M").to_string(),
                "sender": message.sender,
                "text": message.text,
            })
        };
        Prompt {
            name: "score_lead",
            instructions: include_str!("../../../shared/prompts/score-lead.md"),
            facts: json!({
                "today": self.clock.now().format("%A %Y-%m-%d").to_string(),
                "messages": messages.iter().map(told).collect::<Vec<Value>>(),
            }),
        }
    }

    /// Values that the shown messages do not contain stay from the earlier extraction: a name is given once, and a
    /// conversation can be longer than the shown part.
    fn extraction(&self, scores: &Scores, found: &Found) -> Extraction {
        let known = found.row.extraction.as_ref();
        let or_known = |now: &Option<String>, before: fn(&Extraction) -> &Option<String>| {
            now.clone().or_else(|| known.and_then(|known| before(known).clone()))
        };
        Extraction {
            extraction_id: self.random.uuid(),
            name: or_known(&scores.name, |known| &known.name),
            email: or_known(&scores.email, |known| &known.email),
            company: or_known(&scores.company, |known| &known.company),
            intent_score: scores.intent.score,
            urgency_score: scores.urgency.score,
            budget_score: scores.budget.score,
            fit_score: scores.fit.score,
            engagement_score: scores.engagement.score,
            extracted_at: self.clock.now(),
        }
    }
}

/// The newest messages that fit into the model's input. If one does not fit, all older ones are left out too, because
/// gaps would change the meaning.
fn shortened(messages: Vec<Message>) -> Vec<Message> {
    let mut left = SHOWN_OF_ALL;
    let mut shown = Vec::new();
    for mut message in messages.into_iter().rev() {
        message.text = message.text.chars().take(SHOWN_OF_ONE).collect();
        match left.checked_sub(message.text.chars().count()) {
            Some(rest) => left = rest,
            None => break,
        }
        shown.push(message);
    }
    shown.reverse();
    shown
}
