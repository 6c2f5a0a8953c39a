//! Turns the model's tool call into a plan that a person approves. It looks up the named objects; values of a contact
//! must be in the user's own words.

use serde_json::json;
use shared::base::channel::Channel;
use shared::crm::leads::Lead;
use shared::crm::lists::Target;
use shared::crm::prospects::{self, Query};
use shared::outreach::gate::{Basis, Part};
use shared::outreach::writing::ChannelMessage;
use shared::pii::addresses;
use shared::workflow::tasks::{self, ContactChanges, Plan, Task};
use shared::workflow::tasks::{Brief, Example};
use uuid::Uuid;

use crate::LexiChat;
use crate::tools::{CampaignStart, ContactUpdate, ListOperation, Operation, ProspectSearch, WriteEmail};
use crate::turn::{Found, Proposal, Turn, Unused, Used, refused};
use crate::words::says;

/// The longest name of a list or campaign, and the longest other value, in characters.
const LONGEST_NAME: usize = 120;
const LONGEST: usize = 200;

/// How many contacts one task puts on a list or takes off it.
const CONTACTS: usize = 50;

impl LexiChat {
    /// Makes a plan the proposal of this message. The user sees its full description with the names from the records;
    /// the model sees only names that the user has said, because names in records may be anybody's text.
    fn propose(&self, turn: &mut Turn<'_>, plan: Plan, supersedes: Option<&Task>) -> Used {
        let told = plan.clone();
        self.propose_as(turn, plan, told, supersedes)
    }

    /// As [`LexiChat::propose`], with other words for the model.
    fn propose_as(&self, turn: &mut Turn<'_>, plan: Plan, told: Plan, supersedes: Option<&Task>) -> Used {
        let task_id = self.random.uuid();
        let description = plan.description();
        let list = match &plan {
            // A list that was named after its search.
            Plan::ProspectSearch { query, list } => Some(&list.name).filter(|name| **name != new_list_name(query)),
            Plan::ListOperation { list, .. } => Some(&list.name),
            Plan::CampaignStart(brief) => Some(&brief.list.name),
            Plan::ContactUpdate { .. } => None,
        };
        let last = turn.state.search.as_ref().map(new_list_name);
        let is_anybodys = |name: &&String| !says(&turn.own_words, name) && last.as_ref() != Some(*name);
        let told = match list.filter(is_anybodys) {
            Some(name) => told.description().replace(&format!("the list {name}"), "your list"),
            None => told.description(),
        };
        match &plan {
            Plan::ProspectSearch { .. } => turn.state.search_task = Some(task_id),
            Plan::CampaignStart(_) => turn.state.campaign_task = Some(task_id),
            Plan::ContactUpdate { .. } | Plan::ListOperation { .. } => {}
        }
        let result = json!({"task_id": task_id, "description": told, "waits_for": "a person's approval"});
        turn.proposal = Some(Proposal { task_id, plan, told, supersedes: supersedes.map(|task| task.id) });
        Used::done(result, description)
    }

    pub(crate) async fn prospect_search(
        &self,
        workspace_id: Uuid,
        asked: ProspectSearch,
        turn: &mut Turn<'_>,
    ) -> Result<Used, Unused> {
        let query = Query {
            titles: asked.titles,
            industries: asked.industries,
            places: asked.places,
            min_employees: asked.min_employees,
            max_employees: asked.max_employees,
            count: asked.count.unwrap_or(prospects::USUAL),
        };
        if let Some(fault) = query.fault() {
            return refused(fault);
        }
        let wanted = query.titles.iter().chain(&query.industries).chain(&query.places);
        for text in wanted.chain(&asked.list) {
            passes(Part::Label, text, turn)?;
        }
        // A search that narrows the last one takes its place, if nobody has decided on that yet.
        let pending = self.pending(workspace_id, turn.state.search_task).await?;
        let last = pending.as_ref().and_then(|task| match &task.plan {
            Plan::ProspectSearch { query: last, list } if narrows(&query, last) => Some((task, list)),
            _ => None,
        });
        let named = asked.list.as_deref().map(str::trim).filter(|named| !named.is_empty());
        let list = match (named, &turn.known.list, last) {
            (Some(named), ..) => match self.list_named(workspace_id, named).await? {
                Found::One(list) => Target { list_id: list.list_id, name: list.name },
                Found::None if named.parse::<Uuid>().is_ok() => return refused("there is no such list"),
                Found::None => Target { list_id: self.random.uuid(), name: cut(named, LONGEST_NAME) },
                Found::Several => return refused("several lists have this name; ask for the list's id"),
            },
            (None, Some(list), _) if turn.names_a_list => Target { list_id: list.list_id, name: list.name.clone() },
            (None, _, Some((_, list))) => list.clone(),
            (None, Some(list), None) => Target { list_id: list.list_id, name: list.name.clone() },
            (None, None, None) => Target { list_id: self.random.uuid(), name: new_list_name(&query) },
        };
        // For another list it is another search.
        let narrowed = last.filter(|(_, last)| last.list_id == list.list_id).map(|(task, _)| task);
        let used = self.propose(turn, Plan::ProspectSearch { query: query.clone(), list }, narrowed);
        turn.state.search = Some(query);
        Ok(used)
    }

