//! The request body, in both spellings. Errors are reported in this order: missing ids, ids that are not UUIDs, the
//! phone number, the other fields (docs/behaviour.md, "Follow-up").

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::api::http::request::{Complaints, Parts, describe, read};
use shared::api::http::{FromRequest, Input};
use shared::base::problem::{Code, MISSING, Problem};
use shared::parsed_text;
use uuid::Uuid;

/// A lead to follow up. Each field has another spelling, in snake case, that counts as well; a request that sends both
/// has to say the same in both.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "FollowUpRequest", transform = both_spellings)]
pub struct Request {
    /// The site that the lead comes from; it has to be there.
    pub site_id: Uuid,
    /// The lead; it has to be there.
    pub lead_id: Uuid,
    /// The representative; by default the one whom the site's sales agent writes for.
    pub user_id: Option<Uuid>,
    /// The sales agent; by default the site's active one.
    pub agent_id: Option<Uuid>,
    /// The visitor as whom the lead was seen on the site.
    pub visitor_id: Option<Uuid>,
    /// Such as `email`, `call` or `meeting`.
    #[schemars(length(max = 100))]
    pub follow_up_type: Option<String>,
    /// The stage in the pipeline, instead of what is stored.
    #[schemars(length(max = 100))]
    pub lead_stage: Option<String>,
    /// What happened before, instead of what is stored.
    #[schemars(length(max = 50))]
    pub previous_interactions: Option<Vec<Interaction>>,
    /// What is known of the lead, before what is stored; at most 16 KiB.
    pub lead_data: Option<LeadData>,
    /// Products or services of interest.
    #[schemars(length(max = 50), inner(length(max = 500)), extend("x-complaint" = SHORT_TEXTS))]
    pub product_interest: Option<Vec<String>>,
    /// The time between the steps of a sequence, such as `3 days` or `1 week`; from an hour to 90 days.
    #[schemars(length(max = 100))]
    pub follow_up_interval: Option<String>,
    /// The number to write to on WhatsApp, instead of what is stored: at least 7 digits.
    pub phone_number: Option<PhoneNumber>,
}

/// Something that happened with the lead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("anyOf" = [{"required": ["summary"]}, {"required": ["content"]}], "x-complaint" = AN_INTERACTION))]
pub struct Interaction {
    /// When it happened.
    #[schemars(length(max = 5_000))]
    pub date: String,
    /// What, such as `email` or `call`.
    #[serde(rename = "type")]
    #[schemars(length(max = 5_000))]
    pub kind: String,
    /// What it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Value>,
    /// What was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Value>,
    /// Other fields, as they are.
    #[serde(flatten)]
    #[schemars(skip)]
    pub others: Map<String, Value>,
}

/// What is known of the lead. Other fields are accepted and passed on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeadData {
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub name: Option<String>,
    /// Company.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub company: Option<String>,
    /// Job title.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub position: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 254))]
    pub email: Option<String>,
    /// Phone number: at least 7 digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 40))]
    pub phone: Option<String>,
    /// The lead's pain points.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 50), inner(length(max = 500)), extend("x-complaint" = SHORT_TEXTS))]
    pub pain_points: Option<Vec<String>>,
    /// The budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub budget_range: Option<String>,
    /// The stage in the pipeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    pub lead_stage: Option<String>,
    /// Other fields, as they are.
    #[serde(flatten)]
    #[schemars(skip)]
    pub others: Map<String, Value>,
}

/// A number with at least 7 digits, as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneNumber(pub String);

parsed_text!(PhoneNumber, PhoneNumber::of, "must be a string with at least 7 digits", {
    "type": "string",
    "maxLength": 40,
    "pattern": "^(?:[^0-9]*[0-9]){7}",
});

impl PhoneNumber {
    fn of(text: &str) -> Option<Self> {
        Some(Self(text.to_owned())).filter(|_| text.chars().count() <= 40 && has_seven_digits(text))
    }
}

