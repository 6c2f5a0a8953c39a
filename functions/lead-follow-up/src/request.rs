//! The request body, in both spellings of the document, and its checks in the order of the contract
//! (section 8): what has to be there, what has to be a UUID, the phone number, everything else.

use serde_json::{Map, Value};
use shared::base::problem::{Code, MISSING, Problem};
use uuid::Uuid;

/// The request, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The site that the lead comes from.
    pub site_id: Uuid,
    /// The lead.
    pub lead_id: Uuid,
    /// The representative; by default the one whom the site's sales agent writes for.
    pub user_id: Option<Uuid>,
    /// The sales agent; by default the site's active one.
    pub agent_id: Option<Uuid>,
    /// The visitor as whom the lead was seen on the site.
    pub visitor_id: Option<Uuid>,
    /// Such as `email`, `call` or `meeting`.
    pub follow_up_type: Option<String>,
    /// The stage in the pipeline, instead of what is stored.
    pub lead_stage: Option<String>,
    /// What happened before, instead of what is stored.
    pub previous_interactions: Option<Vec<Value>>,
    /// What is known of the lead, before what is stored.
    pub lead_data: Map<String, Value>,
    /// Products or services of interest.
    pub product_interest: Vec<String>,
    /// Such as `3 days`.
    pub follow_up_interval: Option<String>,
    /// The number to write to on WhatsApp, instead of what is stored.
    pub phone_number: Option<String>,
}

/// The fields of the document, each with its other spelling.
const FIELDS: [(&str, &str); 12] = [
    ("siteId", "site_id"),
    ("leadId", "lead_id"),
    ("userId", "user_id"),
    ("agentId", "agent_id"),
    ("visitorId", "visitor_id"),
    ("followUpType", "follow_up_type"),
    ("leadStage", "lead_stage"),
    ("previousInteractions", "previous_interactions"),
    ("leadData", "lead_data"),
    ("productInterest", "product_interest"),
    ("followUpInterval", "follow_up_interval"),
    ("phoneNumber", "phone_number"),
];

/// Fields of `leadData` that are texts, with the most characters of each.
const LEAD_TEXTS: [(&str, usize); 7] = [
    ("name", 200),
    ("company", 200),
    ("position", 200),
    ("email", 254),
    ("phone", 40),
    ("budget_range", 200),
    ("lead_stage", 100),
];

/// How many interactions, products and pain points are taken.
const MOST: usize = 50;

impl Request {
    /// Reads and checks a body.
    pub fn parse(body: &Value) -> Result<Self, Problem> {
        let Value::Object(body) = body else {
            return Err(Problem::new(Code::Validation, "the body must be a JSON object"));
        };
        let body = Body(body);
        body.has(&["siteId", "leadId"])?;
        let site_id = body.uuid("siteId")?.unwrap_or_default();
        let lead_id = body.uuid("leadId")?.unwrap_or_default();
        let (user_id, agent_id, visitor_id) = (body.uuid("userId")?, body.uuid("agentId")?, body.uuid("visitorId")?);
        let phone_number = body.phone_number()?;
        let request = Self {
            site_id,
            lead_id,
            user_id,
            agent_id,
            visitor_id,
            follow_up_type: body.text("followUpType", 100)?,
            lead_stage: body.text("leadStage", 100)?,
            previous_interactions: body.interactions()?,
            lead_data: body.lead_data()?,
            product_interest: body.texts("productInterest")?,
            follow_up_interval: body.text("followUpInterval", 100)?,
            phone_number,
        };
        body.is_known().map(|()| request)
    }
}

struct Body<'a>(&'a Map<String, Value>);

impl<'a> Body<'a> {
    /// A field in either spelling, with the name that it was given by; `null` counts as absent.
    fn given(&self, name: &'static str) -> Result<Option<(&'static str, &'a Value)>, Problem> {
        let other = FIELDS.iter().find(|(field, _)| *field == name).map_or(name, |(_, other)| other);
        let of = |name| self.0.get(name).filter(|value| !value.is_null());
        match (of(name), of(other)) {
            (Some(one), Some(two)) if one != two && uuid(one).is_none_or(|one| uuid(two) != Some(one)) => {
                Err(Problem::field(name, &format!("and {other} are given and differ; send one of them")))
            }
            (Some(value), _) => Ok(Some((name, value))),
            (None, Some(value)) => Ok(Some((other, value))),
            (None, None) => Ok(None),
        }
    }

