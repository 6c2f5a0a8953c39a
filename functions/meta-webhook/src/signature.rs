//! Verifies that a request is from Meta. Both comparisons take constant time.

use data_encoding::HEXLOWER_PERMISSIVE;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Whether `header` (`sha256=<hex>`) is the signature of `body`.
pub fn is_valid(secret: &str, body: &[u8], header: &[u8]) -> bool {
    let Some(hex) = header.strip_prefix(b"sha256=") else { return false };
    let Ok(signature) = HEXLOWER_PERMISSIVE.decode(hex) else { return false };
    digest(secret.as_bytes(), body).is_some_and(|digest| digest.verify_slice(&signature).is_ok())
}

/// Whether two texts are equal. Compares their digests, so that not even the lengths leak.
pub fn same(expected: &str, given: &str) -> bool {
    const KEY: &[u8] = b"hub.verify_token";
    let (expected, given) = (digest(KEY, expected.as_bytes()), digest(KEY, given.as_bytes()));
    expected.zip(given).is_some_and(|(expected, given)| expected.verify(&given.finalize().into_bytes()).is_ok())
}

/// HMAC takes keys of any length, so this is never `None`.
fn digest(key: &[u8], text: &[u8]) -> Option<Hmac<Sha256>> {
    let mut digest = Hmac::<Sha256>::new_from_slice(key).ok()?;
    digest.update(text);
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn a_signature_is_hmac_sha256_in_hex() {
        let body = b"what do ya want for nothing?";
        let hex = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert!(is_valid("Jefe", body, format!("sha256={hex}").as_bytes()));
        assert!(is_valid("Jefe", body, format!("sha256={}", hex.to_uppercase()).as_bytes()));
        let wrong =
            ["", "sha256=", hex, &format!("sha1={hex}"), &format!("sha256={hex}00"), &format!("sha256={}", &hex[2..])];
        for header in wrong {
            assert!(!is_valid("Jefe", body, header.as_bytes()), "{header}");
        }
        assert!(!is_valid("jefe", body, format!("sha256={hex}").as_bytes()));
        assert!(!is_valid("Jefe", b"what do ya want for nothing", format!("sha256={hex}").as_bytes()));
    }

    #[test]
    fn only_the_same_text_is_the_same() {
        assert!(same("token", "token"));
        for other in ["", "toke", "tokens", "Token"] {
            assert!(!same("token", other), "{other}");
        }
    }
}
