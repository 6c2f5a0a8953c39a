//! The callback for each report of each provider. The reports are the examples in the providers' documentation, reduced
//! to the fields that are read.

use chrono::{DateTime, TimeZone, Utc};
use serde_json::{Value, json};

use super::{Callback, Kind, email, sms, whatsapp};

fn received_at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 5, 4, 12, 0, 0).unwrap()
}

fn failed(code: &str) -> Kind {
    Kind::Failed { code: code.to_owned() }
}

fn event(kind: &str, name: &str, mut detail: Value) -> Option<Callback> {
    if kind != "Send" {
        detail["timestamp"] = json!("2026-05-04T11:00:00.5Z");
    }
    email::event(&json!({
        "eventType": kind,
        "mail": {
            "timestamp": "2026-05-04T10:00:00.000Z",
            "messageId": "0102-1",
            "destination": ["recipient@example.com"],
            "tags": {"ses:configuration-set": ["ConfigSet"], "delivery_id": ["d-1"]},
        },
        name: detail,
    }))
}

#[test]
fn every_event_of_ses_is_read() {
    for (kind, name, detail, expected) in [
        ("Send", "send", json!({}), Kind::Accepted),
        ("DeliveryDelay", "deliveryDelay", json!({"delayType": "TransientCommunicationFailure"}), Kind::Delayed),
        ("Delivery", "delivery", json!({"smtpResponse": "250 2.6.0 Message received"}), Kind::Delivered),
        ("Open", "open", json!({"ipAddress": "192.0.2.1"}), Kind::Opened),
        ("Click", "click", json!({"link": "http://docs.aws.amazon.com"}), Kind::Clicked),
        ("Bounce", "bounce", json!({"bounceType": "Permanent"}), Kind::Bounced { permanent: true }),
        ("Bounce", "bounce", json!({"bounceType": "Transient"}), Kind::Bounced { permanent: false }),
        ("Bounce", "bounce", json!({"bounceType": "Undetermined"}), Kind::Bounced { permanent: false }),
        ("Complaint", "complaint", json!({"complaintFeedbackType": "abuse"}), Kind::Complained),
        ("Reject", "reject", json!({"reason": "Bad content"}), failed("rejected")),
        ("Rendering Failure", "failure", json!({"templateName": "MyTemplate"}), failed("rendering_failure")),
    ] {
        let callback = event(kind, name, detail).unwrap();
        assert_eq!(callback.kind, expected, "{kind}");
        assert_eq!(
            (callback.delivery_id.as_deref(), callback.provider_message_id.as_deref()),
            (Some("d-1"), Some("0102-1"))
        );
        let is_of_mail = matches!(kind, "Send" | "Reject" | "Rendering Failure");
        let expected = if is_of_mail { "2026-05-04T10:00:00.000Z" } else { "2026-05-04T11:00:00.500Z" };
        assert_eq!(callback.at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true), expected, "{kind}");
    }
    assert_eq!(event("Subscription", "subscription", json!({})), None);
    assert_eq!(email::event(&json!({"eventType": "Send", "mail": {}})), None);
    assert_eq!(email::event(&json!("Successfully validated SNS topic for Amazon SES event publishing.")), None);
    let foreign =
        email::event(&json!({"eventType": "Send", "mail": {"timestamp": "2026-05-04T10:00:00Z", "tags": {}}}));
    assert_eq!(foreign.map(|callback| callback.delivery_id), Some(None));
}

#[test]
fn every_status_of_whatsapp_is_read() {
    for (status, expected) in [
        (json!({"status": "sent"}), Kind::Sent),
        (json!({"status": "delivered"}), Kind::Delivered),
        (json!({"status": "read"}), Kind::Opened),
        (
            json!({"status": "failed", "errors": [{"code": 131026, "title": "Message Undeliverable."}]}),
            failed("131026"),
        ),
        (json!({"status": "failed"}), failed("failed")),
    ] {
        let mut status = status;
        status["id"] = json!("wamid.1");
        status["timestamp"] = json!("1760000000");
        status["recipient_id"] = json!("15550001111");
        status["biz_opaque_callback_data"] = json!("d-1");
        let expected = Callback {
            delivery_id: Some("d-1".to_owned()),
            provider_message_id: Some("wamid.1".to_owned()),
            kind: expected,
            at: Utc.timestamp_opt(1_760_000_000, 0).unwrap(),
        };
        assert_eq!(whatsapp::status(&status, received_at()), Some(expected));
    }
    let timeless = whatsapp::status(&json!({"status": "sent", "timestamp": "soon"}), received_at()).unwrap();
    assert_eq!((timeless.at, timeless.delivery_id), (received_at(), None));
    assert_eq!(whatsapp::status(&json!({"status": "warning"}), received_at()), None);
    assert_eq!(whatsapp::status(&json!({}), received_at()), None);
}

