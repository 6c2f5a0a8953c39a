//! A later step of a follow-up sequence: when it is due, it is written and proposed to a reviewer, unless the lead has
//! replied or opted out since the sequence began.

use serde_json::{Value, json};
use shared::base::problem::Problem;
use shared::clients::llm::{Checked, Prompt};
use shared::outreach::gate::Fault;
use shared::outreach::reach::Reach;
use shared::outreach::writing::{Messages, said};
use shared::workflow::commands::{Command, Completed, Outcome};
use shared::workflow::commands::{Step, Stop};
use shared::workflow::lease::Leased;
use shared::workflow::recommendations::{Actor, Origin, Recommendation, RecommendationId, WrittenBy};

use crate::{Copywriter, FUNCTION, time};

impl Copywriter {
    /// Writes a step, and completes its command together with its proposal.
    pub(crate) async fn write(&self, command: &Leased<Command>, step: &Step) -> Result<Completed, Problem> {
        let (workspace_id, lead_id) = (command.id.workspace_id, command.lead_id);
        let reach = match self.reaching.reach(workspace_id, lead_id, command.created_at).await? {
            Some(reach) => reach,
            None => return self.stop(command, Stop::Erased).await,
        };
        if let Some(reason) = Self::stopped_by(command, &reach) {
            return self.stop(command, reason).await;
        }
        let outcome = self.written(command, step, &reach).await?;
        let Some(draft) = outcome.messages.of(step.channel) else {
            return Err(Problem::internal("a step has no message"));
        };
        let recommendation_id = self.random.uuid();
        let origin = Origin::FollowUp {
            command_id: command.id.command_id,
            site_id: command.site_id,
            agent_id: command.agent_id,
            visitor_id: step.visitor_id,
            begun_at: Some(command.created_at),
        };
        let written_by = WrittenBy::new(&outcome.model, &outcome.prompt_version);
        let id = RecommendationId { workspace_id, recommendation_id };
        let now = self.clock.now();
        let new = Recommendation::of_follow_up(id, lead_id, origin, (step.channel, draft), written_by, now);
        let proposal = self.recommendations.propose(&new, Actor::Function(FUNCTION.name), &[])?;
        let mut proposing = command.clone();
        proposing.recommendations.insert(step.channel, recommendation_id);
        Ok(self.commands.complete(&proposing, &outcome, proposal).await?)
    }

    async fn stop(&self, command: &Leased<Command>, reason: Stop) -> Result<Completed, Problem> {
        self.commands.stop(command, reason).await?;
        Ok(Completed::Done)
    }

    /// Why the sequence has ended, if it has.
    fn stopped_by(command: &Command, reach: &Reach) -> Option<Stop> {
        if reach.is_suppressed {
            return Some(Stop::OptedOut);
        }
        reach.has_replied_since(command.created_at).then_some(Stop::Replied)
    }

    /// Asks the model for the message of a step.
    async fn written(&self, command: &Command, step: &Step, reach: &Reach) -> Result<Outcome, Problem> {
        let mut facts: Value =
            serde_json::from_str(&command.facts).map_err(|_| Problem::internal("facts do not read"))?;
        let now = self.clock.now();
        facts["today"] = json!(now.format("%A %Y-%m-%d").to_string());
        let known = said(&facts);
        let prompt = Prompt {
            name: "sales_follow_up",
            instructions: include_str!("../../../shared/prompts/sales-follow-up.md"),
            facts,
        };
        let ready = self.model.ready().await?;
        let basis = self.gate.basis(command.id.workspace_id, reach.lead()).await?.knowing(&known);
        let check = |messages: Messages| {
            let fault = match messages.of(step.channel) {
                None => Some(Fault::Form("there is no message for it".to_owned())),
                Some(written) => basis.fault_of(step.channel, written),
            };
            match fault {
                Some(fault) => {
                    Checked::faulty(vec![format!("{}: {fault}", step.channel.name())], None, fault.is_withheld())
                }
                None => {
                    let mut only = Messages::default();
                    only.set(step.channel, messages.of(step.channel).cloned());
                    Checked::Fine(only)
                }
            }
        };
        let messages = self.model.complete(ready, &prompt, now + time(command.attempts), check).await?;
        Ok(Outcome { messages, model: self.model.name().to_owned(), prompt_version: prompt.version() })
    }
}
