//! The key that signs what SNS would, made anew by each process, and its certificate (RFC 5280): the least
//! that can be read as one. A key in a file would be a secret that everybody has.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use data_encoding::BASE64;

/// A key with its certificate.
pub struct Signer {
    key: Option<KeyPair>,
    /// The certificate, as PEM.
    pub pem: String,
}

/// The signer of this process. Takes some 50 to 300 ms the first time.
pub fn signer() -> &'static Signer {
    static SIGNER: LazyLock<Signer> = LazyLock::new(Signer::new);
    &SIGNER
}

impl Signer {
    fn new() -> Self {
        let mut signer = Self { key: KeyPair::generate(KeySize::Rsa2048).ok(), pem: String::new() };
        let certificate = BASE64.encode(&signer.certificate());
        signer.pem = format!("-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n");
        signer
    }

    /// SHA256withRSA. Empty, and so refused by everybody, if there is no key.
    pub fn sign(&self, text: &[u8]) -> Vec<u8> {
        let Some(key) = &self.key else { return Vec::new() };
        let mut signature = vec![0; key.public_modulus_len()];
        match key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature) {
            Ok(()) => signature,
            Err(_) => Vec::new(),
        }
    }

    /// A certificate for nobody, by nobody, until the end of 2049.
    fn certificate(&self) -> Vec<u8> {
        const SEQUENCE: u8 = 0x30;
        const SHA256_WITH_RSA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
        const NULL: [u8; 2] = [0x05, 0x00];
        const VERSION_3: [u8; 5] = [0xa0, 0x03, 0x02, 0x01, 0x02];
        const SERIAL: [u8; 3] = [0x02, 0x01, 0x01];
        let public_key = self.key.as_ref().map(|key| AsDer::<PublicKeyX509Der>::as_der(key.public_key()));
        let Some(Ok(public_key)) = public_key else { return Vec::new() };
        let nobody = der(SEQUENCE, &[]);
        let algorithm = der(SEQUENCE, &[&SHA256_WITH_RSA, &NULL]);
        let time = |text: &str| der(0x17, &[text.as_bytes()]);
        let validity = der(SEQUENCE, &[&time("200101000000Z"), &time("491231235959Z")]);
        let content = [&VERSION_3[..], &SERIAL, &algorithm, &nobody, &validity, &nobody, public_key.as_ref()];
        let signed = der(SEQUENCE, &content);
        let signature = der(0x03, &[&[0], &self.sign(&signed)]);
        der(SEQUENCE, &[&signed, &algorithm, &signature])
    }
}

/// A tag, a length, and parts (X.690).
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len().to_be_bytes();
    let significant = length.iter().skip_while(|byte| **byte == 0).copied();
    let mut encoded = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short @ 0..0x80) => encoded.push(short),
        _ => {
            let significant: Vec<u8> = significant.collect();
            encoded.push(0x80 | significant.len() as u8);
            encoded.extend(significant);
        }
    }
    encoded.extend(content);
    encoded
}
