//! SNS, through which the events of SES come: what proves that a request is a notification of our topic
//! ("Verifying the signatures of Amazon SNS messages", Amazon SNS Developer Guide).
//!
//! Anybody can have SNS sign something, on a topic of their own. So the topic has to be ours, besides.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use data_encoding::BASE64;
use reqwest::Url;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use webpki::EndEntityCert;

use crate::base::context::Context;
use crate::base::environment::ConfigError;
use crate::clients::answer;
use crate::clients::http_client::http_client;

/// How long SNS may take to hand out a certificate or to confirm. It waits 15 seconds for us itself.
const WITHIN: Duration = Duration::from_secs(4);

/// The longest answer that is read: a certificate has some 2 KB.
const MOST_BYTES: usize = 64 * 1024;

/// How many certificates are kept. SNS has one a region, and changes it once a year.
const MOST_CERTIFICATES: usize = 8;

/// The topic that SES publishes its events to.
#[derive(Clone, Debug)]
pub struct Sns {
    http: reqwest::Client,
    topic_arn: String,
    /// The one origin that certificates may come from, instead of those of AWS.
    certificate_origin: Option<String>,
    /// Public keys by the address of their certificate.
    keys: Arc<Mutex<HashMap<Url, Vec<u8>>>>,
}

/// What our topic said.
#[derive(Clone, PartialEq, Eq)]
pub enum Notification {
    /// What was published: for SES an event, as JSON.
    Message(String),
    /// The topic asks whether it may send here: [`Sns::confirm`] says so.
    Confirmation(Url),
    /// The topic sends no more.
    End,
}

/// Why a request is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnsError {
    /// It is no notification of our topic; says what is wrong with it.
    #[error("not a notification of the topic: {0}")]
    Forged(&'static str),
    /// SNS cannot be asked; the same request may be taken later.
    #[error("SNS cannot be reached")]
    Unavailable,
}

/// "HTTP/HTTPS notification JSON format".
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    r#type: String,
    message_id: String,
    topic_arn: String,
    message: String,
    timestamp: String,
    subject: Option<String>,
    token: Option<String>,
    #[serde(rename = "SubscribeURL")]
    subscribe_url: Option<String>,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    signing_cert_url: String,
}

impl Sns {
    /// The topic `SES_TOPIC_ARN`. `SNS_CERTIFICATE_ORIGIN` is where certificates come from, if not from AWS.
    ///
    /// # Errors
    /// `SES_TOPIC_ARN` is missing.
    pub fn new(context: &Context) -> Result<Self, ConfigError> {
        let environment = &context.environment;
        Ok(Self {
            http: http_client()?,
            topic_arn: environment.required("SES_TOPIC_ARN")?.to_owned(),
            certificate_origin: environment.optional("SNS_CERTIFICATE_ORIGIN").map(str::to_owned),
            keys: Arc::default(),
        })
    }

