//! Looking into the records for an answer.

use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::base::time::timestamp;
use shared::crm::leads::{Activity, Lead};
use shared::crm::lists::List;
use shared::workflow::campaigns::{Campaign, CampaignCounts, Counts};
use shared::workflow::tasks::{Status, TaskId};
use uuid::Uuid;

use crate::LexiChat;
use crate::tools::{GetContact, SearchContacts, ShowCampaign, ShowList};
use crate::turn::{Turn, Unused, Used, refused};

/// How many contacts a search shows, and a list.
const CONTACTS: usize = 10;
const ON_LIST: usize = 20;

/// How many lists are shown.
const LISTS: usize = 50;

/// How many tasks are shown.
const TASKS: usize = 20;

/// How many activities of a contact are shown, how far back, and how much of each.
const ACTIVITIES: usize = 15;
const LOOKED_BACK: TimeDelta = TimeDelta::days(365);
const LONGEST: usize = 500;

fn contact(lead: &Lead) -> Value {
    let mut fields = lead.fields();
    fields.insert("contact_id".to_owned(), json!(lead.lead_id));
    Value::Object(fields)
}

fn activity(activity: &Activity) -> Value {
    let cut = |text: &String| text.chars().take(LONGEST).collect::<String>();
    json!({
        "date": timestamp(activity.occurred_at),
        "type": activity.kind,
        "direction": activity.direction,
        "outcome": activity.outcome,
        "title": activity.title.as_ref().map(cut),
        "text": activity.body.as_ref().map(cut),
    })
}

impl LexiChat {
    pub(crate) async fn search_contacts(&self, workspace_id: Uuid, asked: SearchContacts) -> Result<Used, Unused> {
        let found = self.leads.search(workspace_id, &asked.text, (0, CONTACTS)).await?;
        let summary = format!("{} found", found.total);
        let contacts: Vec<_> = found.leads.iter().map(contact).collect();
        let shown = json!({"contacts": contacts, "total": found.total, "is_complete": found.is_complete});
        Ok(Used::records(shown, summary))
    }

    pub(crate) async fn get_contact(&self, workspace_id: Uuid, asked: GetContact) -> Result<Used, Unused> {
        let lead = self.contact(workspace_id, &asked.contact).await?;
        let lead = lead.one("no contact fits", "several contacts fit; use search_contacts and their ids")?;
        let since = self.clock.now() - LOOKED_BACK;
        let Some(mut history) = self.leads.history(workspace_id, lead.lead_id, since).await? else {
            return refused("no contact fits");
        };
        let messages = self.conversations.touches(&history.rows, since).await?;
        history.take(messages, since);
        let happened: Vec<_> = history.recent.iter().take(ACTIVITIES).map(activity).collect();
        let shown = json!({"contact": contact(&history.lead), "activity": happened});
        Ok(Used::records(shown, "1 contact".to_owned()))
    }

    pub(crate) async fn list_lists(&self, workspace_id: Uuid) -> Result<Used, Unused> {
        let all = self.lists.all(workspace_id).await?;
        let shown: Vec<_> = all.iter().take(LISTS).map(list).collect();
        Ok(Used::records(json!({"lists": shown, "total": all.len()}), format!("{} lists", all.len())))
    }

    pub(crate) async fn show_list(&self, workspace_id: Uuid, asked: ShowList, turn: &Turn<'_>) -> Result<Used, Unused> {
        let found = self.list(workspace_id, asked.list.as_deref(), turn).await?;
        let (on_list, _) = self.lists.contacts(workspace_id, found.list_id, (0, ON_LIST)).await?;
        let ids: Vec<_> = on_list.iter().map(|one| one.member.lead_id).collect();
        let leads = self.leads.leads(workspace_id, &ids).await?;
        let contacts: Vec<_> = ids.iter().filter_map(|id| leads.get(id)).map(contact).collect();
        let summary = format!("{} contacts", found.contacts);
        Ok(Used::records(json!({"list": list(&found), "contacts": contacts}), summary))
    }