    pub(crate) async fn campaign_start(
        &self,
        workspace_id: Uuid,
        asked: CampaignStart,
        turn: &mut Turn<'_>,
    ) -> Result<Used, Unused> {
        let list = self.list(workspace_id, asked.list.as_deref(), turn).await?;
        if list.contacts == 0 {
            return refused("the list has no contacts yet");
        }
        let about = cut(&asked.about, 500);
        if about.is_empty() {
            return refused("what is it about? Ask the person");
        }
        for text in [&about].into_iter().chain(&asked.name) {
            passes(Part::Message, text, turn)?;
        }
        let example = self.example(&asked.subject, &asked.message, turn)?;
        let pending = self.pending(workspace_id, turn.state.campaign_task).await?;
        let revised =
            pending.filter(|task| matches!(&task.plan, Plan::CampaignStart(last) if last.list.list_id == list.list_id));
        let name = asked.name.as_deref().map(|name| cut(name, LONGEST_NAME)).filter(|name| !name.is_empty());
        let brief = Brief {
            campaign_id: self.random.uuid(),
            name: name.unwrap_or_else(|| cut(&about, LONGEST_NAME)),
            list: Target { list_id: list.list_id, name: list.name },
            about,
            example: Some(example.clone()),
        };
        turn.state.email = Some(example);
        turn.state.campaign = Some(brief.clone());
        Ok(self.propose(turn, Plan::CampaignStart(brief), revised.as_ref()))
    }

    /// Writes the conversation's e-mail. A campaign that waits for approval is proposed anew with it.
    pub(crate) async fn write_email(
        &self,
        workspace_id: Uuid,
        asked: WriteEmail,
        turn: &mut Turn<'_>,
    ) -> Result<Used, Unused> {
        let example = self.example(&asked.subject, &asked.message, turn)?;
        turn.state.email = Some(example.clone());
        let written = json!({"subject": example.title, "message": example.message});
        let Some(pending) = self.pending(workspace_id, turn.state.campaign_task).await? else {
            let note = turn
                .state
                .campaign_task
                .map(|_| "the campaign's drafts are being written already; this changes none of them");
            return Ok(Used::done(json!({"email": written, "note": note}), "written".to_owned()));
        };
        let Plan::CampaignStart(last) = &pending.plan else {
            return Ok(Used::done(json!({"email": written}), "written".to_owned()));
        };
        let brief = Brief { campaign_id: self.random.uuid(), example: Some(example), ..last.clone() };
        turn.state.campaign = Some(brief.clone());
        let mut used = self.propose(turn, Plan::CampaignStart(brief), Some(&pending));
        used.result["email"] = written;
        Ok(used)
    }

    /// An e-mail in its form, which names nothing that the person did not.
    fn example(&self, subject: &str, message: &str, turn: &Turn<'_>) -> Result<Example, Unused> {
        let written = ChannelMessage {
            title: subject.trim().to_owned(),
            message: message.trim().to_owned(),
            strategy: "-".to_owned(),
        };
        // What was agreed on before may be said again.
        let before = turn.state.email.as_ref().map(|email| format!("{}\n{}", email.title, email.message));
        let known = format!("{}\n{}", turn.own_words, before.unwrap_or_default());
        match Basis::default().admitting(&known).knowing(&known).fault_of(Channel::Email, &written) {
            Some(fault) => refused(format!("the e-mail cannot be used: {fault}")),
            None => Ok(Example { title: written.title, message: written.message }),
        }
    }

