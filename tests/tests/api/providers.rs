//! The stand-in for the providers beside the whole stack: functions reach it with what the template gives
//! them, and what it reports comes in through the gateway.

use shared::base::context::FromContext;
use std::time::{Duration, Instant};

use serde_json::Value;
use shared::base::channel::Channel;
use shared::clients::providers::{Content, Outgoing, Providers, Sent};
use tests::meta::PHONE;
use tests::{Api, scan};

#[tokio::test]
async fn what_is_sent_is_in_the_outbox_and_what_meta_reports_is_recorded() {
    let api = Api::start().await;
    api.channel(api.workspace, Channel::Whatsapp, PHONE).await;

    let providers = Providers::new(&api.stack.context).unwrap();
    let text = || "Hello".to_owned();
    let mut messages = Vec::new();
    for (to, from, content) in [
        ("jane@lead.example", "a@acme.example", Content::Email { subject: text(), text: text(), reply_to: None }),
        ("+15550001111", "+15550009999", Content::Sms { text: text() }),
        ("15550001111", PHONE, Content::Whatsapp { text: text() }),
    ] {
        let outgoing = Outgoing { delivery_id: "d-1".to_owned(), to: to.to_owned(), from: from.to_owned(), content };
        let Sent::Accepted { provider_message_id } = providers.send(&outgoing).await else { panic!("{outgoing:?}") };
        messages.insert(0, provider_message_id);
    }
    let ready = &api.stack.ready;
    let outbox: Value = reqwest::get(format!("{}/outbox", ready.providers)).await.unwrap().json().await.unwrap();
    let kept: Vec<_> = outbox["messages"].as_array().unwrap().iter().map(|message| &message["message_id"]).collect();
    assert_eq!(kept, messages.iter().collect::<Vec<_>>());

    // Nobody has recorded the message, so its report waits.
    let (started, report) = (Instant::now(), format!("status#{}", messages[0]));
    let reported = async || {
        let items = scan(&ready.dynamodb, &ready.environment["LEADS_TABLE"]).await;
        items.iter().any(|item| item["sk"]["S"] == report && item["delivery"]["S"] == "delivered")
    };
    while !reported().await {
        assert!(started.elapsed() < Duration::from_secs(60), "no report is recorded");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(ready.environment["PUBLIC_URL"], api.url());
    assert!(!ready.environment.contains_key("AWS_ENDPOINT_URL_SECRETS_MANAGER"), "it leads to every secret");
}
