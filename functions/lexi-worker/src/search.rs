//! A search for prospects: whom the source finds become contacts, and go to a list.
//!
//! The source is asked once. Its results are stored with the task before contacts are created, so that a worker that
//! takes over continues with the same people.

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use shared::base::store::StoreError;
use shared::crm::leads::Lead;
use shared::crm::lists::{ListError, Member, Target};
use shared::crm::prospects::{Prospect, Query, SearchError};
use shared::workflow::lease::Leased;
use shared::workflow::tasks::{Failure, Progress, Task};
use uuid::Uuid;

use crate::{LexiWorker, Outcome, Trouble};

/// How many become contacts between two notes of how far the task is.
const TOGETHER: usize = 25;

/// How many of them at once.
const AT_ONCE: usize = 8;

impl LexiWorker {
    /// Finds people, once, and puts them on the list. Who finds nobody is not charged.
    pub(crate) async fn search(
        &self,
        task: &mut Leased<Task>,
        (query, list): (&Query, &Target),
        until: DateTime<Utc>,
    ) -> Result<Outcome, Trouble> {
        let (workspace_id, list_id) = (task.id.workspace_id, list.list_id);
        if task.progress.total.is_none() {
            let without = self.lists.prospects(workspace_id, list_id).await?;
            let found = self.prospects.search(workspace_id, task.id.task_id, query, &without).await?;
            let Some(next) = self.tasks.select(task, &found).await? else { return Ok(Outcome::Lost) };
            *task = next;
        }
        let selected = self.tasks.selected(task).await?;
        let list = self.lists.create(list, workspace_id).await?;
        for some in selected.get(task.progress.done as usize..).unwrap_or_default().chunks(TOGETHER) {
            if self.clock.now() >= until {
                return Ok(Outcome::Paused(task.progress));
            }
            let members = stream::iter(some.to_vec()).map(|prospect| self.contact(workspace_id, prospect));
            let members: Vec<_> = members.buffered(AT_ONCE).try_collect().await?;
            self.lists.add(workspace_id, list_id, &members).await?;
            let done = task.progress.done + u32::try_from(some.len()).unwrap_or_default();
            let progress = Progress { done, ..task.progress };
            let Some(next) = self.tasks.progress(task, progress).await? else { return Ok(Outcome::Lost) };
            *task = next;
        }
        // The search passes over the prospects of the list; others may be on the list as contacts. The worker counts at
        // the end, because an earlier attempt may have added some.
        let there = self.lists.prospects(workspace_id, list_id).await?;
        let added = selected.iter().filter(|prospect| there.contains(&prospect.prospect_id)).count();
        let result = json!({
            "requested": query.count,
            "found": selected.len(),
            "added": added,
            "already_on_list": selected.len() - added + task.passed_over as usize,
            "list_id": list_id,
            "list_name": list.name,
        });
        Ok(Outcome::Done { result, charged: !selected.is_empty() })
    }

    /// The contact that a prospect is, or becomes. A contact that is known stays as it is.
    async fn contact(&self, workspace_id: Uuid, prospect: Prospect) -> Result<Member, StoreError> {
        let prospect_id = Some(prospect.prospect_id.clone());
        let lead_id = self.leads.find_or_make(workspace_id, &lead(prospect)).await?;
        Ok(Member { lead_id, prospect_id })
    }
}

/// The fields of a contact that was a prospect. The source's identifier becomes its reference only if it has neither
/// e-mail address nor phone number, because references belong to the customer.
fn lead(prospect: Prospect) -> Lead {
    let has_address = prospect.email.is_some() || prospect.phone.is_some();
    let said = |text: String| Some(text).filter(|text| !text.trim().is_empty());
    Lead {
        lead_id: Uuid::nil(),
        external_ref: (!has_address).then(|| format!("prospect:{}", prospect.prospect_id)),
        full_name: said(prospect.full_name),
        email: prospect.email,
        phone: prospect.phone,
        linkedin: prospect.linkedin,
        job_title: said(prospect.job_title),
        company_name: said(prospect.company_name),
        stage: None,
    }
}

impl From<SearchError> for Trouble {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Unavailable(cause) => {
                let message = "the source of prospects did not answer, again and again; ask for the search again later";
                Self::Passing(Failure::new("prospect_source_unavailable", message), cause)
            }
            SearchError::Refused(cause) => {
                tracing::error!(cause, "a search was refused");
                Self::lasting(
                    "prospect_source_refused",
                    "the source of prospects does not do this search; ask for another one, or have its key checked",
                )
            }
        }
    }
}

impl From<ListError> for Trouble {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Store(error) => error.into(),
            ListError::NoSuchList => Self::lasting("list_not_found", "the list is no longer in this workspace"),
            ListError::Full => {
                Self::lasting("list_full", "the list has no room for them; ask for it again with another list")
            }
        }
    }
}
