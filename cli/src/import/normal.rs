//! The one form of an e-mail address and a phone number, with reasons that name the field.

use shared::pii::addresses::{self, WITHOUT_COUNTRY};

/// An e-mail address in lower case, if it can be one.
pub fn email(text: &str) -> Result<String, String> {
    addresses::email(text).map_err(|reason| format!("email {reason}"))
}

/// A phone number as `+` and digits, if it can be one. `country_code` replaces the leading zero of a national number.
pub fn phone(text: &str, country_code: Option<u16>) -> Result<String, String> {
    addresses::phone(text, country_code).map_err(|reason| match reason {
        WITHOUT_COUNTRY => format!("phone {reason}; say which with --country-code"),
        reason => format!("phone {reason}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_the_field_and_what_helps() {
        assert_eq!(email("jane").unwrap_err(), "email has no @");
        assert!(phone("020 7946 0000", None).unwrap_err().ends_with("say which with --country-code"));
    }
}