    /// What a request says, by its body, if it is proven that our topic says it.
    ///
    /// # Errors
    /// [`SnsError`].
    pub async fn verify(&self, body: &[u8]) -> Result<Notification, SnsError> {
        let envelope: Envelope = serde_json::from_slice(body).map_err(|_| SnsError::Forged("its form"))?;
        if envelope.topic_arn != self.topic_arn {
            return Err(SnsError::Forged("its topic"));
        }
        let certificate_url = self.address(&envelope.signing_cert_url).filter(|url| url.path().ends_with(".pem"));
        let certificate_url = certificate_url.ok_or(SnsError::Forged("where its certificate is"))?;
        let algorithm: &RsaParameters = match envelope.signature_version.as_str() {
            "1" => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            "2" => &RSA_PKCS1_2048_8192_SHA256,
            _ => return Err(SnsError::Forged("the version of its signature")),
        };
        let signature = BASE64.decode(envelope.signature.as_bytes());
        let signature = signature.map_err(|_| SnsError::Forged("the form of its signature"))?;
        let key = self.key(certificate_url).await?;
        UnparsedPublicKey::new(algorithm, key)
            .verify(envelope.signed_text().as_bytes(), &signature)
            .map_err(|_| SnsError::Forged("its signature"))?;
        match envelope.r#type.as_str() {
            "Notification" => Ok(Notification::Message(envelope.message)),
            "SubscriptionConfirmation" => {
                let url = envelope.subscribe_url.as_deref().and_then(|url| self.address(url));
                url.map(Notification::Confirmation).ok_or(SnsError::Forged("where it is confirmed"))
            }
            "UnsubscribeConfirmation" => Ok(Notification::End),
            _ => Err(SnsError::Forged("its type")),
        }
    }

    /// Says that the topic may send here.
    ///
    /// # Errors
    /// [`SnsError::Unavailable`].
    pub async fn confirm(&self, subscribe_url: Url) -> Result<(), SnsError> {
        self.get(subscribe_url).await.map(|_| ())
    }

    /// An address of SNS itself, `https://sns.<region>.amazonaws.com` or, in China, `….com.cn`.
    fn address(&self, text: &str) -> Option<Url> {
        let url: Url = text.parse().ok()?;
        let is_sns = match &self.certificate_origin {
            Some(origin) => url.origin().ascii_serialization() == *origin,
            None => {
                let host = url.host_str()?.strip_prefix("sns.")?;
                let host = host.strip_suffix(".cn").unwrap_or(host);
                let region = host.strip_suffix(".amazonaws.com")?;
                let is_region =
                    !region.is_empty() && region.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
                url.scheme() == "https" && url.port().is_none() && is_region
            }
        };
        (is_sns && url.username().is_empty() && url.password().is_none()).then_some(url)
    }

    async fn key(&self, certificate_url: Url) -> Result<Vec<u8>, SnsError> {
        if let Some(key) = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(&certificate_url) {
            return Ok(key.clone());
        }
        let pem = self.get(certificate_url.clone()).await?;
        let key = public_key(&pem).ok_or(SnsError::Forged("its certificate"))?;
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MOST_CERTIFICATES {
            keys.clear();
        }
        keys.insert(certificate_url, key.clone());
        Ok(key)
    }

    async fn get(&self, url: Url) -> Result<Vec<u8>, SnsError> {
        let answer = self.http.get(url).timeout(WITHIN).send().await.map_err(|_| SnsError::Unavailable)?;
        let answer = answer.error_for_status().map_err(|_| SnsError::Unavailable)?;
        answer::body(answer, MOST_BYTES).await.map_err(|_| SnsError::Unavailable)
    }
}

/// The key of a certificate, in DER (RFC 5280, section 4.1.2.7). Whose it is, the address proves over TLS.
fn public_key(pem: &[u8]) -> Option<Vec<u8>> {
    let certificate = CertificateDer::from_pem_slice(pem).ok()?;
    let certificate = EndEntityCert::try_from(&certificate).ok()?;
    Some(certificate.subject_public_key_info().to_vec())
}