const SHORT_TEXTS: &str = "must be a list of at most 50 strings of at most 500 characters";
const AN_INTERACTION: &str = "must have the strings date, type, and summary or content";

/// The fields in both spellings, in the order in which their errors are reported.
const FIELDS: [(&str, &str); 12] = [
    ("siteId", "site_id"),
    ("leadId", "lead_id"),
    ("userId", "user_id"),
    ("agentId", "agent_id"),
    ("visitorId", "visitor_id"),
    ("phoneNumber", "phone_number"),
    ("followUpType", "follow_up_type"),
    ("leadStage", "lead_stage"),
    ("previousInteractions", "previous_interactions"),
    ("leadData", "lead_data"),
    ("productInterest", "product_interest"),
    ("followUpInterval", "follow_up_interval"),
];

/// How many of them are UUIDs.
const UUIDS: usize = 5;

/// The most bytes of `leadData`.
const MOST_LEAD_DATA: usize = 16 * 1024;

/// Adds each field's other spelling to the schema. What has to be there may be `null` in one of them.
fn both_spellings(schema: &mut Schema) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        *properties = std::mem::take(properties)
            .into_iter()
            .flat_map(|(name, mut property)| {
                if property["type"] == "string" {
                    property["type"] = json!(["string", "null"]);
                }
                let other = FIELDS.iter().find(|(field, _)| *field == name).map_or("", |(_, other)| *other).to_owned();
                let mut again = property.clone();
                again["description"] = json!(format!("As `{name}`."));
                [(name, property), (other, again)]
            })
            .collect();
    }
    let either = |name: &str, other: &str| json!({"anyOf": [{"required": [name]}, {"required": [other]}]});
    schema.insert("allOf".to_owned(), json!([either("siteId", "site_id"), either("leadId", "lead_id")]));
    schema.remove("required");
}

impl FromRequest for Request {
    fn take(input: &mut Input, _: &mut Complaints) -> Result<Option<Self>, Problem> {
        let Value::Object(body) = input.body.take() else {
            return Err(Problem::new(Code::Validation, "the body must be a JSON object"));
        };
        Self::of(body).map(Some)
    }

    fn parts() -> Parts {
        Parts { body: Some(describe::<Self>), ..Parts::default() }
    }
}

impl Request {
    /// Reads a body. The error names the first kind of fault in the order above.
    fn of(body: Map<String, Value>) -> Result<Self, Problem> {
        let (fields, spelled, mut complaints) = one_spelling(body);
        let missing: Vec<_> = ["siteId", "leadId"].into_iter().filter(|name| !fields.contains_key(*name)).collect();
        if let Some(first) = missing.first() {
            let fields = missing.iter().map(|name| ((*name).to_owned(), MISSING.to_owned()));
            return Err(Problem { message: format!("{first} {MISSING}"), ..Problem::fields(fields.collect()) });
        }
        let lead_data = fields.get("leadData").map_or(0, |lead| lead.to_string().len());
        let request = read::<Self>(fields);
        match &request {
            Ok(request) => complaints.extend(request.faults(lead_data)),
            Err(others) => complaints.extend(others.clone()),
        }
        // The names as they were spelled.
        let complaints: Complaints = complaints
            .into_iter()
            .map(|(path, complaint)| {
                let end = path.find(['.', '[']).unwrap_or(path.len());
                let (name, rest) = path.split_at(end);
                (format!("{}{rest}", spelled.get(name).map_or(name, String::as_str)), complaint)
            })
            .collect();
        let first = |names: &[(&str, &str)]| {
            let names = names.iter().flat_map(|(name, other)| [*name, *other]);
            names.into_iter().find_map(|name| complaints.get_key_value(name))
        };
        let differs = |complaint: &str| complaint.ends_with("send one of them");
        for (names, code) in
            [(&FIELDS[..UUIDS], Code::InvalidInput), (&FIELDS[UUIDS..=UUIDS], Code::InvalidPhoneNumber)]
        {
            if let Some((name, complaint)) = first(names) {
                let code = if differs(complaint) { Code::Validation } else { code };
                return Err(Problem::field(name, complaint).with_code(code));
            }
        }
        match request {
            Ok(request) if complaints.is_empty() => Ok(request),
            _ => Err(Problem::fields(complaints)),
        }
    }

