//! `POST /v1/contacts` and `POST /v1/contacts/bulk`: contacts are created, or updated where the
//! external reference, the e-mail address or the phone number is known.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use shared::api::exactly_once::ExactlyOnce;
use shared::api::http::{Call, Dialect, Fields, Input, MAX_INGESTED, RawEndpoint, Reply};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::store::StoreError;
use shared::crm::leads::{Lead, Leads, Upserted};
use shared::pii::addresses;
use shared::workspace::auth::Permission;
use uuid::Uuid;

/// How many contacts one bulk request takes.
const MOST: usize = 500;

/// How many contacts of a bulk request are written at once; the rows of one follow each other.
const AT_ONCE: usize = 8;

/// One contact.
#[derive(Clone, Debug, FromContext)]
pub struct PostContact {
    leads: Leads,
    once: ExactlyOnce,
}

/// Many contacts, each with a result of its own.
#[derive(Clone, Debug, FromContext)]
pub struct PostContacts {
    leads: Leads,
    once: ExactlyOnce,
}

impl RawEndpoint for PostContact {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::WriteLeads;
    const MAX_BODY: usize = MAX_INGESTED;
    type Request = Lead;

    fn parse(&self, input: &Input) -> Result<Lead, Problem> {
        contact(&input.body)
    }

    async fn handle(&self, call: &Call, given: Lead) -> Result<Reply, Problem> {
        let work = async {
            let upserted = self.leads.upsert(call.workspace_id, &given).await?;
            let refused = |fields| Problem { code: Code::IdentityTaken, ..Problem::fields(fields) };
            shown(upserted, &given).map(|contact| call.raw_success(contact)).map_err(refused)
        };
        self.once.for_free(call, work).await
    }
}

impl RawEndpoint for PostContacts {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::WriteLeads;
    const MAX_BODY: usize = MAX_INGESTED;
    /// Each contact, or what is wrong with it.
    type Request = Vec<Result<Lead, BTreeMap<String, String>>>;

    fn parse(&self, input: &Input) -> Result<Self::Request, Problem> {
        let many = input.body.get("contacts").and_then(Value::as_array).filter(|many| (1..=MOST).contains(&many.len()));
        let many =
            many.ok_or_else(|| Problem::field("contacts", &format!("must be a list of 1 to {MOST} contacts")))?;
        let wrong = |problem: Problem| match problem.fields.is_empty() {
            true => BTreeMap::from([("contact".to_owned(), "must be an object".to_owned())]),
            false => problem.fields,
        };
        Ok(many.iter().map(|given| contact(given).map_err(wrong)).collect())
    }

    async fn handle(&self, call: &Call, request: Self::Request) -> Result<Reply, Problem> {
        let work = async {
            let (mut rows, mut good) = (BTreeMap::new(), Vec::new());
            for (index, given) in request.into_iter().enumerate() {
                match given {
                    Ok(given) => good.push((index, given)),
                    Err(fields) => _ = rows.insert(index, wrong(fields)),
                }
            }
            let written = stream::iter(by_contact(good)).map(|given| self.write(call.workspace_id, given));
            let written: Vec<_> = written.buffer_unordered(AT_ONCE).try_collect().await?;
            rows.extend(written.into_iter().flatten());
            for (index, row) in &mut rows {
                row["index"] = json!(index);
            }
            Ok(call.raw_success(json!({ "results": rows.into_values().collect::<Vec<_>>() })))
        };
        self.once.for_free(call, work).await
    }
}

/// Rows of a bulk request, each with its place in it.
type Rows = Vec<(usize, Lead)>;

impl PostContacts {
    /// Writes rows one after the other.
    async fn write(&self, workspace_id: Uuid, rows: Rows) -> Result<Vec<(usize, Value)>, StoreError> {
        let mut written = Vec::with_capacity(rows.len());
        for (index, given) in rows {
            let upserted = self.leads.upsert(workspace_id, &given).await?;
            written.push((index, shown(upserted, &given).unwrap_or_else(wrong)));
        }
        Ok(written)
    }
}

/// Puts rows together that share an identity, also through a third, in their order: what a later row
/// says of a contact has to stand.
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

fn wrong(fields: BTreeMap<String, String>) -> Value {
    json!({"status": "error", "error": {"code": "validation_error", "fields": fields}})
}

/// Reads a contact; one of its three identities has to be there.
fn contact(given: &Value) -> Result<Lead, Problem> {
    let mut fields = Fields::of(given)?;
    let lead = Lead {
        lead_id: Uuid::nil(),
        external_ref: fields.optional_text("external_ref", 128),
        full_name: fields.optional_text("full_name", 200),
        email: fields.normalised("email", addresses::email),
        phone: fields.normalised("phone", |text| addresses::phone(text, None)),
        linkedin: fields.optional_text("linkedin", 500),
        job_title: fields.optional_text("job_title", 200),
        company_name: fields.optional_text("company_name", 255),
        stage: fields.optional_text("stage", 100),
    };
    fields.finish()?;
    if lead.identities().next().is_none() {
        let message = "a contact needs an external_ref, an email or a phone";
        let fields =
            ["external_ref", "email", "phone"].map(|name| (name.to_owned(), "one of the three is required".to_owned()));
        return Err(Problem { fields: fields.into(), ..Problem::new(Code::Validation, message) });
    }
    Ok(lead)
}

/// The contact as it stands now; if one of its identities belongs to another, the complaints about them.
fn shown(upserted: Upserted, given: &Lead) -> Result<Value, BTreeMap<String, String>> {
    let (status, lead) = match upserted {
        Upserted::Created(lead) => ("created", lead),
        Upserted::Updated(lead) => ("updated", lead),
        Upserted::Unchanged(lead) => ("unchanged", lead),
        Upserted::Taken => {
            let complaint = "or another of its identities belongs to another contact";
            return Err(given.identities().map(|(kind, _)| (kind.to_owned(), complaint.to_owned())).collect());
        }
    };
    let own = [("status".to_owned(), json!(status)), ("contact_id".to_owned(), json!(lead.lead_id))];
    Ok(own.into_iter().chain(lead.fields()).collect())
}
