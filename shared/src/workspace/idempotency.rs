//! Idempotency keys and their claims in the `idempotency` table.
//!
//! There is one item per workspace, route and key (`pk` = `W#<workspace>#<digest of route and key>`). It is *running*
//! while its owner works, and then *completed* with the response. A claim has its owner's token, and every later write
//! requires it: an owner that timed out can neither complete nor release a claim that its successor has taken over.
//!
//! The table also holds the models' circuit breakers (`pk` = `breaker#<model>`, [`crate::clients::llm`]). Both
//! coordinate instances for a short time, and neither needs a backup.

use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::base::context::FromContext;
use crate::base::store::{Item, StoreError, Table, Write, attribute, n, s, to_item};
use crate::workspace::credits::Operation;

/// How long a stored response is replayed.
pub const KEPT: TimeDelta = TimeDelta::hours(24);

/// A client's `Idempotency-Key`: 1–255 visible ASCII characters, bare or as a quoted string of
/// RFC 8941; both forms of one key are the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads a header value.
    ///
    /// # Errors
    /// A complaint that completes the sentence "Idempotency-Key …".
    pub fn parse(value: &[u8]) -> Result<Self, &'static str> {
        const FORM: &str = "must be 1 to 255 visible ASCII characters, bare or as a quoted string";
        let text = str::from_utf8(value).map_err(|_| FORM)?.trim_matches([' ', '\t']);
        let key = if let Some(quoted) = text.strip_prefix('"') {
            unescape(quoted.strip_suffix('"').ok_or("must close the quoted string that it opens")?).ok_or(FORM)?
        } else {
            text.to_owned()
        };
        if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(key))
        } else {
            Err(FORM)
        }
    }
}

impl From<Uuid> for IdempotencyKey {
    fn from(id: Uuid) -> Self {
        Self(id.to_string())
    }
}

impl std::fmt::Display for IdempotencyKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The content of a quoted string (RFC 8941, section 3.3.3): only `\"` and `\\` are escapes.
fn unescape(quoted: &str) -> Option<String> {
    let mut characters = quoted.chars();
    let mut text = String::with_capacity(quoted.len());
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.push(characters.next().filter(|next| matches!(next, '"' | '\\'))?),
            '"' => return None,
            _ => text.push(character),
        }
    }
    Some(text)
}

/// The claim that a request with an idempotency key makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The claim's partition key.
    pub pk: String,
    /// SHA-256 over method, path and canonical body.
    pub fingerprint: String,
}

impl Claimed {
    /// The claim of a key for its workspace and route. The fingerprint covers method, path and body; spacing and the
    /// order of fields do not change it.
    pub fn new(workspace_id: Uuid, route: &str, key: &IdempotencyKey, method: &str, path: &str, body: &Value) -> Self {
        let scope = Sha256::digest(format!("{route}\n{}", key.0));
        let mut canonical = format!("{method}\n{path}\n");
        write_canonical(body, &mut canonical);
        Self {
            pk: format!("W#{workspace_id}#{}", HEXLOWER.encode(&scope)),
            fingerprint: HEXLOWER.encode(&Sha256::digest(canonical)),
        }
    }

