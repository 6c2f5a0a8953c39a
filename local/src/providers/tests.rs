//! The stand-in against the clients that are deployed: what they make of its answers, and whether what it
//! reports is proven and read.

use std::time::Instant;

use functions::email_events::Notification;
use shared::base::channel::Channel;
use shared::base::context::{Context, FromContext};
use shared::base::environment::Environment;
use shared::clients::providers as clients;
use shared::clients::providers::{Callback, Content, Kind, Outgoing, Sent, sms, whatsapp};
use tokio::sync::mpsc;

use super::*;
use crate::secrets::Secrets;
use crate::sqs;
use crate::stack::META_APP_SECRET;
use crate::template::DeclaredQueue;

const CHANNELS: [Channel; 3] = Channel::SENT;

/// The path of a message of SES's queue, which has none.
const QUEUE: &str = "queue";

const TOPIC_ARN: &str = "arn:aws:sns:us-east-1:000000000000:events";

/// A request that came to the gateway, or a message of SES's queue: path with query, headers, body.
type Received = (String, http::HeaderMap, Bytes);

struct Running {
    url: String,
    gateway: String,
    clients: clients::Providers,
    received: mpsc::UnboundedReceiver<Received>,
}

async fn start() -> Running {
    let (sender, received) = mpsc::unbounded_channel();
    let email_events = queue(sender.clone()).await;
    let gateway = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway_url = format!("http://{}", gateway.local_addr().unwrap());
    let app = axum::Router::new().fallback(move |request: http::Request<Body>| async move {
        let (head, body) = request.into_parts();
        sender.send((head.uri.to_string(), head.headers, to_bytes(body, MAX_REQUEST).await.unwrap())).unwrap();
    });
    tokio::spawn(async move { axum::serve(gateway, app).await.unwrap() });

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let providers =
        Providers::new(url.clone(), Some(gateway_url.clone()), Some(email_events), Clock::default(), Random::seeded(1))
            .unwrap();
    let base = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|name| (name, "local".to_owned()));
    let secrets = Secrets::default();
    secrets.put("whatsapp", WHATSAPP_TOKEN);
    secrets.put("twilio", TWILIO_AUTH_TOKEN);
    let secrets_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let secrets_url = format!("http://{}/secrets", secrets_listener.local_addr().unwrap());
    tokio::spawn(async move { secrets.serve(secrets_listener, "/secrets").await });
    let named = [
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets_url),
        ("WHATSAPP_TOKEN_SECRET", "whatsapp".to_owned()),
        ("TWILIO_AUTH_TOKEN_SECRET", "twilio".to_owned()),
    ];
    let variables = base.into_iter().chain(providers.endpoints()).chain(providers.settings()).chain(named);
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    let context = Context::new(Environment::from_iter(variables), Clock::default(), Random::seeded(1)).unwrap();
    tokio::spawn(providers.serve(listener));
    let clients = clients::Providers::new(&context).unwrap();
    Running { url, gateway: gateway_url, clients, received }
}

/// A queue for SES's events, whose messages go to `sender`.
async fn queue(sender: mpsc::UnboundedSender<Received>) -> EmailEvents {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(sqs::serve(listener, address));
    let client = sqs::client(&format!("http://{address}"));
    let declared = DeclaredQueue { name: QUEUE.to_owned(), attributes: Default::default(), redrive: None };
    let queue_url = sqs::create(&client, &[declared]).await.unwrap().remove(QUEUE).unwrap();
    let email_events =
        EmailEvents { topic_arn: TOPIC_ARN.to_owned(), queue_url: queue_url.clone(), sqs: client.clone() };
    tokio::spawn(async move {
        loop {
            let received = client.receive_message().queue_url(&queue_url).wait_time_seconds(1).send().await.unwrap();
            for message in received.messages.unwrap_or_default() {
                let body = Bytes::from(message.body.unwrap());
                let handle = message.receipt_handle.unwrap();
                client.delete_message().queue_url(&queue_url).receipt_handle(handle).send().await.unwrap();
                let Ok(()) = sender.send((QUEUE.to_owned(), http::HeaderMap::new(), body)) else { return };
            }
        }
    });
    email_events
}