    pub(crate) async fn show_campaign(
        &self,
        workspace_id: Uuid,
        asked: ShowCampaign,
        turn: &Turn<'_>,
    ) -> Result<Used, Unused> {
        let last = turn.state.campaign.as_ref().map(|brief| brief.campaign_id);
        let known = match (&turn.known.campaign, last) {
            (Some(known), _) => Some(known.clone()),
            (None, Some(last)) => self.campaigns.get(workspace_id, last).await?,
            (None, None) => None,
        };
        let wanted = asked.campaign.as_deref().map(str::trim).filter(|wanted| !wanted.is_empty());
        let found = match (wanted, known) {
            (None, Some(known)) => Some(known),
            (None, None) => return refused("which campaign? Name it"),
            (Some(wanted), _) => {
                let all = self.campaigns.all(workspace_id).await?;
                let is_meant = |campaign: &Campaign| {
                    campaign.brief.campaign_id.to_string() == wanted.to_lowercase()
                        || campaign.brief.name.to_lowercase() == wanted.to_lowercase()
                };
                all.into_iter().find(is_meant)
            }
        };
        let Some(found) = found else { return refused("no campaign fits") };
        let task = TaskId { workspace_id, task_id: found.task_id };
        let contacts = self.campaigns.contacts(workspace_id, found.brief.campaign_id);
        let (task, contacts) = tokio::try_join!(self.tasks.get(task), contacts)?;
        let shown = json!({
            "campaign": {"name": found.brief.name, "about": found.brief.about, "list": found.brief.list.name},
            "status": task.as_ref().map(|task| task.status),
            "progress": task.as_ref().map(|task| task.progress),
            "counts": CampaignCounts::from(Counts::of(&contacts)),
        });
        Ok(Used::records(shown, "1 campaign".to_owned()))
    }

    /// The status of the last task. The server writes it, so it contains no text of other people.
    pub(crate) async fn show_task(&self, workspace_id: Uuid, turn: &Turn<'_>) -> Result<Used, Unused> {
        let Some(proposed) = &turn.known.chat.state.task else {
            return refused("no task was proposed in this conversation");
        };
        let Some(task) = self.tasks.get(TaskId { workspace_id, task_id: proposed.task_id }).await? else {
            return refused("the task is no longer kept");
        };
        let mut result = task.result.clone().unwrap_or_default();
        if let Some(fields) = result.as_object_mut() {
            // Whatever the list is called by now.
            fields.remove("list_name");
        }
        let shown = json!({
            "description": proposed.description,
            "status": task.status,
            "progress": task.progress,
            "result": result,
            "failure": task.failure,
        });
        Ok(Used::done(shown, task.status.name().to_owned()))
    }

    /// The tasks that wait; their descriptions name lists and contacts as the records do.
    pub(crate) async fn list_tasks(&self, workspace_id: Uuid) -> Result<Used, Unused> {
        let (waiting, total) = self.tasks.list(workspace_id, Status::Pending, (0, TASKS)).await?;
        let shown = waiting.iter().map(|task| {
            json!({"task_id": task.id.task_id, "description": task.plan.description(), "since": timestamp(task.created_at)})
        });
        let shown = json!({"tasks": shown.collect::<Vec<_>>(), "total": total});
        Ok(Used::records(shown, format!("{total} waiting")))
    }

    /// The balance, with this message paid for.
    pub(crate) async fn credits(&self, workspace_id: Uuid, turn: &Turn<'_>) -> Result<Used, Unused> {
        let balance = self.ledger.balance(workspace_id).await?;
        let (own, held) = (u64::from(turn.price), balance.held);
        let shown =
            json!({"available": balance.available, "held": held.saturating_sub(own), "spent": balance.spent + own});
        Ok(Used::done(shown, "balance".to_owned()))
    }
}

fn list(list: &List) -> Value {
    json!({"id": list.list_id, "name": list.name, "contacts": list.contacts})
}
