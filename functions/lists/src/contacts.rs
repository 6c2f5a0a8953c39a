//! `GET` and `POST /v1/lists/{id}/contacts`, and `DELETE /v1/lists/{id}/contacts/{contact_id}`.

use serde_json::{Value, json};
use shared::api::exactly_once::ExactlyOnce;
use shared::api::http::{Call, Dialect, RawEndpoint, Fields, Input, RawPage, RawQuery, Reply, uuid};
use shared::base::context::FromContext;
use shared::base::problem::{Code, MISSING, Problem};
use shared::crm::leads::Leads;
use shared::crm::lists::{ListError, Lists, MOST, Member};
use shared::workspace::auth::Permission;
use uuid::Uuid;

use crate::{contact, no_such_list};

/// How many contacts one request puts on a list.
const AT_ONCE: usize = 500;

/// `GET /v1/lists/{id}/contacts`.
#[derive(Clone, Debug, FromContext)]
pub struct GetContacts {
    leads: Leads,
    lists: Lists,
}

/// `POST /v1/lists/{id}/contacts`.
#[derive(Clone, Debug, FromContext)]
pub struct AddContacts {
    leads: Leads,
    lists: Lists,
    once: ExactlyOnce,
}

/// `DELETE /v1/lists/{id}/contacts/{contact_id}`.
#[derive(Clone, Debug, FromContext)]
pub struct RemoveContact {
    lists: Lists,
}

impl AddContacts {
    async fn add(&self, call: &Call, list_id: Uuid, contact_ids: &[Uuid]) -> Result<Reply, Problem> {
        let (list, leads) =
            tokio::join!(self.lists.get(call.workspace_id, list_id), self.leads.leads(call.workspace_id, contact_ids));
        if list?.is_none() {
            return Err(no_such_list());
        }
        let leads = leads?;
        let unknown: Vec<_> = contact_ids.iter().filter(|contact_id| !leads.contains_key(contact_id)).collect();
        if !unknown.is_empty() {
            let message = "some of these contact_ids are no contacts of this workspace; nothing was added";
            return Err(Problem::new(Code::LeadNotFound, message).detail("unknown_contact_ids", json!(unknown)));
        }
        let member = |lead_id: &Uuid| Member { lead_id: *lead_id, prospect_id: None };
        let members: Vec<_> = contact_ids.iter().map(member).collect();
        let added = self.lists.add(call.workspace_id, list_id, &members).await.map_err(refused)?;
        let list = self.lists.get(call.workspace_id, list_id).await?.ok_or_else(no_such_list)?;
        Ok(call.raw_success(json!({
            "list_id": list_id,
            "added": added,
            "already_there": members.len() - added,
            "contact_count": list.contacts,
        })))
    }
}

#[track_caller]
fn refused(error: ListError) -> Problem {
    match error {
        ListError::NoSuchList => no_such_list(),
        ListError::Full => {
            let complaint = format!("would make the list longer than {MOST} contacts; use another list for them");
            Problem::field("contact_ids", &complaint)
        }
        ListError::Store(error) => error.into(),
    }
}

impl RawEndpoint for GetContacts {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadLeads;
    /// Which list, and which page.
    type Request = (Uuid, RawPage);

    fn parse(&self, input: &Input) -> Result<Self::Request, Problem> {
        let list_id = input.uuid_in_path("id");
        let mut query = RawQuery::of(&input.query);
        let page = RawPage::of(&mut query);
        query.finish()?;
        Ok((list_id?, page))
    }

    async fn handle(&self, call: &Call, (list_id, page): Self::Request) -> Result<Reply, Problem> {
        let (list, contacts) = tokio::join!(
            self.lists.get(call.workspace_id, list_id),
            self.lists.contacts(call.workspace_id, list_id, (page.skip(), page.size))
        );
        if list?.is_none() {
            return Err(no_such_list());
        }
        let (contacts, total) = contacts?;
        let ids: Vec<_> = contacts.iter().map(|contact| contact.member.lead_id).collect();
        let leads = self.leads.leads(call.workspace_id, &ids).await?;
        let shown: Vec<Value> = ids.iter().filter_map(|lead_id| leads.get(lead_id)).map(contact).collect();
        Ok(call.raw_page(json!(shown), page.meta(total)))
    }
}

impl RawEndpoint for AddContacts {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::WriteLeads;
    /// Which list, and the contacts, each once.
    type Request = (Uuid, Vec<Uuid>);

    fn parse(&self, input: &Input) -> Result<Self::Request, Problem> {
        let list_id = input.uuid_in_path("id");
        let mut fields = Fields::of(&input.body)?;
        let given = fields.any("contact_ids");
        fields.finish()?;
        let given = given.ok_or_else(|| Problem::field("contact_ids", MISSING))?;
        let complaint = format!("must be a list of 1 to {AT_ONCE} UUIDs of contacts");
        let ids = given.as_array().filter(|ids| (1..=AT_ONCE).contains(&ids.len()));
        let ids = ids.and_then(|ids| ids.iter().map(|id| uuid(id.as_str()?)).collect::<Option<Vec<_>>>());
        let mut ids = ids.ok_or_else(|| Problem::field("contact_ids", &complaint))?;
        let mut seen = std::collections::HashSet::new();
        ids.retain(|id| seen.insert(*id));
        Ok((list_id?, ids))
    }

    async fn handle(&self, call: &Call, (list_id, contact_ids): Self::Request) -> Result<Reply, Problem> {
        self.once.for_free(call, self.add(call, list_id, &contact_ids)).await
    }
}

impl RawEndpoint for RemoveContact {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::WriteLeads;
    /// Which list, and which contact.
    type Request = (Uuid, Uuid);

    fn parse(&self, input: &Input) -> Result<Self::Request, Problem> {
        Ok((input.uuid_in_path("id")?, input.uuid_in_path("contact_id")?))
    }

    async fn handle(&self, call: &Call, (list_id, contact_id): Self::Request) -> Result<Reply, Problem> {
        let removed = self.lists.remove(call.workspace_id, list_id, &[contact_id]).await.map_err(refused)?;
        if removed == 0 {
            return Err(Problem::new(Code::NotFound, "no contact with this contact_id is on this list"));
        }
        let list = self.lists.get(call.workspace_id, list_id).await?.ok_or_else(no_such_list)?;
        Ok(call.raw_success(json!({
            "list_id": list_id,
            "contact_id": contact_id,
            "removed": true,
            "contact_count": list.contacts,
        })))
    }
}