#[test]
fn every_status_of_twilio_is_read() {
    for (form, expected) in [
        ("MessageStatus=queued", Kind::Accepted),
        ("MessageStatus=sending", Kind::Accepted),
        ("MessageStatus=sent", Kind::Sent),
        ("MessageStatus=delivered&RawDlrDoneDate=2605041200", Kind::Delivered),
        ("MessageStatus=undelivered&ErrorCode=30003", failed("30003")),
        ("MessageStatus=failed&ErrorCode=21610", failed("21610")),
        ("MessageStatus=failed&ErrorCode=", failed("failed")),
    ] {
        let form = sms::form(format!("MessageSid=SM1&{form}&To=%2B15550001111").as_bytes());
        let expected = Callback {
            delivery_id: Some("d-1".to_owned()),
            provider_message_id: Some("SM1".to_owned()),
            kind: expected,
            at: received_at(),
        };
        assert_eq!(sms::status(Some("d-1"), &form, received_at()), Some(expected));
    }
    assert_eq!(sms::status(None, &sms::form(b"MessageSid=SM1&MessageStatus=unheard"), received_at()), None);
    assert_eq!(sms::status(None, &[], received_at()), None);
    let odd = sms::status(Some("d 1/<script>"), &sms::form(b"MessageStatus=sent"), received_at()).unwrap();
    assert_eq!((odd.delivery_id, odd.provider_message_id), (None, None));
}

#[test]
fn a_lead_that_says_stop_and_nothing_else_wants_no_more() {
    let kind = |more: &str| {
        let form = format!("MessageSid=SM2&From=%2B15550001111&To=%2B15550009999&{more}");
        sms::inbound(&sms::form(form.as_bytes()), received_at()).unwrap().callback.kind
    };
    for more in ["Body=STOP", "Body=stop", "Body=+Stop!%0A", "Body=Unsubscribe", "Body=QUIT.", "Body=x&OptOutType=STOP"]
    {
        assert_eq!(kind(more), Kind::Stopped, "{more}");
    }
    for more in
        ["Body=Don't+stop", "Body=Stop+by+tomorrow", "Body=", "Body=Yes", "Body=START&OptOutType=START", "NumMedia=1"]
    {
        assert_eq!(kind(more), Kind::Replied, "{more}");
    }
    let form = sms::form(b"MessageSid=SM2&From=%2B15550001111&To=%2B15550009999&Body=Gr%C3%BC%C3%9Fe+%26+Jane");
    let inbound = sms::inbound(&form, received_at()).unwrap();
    assert_eq!((inbound.from.as_str(), inbound.to.as_str()), ("+15550001111", "+15550009999"));
    assert_eq!(inbound.text, "Grüße & Jane");
    assert_eq!(inbound.callback.provider_message_id.as_deref(), Some("SM2"));
    assert!(!format!("{inbound:?}").contains("Jane") && !format!("{inbound:?}").contains("555"));
    assert!(sms::inbound(&sms::form(b"From=%2B1&To=%2B2&Body=STOP"), received_at()).is_none());
}

/// The example of "Webhooks security", Twilio.
#[test]
fn a_signature_of_twilio_is_over_the_address_and_the_sorted_form() {
    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    let form =
        sms::form(b"To=%2B18005551212&CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309");
    assert!(sms::is_signed("12345", URL, &form, SIGNATURE));
    // A parameter that occurs twice with one value counts once.
    let twice: Vec<_> = form.iter().chain(&form[..1]).cloned().collect();
    assert!(sms::is_signed("12345", URL, &twice, SIGNATURE));

    assert!(!sms::is_signed("12346", URL, &form, SIGNATURE));
    assert!(!sms::is_signed("12345", "https://mycompany.com/myapp.php?foo=1", &form, SIGNATURE));
    assert!(!sms::is_signed("12345", URL, &form[1..], SIGNATURE));
    for wrong in ["", "RSOYDt4T1cUTdK1PDd93/VVr8B9=", "RSOYDt4T1cUTdK1PDd93", "=", "ß"] {
        assert!(!sms::is_signed("12345", URL, &form, wrong), "{wrong}");
    }
}
