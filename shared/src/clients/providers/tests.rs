//! The result that each provider's answer proves, and the request that each provider gets.

mod scripted;

use self::scripted::{Reply, Scripted};
use super::*;
use crate::base::clock::{Clock, Random};
use crate::base::context::Context;
use crate::clients::secrets::tests::valued_as_named;

const CHANNELS: [Channel; 3] = [Channel::Email, Channel::Whatsapp, Channel::Sms];

fn providers(url: &str, more: &[(&str, &str)]) -> Result<Providers, ConfigError> {
    let secrets = valued_as_named();
    let variables = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "secret-access-key"),
        ("AWS_ENDPOINT_URL_SESV2", url),
        ("SES_CONFIGURATION_SET", "events"),
        ("META_GRAPH_URL", &format!("{url}/v23.0")),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &secrets),
        ("WHATSAPP_TOKEN_SECRET", "secret-token"),
        ("TWILIO_URL", url),
        ("TWILIO_ACCOUNT_SID", "AC1"),
        ("TWILIO_AUTH_TOKEN_SECRET", "secret-auth"),
    ];
    let variables = variables.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let context = Context::new(Environment::from_iter(variables), Clock::default(), Random::seeded(1))?;
    Ok(Providers { within: Duration::from_millis(400), ..Providers::new(&context)? })
}

fn outgoing(channel: Channel) -> Outgoing {
    let (to, from) = match channel {
        Channel::Email => ("jane@lead.example", "Robin <robin@acme.example>"),
        Channel::Whatsapp => ("15550001111", "106540352242922"),
        _ => ("+15550001111", "+15550009999"),
    };
    let text = "Hi Jane & Jo, 5 % off – ü".to_owned();
    let content = match channel {
        Channel::Email => {
            Content::Email { subject: "Your demo".to_owned(), text, reply_to: Some("in@acme.example".to_owned()) }
        }
        Channel::Whatsapp => Content::Whatsapp { text },
        _ => Content::Sms { text },
    };
    Outgoing { delivery_id: "d-1".to_owned(), to: to.to_owned(), from: from.to_owned(), content }
}

async fn sent(channel: Channel, reply: Reply) -> Sent {
    let scripted = Scripted::start(reply).await;
    let sent = providers(&scripted.url, &[]).unwrap().send(&outgoing(channel)).await;
    assert_eq!(scripted.requests().len(), 1, "one attempt");
    sent
}