    /// What goes beyond the schema.
    fn faults(&self, lead_data: usize) -> Complaints {
        let mut faults = Complaints::new();
        let mut fault = |name: String, complaint: &str| _ = faults.insert(name, complaint.to_owned());
        let is_text = |value: &Option<Value>| {
            value.as_ref().and_then(Value::as_str).is_some_and(|text| text.chars().count() <= 5_000)
        };
        for (index, interaction) in self.previous_interactions.iter().flatten().enumerate() {
            if !(is_text(&interaction.summary) || is_text(&interaction.content)) {
                fault(format!("previousInteractions[{index}]"), AN_INTERACTION);
            }
        }
        let Some(lead) = &self.lead_data else { return faults };
        if lead.email.as_ref().is_some_and(|email| !email.contains('@')) {
            fault("leadData.email".to_owned(), "must be an e-mail address");
        }
        if lead.phone.as_ref().is_some_and(|phone| !has_seven_digits(phone)) {
            fault("leadData.phone".to_owned(), "must have at least 7 digits");
        }
        if lead_data > MOST_LEAD_DATA {
            fault("leadData".to_owned(), "must have at most 16 KiB");
        }
        faults
    }

    /// Products or services of interest; a blank text is none.
    pub fn products(&self) -> Vec<&str> {
        self.product_interest.iter().flatten().map(String::as_str).filter(|text| !text.trim().is_empty()).collect()
    }

    /// The number to write to on WhatsApp.
    pub fn phone_number(&self) -> Option<&str> {
        self.phone_number.as_ref().map(|number| number.0.as_str())
    }
}

pub fn has_seven_digits(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() >= 7
}

/// The fields under their first spelling, the spelling each had, and complaints about fields that are given twice and
/// differ. A blank required identifier counts as missing.
fn one_spelling(mut body: Map<String, Value>) -> (Map<String, Value>, BTreeMap<&'static str, String>, Complaints) {
    let (mut fields, mut spelled, mut complaints) = (Map::new(), BTreeMap::new(), Complaints::new());
    for (index, (name, other)) in FIELDS.into_iter().enumerate() {
        let is_blank = |value: &Value| index < 2 && value.as_str().is_some_and(|text| text.trim().is_empty());
        let mut given = |name| body.remove(name).filter(|value: &Value| !value.is_null() && !is_blank(value));
        let (value, name_given) = match (given(name), given(other)) {
            (Some(one), Some(two)) => {
                let same = one == two || uuid(&one).is_some_and(|one| uuid(&two) == Some(one));
                if !same {
                    complaints.insert(name.to_owned(), format!("and {other} are given and differ; send one of them"));
                }
                (one, name)
            }
            (Some(value), None) => (value, name),
            (None, Some(value)) => (value, other),
            (None, None) => continue,
        };
        fields.insert(name.to_owned(), value);
        spelled.insert(name, name_given.to_owned());
    }
    fields.extend(body);
    (fields, spelled, complaints)
}

