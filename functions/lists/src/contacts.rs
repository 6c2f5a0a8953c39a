//! `GET` and `POST /v1/lists/{id}/contacts`, and `DELETE /v1/lists/{id}/contacts/{contact_id}`.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::api::exactly_once::ExactlyOnce;
use shared::api::http::{Answered, Call, Dialect, Endpoint, Json, Page, PageMeta, Pages, Path, Query};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::crm::leads::{Contact, Leads};
use shared::crm::lists::{ListError, Lists, MOST, Member};
use shared::workspace::auth::Permission;
use uuid::Uuid;

use crate::{ListPath, no_such_list};

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

/// Contacts that are put on a list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddRequest {
    /// The contacts.
    #[schemars(length(min = 1, max = 500), extend("x-complaint" = "must be a list of 1 to 500 UUIDs of contacts"))]
    pub contact_ids: Vec<Uuid>,
}

/// The result of adding contacts to a list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ContactsAdded {
    /// The list.
    pub list_id: Uuid,
    /// How many contacts are new on the list.
    pub added: u32,
    /// How many contacts were on the list already.
    pub already_there: u32,
    /// How many contacts the list has now.
    pub contact_count: u32,
}

/// A contact on a list, in the path.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct MemberPath {
    /// The list.
    pub id: Uuid,
    /// The contact.
    pub contact_id: Uuid,
}

/// A contact that was taken off a list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ContactRemoved {
    /// The list.
    pub list_id: Uuid,
    /// The contact.
    pub contact_id: Uuid,
    /// Always true.
    pub removed: bool,
    /// How many contacts the list has now.
    pub contact_count: u32,
}

impl AddContacts {
    async fn add(&self, call: &Call, list_id: Uuid, contact_ids: &[Uuid]) -> Result<Answered<ContactsAdded>, Problem> {
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
        call.success(ContactsAdded {
            list_id,
            added: added as u32,
            already_there: (members.len() - added) as u32,
            contact_count: list.contacts,
        })
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

impl Endpoint for GetContacts {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadLeads;
    type Request = (Path<ListPath>, Query<Pages>);
    type Answer = Page<Vec<Contact>>;

    async fn handle(&self, call: &Call, request: Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let (Path(ListPath { id }), Query(pages)) = request;
        let (list, contacts) = tokio::join!(
            self.lists.get(call.workspace_id, id),
            self.lists.contacts(call.workspace_id, id, (pages.skip(), pages.size()))
        );
        if list?.is_none() {
            return Err(no_such_list());
        }
        let (contacts, total) = contacts?;
        let ids: Vec<_> = contacts.iter().map(|contact| contact.member.lead_id).collect();
        let mut leads = self.leads.leads(call.workspace_id, &ids).await?;
        let data = ids.iter().filter_map(|lead_id| leads.remove(lead_id)).map(Contact::from).collect();
        call.page(Page { data, meta: PageMeta::new(pages, total) })
    }
}

impl Endpoint for AddContacts {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::WriteLeads;
    type Request = (Path<ListPath>, Json<AddRequest>);
    type Answer = ContactsAdded;

    async fn handle(&self, call: &Call, request: Self::Request) -> Result<Answered<ContactsAdded>, Problem> {
        let (Path(list), Json(AddRequest { mut contact_ids })) = request;
        let mut known = HashSet::new();
        contact_ids.retain(|id| known.insert(*id));
        self.once.for_free(call, self.add(call, list.id, &contact_ids)).await
    }
}

impl Endpoint for RemoveContact {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::WriteLeads;
    type Request = Path<MemberPath>;
    type Answer = ContactRemoved;

    async fn handle(&self, call: &Call, Path(member): Self::Request) -> Result<Answered<ContactRemoved>, Problem> {
        let MemberPath { id: list_id, contact_id } = member;
        let removed = self.lists.remove(call.workspace_id, list_id, &[contact_id]).await.map_err(refused)?;
        if removed == 0 {
            return Err(Problem::new(Code::NotFound, "no contact with this contact_id is on this list"));
        }
        let list = self.lists.get(call.workspace_id, list_id).await?.ok_or_else(no_such_list)?;
        call.success(ContactRemoved { list_id, contact_id, removed: true, contact_count: list.contacts })
    }
}
