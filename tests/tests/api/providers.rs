//! The stand-in for the providers beside the whole stack: functions reach it with what the template gives
//! them, and what it reports comes in through the gateway.

use std::time::{Duration, Instant};

use serde_json::Value;
use shared::conversations::row::Platform;
use shared::providers::{Content, Outgoing, Providers, Sent};
use tests::meta::PHONE;
use tests::{Api, Setup, scan, template};

#[tokio::test]
async fn what_is_sent_is_in_the_outbox_and_what_meta_reports_is_recorded() {
    let settings = ["PUBLIC_URL", "SES_CONFIGURATION_SET", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "WHATSAPP_TOKEN"];
    let declared = settings.map(|name| format!("          {name}: of-aws\n")).concat();
    let before = "          META_VERIFY_TOKEN: !If";
    let template = template().replace(before, &format!("{declared}{before}"));
    let api = Api::with(Setup { template: Some(template), ..Setup::default() }).await;
    api.channel(api.workspace, Platform::Whatsapp, PHONE).await;

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
    for secret in ["TWILIO_AUTH_TOKEN", "WHATSAPP_TOKEN"] {
        assert!(!ready.environment.contains_key(secret), "{secret}");
    }
}