    pub(crate) async fn contact_update(
        &self,
        workspace_id: Uuid,
        asked: ContactUpdate,
        turn: &mut Turn<'_>,
    ) -> Result<Used, Unused> {
        let lead = self.contact(workspace_id, &asked.contact).await?.one(
            "no contact fits; ask for the contact's e-mail address",
            "several contacts fit; ask for the contact's e-mail address",
        )?;
        let text = |value: Option<String>| value.map(|value| cut(&value, LONGEST)).filter(|value| !value.is_empty());
        let mut changes = ContactChanges {
            full_name: text(asked.full_name),
            email: text(asked.email),
            phone: text(asked.phone),
            job_title: text(asked.job_title),
            company_name: text(asked.company_name),
            stage: text(asked.stage),
        };
        if changes == ContactChanges::default() {
            return refused("nothing is to be changed; ask what");
        }
        let given = [
            ("full_name", &changes.full_name),
            ("email", &changes.email),
            ("phone", &changes.phone),
            ("job_title", &changes.job_title),
            ("company_name", &changes.company_name),
            ("stage", &changes.stage),
        ];
        let invented =
            given.iter().find(|(_, value)| value.as_ref().is_some_and(|value| !says(&turn.own_words, value)));
        if let Some((field, _)) = invented {
            return refused(format!("{field} must be what the person wrote; ask for it"));
        }
        for (field, value, normal) in [
            ("email", &mut changes.email, addresses::email as fn(&str) -> Result<String, &'static str>),
            ("phone", &mut changes.phone, |text: &str| addresses::phone(text, None)),
        ] {
            if let Some(given) = value {
                match normal(given) {
                    Ok(normal) => *given = normal,
                    Err(complaint) => return refused(format!("{field} {complaint}")),
                }
            }
        }
        let said =
            if says(&turn.own_words, &asked.contact) { cut(&asked.contact, LONGEST) } else { "the contact".to_owned() };
        let plan = Plan::ContactUpdate { lead_id: lead.lead_id, name: record_name(&lead), changes };
        let mut told = plan.clone();
        if let Plan::ContactUpdate { name, .. } = &mut told {
            *name = said;
        }
        Ok(self.propose_as(turn, plan, told, None))
    }

    pub(crate) async fn list_operation(
        &self,
        workspace_id: Uuid,
        asked: ListOperation,
        turn: &mut Turn<'_>,
    ) -> Result<Used, Unused> {
        if asked.operation == Operation::Create {
            let name = asked.list.as_deref().or(asked.new_name.as_deref()).map(|name| cut(name, LONGEST_NAME));
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                return refused("what is the list to be called? Ask the person");
            };
            passes(Part::Label, &name, turn)?;
            if !matches!(self.list_named(workspace_id, &name).await?, Found::None) {
                return refused("there is a list of this name already");
            }
            let list = Target { list_id: self.random.uuid(), name };
            let plan = Plan::ListOperation { list, operation: tasks::ListOperation::Create, contacts: Vec::new() };
            return Ok(self.propose(turn, plan, None));
        }
        let list = self.list(workspace_id, asked.list.as_deref(), turn).await?;
        let list = Target { list_id: list.list_id, name: list.name };
        if asked.operation == Operation::Rename {
            let to = asked.new_name.as_deref().map(|name| cut(name, LONGEST_NAME)).unwrap_or_default();
            if to.is_empty() {
                return refused("what is the new name? Ask the person");
            }
            passes(Part::Label, &to, turn)?;
            let plan =
                Plan::ListOperation { list, operation: tasks::ListOperation::Rename { to }, contacts: Vec::new() };
            return Ok(self.propose(turn, plan, None));
        }
        let leads = self.contacts(workspace_id, &asked.contacts, &turn.own_words).await?;
        let lead_ids = leads.iter().map(|lead| lead.lead_id).collect();
        let operation = match asked.operation {
            Operation::Remove => tasks::ListOperation::Remove { lead_ids },
            Operation::Add | Operation::Create | Operation::Rename => tasks::ListOperation::Add { lead_ids },
        };
        let said = asked.contacts.iter().map(|name| cut(name, LONGEST)).collect();
        let told = Plan::ListOperation { list: list.clone(), operation: operation.clone(), contacts: said };
        let contacts = leads.iter().map(record_name).collect();
        Ok(self.propose_as(turn, Plan::ListOperation { list, operation, contacts }, told, None))
    }

