//! Phase 2 of a follow-up: receives queue messages that name a command, and refines the sales specialist's messages
//! (docs/behaviour.md, "Follow-up").
//!
//! A command is processed under a lease, so a repeated or concurrent message refines it only once. If the model gives
//! nothing usable, the command is queued again, and its message comes again within seconds. After five attempts, at
//! most three minutes later, it has failed, its message becomes a dead letter, and the sales specialist's text stays.

mod step;

use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::api::lambda::Definition;
use shared::base::channel::Channel;
use shared::base::clock::{Clock, Random};
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::base::queue::{Backoff, Consumer};
use shared::base::store::{StoreError, Try, retrying};
use shared::clients::llm::{Checked, Model, Prompt};
use shared::outreach::gate::{Basis, Fault, Gate};
use shared::outreach::reach::Reaching;
use shared::outreach::writing::{ChannelMessage, Messages, said};
use shared::workflow::commands::{Command, CommandId, Commands, Completed, Outcome, Status};
use shared::workflow::lease::{Leased, Take};
use shared::workflow::recommendations::{Actor, Recommendations, WrittenBy};

/// How long the first attempt at a command may take; the second half of that, the third a third. With the waits between
/// them, all five end within three minutes. The function's timeout is above it, and a lease above that.
const TIME: TimeDelta = TimeDelta::seconds(40);

fn time(attempt: u32) -> TimeDelta {
    TIME / i32::try_from(attempt.max(1)).unwrap_or(i32::MAX)
}

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::queue::<Copywriter>("copywriter");

#[derive(Clone, Debug, FromContext)]
pub struct Copywriter {
    clock: Clock,
    commands: Commands,
    recommendations: Recommendations,
    gate: Gate,
    model: Model,
    #[context(Backoff::new(context, "COPYWRITER_QUEUE_URL")?)]
    backoff: Backoff,
    random: Random,
    reaching: Reaching,
}

impl Copywriter {
    /// Refines the messages, and completes the command together with its proposals.
    async fn work_on(&self, command: &Leased<Command>) -> Result<Completed, Problem> {
        let outcome = self.refine(command).await?;
        let workspace_id = command.id.workspace_id;
        let written_by = WrittenBy::new(&outcome.model, &outcome.prompt_version);
        // Against people who decide on the recommendations meanwhile.
        retrying("a recommendation", (), |()| async {
            let proposed = &command.recommendations;
            let actor = Actor::Function(FUNCTION.name);
            let refine = self.recommendations.refine(workspace_id, proposed, &outcome.messages, &written_by, actor);
            Ok(match self.commands.complete(command, &outcome, refine.await?).await? {
                Completed::Outdated => Try::Again(()),
                completed => Try::Done(completed),
            })
        })
        .await
    }

    /// Asks the model to refine a draft.
    async fn refine(&self, command: &Command) -> Result<Outcome, Problem> {
        let draft = command.draft.clone().unwrap_or_default();
        let facts: Value = serde_json::from_str(&command.facts).map_err(|_| Problem::internal("facts do not read"))?;
        let prompt = Prompt {
            name: "refine_follow_up",
            instructions: include_str!("../../../shared/prompts/copywriter.md"),
            facts: json!({ "facts": facts, "draft": draft }),
        };
        let deadline = self.clock.now() + time(command.attempts);
        let ready = self.model.ready().await?;
        let basis = self.gate.basis_for(command.id.workspace_id, command.lead_id).await?;
        // The draft has passed the gate.
        let basis = basis.admitting(&draft.text()).knowing(&[said(&facts), draft.text()].join("\n"));
        // Keeps valid messages of an earlier reply, in case a later reply gets them wrong.
        let best = Mutex::new(Messages::default());
        let check = |refined: Messages| {
            let mut best = best.lock().unwrap_or_else(PoisonError::into_inner);
            checked(&refined, &mut best, &draft, &basis)
        };
        let messages = self.model.complete(ready, &prompt, deadline, check).await?;
        Ok(Outcome { messages, model: self.model.name().to_owned(), prompt_version: prompt.version() })
    }
}

impl Consumer for Copywriter {
    type Message = CommandId;

    fn backoff(&self) -> Option<&Backoff> {
        Some(&self.backoff)
    }

    async fn try_one(&self, id: CommandId) -> Result<(), StoreError> {
        let command = match self.commands.take(id).await? {
            Take::Leased(command) => command,
            // Whoever works on it finishes it, or its own message comes again.
            Take::Busy | Take::Finished => return Ok(()),
            Take::Unknown => {
                tracing::warn!(workspace_id = %id.workspace_id, command_id = %id.command_id, "no such command");
                return Ok(());
            }
        };
        let worked = match command.step.clone() {
            Some(step) => self.write(&command, &step).await,
            None => self.work_on(&command).await,
        };
        match worked {
            Ok(completed) => {
                let is_ours = completed == Completed::Done;
                tracing::info!(workspace_id = %id.workspace_id, command_id = %id.command_id, is_ours, "refined");
                Ok(())
            }
            Err(problem) => {
                let status = self.commands.give_back(&command).await?;
                let cause = problem.cause.unwrap_or(problem.message);
                let last = if status == Status::Failed { ", for the last time" } else { "" };
                Err(StoreError::Unavailable(format!("a command was not done{last}: {cause}")))
            }
        }
    }
}