impl Envelope {
    /// What the signature is over: names and values, line by line, in the order of the names.
    fn signed_text(&self) -> String {
        let lines = [
            ("Message", Some(&self.message)),
            ("MessageId", Some(&self.message_id)),
            ("Subject", self.subject.as_ref().filter(|_| self.r#type == "Notification")),
            ("SubscribeURL", self.subscribe_url.as_ref().filter(|_| self.r#type != "Notification")),
            ("Timestamp", Some(&self.timestamp)),
            ("Token", self.token.as_ref().filter(|_| self.r#type != "Notification")),
            ("TopicArn", Some(&self.topic_arn)),
            ("Type", Some(&self.r#type)),
        ];
        let given = lines.into_iter().filter_map(|(name, value)| value.map(|value| format!("{name}\n{value}\n")));
        given.collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::base::clock::{Clock, Random};
    use crate::base::environment::Environment;
    use crate::clients::providers::scripted::{Reply, Scripted};

    // A certificate and signatures by openssl, whose key was thrown away: `openssl req -x509`, and
    // `openssl dgst -sign` over what "Verifying the signatures of Amazon SNS messages" says is signed.
    const CERTIFICATE: &str = include_str!("sns_certificate.pem");
    const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:events";
    const SHA1: &str = "I6GVLmvbzIiiK2yQ9U177Lp9icwCTLCbkTYYywW6B6idEjfiEqtlnRB86G4l9wzQCJmg4/lz/6vDttYuUwO8tC2TtrARwbr7BDuabI2Xr5aEOmYAq3+3PWuVK1cy+sBDGqBGhvjc5VU3Rgm9c1QjIn5Va9YRWHg7bDz/if2PceIRarEIZhDGmCekRTRdC9gxStNprqJM4ozl9gtCyxtjv1cwS6o6sfShPFQcTnwKkiIigJukQyU4NIXN82Ltthx+uEbBavh7B6ySp6ev4OWa3fdi7KWwYgF2J8jSDZ6gUwKHHEZmo/rX1OGHyoiuXbYxDk5ZYxiJaR7Djsubrdvpug==";
    const SHA256: &str = "bD14j3zxpV4oUt6eVuoaeAaokkAdrbzgxAd0jpmDIe03t7S+crxyoh1wPCzOkOdiymDR+0ptzDCFnYi1YYUZAc3xfFIT5x98fHd8gwQ7EVQEOQDNOfLChc+McdkqetcFC7yqmAd38yCHfQZJqo8J76r+7DSAEzwwRjMWfpcenSunWJbDAr1Oc7Aoa9ZDiHGi4xDghHDcMotynVjUJvPk83UBGDDz1lieyg84+RazPYhNWRc8joeuZgFOpatQ9fQuwH6nhyYEyVTd/xIFuAUoLGlES0ab5BMmVXJE0tpS59ngNxJwAsiL22WGVY3e1QP0qRVgSruwHSWLfQSnz4xBdQ==";
    const CONFIRMATION: &str = "BL1B2Fzz8SwIzEpfALTDdLIzSm11rNcaO+KxojWPWWq3lo505x4AilWo3E0dhZ/uepHmiZacxFkkTserc2cdNSwNQj1culAK5/z/PnRxjWaWYL4htNUmvtXjbydTlBMQ0gct75bM4t4G2zcJDrY9ohpOGBrJJvCFQnt1y++jeUHlSY8EKs2Q3C2voLOnHmTwarxGXBcwG4FdFZXcnc0quSQZ4Ov+EFfq0VWCCG+HOqnHwEHm6cCfdWFrk65+I4JxulFfCJWtJhDNLsc/lLAFYt+C8tKXyJZH57LHRdB3LH4M2wVYn2GZ2wZwemFYt9d843JIy1IWO//fh4MnC1szHg==";

    fn sns(variables: &[(&str, &str)]) -> Sns {
        let variables = [("AWS_REGION", "r"), ("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s")]
            .iter()
            .chain(variables)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let context = Context::new(Environment::from_iter(variables), Clock::default(), Random::seeded(1)).unwrap();
        Sns::new(&context).unwrap()
    }

    fn notification(origin: &str, version: &str, signature: &str) -> Value {
        json!({
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": TOPIC,
            "Subject": "My First Message",
            "Message": "Hello world!",
            "Timestamp": "2026-05-02T00:54:06.655Z",
            "SignatureVersion": version,
            "Signature": signature,
            "SigningCertURL": format!("{origin}/SimpleNotificationService-1.pem"),
            "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
        })
    }

    async fn verify(sns: &Sns, notification: &Value) -> Result<Notification, SnsError> {
        sns.verify(notification.to_string().as_bytes()).await
    }

    #[tokio::test]
    async fn a_notification_of_either_version_is_proven_with_one_look_at_the_certificate() {
        let scripted = Scripted::start(Reply::Answer(200, "", CERTIFICATE)).await;
        let sns = sns(&[("SES_TOPIC_ARN", TOPIC), ("SNS_CERTIFICATE_ORIGIN", &scripted.url)]);
        for (version, signature) in [("1", SHA1), ("2", SHA256), ("2", SHA256)] {
            let verified = verify(&sns, &notification(&scripted.url, version, signature)).await;
            assert!(verified == Ok(Notification::Message("Hello world!".to_owned())), "{version}");
        }
        assert_eq!(scripted.requests().len(), 1);
    }

    #[tokio::test]
    async fn whatever_differs_is_refused() {
        let scripted = Scripted::start(Reply::Answer(200, "", CERTIFICATE)).await;
        let sns = sns(&[("SES_TOPIC_ARN", TOPIC), ("SNS_CERTIFICATE_ORIGIN", &scripted.url)]);
        let signed = notification(&scripted.url, "2", SHA256);
        for (name, value) in [
            ("Message", json!("Hello World!")),
            ("MessageId", json!("22b80b92")),
            ("Subject", Value::Null),
            ("Timestamp", json!("2026-05-02T00:54:07.655Z")),
            ("TopicArn", json!("arn:aws:sns:us-east-1:999999999999:events")),
            ("Type", json!("SubscriptionConfirmation")),
            ("SignatureVersion", json!("1")),
            ("SignatureVersion", json!("3")),
            ("Signature", json!(SHA1)),
            ("Signature", json!("")),
            ("Signature", json!("?")),
            ("SigningCertURL", json!("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem")),
            ("SigningCertURL", json!(format!("{}/SimpleNotificationService-1.txt", scripted.url))),
            ("MessageId", json!(1)),
        ] {
            let mut other = signed.clone();
            other[name] = value;
            assert!(matches!(verify(&sns, &other).await, Err(SnsError::Forged(_))), "{name}");
        }
        assert!(matches!(sns.verify(b"{").await, Err(SnsError::Forged(_))));
    }

    #[tokio::test]
    async fn a_subscription_is_confirmed_where_sns_says() {
        let scripted = Scripted::start(Reply::Answer(200, "", CERTIFICATE)).await;
        // The address is signed, so it is the one that the fixture was made with.
        let mut sns = sns(&[("SES_TOPIC_ARN", TOPIC), ("SNS_CERTIFICATE_ORIGIN", &scripted.url)]);
        let certificate_url: Url = format!("{}/SimpleNotificationService-1.pem", scripted.url).parse().unwrap();
        let key = sns.key(certificate_url).await.unwrap();
        sns.certificate_origin = None;
        let aws = "https://sns.us-east-1.amazonaws.com";
        let certificate_url = format!("{aws}/SimpleNotificationService-1.pem").parse().unwrap();
        sns.keys.lock().unwrap().insert(certificate_url, key);
        let mut confirmation = notification(aws, "2", CONFIRMATION);
        confirmation["Type"] = json!("SubscriptionConfirmation");
        confirmation["Token"] = json!("2336412f37");
        confirmation["SubscribeURL"] = json!("https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription");
        confirmation.as_object_mut().unwrap().shift_remove("Subject");
        let Ok(Notification::Confirmation(url)) = verify(&sns, &confirmation).await else { panic!("no confirmation") };
        assert_eq!(url.as_str(), "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription");
        sns.confirm(format!("{}/?Action=ConfirmSubscription", scripted.url).parse().unwrap()).await.unwrap();
        assert!(scripted.requests()[1].starts_with("GET /?Action=ConfirmSubscription "));
    }

    #[tokio::test]
    async fn without_a_certificate_a_notification_may_come_again() {
        let notification = |url: &str| notification(url, "2", SHA256);
        for (reply, expected) in [
            (Reply::Answer(404, "", ""), SnsError::Unavailable),
            (Reply::Drop, SnsError::Unavailable),
            (Reply::Answer(302, "location: http://127.0.0.1:1/\r\n", ""), SnsError::Forged("its certificate")),
            (Reply::Answer(200, "", "no certificate"), SnsError::Forged("its certificate")),
        ] {
            let scripted = Scripted::start(reply).await;
            let sns = sns(&[("SES_TOPIC_ARN", TOPIC), ("SNS_CERTIFICATE_ORIGIN", &scripted.url)]);
            assert!(verify(&sns, &notification(&scripted.url)).await == Err(expected), "{expected}");
        }
    }

    #[test]
    fn only_sns_itself_is_asked() {
        let sns = sns(&[("SES_TOPIC_ARN", TOPIC)]);
        for url in [
            "https://sns.us-east-1.amazonaws.com/a.pem",
            "https://sns.cn-north-1.amazonaws.com.cn/a.pem",
            "https://sns.us-gov-west-1.amazonaws.com:443/a.pem",
        ] {
            assert!(sns.address(url).is_some(), "{url}");
        }
        for url in [
            "http://sns.us-east-1.amazonaws.com/a.pem",
            "https://sns.us-east-1.amazonaws.com:8443/a.pem",
            "https://sns.us-east-1.amazonaws.com.evil.example/a.pem",
            "https://evil.example/sns.us-east-1.amazonaws.com/a.pem",
            "https://sns.evil.example.amazonaws.com/a.pem",
            "https://sns..amazonaws.com/a.pem",
            "https://sns.amazonaws.com/a.pem",
            "https://s3.us-east-1.amazonaws.com/a.pem",
            "https://sns.us-east-1.amazonaws.com@evil.example/a.pem",
            "https://user@sns.us-east-1.amazonaws.com/a.pem",
            "/a.pem",
        ] {
            assert!(sns.address(url).is_none(), "{url}");
        }
    }
}
