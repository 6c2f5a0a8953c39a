//! Requests: a type for each part of a request, parsed before the handler runs.
//!
//! An endpoint names the parts that it reads: `Json<T>`, `Query<T>` and `Path<T>`, alone or together in a tuple. Each
//! `T` derives `Deserialize` and `JsonSchema`. Its limits are schema attributes (`#[schemars(range(…))]`, `length(…)`),
//! which both the check and the API's description use. One answer names every invalid field.

mod check;
mod paging;
mod text;

use std::collections::{BTreeMap, HashMap};

use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::base::problem::{Code, Problem};

pub use check::read;
pub use paging::Pages;
pub use text::{ParsedText, Since, Until, period, uuid};
#[doc(hidden)]
pub use text::{checked, deserialize};

/// The invalid fields, each with its complaint.
pub type Complaints = BTreeMap<String, String>;

/// A request's content before it is checked.
#[derive(Clone, Debug)]
pub struct Input {
    /// The JSON body; `null` if the method has none.
    pub body: Value,
    /// The query's parameters, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// The variable parts of the path, decoded, by their name in the route.
    pub path: HashMap<String, String>,
    /// The values of `Prefer` (RFC 7240), in their order.
    pub prefer: Vec<String>,
}

/// The schemas of the parts that an endpoint reads, for the API's description.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parts {
    /// The schema of the path's variable parts.
    pub path: Option<Describe>,
    /// The schema of the query.
    pub query: Option<Describe>,
    /// The schema of the JSON body.
    pub body: Option<Describe>,
}

/// Makes a type's schema, and registers the types that it refers to.
pub type Describe = fn(&mut SchemaGenerator) -> Schema;

/// A request, or a part of one, that is parsed from the input.
pub trait FromRequest: Sized + Send + 'static {
    /// Parses its part of the input. Returns `None` if it added complaints.
    ///
    /// # Errors
    /// The body is not an object.
    fn take(input: &mut Input, complaints: &mut Complaints) -> Result<Option<Self>, Problem>;

    /// The parts that it reads.
    fn parts() -> Parts;
}

/// Parses a request. All complaints become one problem with the code `malformed`.
#[track_caller]
pub(super) fn parse<R: FromRequest>(mut input: Input, malformed: Code) -> Result<R, Problem> {
    let mut complaints = Complaints::new();
    let request = R::take(&mut input, &mut complaints)?;
    // What no part has taken.
    for (name, _) in input.query {
        check::no_parameter(name, std::iter::empty(), &mut complaints);
    }
    match request {
        Some(request) if complaints.is_empty() => Ok(request),
        _ => Err(Problem::fields(complaints).with_code(malformed)),
    }
}

/// A JSON body. Blank texts and fields that are `null` count as absent.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

/// The query. A parameter that `T` does not name is a complaint, and so is a repeated one that is no list.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

/// The variable parts of the path.
#[derive(Clone, Debug)]
pub struct Path<T>(pub T);

/// The values of `Prefer` (RFC 7240), in lower case and in their order.
#[derive(Clone, Debug)]
pub struct Prefer(pub Vec<String>);

/// Makes the schema of a type, for [`Parts`].
pub fn describe<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Parses one part, and adds its complaints to those of the other parts.
fn part<T: DeserializeOwned + JsonSchema + 'static>(
    content: Map<String, Value>,
    complaints: &mut Complaints,
) -> Option<T> {
    read(content).map_err(|others| complaints.extend(others)).ok()
}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> FromRequest for Json<T> {
    fn take(input: &mut Input, complaints: &mut Complaints) -> Result<Option<Self>, Problem> {
        let Value::Object(body) = input.body.take() else {
            return Err(Problem::new(Code::Validation, "the body must be a JSON object"));
        };
        Ok(part(body, complaints).map(Self))
    }

    fn parts() -> Parts {
        Parts { body: Some(describe::<T>), ..Parts::default() }
    }
}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> FromRequest for Query<T> {
    fn take(input: &mut Input, complaints: &mut Complaints) -> Result<Option<Self>, Problem> {
        let mut own = Complaints::new();
        let content = check::typed::<T>(std::mem::take(&mut input.query), &mut own);
        let query = part(content, &mut own);
        for complaint in own.values_mut().filter(|complaint| complaint.starts_with("must be a list")) {
            complaint.push_str(", separated by commas");
        }
        complaints.append(&mut own);
        Ok(query.map(Self))
    }

    fn parts() -> Parts {
        Parts { query: Some(describe::<T>), ..Parts::default() }
    }
}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> FromRequest for Path<T> {
    fn take(input: &mut Input, complaints: &mut Complaints) -> Result<Option<Self>, Problem> {
        let content = check::named::<T>(&input.path);
        Ok(part(content, complaints).map(Self))
    }

    fn parts() -> Parts {
        Parts { path: Some(describe::<T>), ..Parts::default() }
    }
}

impl FromRequest for Prefer {
    fn take(input: &mut Input, _: &mut Complaints) -> Result<Option<Self>, Problem> {
        Ok(Some(Self(std::mem::take(&mut input.prefer))))
    }

    fn parts() -> Parts {
        Parts::default()
    }
}

impl FromRequest for () {
    fn take(_: &mut Input, _: &mut Complaints) -> Result<Option<Self>, Problem> {
        Ok(Some(()))
    }

    fn parts() -> Parts {
        Parts::default()
    }
}

impl<A: FromRequest, B: FromRequest> FromRequest for (A, B) {
    fn take(input: &mut Input, complaints: &mut Complaints) -> Result<Option<Self>, Problem> {
        Ok(A::take(input, complaints)?.zip(B::take(input, complaints)?))
    }

    fn parts() -> Parts {
        let (a, b) = (A::parts(), B::parts());
        Parts { path: a.path.or(b.path), query: a.query.or(b.query), body: a.body.or(b.body) }
    }
}