/// Checks a reply against the draft: messages for the same media, each in its form, with the same strategy and only
/// known facts. If the model does not fix a message, the draft of that medium stays, as long as another was refined.
fn checked(refined: &Messages, kept: &mut Messages, draft: &Messages, basis: &Basis) -> Checked<Messages> {
    let (mut complaints, mut is_withheld) = (Vec::new(), false);
    for (medium, before) in draft.iter() {
        match refined_message(refined, medium, before, basis) {
            Ok(written) => kept.set(medium, Some(written)),
            Err(fault) => {
                is_withheld |= fault.is_withheld();
                complaints.push(format!("{}: {fault}", medium.name()));
            }
        }
    }
    let mut whole = draft.clone();
    for (medium, written) in kept.iter() {
        whole.set(medium, Some(written.clone()));
    }
    if draft.iter().all(|(medium, _)| kept.of(medium).is_some()) {
        return Checked::Fine(whole);
    }
    let usable = kept.iter().next().is_some().then_some(whole);
    Checked::faulty(complaints, usable, is_withheld)
}

fn refined_message(
    refined: &Messages,
    medium: Channel,
    before: &ChannelMessage,
    basis: &Basis,
) -> Result<ChannelMessage, Fault> {
    let written = refined.of(medium).ok_or_else(|| Fault::Form("there is no message for it".to_owned()))?;
    let written = ChannelMessage { strategy: before.strategy.clone(), ..written.clone() };
    let dropped = || written.dropped(before).map(|dropped| format!("it drops {dropped}, which the draft has"));
    match basis.fault_of(medium, &written).or_else(|| dropped().map(Fault::Form)) {
        Some(fault) => Err(fault),
        None => Ok(written),
    }
}

#[cfg(test)]
mod tests {
    use shared::workflow::lease::ATTEMPTS;

    use super::*;

    fn written(message: &str) -> Option<ChannelMessage> {
        Some(ChannelMessage { title: "Hello".to_owned(), message: message.to_owned(), strategy: "help".to_owned() })
    }

    #[test]
    fn a_model_that_is_down_fails_a_command_within_three_minutes() {
        let tried: TimeDelta = (1..=ATTEMPTS).map(time).sum();
        let waited = TimeDelta::seconds(shared::base::queue::waited().into());
        assert!(tried + waited <= TimeDelta::seconds(170), "{tried} {waited}");
    }

    #[test]
    fn a_refinement_keeps_media_and_strategy_and_names_nothing_new() {
        let draft = Messages { email: written("Hi Jane, 5 days."), web: written("Soon"), ..Messages::default() };
        let basis = Basis::default().knowing("Jane 5");
        let complaint = |refined: Messages| match checked(&refined, &mut Messages::default(), &draft, &basis) {
            Checked::Fine(_) => String::new(),
            Checked::Wrong { complaint, .. } | Checked::Withheld { complaint, .. } => complaint,
        };
        let other = ChannelMessage {
            strategy: "another".to_owned(),
            ..written("Jane, 5 days left").unwrap_or_else(|| unreachable!())
        };
        let fine = Messages {
            email: Some(other),
            web: written("Now"),
            whatsapp: written("not asked for"),
            ..Messages::default()
        };
        let Checked::Fine(kept) = checked(&fine, &mut Messages::default(), &draft, &basis) else {
            unreachable!("it is fine")
        };
        assert_eq!(kept.email.map(|email| email.strategy).as_deref(), Some("help"));
        assert_eq!(kept.whatsapp, None);
        assert!(complaint(Messages { web: None, ..fine.clone() }).contains("web"));
        // Where the model does not fix a message, its draft stands beside the others.
        let Checked::Wrong { usable: Some(usable), .. } =
            checked(&Messages { web: None, ..fine.clone() }, &mut Messages::default(), &draft, &basis)
        else {
            unreachable!("the e-mail is fine")
        };
        assert_eq!(
            (usable.web, usable.email.map(|email| email.message).as_deref()),
            (draft.web.clone(), Some("Jane, 5 days left"))
        );
        assert!(complaint(Messages { web: written("7 days"), ..fine.clone() }).contains("names 7"));
        assert!(complaint(Messages { web: written("Hi {name}"), ..fine }).contains("placeholder"));
    }
}