    /// An identifier for what the request creates; a retry gets the same one.
    pub fn id(&self) -> Uuid {
        let digest: [u8; 32] = Sha256::digest(format!("{}\n{}", self.pk, self.fingerprint)).into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}

/// Writes JSON with sorted keys and without spaces.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (name, value) in fields {
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write_canonical(value, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(values) => {
            out.push('[');
            for value in values {
                write_canonical(value, out);
                out.push(',');
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// A stored claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The claim's partition key.
    pub pk: String,
    /// The fingerprint of the request.
    pub fingerprint: String,
    /// The token of the request that owns the claim.
    pub owner: Uuid,
    /// The identifier of the work. A successor keeps it, so that what the work creates has the same name and is created
    /// once.
    pub work_id: Uuid,
    /// The end of the owner's lease, in epoch milliseconds.
    pub lease_until: i64,
    /// The credit operation of the request, which a successor keeps; null if the request is free.
    pub operation: Option<Operation>,
    /// The stored response; null while the request runs.
    pub response: Option<Stored>,
    /// The epoch second in which the claim expires.
    pub expires: i64,
}

/// A stored response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The HTTP status.
    pub status: u16,
    /// The body, byte for byte.
    pub body: String,
    /// The lead that the response is about, if its body may not name it. Erasing the lead erases the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Uuid>,
}

/// The `idempotency` table: builds the writes for the transactions of [`crate::api::exactly_once`].
#[derive(Clone, Debug, FromContext)]
pub struct Claims {
    #[context(Table::named(context, "IDEMPOTENCY_TABLE")?)]
    pub(crate) table: Table,
}

impl Claims {
    /// Puts a claim, unless an unexpired one exists.
    pub fn put(&self, claim: &Claim, now: DateTime<Utc>) -> Result<Write, StoreError> {
        let put = self.table.put(to_item(claim)?).when("attribute_not_exists(pk) OR #expires <= :now");
        Ok(put.bind("now", n(now.timestamp())))
    }

    /// Replaces a claim whose lease has expired by `successor`.
    pub fn take_over(&self, predecessor: &Claim, successor: &Claim) -> Result<Write, StoreError> {
        Ok(owned(self.table.put(to_item(successor)?), predecessor))
    }

    /// Stores the response of the claim's owner.
    pub fn complete(&self, claim: &Claim, response: &Stored, now: DateTime<Utc>) -> Result<Write, StoreError> {
        let update = self.table.update(claim_key(claim), "SET #response = :response, #expires = :expires");
        Ok(owned(update, claim).bind("response", attribute(response)?).bind("expires", n((now + KEPT).timestamp())))
    }

    /// Releases a claim that its owner still holds, so that the client may retry with the same key.
    pub fn release(&self, claim: &Claim) -> Write {
        owned(self.table.delete(claim_key(claim)), claim)
    }
}

/// The table has no sort key.
fn claim_key(claim: &Claim) -> Item {
    Item::from([("pk".to_owned(), s(&claim.pk))])
}

/// Requires that the claim still has this owner and is running.
fn owned(write: Write, claim: &Claim) -> Write {
    write.when("#owner = :owner AND attribute_not_exists(#response)").bind("owner", s(claim.owner))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bare_and_quoted_forms_are_one_key() {
        let bare = IdempotencyKey::parse(b"a-b_c").unwrap();
        assert_eq!(IdempotencyKey::parse(b"\"a-b_c\""), Ok(bare.clone()));
        assert_eq!(IdempotencyKey::parse(b"  a-b_c "), Ok(bare));
        assert_eq!(IdempotencyKey::parse(br#""a\"b""#), IdempotencyKey::parse(b"a\"b"));
    }

    #[test]
    fn keys_outside_the_form_are_refused() {
        let long = "x".repeat(256);
        for value in [
            &b""[..],
            b"\"\"",
            b"\"open",
            b"a b",
            b"\"a b\"",
            b"\xff",
            "schl\u{fc}ssel".as_bytes(),
            long.as_bytes(),
            br#""a"b""#,
        ] {
            assert!(IdempotencyKey::parse(value).is_err(), "{value:?}");
        }
        assert!(IdempotencyKey::parse("x".repeat(255).as_bytes()).is_ok());
    }

    #[test]
    fn order_and_spacing_of_a_body_do_not_matter_but_its_content_does() {
        let key = IdempotencyKey::parse(b"k").unwrap();
        let claimed = |body: &str| {
            let body: Value = serde_json::from_str(body).unwrap();
            Claimed::new(Uuid::nil(), "POST /v1/x", &key, "POST", "/v1/x", &body)
        };
        assert_eq!(claimed(r#"{"a":1,"b":[1,{"d":1,"c":2}]}"#), claimed(r#"{ "b": [1, {"c": 2, "d": 1}], "a": 1 }"#));
        assert_ne!(claimed(r#"{"a":[1,2]}"#).fingerprint, claimed(r#"{"a":[2,1]}"#).fingerprint);
        assert_ne!(claimed(r#"{"a":[1],"b":2}"#).fingerprint, claimed(r#"{"a":[1,"b",2]}"#).fingerprint);
    }

    #[test]
    fn a_number_of_a_body_is_read_as_it_is_written() {
        let key = IdempotencyKey::parse(b"k").unwrap();
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let fingerprint = |body: &Value| Claimed::new(Uuid::nil(), "POST /", &key, "POST", "/", body).fingerprint;
        assert_ne!(fingerprint(&read("0.9073038322028689")), fingerprint(&read("0.9073038322028688")));
        // A value that the fuzz target `requests` found.
        let long = read(&format!("99999999999999{}18446744073709501614", "0".repeat(68)));
        assert_eq!(fingerprint(&read(&long.to_string())), fingerprint(&long));
    }

    #[test]
    fn a_key_belongs_to_its_workspace_and_route() {
        let key = IdempotencyKey::parse(b"k").unwrap();
        let pk = |workspace, route| Claimed::new(workspace, route, &key, "POST", "/", &json!({})).pk;
        assert_ne!(pk(Uuid::nil(), "POST /a"), pk(Uuid::nil(), "POST /b"));
        assert_ne!(pk(Uuid::nil(), "POST /a"), pk(Uuid::max(), "POST /a"));
    }
}