    /// The contacts with these names. The user must have said each name.
    async fn contacts(&self, workspace_id: Uuid, named: &[String], own_words: &str) -> Result<Vec<Lead>, Unused> {
        if !(1..=CONTACTS).contains(&named.len()) {
            return refused(format!("name 1 to {CONTACTS} contacts"));
        }
        let mut leads: Vec<Lead> = Vec::new();
        for (index, name) in named.iter().enumerate() {
            let why = |why| format!("contact {} of your call: {why}; ask for the e-mail address", index + 1);
            if !says(own_words, name) {
                return refused(why("the person did not say this name"));
            }
            let lead = self.contact(workspace_id, name).await?.one(&why("nobody fits"), &why("several fit"))?;
            if leads.iter().all(|found| found.lead_id != lead.lead_id) {
                leads.push(lead);
            }
        }
        Ok(leads)
    }
}

/// Refuses a text of a task that does not pass the gate. It rests on what the person said.
fn passes(part: Part, text: &str, turn: &Turn<'_>) -> Result<(), Unused> {
    let basis = Basis::default().admitting(&turn.own_words).knowing(&turn.own_words);
    match basis.fault(part, text) {
        Some(fault) => refused(format!("a text of the task cannot be used: {fault}")),
        None => Ok(()),
    }
}

/// A text on one line, trimmed, of at most this many characters.
fn cut(text: &str, most: usize) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(most).collect()
}

/// What a record calls a contact.
fn record_name(lead: &Lead) -> String {
    let name = lead.full_name.as_ref().or(lead.email.as_ref()).or(lead.phone.as_ref());
    let name = name.map_or_else(|| lead.lead_id.to_string(), |name| cut(name, LONGEST));
    match &lead.company_name {
        Some(company) => format!("{name} ({})", cut(company, LONGEST)),
        None => name,
    }
}

/// The name of a list that a search creates.
fn new_list_name(query: &Query) -> String {
    let description = query.describe();
    let named = description.trim_start_matches(|count: char| count.is_ascii_digit()).trim_start();
    cut(named, LONGEST_NAME)
}

/// Whether a search finds only what the last one would find: in nothing is it wider.
fn narrows(query: &Query, last: &Query) -> bool {
    let within = |new: &[String], old: &[String]| {
        let old: Vec<_> = old.iter().map(|value| value.to_lowercase()).collect();
        old.is_empty() || !new.is_empty() && new.iter().all(|value| old.contains(&value.to_lowercase()))
    };
    within(&query.titles, &last.titles)
        && within(&query.industries, &last.industries)
        && within(&query.places, &last.places)
        && last.min_employees.is_none_or(|least| query.min_employees.is_some_and(|new| new >= least))
        && last.max_employees.is_none_or(|most| query.max_employees.is_some_and(|new| new <= most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(titles: &[&str], industries: &[&str], places: &[&str]) -> Query {
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        Query {
            titles: owned(titles),
            industries: owned(industries),
            places: owned(places),
            count: 20,
            ..Query::default()
        }
    }

    #[test]
    fn a_search_takes_the_place_of_one_that_it_narrows() {
        let last = query(&["CEO"], &["law firms"], &[]);
        assert!(narrows(&query(&["ceo"], &["Law firms"], &["New York"]), &last));
        assert!(narrows(&last, &last));
        assert!(!narrows(&query(&["CTO"], &["law firms"], &["New York"]), &last));
        assert!(!narrows(&query(&["CEO"], &[], &["New York"]), &last));
        assert!(!narrows(&query(&["CEO", "CTO"], &["law firms"], &[]), &last));
        let sized = Query { min_employees: Some(50), max_employees: Some(200), ..last.clone() };
        assert!(narrows(&sized, &last) && !narrows(&last, &sized));
        assert!(!narrows(&Query { max_employees: Some(500), ..sized.clone() }, &sized));
    }
}
