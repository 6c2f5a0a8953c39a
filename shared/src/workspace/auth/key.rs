//! The format of an API key.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use sha2::{Digest, Sha256};

use crate::base::clock::Random;

/// An API key: `wbk_` and 52 characters of lower-case base32 over 32 random bytes. It is shown once; only its digest
/// and its first eight characters are stored.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

const MARK: &str = "wbk_";
const SECRET_CHARACTERS: usize = 52;

/// The text is not an API key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a key is wbk_ and 52 characters of a-z and 2-7")]
pub struct MalformedKey;

impl ApiKey {
    /// Generates a new key.
    pub fn generate(random: &Random) -> Self {
        Self(format!("{MARK}{}", BASE32_NOPAD.encode(&random.bytes::<32>()).to_ascii_lowercase()))
    }

    /// The digest that identifies the key in the store: SHA-256, in lower-case hexadecimal.
    pub fn digest(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(&self.0))
    }

    /// The first eight characters, by which people recognise a key.
    pub fn prefix(&self) -> &str {
        &self.0[..8]
    }

    /// The whole key. Use it only to show a new key once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for ApiKey {
    type Err = MalformedKey;

    fn from_str(text: &str) -> Result<Self, MalformedKey> {
        let secret = text.strip_prefix(MARK).ok_or(MalformedKey)?;
        let alphabet = |byte: u8| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte);
        if secret.len() == SECRET_CHARACTERS && secret.bytes().all(alphabet) {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedKey)
        }
    }
}

/// Shows only the prefix.
impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", self.prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_parses_and_differs_from_the_next() {
        let random = Random::seeded(1);
        let (first, second) = (ApiKey::generate(&random), ApiKey::generate(&random));
        assert_ne!(first, second);
        assert_eq!(first.reveal().len(), 56);
        assert_eq!(first.reveal().parse(), Ok(first.clone()));
        assert_eq!(first.digest().len(), 64);
    }

    #[test]
    fn other_texts_are_no_keys() {
        for text in ["", "wbk_", "wbk_short", &format!("wbk_{}", "A".repeat(52)), &format!("wbk_{}", "1".repeat(52))] {
            assert_eq!(text.parse::<ApiKey>(), Err(MalformedKey), "{text}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = ApiKey::generate(&Random::seeded(2));
        assert!(!format!("{key:?}").contains(&key.reveal()[8..]));
    }
}