async fn request(channel: Channel, more: &[(&str, &str)]) -> (String, String) {
    let scripted = Scripted::start(Reply::Answer(200, "", "{}")).await;
    providers(&scripted.url, more).unwrap().send(&outgoing(channel)).await;
    let request = scripted.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn accepted(channel: Channel) -> (&'static str, &'static str) {
    match channel {
        Channel::Email => (r#"{"MessageId": "0102-1"}"#, "0102-1"),
        Channel::Whatsapp => (
            r#"{"messaging_product": "whatsapp", "contacts": [{"input": "15550001111"}], "messages": [{"id": "wamid.1"}]}"#,
            "wamid.1",
        ),
        _ => (r#"{"sid": "SM1", "status": "queued", "to": "+15550001111"}"#, "SM1"),
    }
}

fn refused(code: &str) -> Sent {
    super::refused(code)
}

fn later(seconds: Option<u64>) -> Sent {
    Sent::Later { retry_after: seconds.map(Duration::from_secs) }
}

fn unknown(code: &str) -> Sent {
    Sent::Unknown { code: code.to_owned() }
}

#[tokio::test]
async fn an_accepted_message_has_the_providers_identifier() {
    for channel in CHANNELS {
        let (body, id) = accepted(channel);
        for status in [200, 201] {
            let expected = Sent::Accepted { provider_message_id: id.to_owned() };
            assert!(sent(channel, Reply::Answer(status, "", body)).await == expected, "{channel:?}");
        }
    }
}

/// A kept connection may have died while the function was frozen, and a message written to it may have been sent.
#[tokio::test]
async fn a_message_has_a_connection_of_its_own() {
    for channel in CHANNELS {
        let (head, _) = request(channel, &[]).await;
        assert!(head.contains("\r\nconnection: close"), "{channel:?}: {head}");
    }
}

#[tokio::test]
async fn what_is_refused_has_the_providers_code_and_nothing_of_its_words() {
    for (channel, status, head, body, code) in [
        (
            Channel::Email,
            400,
            "x-amzn-ErrorType: MessageRejected\r\n",
            r#"{"message": "jane@lead.example"}"#,
            "MessageRejected",
        ),
        (Channel::Email, 403, "x-amzn-errortype: AccessDeniedException:http://x\r\n", "", "AccessDeniedException"),
        (Channel::Email, 400, "x-amzn-errortype: jane@lead.example\r\n", "", "status_400"),
        (Channel::Whatsapp, 400, "", r#"{"error": {"message": "15550001111", "code": 131026}}"#, "131026"),
        (Channel::Whatsapp, 401, "", r#"{"error": {"code": 190}}"#, "190"),
        (Channel::Whatsapp, 404, "", "<html>", "status_404"),
        (Channel::Sms, 400, "", r#"{"code": 21610, "message": "+15550001111", "status": 400}"#, "21610"),
        (Channel::Sms, 401, "", r#"{"code": 20003}"#, "20003"),
        (Channel::Sms, 413, "", "", "status_413"),
    ] {
        assert_eq!(sent(channel, Reply::Answer(status, head, body)).await, refused(code), "{channel:?} {status}");
    }
    for channel in CHANNELS {
        assert_eq!(sent(channel, Reply::Half(400, r#"{"code": 1}"#)).await, refused("status_400"), "{channel:?}");
    }
    assert!(has_opted_out("21610") && has_opted_out("131050") && !has_opted_out("131026"));
}

#[tokio::test]
async fn what_is_too_much_now_may_be_tried_later() {
    for channel in CHANNELS {
        assert_eq!(sent(channel, Reply::Answer(429, "retry-after: 7\r\n", "")).await, later(Some(7)), "{channel:?}");
        assert_eq!(sent(channel, Reply::Answer(429, "retry-after: soon\r\n", "{}")).await, later(None), "{channel:?}");
    }
    for (channel, head, body) in [
        (Channel::Email, "x-amzn-errortype: ThrottlingException\r\n", ""),
        (Channel::Email, "x-amzn-errortype: SendingPausedException\r\n", "{}"),
        (Channel::Whatsapp, "", r#"{"error": {"code": 131056}}"#),
        (Channel::Whatsapp, "", r#"{"error": {"code": 4}}"#),
        (Channel::Sms, "", r#"{"code": 21611}"#),
    ] {
        assert_eq!(sent(channel, Reply::Answer(400, head, body)).await, later(None), "{channel:?}");
    }
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    // A port without a listener, a name that does not resolve, and a server without TLS.
    let gone = Scripted::start(Reply::Drop).await.url.clone();
    let plain = Scripted::start(Reply::Answer(200, "", "{}")).await;
    for url in [gone.as_str(), "http://nobody.invalid", &plain.url.replace("http:", "https:")] {
        let mut providers = providers(url, &[]).unwrap();
        providers.within = Duration::from_secs(10);
        for channel in CHANNELS {
            assert_eq!(providers.send(&outgoing(channel)).await, later(None), "{channel:?} {url}");
        }
    }
}

#[tokio::test]
async fn what_was_written_and_not_answered_is_unknown() {
    for channel in CHANNELS {
        let whole = accepted(channel).0;
        for (reply, code) in [
            (Reply::Silence, "timeout"),
            (Reply::Drop, "broken_off"),
            (Reply::Half(200, whole), "unreadable"),
            (Reply::Answer(200, "", "<html>"), "unreadable"),
            (Reply::Answer(200, "", "{}"), "unreadable"),
            (Reply::Answer(302, "location: http://127.0.0.1:1/\r\n", ""), "status_302"),
            (Reply::Answer(408, "", ""), "status_408"),
            (Reply::Answer(409, "", ""), "status_409"),
            (Reply::Answer(500, "", ""), "status_500"),
            (Reply::Answer(503, "retry-after: 1\r\n", ""), "status_503"),
        ] {
            assert_eq!(sent(channel, reply).await, unknown(code), "{channel:?}");
        }
    }
}

#[tokio::test]
async fn ses_is_sent_a_signed_e_mail_that_names_its_delivery() {
    let (head, body) = request(Channel::Email, &[("AWS_SESSION_TOKEN", "session")]).await;
    assert!(head.starts_with("POST /v2/email/outbound-emails HTTP/1.1"), "{head}");
    assert!(head.contains("x-amz-security-token: session"), "{head}");
    assert!(head.contains("authorization: AWS4-HMAC-SHA256 Credential=AKID/"), "{head}");
    assert!(head.contains("/eu-west-1/ses/aws4_request, SignedHeaders=content-type;host;x-amz-date;"), "{head}");
    let text = |text: &str| serde_json::json!({"Data": text, "Charset": "UTF-8"});
    let expected = serde_json::json!({
        "FromEmailAddress": "Robin <robin@acme.example>",
        "Destination": {"ToAddresses": ["jane@lead.example"]},
        "Content": {"Simple": {"Subject": text("Your demo"), "Body": {"Text": text("Hi Jane & Jo, 5 % off – ü")}}},
        "ConfigurationSetName": "events",
        "EmailTags": [{"Name": "delivery_id", "Value": "d-1"}],
        "ReplyToAddresses": ["in@acme.example"],
    });
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
}

#[tokio::test]
async fn meta_is_sent_a_text_that_names_its_delivery() {
    let (head, body) = request(Channel::Whatsapp, &[]).await;
    assert!(head.starts_with("POST /v23.0/106540352242922/messages HTTP/1.1"), "{head}");
    assert!(head.contains("authorization: Bearer secret-token"), "{head}");
    let expected = serde_json::json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "15550001111",
        "type": "text",
        "text": {"body": "Hi Jane & Jo, 5 % off – ü"},
        "biz_opaque_callback_data": "d-1",
    });
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
}

#[tokio::test]
async fn twilio_is_sent_a_form_and_where_to_report() {
    let (head, body) = request(Channel::Sms, &[]).await;
    assert!(head.starts_with("POST /2010-04-01/Accounts/AC1/Messages.json HTTP/1.1"), "{head}");
    // The decoded value is AC1:secret-auth.
    assert!(head.contains("authorization: Basic QUMxOnNlY3JldC1hdXRo"), "{head}");
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut expected =
        vec![pair("To", "+15550001111"), pair("From", "+15550009999"), pair("Body", "Hi Jane & Jo, 5 % off – ü")];
    assert_eq!(sms::form(body.as_bytes()), expected);

    let (_, body) = request(Channel::Sms, &[("PUBLIC_URL", "https://api.acme.example/base/")]).await;
    expected.push(pair("StatusCallback", "https://api.acme.example/base/webhooks/twilio/status?delivery=d-1"));
    assert_eq!(sms::form(body.as_bytes()), expected);
}

#[tokio::test]
async fn a_sender_cannot_leave_its_place_in_the_path() {
    let scripted = Scripted::start(Reply::Answer(200, "", "{}")).await;
    let sender = Outgoing { from: "1/../2?x#y".to_owned(), ..outgoing(Channel::Whatsapp) };
    providers(&scripted.url, &[]).unwrap().send(&sender).await;
    let request = scripted.requests().remove(0);
    assert!(request.starts_with("POST /v23.0/1%2F..%2F2%3Fx%23y/messages "), "{request}");
}

#[tokio::test]
async fn a_channel_without_its_variables_is_not_configured() {
    let url = "http://127.0.0.1:1";
    for (channel, variable) in [
        (Channel::Email, "SES_CONFIGURATION_SET"),
        (Channel::Whatsapp, "WHATSAPP_TOKEN_SECRET"),
        (Channel::Sms, "TWILIO_ACCOUNT_SID"),
    ] {
        let providers = providers(url, &[(variable, "")]).unwrap();
        let configured = CHANNELS.map(|channel| providers.configured(channel));
        assert_eq!(configured, CHANNELS.map(|other| other != channel));
        assert_eq!(providers.send(&outgoing(channel)).await, refused("not_configured"));
    }
    const TOKEN: &str = "TWILIO_AUTH_TOKEN_SECRET";
    assert_eq!(providers(url, &[(TOKEN, "")]).unwrap_err(), ConfigError::Missing(TOKEN));
    for variable in ["AWS_ENDPOINT_URL_SESV2", "META_GRAPH_URL", "TWILIO_URL", "PUBLIC_URL"] {
        for wrong in ["nowhere", "mailto:jane@lead.example"] {
            let error = providers(url, &[(variable, wrong)]).unwrap_err();
            assert!(matches!(&error, ConfigError::Invalid { name, .. } if *name == variable), "{error}");
        }
    }
}

#[tokio::test]
async fn nothing_that_is_shown_is_personal_or_secret() {
    let callback = Callback {
        delivery_id: Some("d-1".to_owned()),
        provider_message_id: Some("wamid.HBgL".to_owned()),
        kind: Kind::Delivered,
        at: Clock::default().now(),
    };
    let accepted = Sent::Accepted { provider_message_id: "wamid.HBgL".to_owned() };
    let mut shown = format!("{callback:?} {accepted:?} {:?}", providers("http://127.0.0.1:1", &[]).unwrap());
    for channel in CHANNELS {
        shown += &format!("{:?} {:?}", outgoing(channel), outgoing(channel).content);
    }
    for hidden in ["Jane", "lead.example", "1555", "acme", "demo", "secret", "wamid"] {
        assert!(!shown.contains(hidden), "{hidden}: {shown}");
    }
    assert!(shown.contains("d-1"), "{shown}");
}
