//! `POST /v1/contacts` and `POST /v1/contacts/bulk`: creates contacts, or updates those with a known external
//! reference, e-mail address or phone number.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::api::exactly_once::ExactlyOnce;
use shared::api::http::request::{self, Complaints};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Json, MAX_INGESTED};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::store::StoreError;
use shared::crm::leads::{Contact, Email, Lead, Leads, Phone, Upserted};
use shared::workspace::auth::Permission;
use uuid::Uuid;

/// How many contacts of a bulk request are written concurrently. The rows of one contact are written one after the
/// other.
const AT_ONCE: usize = 8;

/// One contact.
#[derive(Clone, Debug, FromContext)]
pub struct PostContact {
    leads: Leads,
    once: ExactlyOnce,
}

/// A bulk request.
#[derive(Clone, Debug, FromContext)]
pub struct PostContacts {
    leads: Leads,
    once: ExactlyOnce,
}

/// A contact that is to be recorded.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    rename = "ContactGiven",
    extend("anyOf" = [{"required": ["external_ref"]}, {"required": ["email"]}, {"required": ["phone"]}])
)]
pub struct NewContact {
    /// The reference that you know it by.
    #[schemars(length(max = 128))]
    pub external_ref: Option<String>,
    /// Name.
    #[schemars(length(max = 200))]
    pub full_name: Option<String>,
    /// E-mail address.
    pub email: Option<Email>,
    /// Phone number with its country code.
    pub phone: Option<Phone>,
    /// Profile on LinkedIn.
    #[schemars(length(max = 500))]
    pub linkedin: Option<String>,
    /// Job title.
    #[schemars(length(max = 200))]
    pub job_title: Option<String>,
    /// Company.
    #[schemars(length(max = 255))]
    pub company_name: Option<String>,
    /// Stage in the sales pipeline.
    #[schemars(length(max = 100))]
    pub stage: Option<String>,
}

/// Contacts that are to be recorded.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ContactsGiven")]
pub struct NewContacts {
    /// The contacts. Each is validated like a single contact and gets a result of its own.
    #[schemars(length(min = 1, max = 500), with = "Vec<NewContact>", extend("x-apart" = true))]
    pub contacts: Vec<Value>,
}

/// A contact as it stands now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ContactRecorded {
    /// What was done.
    pub status: RecordedAs,
    /// The contact.
    #[serde(flatten)]
    pub contact: Contact,
}

/// What was done with a contact.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RecordedAs {
    /// It was not known.
    Created,
    /// Something of it was new.
    Updated,
    /// Nothing of it was new.
    Unchanged,
}

/// The results of the contacts, in the order of the request.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ContactResults {
    /// A result for each.
    pub results: Vec<ContactResult>,
}

/// What became of a contact.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ContactResult {
    /// It was recorded.
    Recorded {
        /// The contact.
        #[serde(flatten)]
        contact: ContactRecorded,
        /// The contact's index in the request, from 0.
        index: u32,
    },
    /// It was not recorded.
    Wrong {
        /// Always `error`.
        #[schemars(extend("const" = "error"))]
        status: &'static str,
        /// What is wrong.
        error: ContactError,
        /// The contact's index in the request, from 0.
        index: u32,
    },
}

/// What is wrong with a contact.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ContactError {
    /// Always `validation_error`.
    #[schemars(extend("const" = "validation_error"))]
    pub code: &'static str,
    /// Each wrong field with what it has to be.
    pub fields: BTreeMap<String, String>,
}

impl NewContact {
    /// Refuses a contact without any of its three identities.
    fn check(&self) -> Result<(), Problem> {
        if self.external_ref.is_some() || self.email.is_some() || self.phone.is_some() {
            return Ok(());
        }
        let message = "a contact needs an external_ref, an email or a phone";
        let fields =
            ["external_ref", "email", "phone"].map(|name| (name.to_owned(), "one of the three is required".to_owned()));
        Err(Problem { fields: fields.into(), ..Problem::new(Code::Validation, message) })
    }
}

impl From<NewContact> for Lead {
    fn from(new: NewContact) -> Self {
        Self {
            lead_id: Uuid::nil(),
            external_ref: new.external_ref,
            full_name: new.full_name,
            email: new.email.map(|email| email.0),
            phone: new.phone.map(|phone| phone.0),
            linkedin: new.linkedin,
            job_title: new.job_title,
            company_name: new.company_name,
            stage: new.stage,
        }
    }
}

