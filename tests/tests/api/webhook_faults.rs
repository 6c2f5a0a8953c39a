//! What Meta delivers is recorded once, whatever call of the webhook or of the worker fails, and in
//! whatever way; and Meta is told that it arrived only when nothing can be lost any more.

use serde_json::{Value, json};
use shared::base::channel::Channel;
use tests::faults::{Way, in_every_way};
use tests::meta::{PHONE, USER, status, text, whatsapp};
use tests::{Api, Fault, FaultProxy, Setup, send, template};

const NAME: &str = "Zebedee Quill";
const WORDS: &str = "violet elephants";

/// The digits of a round's lead.
fn phone(round: usize) -> String {
    format!("44794600{round:04}")
}

/// A stack whose queue hands out again at once what failed.
fn impatient() -> Setup {
    let template = template().replace("VisibilityTimeout: 180", "VisibilityTimeout: 0");
    Setup { template: Some(template), ..Setup::without_scoring() }
}

/// Delivers until it is taken, as Meta does.
async fn delivered(api: &Api, payload: &Value) {
    for _ in 0..9 {
        let answer = api.deliver(payload).await;
        match answer.status {
            200 => return,
            503 => assert_eq!(answer.header("retry-after"), "5"),
            _ => panic!("{}", answer.text),
        }
    }
    panic!("it was not taken in nine attempts");
}

/// Records an agent's message, and tries again until it is.
async fn agent_sends(api: &Api, phone: &str, id: &str) {
    let message = json!({
        "message_id": id, "customer_phone": phone, "platform": "whatsapp", "sender": "agent", "text": WORDS,
        "timestamp": "2026-01-01T00:00:00Z", "phone_number_id": PHONE,
    });
    for _ in 0..9 {
        let answer = send(api.authorized("POST", &format!("/users/{USER}/messages")).json(&message)).await;
        match answer.status {
            200 => return,
            status => assert_eq!(status, 503, "{}", answer.text),
        }
    }
    panic!("it was not recorded in nine attempts");
}

async fn everything_is_recorded_once(way: Way) {
    let (api, proxy) = Api::behind_a_proxy(impatient()).await;
    api.channel(api.workspace, Channel::Whatsapp, PHONE).await;
    let (mut round, mut any_failed) = (0, true);
    while any_failed {
        any_failed = false;
        let phone = phone(round);
        let ids = ["late", "early"].map(|kind| format!("wamid.{kind}.{round}"));
        agent_sends(&api, &phone, &ids[0]).await;
        let theirs = whatsapp(&[text(&format!("wamid.in.{round}"), &phone, NAME, WORDS)]);
        let [late, early] = &ids;
        let failed = |id: &str| whatsapp(&[status(id, &phone, "failed")]);
        for payload in [theirs, failed(late), failed(early)] {
            way.fail(&proxy, round);
            delivered(&api, &payload).await;
            api.all_recorded().await;
            any_failed |= proxy.heal().len() > way.call(round);
        }
        // The message of a status that waits.
        way.fail(&proxy, round);
        agent_sends(&api, &phone, early).await;
        proxy.heal();
        let messages = api.messages_of(&phone).await;
        let mut told: Vec<_> =
            messages.iter().map(|message| json!([message["sequence_no"], message["status"]])).collect();
        told.sort_by_key(Value::to_string);
        let expected = json!([[1, "sent"], [2, "failed"], [3, "failed"]]);
        assert_eq!(json!(told), expected, "{way:?} {round}");
        let lead = api.get(&format!("/users/{USER}/leads/{phone}")).await.json()["data"].clone();
        assert_eq!((&lead["total_messages"], &lead["name"]), (&json!(3), &json!(NAME)), "{way:?} {round}");
        round += 1;
    }
    assert!(way.call(round) > 5, "{round}");
}

#[tokio::test]
async fn whatever_call_fails_what_meta_delivers_is_recorded_once() {
    let log = in_every_way(everything_is_recorded_once).await;
    assert!(log.contains("recorded a message") && log.contains("a message failed"), "{log}");
    for personal in [NAME, "Zebedee", WORDS, "elephants", "447946", "wamid"] {
        assert!(!log.contains(personal), "the log holds {personal}");
    }
}

#[tokio::test]
async fn meta_is_told_that_something_arrived_only_once_it_is_queued() {
    let ways = [(Fault::Before, 7), (Fault::After, 7), (Fault::Throttle, 7), (Fault::Slow, 0), (Fault::After, 0)];
    let proxy = FaultProxy::start().await;
    let mut setup = impatient();
    setup.environment.insert("AWS_ENDPOINT_URL_SQS".to_owned(), proxy.url().to_owned());
    let api = Api::with(setup).await;
    proxy.set_upstream(&api.stack.ready.sqs).await;
    api.channel(api.workspace, Channel::Whatsapp, PHONE).await;
    for (round, (fault, more)) in ways.into_iter().enumerate() {
        let phone = phone(round);
        // More than one call to the queue takes: the first may have gone through when the second fails.
        let texts = (0..15).map(|number| text(&format!("wamid.{round}.{number}"), &phone, NAME, WORDS));
        let payload = whatsapp(&texts.collect::<Vec<_>>());
        for first in 0..2 {
            proxy.fail(first, more, fault);
            let answer = api.deliver(&payload).await;
            assert_eq!(answer.status, if more == 0 { 200 } else { 503 }, "{fault:?} {first}: {}", answer.text);
            proxy.heal();
        }
        delivered(&api, &payload).await;
        let messages = api.messages_of(&phone).await;
        let mut numbers: Vec<_> = messages.iter().map(|message| message["sequence_no"].as_u64().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=15).collect::<Vec<_>>(), "{fault:?} {more}");
    }
}

#[tokio::test]
async fn a_queue_that_takes_some_of_a_batch_has_not_taken_it() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let some = format!("http://{}", listener.local_addr().unwrap());
    let refused = json!({"Successful": [], "Failed": [{"Id": "0", "SenderFault": false, "Code": "InternalError"}]});
    let refuse = axum::Router::new().fallback(move || async move {
        http::Response::builder()
            .header("content-type", "application/x-amz-json-1.0")
            .body(refused.to_string())
            .unwrap()
    });
    tokio::spawn(async move { axum::serve(listener, refuse).await });
    let environment = [("AWS_ENDPOINT_URL_SQS".to_owned(), some)].into();
    let api = Api::with(Setup { environment, ..Setup::default() }).await;
    api.channel(api.workspace, Channel::Whatsapp, PHONE).await;
    let answer = api.deliver(&whatsapp(&[text("wamid.1", "16505551234", NAME, WORDS)])).await;
    assert_eq!(answer.code(), (503, "service_unavailable".to_owned()));
    assert_eq!(api.waiting().await, 1);
}
