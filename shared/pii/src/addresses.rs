//! Normalises e-mail addresses and phone numbers. An error completes the sentence "email …" or "phone …" and never
//! repeats the value.

/// The error for a national number whose country is unknown.
pub const WITHOUT_COUNTRY: &str = "is a national number without its country";

/// Returns an e-mail address in lower case, or why it is not valid.
pub fn email(text: &str) -> Result<String, &'static str> {
    let refused = Err;
    // Some letters take more bytes in lower case.
    let text = text.to_lowercase();
    if text.len() > 254 {
        return refused("is longer than 254 characters");
    }
    if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return refused("contains spaces");
    }
    let Some((local, domain)) = text.split_once('@') else { return refused("has no @") };
    if domain.contains('@') {
        return refused("has more than one @");
    }
    if local.is_empty() {
        return refused("has nothing before the @");
    }
    if !domain.contains('.') || domain.split('.').any(str::is_empty) {
        return refused("has no domain such as example.com after the @");
    }
    Ok(text)
}

/// Returns a phone number as `+` and 7 to 15 digits (ITU-T E.164), or why it is not valid. `country_code` replaces the
/// leading zero of a national number.
pub fn phone(text: &str, country_code: Option<u16>) -> Result<String, &'static str> {
    let refused = Err;
    // "+44 (0)20 …": the zero is dialled within the country only.
    let text = text.trim().replace("(0)", "");
    let (plus, rest) = match text.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, text.as_str()),
    };
    let between = |character: char| " -.()[]/\u{a0}\u{2010}\u{2011}\u{2012}\u{2013}\t".contains(character);
    let digits: String = rest.chars().filter(|character| !between(*character)).collect();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return refused("contains something other than digits, spaces, dashes, dots and brackets");
    }
    let digits = match (plus, digits.strip_prefix("00"), digits.strip_prefix('0'), country_code) {
        (false, Some(international), ..) => international.to_owned(),
        (false, None, Some(national), Some(code)) => format!("{code}{national}"),
        (false, None, Some(_), None) => return refused(WITHOUT_COUNTRY),
        // The North American plan has no zero to drop; its national numbers have ten digits.
        (false, None, None, Some(1)) if digits.len() == 10 => format!("1{digits}"),
        _ => digits,
    };
    if !(7..=15).contains(&digits.len()) {
        return refused("does not have 7 to 15 digits");
    }
    if digits.starts_with('0') {
        return refused("has no country that starts with 0");
    }
    Ok(format!("+{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_is_lower_cased() {
        assert_eq!(email("Jane.Doe@Example.COM"), Ok("jane.doe@example.com".to_owned()));
    }

    #[test]
    fn what_cannot_be_an_email_is_refused_with_its_reason() {
        for (text, reason) in [
            ("jane", "has no @"),
            ("jane@doe@example.com", "has more than one @"),
            ("@example.com", "has nothing before the @"),
            ("jane@example", "has no domain"),
            ("jane@example.", "has no domain"),
            ("jane doe@example.com", "contains spaces"),
            (&format!("{}@example.com", "a".repeat(250)), "is longer"),
            // Two bytes each, three in lower case.
            (&format!("{}@example.com", "Ⱥ".repeat(121)), "is longer"),
        ] {
            assert!(email(text).unwrap_err().contains(reason), "{text}");
        }
    }

    #[test]
    fn a_phone_number_is_a_plus_and_digits() {
        for (text, country_code, expected) in [
            ("+1 (415) 555-0100", None, "+14155550100"),
            ("0044 20 7946 0000", None, "+442079460000"),
            ("+44 (0)20 7946 0000", None, "+442079460000"),
            ("020 7946 0000", Some(44), "+442079460000"),
            ("49.30.1234567", None, "+49301234567"),
            ("(415) 555-0100", Some(1), "+14155550100"),
            ("1 415 555 0100", Some(1), "+14155550100"),
            ("+49 30 1234567", Some(44), "+49301234567"),
        ] {
            assert_eq!(phone(text, country_code), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_a_phone_number_is_refused_with_its_reason() {
        for (text, reason) in [
            ("123456", "7 to 15"),
            ("+1234567890123456", "7 to 15"),
            ("020 7946 0000", WITHOUT_COUNTRY),
            ("+0 20 7946 0000", "starts with 0"),
            ("415-555-0100 ext. 7", "other than digits"),
            ("", "7 to 15"),
        ] {
            assert!(phone(text, None).unwrap_err().contains(reason), "{text}");
        }
    }
}