fn uuid(value: &Value) -> Option<Uuid> {
    value.as_str().and_then(shared::api::http::uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &Value) -> Result<Request, Problem> {
        Request::of(body.as_object().unwrap().clone())
    }

    const SITE: &str = "5eed0000-0000-4000-8000-000000000401";
    const LEAD: &str = "5eed0000-0000-1000-8000-000000000402";

    fn refused(body: Value) -> (Code, String) {
        let problem = parse(&body).unwrap_err();
        (problem.code, problem.message)
    }

    #[test]
    fn both_spellings_are_one() {
        let camel =
            json!({"siteId": SITE, "leadId": LEAD, "agentId": SITE, "visitorId": LEAD, "followUpType": "email"});
        let snake =
            json!({"site_id": SITE, "lead_id": LEAD, "agent_id": SITE, "visitor_id": LEAD, "follow_up_type": "email"});
        let parsed = parse(&camel).unwrap();
        assert_eq!(parse(&snake).unwrap(), parsed);
        assert_eq!(parsed.follow_up_type.as_deref(), Some("email"));
        let twice = json!({"siteId": SITE, "site_id": SITE.to_uppercase(), "leadId": LEAD});
        assert!(parse(&twice).is_ok());
        let (code, message) = refused(json!({"siteId": SITE, "site_id": LEAD, "leadId": LEAD}));
        assert_eq!(code, Code::Validation);
        assert!(message.starts_with("siteId and site_id are given and differ"), "{message}");
    }

    #[test]
    fn checks_come_in_the_contracts_order() {
        let wrong = json!({"phone_number": ""});
        for (body, code, message) in [
            (json!({"phone_number": "", "leadId": "x"}), Code::Validation, "siteId is required"),
            (json!({"siteId": "x", "phone_number": ""}), Code::Validation, "leadId is required"),
            (wrong.clone(), Code::Validation, "siteId is required"),
            (json!({"siteId": "x", "leadId": LEAD, "phone_number": ""}), Code::InvalidInput, "siteId must be a UUID"),
            (json!({"siteId": SITE, "lead_id": 5, "phone_number": ""}), Code::InvalidInput, "lead_id must be a UUID"),
            (
                json!({"siteId": SITE, "leadId": LEAD, "userId": "u", "phone_number": ""}),
                Code::InvalidInput,
                "userId must be a UUID",
            ),
            (
                json!({"siteId": SITE, "leadId": LEAD, "phone_number": "", "leadStage": 5}),
                Code::InvalidPhoneNumber,
                "phone_number must",
            ),
            (
                json!({"siteId": SITE, "leadId": LEAD, "phone_number": 12345678}),
                Code::InvalidPhoneNumber,
                "phone_number must",
            ),
            (
                json!({"siteId": SITE, "leadId": LEAD, "phone_number": "123-456"}),
                Code::InvalidPhoneNumber,
                "phone_number must",
            ),
            (json!({"siteId": SITE, "leadId": LEAD, "leadStage": 5}), Code::Validation, "leadStage must"),
            (
                json!({"siteId": SITE, "leadId": LEAD, "previousInteractions": [{"date": "x"}]}),
                Code::Validation,
                "previousInteractions[0] must",
            ),
            (
                json!({"siteId": SITE, "leadId": LEAD, "leadData": {"pain_points": "x"}}),
                Code::Validation,
                "leadData.pain_points must",
            ),
            (
                json!({"siteId": SITE, "leadId": LEAD, "leadData": {"email": "nobody"}}),
                Code::Validation,
                "leadData.email must be an e-mail address",
            ),
            (
                json!({"siteId": SITE, "leadId": LEAD, "leadData": {"phone": "12"}}),
                Code::Validation,
                "leadData.phone must have",
            ),
            (json!({"siteId": SITE, "leadId": LEAD, "productInterest": [1]}), Code::Validation, "productInterest must"),
            (json!({"siteId": SITE, "leadId": LEAD, "leadid": LEAD}), Code::Validation, "leadid is not a field"),
        ] {
            let (given, said) = refused(body.clone());
            assert_eq!(given, code, "{body}");
            assert!(said.starts_with(message), "{body}: {said}");
        }
        assert!(parse(&json!({"siteId": SITE, "leadId": LEAD, "phone_number": "123-4567"})).is_ok());
    }
}