impl ContactResult {
    fn new(index: usize, recorded: Result<ContactRecorded, Complaints>) -> Self {
        let index = index as u32;
        match recorded {
            Ok(contact) => Self::Recorded { contact, index },
            Err(fields) => {
                Self::Wrong { status: "error", error: ContactError { code: "validation_error", fields }, index }
            }
        }
    }
}

impl Endpoint for PostContact {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::WriteLeads;
    const MAX_BODY: usize = MAX_INGESTED;
    type Request = Json<NewContact>;
    type Answer = ContactRecorded;

    fn check(&self, Json(new): &Self::Request) -> Result<(), Problem> {
        new.check()
    }

    async fn handle(&self, call: &Call, Json(new): Self::Request) -> Result<Answered<ContactRecorded>, Problem> {
        let given = Lead::from(new);
        let work = async {
            let upserted = self.leads.upsert(call.workspace_id, &given).await?;
            let refused = |fields| Problem::fields(fields).with_code(Code::IdentityTaken);
            call.success(recorded(upserted, &given).map_err(refused)?)
        };
        self.once.for_free(call, work).await
    }
}

impl Endpoint for PostContacts {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::WriteLeads;
    const MAX_BODY: usize = MAX_INGESTED;
    type Request = Json<NewContacts>;
    type Answer = ContactResults;

    async fn handle(&self, call: &Call, Json(new): Self::Request) -> Result<Answered<ContactResults>, Problem> {
        let work = async {
            let (mut results, mut good) = (BTreeMap::new(), Vec::new());
            for (index, given) in new.contacts.into_iter().enumerate() {
                match row(given) {
                    Ok(given) => good.push((index, given)),
                    Err(fields) => _ = results.insert(index, Err(fields)),
                }
            }
            let written = stream::iter(by_contact(good)).map(|given| self.write(call.workspace_id, given));
            let written: Vec<_> = written.buffer_unordered(AT_ONCE).try_collect().await?;
            results.extend(written.into_iter().flatten());
            let results = results.into_iter().map(|(index, recorded)| ContactResult::new(index, recorded));
            call.success(ContactResults { results: results.collect() })
        };
        self.once.for_free(call, work).await
    }
}

/// Rows of a bulk request, each with its place in it.
type Rows = Vec<(usize, Lead)>;

impl PostContacts {
    /// Writes rows one after the other.
    async fn write(
        &self,
        workspace_id: Uuid,
        rows: Rows,
    ) -> Result<Vec<(usize, Result<ContactRecorded, Complaints>)>, StoreError> {
        let mut written = Vec::with_capacity(rows.len());
        for (index, given) in rows {
            let upserted = self.leads.upsert(workspace_id, &given).await?;
            written.push((index, recorded(upserted, &given)));
        }
        Ok(written)
    }
}

/// Groups rows that share an identity, also through a third row, in their order, so that a later row overwrites an
/// earlier one.
fn by_contact(rows: Rows) -> Vec<Rows> {
    let mut contacts: Vec<Rows> = Vec::new();
    for row in rows {
        let is_named = |other: &Lead| other.identities().any(|theirs| row.1.identities().any(|own| own == theirs));
        let (same, others): (Vec<_>, Vec<_>) =
            contacts.into_iter().partition(|rows| rows.iter().any(|(_, other)| is_named(other)));
        contacts = others;
        contacts.push(same.into_iter().flatten().chain([row]).collect());
    }
    contacts
}

/// Reads a row of a bulk request.
fn row(given: Value) -> Result<Lead, Complaints> {
    let Value::Object(given) = given else {
        return Err(Complaints::from([("contact".to_owned(), "must be an object".to_owned())]));
    };
    let new: NewContact = request::read(given)?;
    new.check().map_err(|problem| problem.fields)?;
    Ok(new.into())
}

/// The stored contact, or the complaints about identities that belong to another contact.
fn recorded(upserted: Upserted, given: &Lead) -> Result<ContactRecorded, Complaints> {
    let (status, lead) = match upserted {
        Upserted::Created(lead) => (RecordedAs::Created, lead),
        Upserted::Updated(lead) => (RecordedAs::Updated, lead),
        Upserted::Unchanged(lead) => (RecordedAs::Unchanged, lead),
        Upserted::Taken => {
            let complaint = "or another of its identities belongs to another contact";
            return Err(given.identities().map(|(kind, _)| (kind.to_owned(), complaint.to_owned())).collect());
        }
    };
    Ok(ContactRecorded { status, contact: lead.into() })
}