fn outgoing(channel: Channel) -> Outgoing {
    let text = "Hi Jane & Jo".to_owned();
    let (to, from, content) = match channel {
        Channel::Email => (
            "jane@lead.example",
            "robin@acme.example",
            Content::Email { subject: "Your demo".to_owned(), text, reply_to: None },
        ),
        Channel::Whatsapp => ("15550001111", "106540352242922", Content::Whatsapp { text }),
        Channel::Sms => ("+15550001111", "+15550009999", Content::Sms { text }),
        other => panic!("no provider sends by {}", other.name()),
    };
    Outgoing { delivery_id: "d-1".to_owned(), to: to.to_owned(), from: from.to_owned(), content }
}

impl Running {
    async fn tell(&self, behaviour: serde_json::Value) -> u16 {
        let sent = reqwest::Client::new().post(format!("{}/behaviour", self.url)).json(&behaviour).send().await;
        sent.unwrap().status().as_u16()
    }

    async fn outbox(&self) -> Vec<serde_json::Value> {
        let answer = reqwest::get(format!("{}/outbox", self.url)).await.unwrap();
        let mut outbox: serde_json::Value = answer.json().await.unwrap();
        outbox["messages"].as_array_mut().unwrap().drain(..).collect()
    }

    /// The next report, if it is proven to be its provider's.
    async fn report(&mut self) -> Callback {
        let wait = tokio::time::timeout(Duration::from_secs(20), self.received.recv());
        let (path, headers, body) = wait.await.expect("a report").unwrap();
        match path.split('?').next().unwrap() {
            QUEUE => {
                let envelope: serde_json::Value = serde_json::from_slice(&body).unwrap();
                assert_eq!((&envelope["Type"], &envelope["TopicArn"]), (&json!("Notification"), &json!(TOPIC_ARN)));
                serde_json::from_value::<Notification>(envelope).unwrap().callback().unwrap()
            }
            "/webhooks/meta" => {
                let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, META_APP_SECRET.as_bytes());
                let signature = headers["x-hub-signature-256"].to_str().unwrap().strip_prefix("sha256=").unwrap();
                let signature = data_encoding::HEXLOWER.decode(signature.as_bytes()).unwrap();
                aws_lc_rs::hmac::verify(&key, &body, &signature).unwrap();
                let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
                let value = &body["entry"][0]["changes"][0]["value"];
                assert_eq!(value["metadata"]["phone_number_id"], "106540352242922");
                whatsapp::status(&value["statuses"][0], Clock::default().now()).unwrap()
            }
            "/webhooks/twilio/status" => {
                let (form, signature) = (sms::form(&body), headers["x-twilio-signature"].to_str().unwrap());
                assert!(sms::is_signed(TWILIO_AUTH_TOKEN, &format!("{}{path}", self.gateway), &form, signature));
                let query = sms::form(path.split_once('?').unwrap().1.as_bytes());
                sms::status(Some(&query[0].1), &form, Clock::default().now()).unwrap()
            }
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn what_is_sent_is_taken_kept_and_reported_as_delivered() {
    let mut running = start().await;
    for channel in CHANNELS {
        let Sent::Accepted { provider_message_id } = running.clients.send(&outgoing(channel)).await else {
            panic!("{channel:?} is not taken")
        };
        let report = running.report().await;
        assert_eq!((report.kind, report.delivery_id.as_deref()), (Kind::Delivered, Some("d-1")), "{channel:?}");
        assert!(report.provider_message_id == Some(provider_message_id.clone()), "{channel:?}");
        let newest = running.outbox().await.remove(0);
        let sent = outgoing(channel);
        assert_eq!((&newest["message_id"], &newest["delivery_id"]), (&json!(provider_message_id), &json!("d-1")));
        assert_eq!((&newest["to"], &newest["from"]), (&json!(sent.to), &json!(sent.from)));
        assert_eq!((&newest["text"], &newest["answer"]), (&json!("Hi Jane & Jo"), &json!("accept")));
    }
    let outbox = running.outbox().await;
    assert_eq!(outbox.iter().map(|message| &message["channel"]).collect::<Vec<_>>(), ["sms", "whatsapp", "email"]);
    assert_eq!(outbox[2]["subject"], "Your demo");
}

#[tokio::test]
async fn a_send_is_answered_as_told_and_what_was_not_taken_is_not_kept() {
    let running = start().await;
    for (channel, code) in CHANNELS.into_iter().zip(["MessageRejected", "131026", "21610"]) {
        let refused = Sent::Refused { code: code.to_owned() };
        let unknown = |code: &str| Sent::Unknown { code: code.to_owned() };
        for (answer, expected) in [
            (json!({ "refuse": code }), refused),
            (json!("busy"), Sent::Later { retry_after: Some(Duration::from_secs(1)) }),
            (json!("fail"), unknown("status_500")),
            (json!("drop"), unknown("broken_off")),
        ] {
            assert_eq!(running.tell(json!({"answer": answer, "reports": []})).await, 204);
            assert!(running.clients.send(&outgoing(channel)).await == expected, "{channel:?} {answer}");
        }
    }
    let outbox = running.outbox().await;
    assert_eq!(outbox.iter().map(|message| &message["answer"]).collect::<Vec<_>>(), ["drop", "drop", "drop"]);
}

#[tokio::test]
async fn a_send_that_hangs_was_taken_and_is_reported() {
    let mut running = start().await;
    running.tell(json!({"answer": "hang"})).await;
    let message = outgoing(Channel::Sms);
    let hanging = tokio::time::timeout(Duration::from_secs(1), running.clients.send(&message)).await;
    assert!(hanging.is_err());
    let report = running.report().await;
    assert_eq!((report.kind, report.delivery_id.as_deref()), (Kind::Delivered, Some("d-1")));
}

#[tokio::test]
async fn reports_come_late_again_and_in_any_order_as_told() {
    let mut running = start().await;
    let failed = |code: &str| Kind::Failed { code: code.to_owned() };
    for (channel, bounced, complained, code) in [
        (Channel::Email, Kind::Bounced { permanent: true }, Kind::Complained, failed("rejected")),
        (Channel::Whatsapp, failed("131026"), failed("131050"), failed("131047")),
        (Channel::Sms, failed("30003"), failed("21610"), failed("131047")),
    ] {
        let sent = if channel == Channel::Email { Kind::Accepted } else { Kind::Sent };
        let reports = json!([
            {"event": "sent", "after_ms": 360, "times": 2},
            {"event": "delivered", "after_ms": 240},
            {"event": "opened", "after_ms": 480},
            {"event": "bounced", "after_ms": 0},
            {"event": "complained", "after_ms": 120},
            {"event": {"failed": "131047"}, "after_ms": 600},
        ]);
        running.tell(json!({ "reports": reports })).await;
        running.clients.send(&outgoing(channel)).await;
        let expected = [bounced, complained, Kind::Delivered, sent.clone(), sent, Kind::Opened, code];
        for expected in expected {
            assert_eq!(running.report().await.kind, expected, "{channel:?}");
        }
    }
}

#[tokio::test]
async fn a_lead_answers_on_whatsapp_and_by_sms() {
    let mut running = start().await;
    running.tell(json!({"times": 3, "reports": [{"event": {"replied": "Stop"}}]})).await;
    for channel in CHANNELS {
        running.clients.send(&outgoing(channel)).await;
    }
    for _ in 0..2 {
        let wait = tokio::time::timeout(Duration::from_secs(20), running.received.recv());
        let (path, headers, body) = wait.await.expect("a reply").unwrap();
        if path == "/webhooks/meta" {
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let value = &body["entry"][0]["changes"][0]["value"];
            assert_eq!(value["messages"][0]["from"], "15550001111");
            assert_eq!((&value["messages"][0]["text"]["body"], &value["statuses"]), (&json!("Stop"), &json!(null)));
        } else {
            assert_eq!(path, "/webhooks/twilio/messages");
            let (form, signature) = (sms::form(&body), headers["x-twilio-signature"].to_str().unwrap());
            assert!(sms::is_signed(TWILIO_AUTH_TOKEN, &format!("{}{path}", running.gateway), &form, signature));
            let inbound = sms::inbound(&form, Clock::default().now()).unwrap();
            assert_eq!((inbound.from.as_str(), inbound.callback.kind), ("+15550001111", Kind::Stopped));
        }
    }
}

#[tokio::test]
async fn what_is_told_is_for_the_sends_that_fit_as_often_as_it_says() {
    let running = start().await;
    running.tell(json!({"channel": "sms", "times": 2, "answer": "busy", "delay_ms": 150})).await;
    running.tell(json!({"to": "jane@lead.example", "answer": "fail"})).await;
    let is_accepted = async |channel| {
        let started = Instant::now();
        let accepted = matches!(running.clients.send(&outgoing(channel)).await, Sent::Accepted { .. });
        (accepted, started.elapsed() >= Duration::from_millis(150))
    };
    assert!(is_accepted(Channel::Whatsapp).await.0);
    assert_eq!(is_accepted(Channel::Sms).await, (false, true));
    assert!(!is_accepted(Channel::Email).await.0);
    assert!(is_accepted(Channel::Email).await.0);
    assert!(!is_accepted(Channel::Sms).await.0);
    assert!(is_accepted(Channel::Sms).await.0);

    running.tell(json!({"answer": "busy", "times": 9})).await;
    reqwest::Client::new().delete(format!("{}/behaviour", running.url)).send().await.unwrap();
    assert!(is_accepted(Channel::Sms).await.0);
    for wrong in [json!({"answer": "explode"}), json!({"anwser": "busy"}), json!({"reports": [{}]}), json!(3)] {
        assert_eq!(running.tell(wrong).await, 400);
    }
}

#[tokio::test]
async fn what_a_provider_would_not_take_is_refused() {
    let running = start().await;
    let http = reqwest::Client::new();
    let post = |path: &str| http.post(format!("{}{path}", running.url));
    let account = format!("/2010-04-01/Accounts/{TWILIO_ACCOUNT_SID}/Messages.json");
    let signed = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/ses/aws4_request, SignedHeaders=host, Signature=0";
    let ses = || post("/v2/email/outbound-emails");
    let twilio = |form: &'static str| post(&account).basic_auth(TWILIO_ACCOUNT_SID, Some(TWILIO_AUTH_TOKEN)).body(form);
    let meta = || post("/v23.0/1/messages");
    for (request, status) in [
        (ses().body("{}"), 403),
        (ses().header("authorization", signed).body("{}"), 400),
        (ses().header("authorization", signed).body("{"), 400),
        (meta().body("{}"), 401),
        (meta().bearer_auth("other").body("{}"), 401),
        (meta().bearer_auth(WHATSAPP_TOKEN).body("{}"), 400),
        (post(&account).body("To=%2B1&From=%2B2&Body=x"), 401),
        (twilio("From=%2B2&Body=x"), 400),
        (twilio("To=%2B1&Body=x"), 400),
        (twilio("To=%2B1&From=%2B2"), 400),
        (post("/v2/email/identities"), 404),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(request.send().await.unwrap().status().as_u16(), status, "{shown}");
    }
    assert!(running.outbox().await.is_empty());
}

#[tokio::test]
async fn the_outbox_keeps_the_newest() {
    let providers = Providers::new(String::new(), None, None, Clock::default(), Random::seeded(1)).unwrap();
    let given = SendRequest {
        channel: protocol::Channel::Sms,
        delivery_id: None,
        from: "+2".to_owned(),
        to: "+1".to_owned(),
        subject: None,
        reply_to: None,
        text: "x".to_owned(),
        status_url: None,
    };
    for number in 0..MAX_OUTBOX + 5 {
        providers.keep(SendRequest { text: number.to_string(), ..given.clone() }, Answer::Accept);
    }
    let outbox = providers.outbox.lock().unwrap();
    assert_eq!((outbox.len(), outbox[0].given.text.as_str()), (MAX_OUTBOX, "1004"));
}