    fn is_known(&self) -> Result<(), Problem> {
        let known = |name: &str| FIELDS.iter().any(|(field, other)| [*field, *other].contains(&name));
        match self.0.keys().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => {
                let is_name = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                let shown = if is_name { name } else { "(unnamed)" };
                let known: Vec<_> = FIELDS.iter().map(|(field, _)| *field).collect();
                Err(Problem::field(shown, &format!("is not a field of this request; known are {}", known.join(", "))))
            }
        }
    }

    /// The first that is missing is what the message says; the details name them all.
    fn has(&self, names: &[&'static str]) -> Result<(), Problem> {
        let mut missing = Vec::new();
        for name in names {
            let is_blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
            if self.given(name)?.is_none_or(|(_, value)| is_blank(value)) {
                missing.push(*name);
            }
        }
        let Some(first) = missing.first() else { return Ok(()) };
        let mut problem =
            Problem::fields(missing.iter().map(|name| ((*name).to_owned(), MISSING.to_owned())).collect());
        problem.message = format!("{first} {MISSING}");
        Err(problem)
    }

    fn uuid(&self, name: &'static str) -> Result<Option<Uuid>, Problem> {
        let Some((name, value)) = self.given(name)? else { return Ok(None) };
        uuid(value).map(Some).ok_or_else(|| Problem::field(name, "must be a UUID").with_code(Code::InvalidInput))
    }

    fn phone_number(&self) -> Result<Option<String>, Problem> {
        let Some((name, value)) = self.given("phoneNumber")? else { return Ok(None) };
        let number = value.as_str().filter(|text| text.chars().count() <= 40);
        let number = number.filter(|text| text.bytes().filter(u8::is_ascii_digit).count() >= 7);
        let problem =
            || Problem::field(name, "must be a string with at least 7 digits").with_code(Code::InvalidPhoneNumber);
        number.map(|number| Some(number.to_owned())).ok_or_else(problem)
    }

    fn text(&self, name: &'static str, most: usize) -> Result<Option<String>, Problem> {
        let Some((name, value)) = self.given(name)? else { return Ok(None) };
        text(name, value, most).map(Some)
    }

    fn texts(&self, name: &'static str) -> Result<Vec<String>, Problem> {
        let Some((name, value)) = self.given(name)? else { return Ok(Vec::new()) };
        texts(name, value)
    }

    fn interactions(&self) -> Result<Option<Vec<Value>>, Problem> {
        let Some((name, value)) = self.given("previousInteractions")? else { return Ok(None) };
        let interactions = value.as_array().filter(|given| given.len() <= MOST);
        let Some(interactions) = interactions else {
            return Err(Problem::field(name, &format!("must be a list of at most {MOST} interactions")));
        };
        for (index, interaction) in interactions.iter().enumerate() {
            let has = |field: &str| interaction[field].as_str().is_some_and(|text| text.chars().count() <= 5_000);
            if !(has("date") && has("type") && (has("summary") || has("content"))) {
                let complaint = "must have the strings date, type, and summary or content";
                return Err(Problem::field(&format!("{name}[{index}]"), complaint));
            }
        }
        Ok(Some(interactions.clone()))
    }

    fn lead_data(&self) -> Result<Map<String, Value>, Problem> {
        let Some((name, value)) = self.given("leadData")? else { return Ok(Map::new()) };
        let Some(given) = value.as_object() else { return Err(Problem::field(name, "must be an object")) };
        for (field, most) in LEAD_TEXTS {
            if let Some(value) = given.get(field).filter(|value| !value.is_null()) {
                text(&format!("{name}.{field}"), value, most)?;
            }
        }
        let given_text = |field: &str| given.get(field).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        if given_text("email").is_some_and(|email| !email.contains('@')) {
            return Err(Problem::field(&format!("{name}.email"), "must be an e-mail address"));
        }
        if given_text("phone").is_some_and(|phone| phone.bytes().filter(u8::is_ascii_digit).count() < 7) {
            return Err(Problem::field(&format!("{name}.phone"), "must have at least 7 digits"));
        }
        if let Some(points) = given.get("pain_points").filter(|value| !value.is_null()) {
            texts(&format!("{name}.pain_points"), points)?;
        }
        if value.to_string().len() > 16 * 1024 {
            return Err(Problem::field(name, "must have at most 16 KiB"));
        }
        Ok(given
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect())
    }
}

fn uuid(value: &Value) -> Option<Uuid> {
    value.as_str().and_then(shared::api::http::uuid)
}

fn text(name: &str, value: &Value, most: usize) -> Result<String, Problem> {
    let text = value.as_str().filter(|text| text.chars().count() <= most);
    text.map(str::to_owned)
        .ok_or_else(|| Problem::field(name, &format!("must be a string of at most {most} characters")))
}

fn texts(name: &str, value: &Value) -> Result<Vec<String>, Problem> {
    let wrong = || Problem::field(name, &format!("must be a list of at most {MOST} strings of at most 500 characters"));
    let given = value.as_array().filter(|given| given.len() <= MOST).ok_or_else(wrong)?;
    let given = given.iter().map(|value| text(name, value, 500).map_err(|_| wrong()));
    // What says nothing is no product and no pain point.
    given.filter(|text| !text.as_ref().is_ok_and(|text| text.trim().is_empty())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SITE: &str = "5eed0000-0000-4000-8000-000000000401";
    const LEAD: &str = "5eed0000-0000-1000-8000-000000000402";

    fn refused(body: Value) -> (Code, String) {
        let problem = Request::parse(&body).unwrap_err();
        (problem.code, problem.message)
    }

    #[test]
    fn both_spellings_are_one() {
        let camel =
            json!({"siteId": SITE, "leadId": LEAD, "agentId": SITE, "visitorId": LEAD, "followUpType": "email"});
        let snake =
            json!({"site_id": SITE, "lead_id": LEAD, "agent_id": SITE, "visitor_id": LEAD, "follow_up_type": "email"});
        let parsed = Request::parse(&camel).unwrap();
        assert_eq!(Request::parse(&snake).unwrap(), parsed);
        assert_eq!(parsed.follow_up_type.as_deref(), Some("email"));
        let twice = json!({"siteId": SITE, "site_id": SITE.to_uppercase(), "leadId": LEAD});
        assert!(Request::parse(&twice).is_ok());
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
        assert!(Request::parse(&json!({"siteId": SITE, "leadId": LEAD, "phone_number": "123-4567"})).is_ok());
    }
}
