//! `/webhooks/meta`: only what Meta has signed is taken, each thing once, and it ends up in the leads
//! API; what waits in between holds nothing personal outside the table.

use cli::demo;
use shared::base::context::FromContext;
use std::collections::HashMap;

use data_encoding::BASE64;
use serde_json::{Value, json};
use shared::api::lambda::Function;
use shared::base::channel::Channel;
use shared::workspace::auth::Permission;
use tests::meta::{INSTAGRAM, PHONE, USER, WEBHOOK, signature, status, text, value, whatsapp};
use tests::{Answer, Api, Setup, project, scan, send, template};

const LEAD: &str = "16505551234";

async fn with_channels() -> Api {
    let api = Api::start().await;
    api.channel(api.workspace, Channel::Whatsapp, PHONE).await;
    api.channel(api.workspace, Channel::Instagram, INSTAGRAM).await;
    api
}

async fn taken(api: &Api, payload: &Value) -> u64 {
    let answer = api.deliver(payload).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["taken"].as_u64().unwrap()
}

async fn lead(api: &Api, lead: &str) -> Value {
    api.all_recorded().await;
    api.get(&format!("/users/{USER}/leads/{lead}")).await.json()["data"].clone()
}

async fn stored(api: &Api) -> usize {
    scan(&api.stack.ready.dynamodb, &api.stack.ready.environment["LEADS_TABLE"]).await.len()
}

#[tokio::test]
async fn the_handshake_echoes_the_challenge_to_whoever_knows_the_token() {
    let api = Api::start().await;
    let ask = async |query: &str| send(api.request("GET", &format!("{WEBHOOK}?{query}"))).await;
    let right = ask("hub.mode=subscribe&hub.challenge=11%2058&hub.verify_token=local-verify-token").await;
    assert_eq!((right.status, right.text.as_str(), right.header("content-type")), (200, "11 58", "text/plain"));
    for wrong in [
        "",
        "hub.mode=subscribe&hub.challenge=1158",
        "hub.mode=subscribe&hub.challenge=1158&hub.verify_token=",
        "hub.mode=subscribe&hub.challenge=1158&hub.verify_token=local-verify-toke",
        "hub.mode=unsubscribe&hub.challenge=1158&hub.verify_token=local-verify-token",
    ] {
        let answer = ask(wrong).await;
        assert_eq!(answer.code(), (403, "insufficient_permissions".to_owned()), "{wrong}");
        assert!(!answer.text.contains("1158"));
    }
    assert_eq!(send(api.request("PUT", WEBHOOK)).await.header("allow"), "GET, POST");
}

#[tokio::test]
async fn what_is_not_signed_by_meta_is_refused_and_nothing_is_stored() {
    let api = with_channels().await;
    let before = stored(&api).await;
    let body = whatsapp(&[text("wamid.1", LEAD, "Kerry", "hello")]).to_string();
    let post = async |body: &str, signed: Option<&str>| -> Answer {
        let mut request = api.request("POST", WEBHOOK).body(body.to_owned());
        if let Some(signed) = signed {
            request = request.header("X-Hub-Signature-256", signed);
        }
        send(request).await
    };
    let right = signature(body.as_bytes());
    for signed in [None, Some(""), Some("sha256="), Some("sha256=00"), Some(&right[7..]), Some(&right[..70])] {
        assert_eq!(post(&body, signed).await.code(), (401, "invalid_key".to_owned()), "{signed:?}");
    }
    // The same JSON in other bytes is not what was signed.
    assert_eq!(post(&format!("{body} "), Some(&right)).await.status, 401);
    // What is wrong with a body is said only to Meta.
    assert_eq!(post("{", None).await.status, 401);
    assert_eq!(api.deliver_bytes(b"{".to_vec()).await.code(), (400, "validation_error".to_owned()));
    assert_eq!(api.deliver_bytes(vec![b'"', 0xff, 0xfe, b'"']).await.status, 400);
    assert_eq!(stored(&api).await, before);
    assert_eq!(post(&body, Some(&right)).await.status, 200);
    assert_eq!(api.messages_of(LEAD).await.len(), 1);
}

#[tokio::test]
async fn a_deployment_without_secrets_has_no_such_route() {
    let environment =
        ["META_APP_SECRET_SECRET", "META_VERIFY_TOKEN_SECRET"].map(|name| (name.to_owned(), String::new()));
    let api = Api::with(Setup { environment: HashMap::from(environment), ..Setup::default() }).await;
    assert_eq!(api.deliver(&whatsapp(&[])).await.code(), (404, "not_found".to_owned()));
    let handshake = send(api.request("GET", &format!("{WEBHOOK}?hub.mode=subscribe&hub.verify_token="))).await;
    assert_eq!(handshake.status, 404);
}

#[tokio::test]
async fn a_text_message_makes_a_lead_with_the_contacts_name() {
    let api = with_channels().await;
    let said = "Olá, quanto custa? 🙂 日本語";
    assert_eq!(taken(&api, &whatsapp(&[text("wamid.HBgL1", LEAD, "Kerry Fisher", said)])).await, 1);
    assert_eq!(
        api.messages_of(LEAD).await,
        [json!({
            "message_id": "wamid.HBgL1", "conversation_id": format!("whatsapp:{PHONE}:{LEAD}"), "agent_id": "agent-1",
            "agent_name": "Ava", "platform": "whatsapp", "phone_number_id": PHONE, "sender": "user", "text": said,
            "timestamp": "2025-10-09T08:53:20.000Z", "status": "sent", "sequence_no": 1,
        })]
    );
    let shown = lead(&api, LEAD).await;
    assert_eq!((&shown["name"], &shown["last_message_text"]), (&json!("Kerry Fisher"), &json!(said)));
    assert_eq!((&shown["total_messages"], &shown["platforms"]), (&json!(1), &json!(["whatsapp"])));
    // Another name later does not take the first one's place.
    taken(&api, &whatsapp(&[text("wamid.HBgL2", LEAD, "K.", "again")])).await;
    let shown = lead(&api, LEAD).await;
    assert_eq!((&shown["name"], &shown["total_messages"]), (&json!("Kerry Fisher"), &json!(2)));
}

#[tokio::test]
async fn every_kind_of_message_of_several_entries_is_taken_once_however_often_it_comes() {
    let api = with_channels().await;
    let message = |id: &str, from: &str, kind: &str, content: Value| {
        let mut message = json!({"from": from, "id": id, "timestamp": "1760000001", "type": kind});
        message[kind] = content;
        message
    };
    let messages = [
        message(
            "wamid.i",
            LEAD,
            "image",
            json!({"id": "1", "mime_type": "image/jpeg", "sha256": "x", "caption": "our shop"}),
        ),
        message("wamid.a", LEAD, "audio", json!({"id": "2", "voice": true})),
        message(
            "wamid.b",
            LEAD,
            "interactive",
            json!({"type": "button_reply", "button_reply": {"id": "1", "title": "Book"}}),
        ),
        message("wamid.u", "16505550000", "unsupported", json!(null)),
    ];
    let contacts = json!([
        {"profile": {"name": "Kerry"}, "wa_id": LEAD}, {"profile": {"name": "Sam"}, "wa_id": "16505550000"},
    ]);
    let mut payload = whatsapp(&[value(PHONE, json!({"contacts": contacts, "messages": messages}))]);
    let other = whatsapp(&[text("wamid.t", LEAD, "Kerry", "hi"), json!({"other": "field"})])["entry"][0].clone();
    payload["entry"]
        .as_array_mut()
        .unwrap()
        .extend([other, json!({"id": "1", "changes": [{"field": "x", "value": 1}]})]);
    for _ in 0..3 {
        assert_eq!(taken(&api, &payload).await, 5);
    }
    let mut texts: Vec<_> = api.messages_of(LEAD).await.into_iter().map(|message| message["text"].clone()).collect();
    texts.sort_by_key(|text| text.to_string());
    assert_eq!(texts, ["Book", "[audio]", "[image] our shop", "hi"]);
    taken(&api, &payload).await;
    let shown = lead(&api, LEAD).await;
    assert_eq!((&shown["total_messages"], &shown["name"]), (&json!(4), &json!("Kerry")));
    let sam = lead(&api, "16505550000").await;
    assert_eq!((&sam["name"], &sam["last_message_text"]), (&json!("Sam"), &json!("[unsupported]")));
}

#[tokio::test]
async fn who_has_no_phone_number_is_known_by_the_business_scoped_id() {
    let api = with_channels().await;
    let user = "BR.1502576394655843";
    let content = json!({
        "contacts": [{"profile": {"name": "Kerry", "username": "kerry.f"}, "user_id": user}],
        "messages": [{"from_user_id": user, "id": "wamid.s", "timestamp": "1760000000", "type": "text", "text": {"body": "hi"}}],
    });
    taken(&api, &whatsapp(&[value(PHONE, content)])).await;
    assert_eq!(api.messages_of(user).await.len(), 1);
    assert_eq!(lead(&api, user).await["name"], "Kerry");
}

#[tokio::test]
async fn statuses_only_move_up_in_whatever_order_they_come() {
    let api = with_channels().await;
    let messages = ["up", "late", "fail", "mend"].map(|id| {
        json!({
            "message_id": id, "customer_phone": LEAD, "platform": "whatsapp", "sender": "agent", "text": "Hello",
            "timestamp": "2025-10-09T08:00:00Z", "status": "pending",
        })
    });
    let sent = json!({ "messages": messages });
    let recorded = send(api.authorized("POST", &format!("/users/{USER}/messages")).json(&sent)).await;
    assert_eq!(recorded.status, 200, "{}", recorded.text);
    taken(&api, &whatsapp(&[text("wamid.user", LEAD, "Kerry", "hi")])).await;
    let before = lead(&api, LEAD).await;

    let reported = async |id: &str, state: &str| {
        taken(&api, &whatsapp(&[status(id, LEAD, state)])).await;
        api.all_recorded().await;
        standing(&api, id).await
    };
    let state = |status: &str, delivery: &str| (status.to_owned(), delivery.to_owned());
    for (id, given, status, delivery) in [
        ("up", "sent", "sent", "sent"),
        ("up", "delivered", "sent", "delivered"),
        ("up", "delivered", "sent", "delivered"),
        ("up", "read", "sent", "read"),
        ("late", "read", "sent", "read"),
        ("late", "delivered", "sent", "read"),
        ("late", "sent", "sent", "read"),
        ("late", "failed", "sent", "read"),
        ("fail", "failed", "failed", "failed"),
        ("fail", "sent", "failed", "failed"),
        ("mend", "failed", "failed", "failed"),
        ("mend", "delivered", "sent", "delivered"),
        ("mend", "failed", "sent", "delivered"),
        ("mend", "something new", "sent", "delivered"),
        // Not an agent's message.
        ("wamid.user", "failed", "sent", ""),
    ] {
        assert_eq!(reported(id, given).await, state(status, delivery), "{id} {given}");
    }
    // Of a message, or a lead, that is not known.
    taken(&api, &whatsapp(&[status("nothing", LEAD, "read"), status("nothing", "1", "read")])).await;
    assert_eq!(lead(&api, LEAD).await, before);
    assert_eq!(api.messages_of(LEAD).await.len(), 5);
    assert_eq!(lead(&api, "1").await, Value::Null);
}

/// Records an agent's message, as whoever sends it does.
async fn sent_by_an_agent(api: &Api, id: &str, given: &str) {
    let message = json!({
        "message_id": id, "customer_phone": LEAD, "platform": "whatsapp", "sender": "agent", "text": "Hello",
        "timestamp": "2025-10-09T08:00:00Z", "status": given,
    });
    let answer = send(api.authorized("POST", &format!("/users/{USER}/messages")).json(&message)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// Status and delivery of a lead's stored message.
async fn standing(api: &Api, id: &str) -> (String, String) {
    let items = scan(&api.stack.ready.dynamodb, &api.stack.ready.environment["LEADS_TABLE"]).await;
    let item = items.into_iter().find(|item| item["sk"]["S"] == format!("message#{id}")).unwrap();
    let text = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
    (text("status"), text("delivery"))
}

#[tokio::test]
async fn statuses_that_come_before_their_message_wait_for_it() {
    let api = with_channels().await;
    for (id, before, after, expected) in [
        ("1", &["sent"][..], &[][..], ("sent", "sent")),
        ("2", &["failed"], &[], ("failed", "failed")),
        ("3", &["read", "delivered", "sent"], &[], ("sent", "read")),
        ("4", &["failed", "accepted"], &["sent"], ("failed", "failed")),
        ("5", &["failed", "delivered"], &["failed"], ("sent", "delivered")),
        ("6", &["sent"], &["failed"], ("failed", "failed")),
        ("7", &["something new"], &[], ("pending", "")),
    ] {
        for state in before {
            taken(&api, &whatsapp(&[status(id, LEAD, state)])).await;
            api.all_recorded().await;
        }
        for _ in 0..2 {
            sent_by_an_agent(&api, id, "pending").await;
        }
        for state in after {
            taken(&api, &whatsapp(&[status(id, LEAD, state)])).await;
            api.all_recorded().await;
        }
        assert_eq!(standing(&api, id).await, (expected.0.to_owned(), expected.1.to_owned()), "{id}");
    }
    let shown: Vec<_> = api.messages_of(LEAD).await.iter().map(|message| message["status"].clone()).collect();
    assert_eq!(shown, ["sent", "failed", "sent", "failed", "sent", "failed", "pending"]);

    // What waits is for the agent's message of this lead alone, and not for ever.
    taken(&api, &whatsapp(&[status("8", "1", "failed"), status("wamid.user", LEAD, "failed")])).await;
    api.all_recorded().await;
    sent_by_an_agent(&api, "8", "pending").await;
    taken(&api, &whatsapp(&[text("wamid.user", LEAD, "Kerry", "hi")])).await;
    api.all_recorded().await;
    assert_eq!(standing(&api, "8").await.0, "pending");
    assert_eq!(standing(&api, "wamid.user").await, ("sent".to_owned(), String::new()));
    let items = scan(&api.stack.ready.dynamodb, &api.stack.ready.environment["LEADS_TABLE"]).await;
    let waiting: Vec<_> =
        items.iter().filter(|item| item["sk"]["S"].as_str().unwrap().starts_with("status#")).collect();
    assert!(waiting.len() == 8 && waiting.iter().all(|item| item["expires"]["N"].is_string()), "{waiting:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_and_its_message_at_once_find_each_other() {
    let api = with_channels().await;
    for round in 0..25 {
        let id = format!("at-once-{round}");
        let statuses = ["sent", "delivered", "read"].map(|state| status(&id, LEAD, state));
        let statuses = whatsapp(&statuses);
        tokio::join!(
            sent_by_an_agent(&api, &id, "pending"),
            taken(&api, &statuses),
            sent_by_an_agent(&api, &id, "pending"),
            taken(&api, &statuses),
        );
    }
    api.all_recorded().await;
    for round in 0..25 {
        assert_eq!(
            standing(&api, &format!("at-once-{round}")).await,
            ("sent".to_owned(), "read".to_owned()),
            "{round}"
        );
    }
    assert_eq!(lead(&api, LEAD).await["total_messages"], 25);
}

#[tokio::test]
async fn an_instagram_message_is_the_leads_and_an_echo_the_agents() {
    let api = with_channels().await;
    let customer = "1254459154682919";
    let one = |from: &str, to: &str, content: Value| json!({"sender": {"id": from}, "recipient": {"id": to}, "timestamp": 1_760_000_000_123_i64, "message": content});
    let payload = json!({"object": "instagram", "entry": [{"id": INSTAGRAM, "time": 1_760_000_001, "messaging": [
        one(customer, INSTAGRAM, json!({"mid": "aWdf1", "text": "olá"})),
        one(customer, INSTAGRAM, json!({"mid": "aWdf2", "attachments": [{"type": "image", "payload": {"url": "https://example.org"}}]})),
        one(INSTAGRAM, customer, json!({"mid": "aWdf3", "text": "Hello!", "is_echo": true})),
        {"sender": {"id": customer}, "recipient": {"id": INSTAGRAM}, "timestamp": 1, "read": {"mid": "aWdf3"}},
    ]}]});
    assert_eq!(taken(&api, &payload).await, 3);
    assert_eq!(taken(&api, &payload).await, 3);
    let said: Vec<_> = api
        .messages_of(customer)
        .await
        .iter()
        .map(|message| (message["text"].clone(), message["sender"].clone(), message["timestamp"].clone()))
        .collect();
    let at = "2025-10-09T08:53:20.123Z";
    assert_eq!(said.len(), 3);
    for (text, sender) in [("olá", "user"), ("[image]", "user"), ("Hello!", "agent")] {
        assert!(said.contains(&(json!(text), json!(sender), json!(at))), "{text}: {said:?}");
    }
    let shown = lead(&api, customer).await;
    assert_eq!((&shown["platforms"], &shown["total_messages"]), (&json!(["instagram"]), &json!(3)));
    assert_eq!(shown["conversations"][0]["conversation_id"], format!("instagram:{INSTAGRAM}:{customer}"));
}

#[tokio::test]
async fn what_the_business_sends_from_its_own_app_is_the_agents() {
    let api = with_channels().await;
    taken(&api, &whatsapp(&[text("wamid.in", LEAD, "Kerry", "hi")])).await;
    api.all_recorded().await;
    let echo = |id: &str, to: &str, kind: &str, content: Value| {
        let mut echo = json!({"from": "15550783881", "to": to, "id": id, "timestamp": "1760000010", "type": kind});
        echo[kind] = content;
        echo
    };
    let echoes = [
        echo("wamid.e1", LEAD, "text", json!({"body": "Here's the info you requested!"})),
        echo("wamid.e2", &format!("+{LEAD}"), "image", json!({"id": "1", "caption": "our shop"})),
        echo("wamid.e3", LEAD, "revoke", json!({"original_message_id": "wamid.e1"})),
        echo("wamid.e4", LEAD, "edit", json!({"original_message_id": "wamid.e1", "message": {"type": "text"}})),
    ];
    let mut payload = whatsapp(&[value(PHONE, json!({ "message_echoes": echoes }))]);
    payload["entry"][0]["changes"][0]["field"] = json!("smb_message_echoes");
    for _ in 0..2 {
        assert_eq!(taken(&api, &payload).await, 2);
        api.all_recorded().await;
    }
    let mut said: Vec<_> = api
        .messages_of(LEAD)
        .await
        .iter()
        .map(|message| (message["sender"].clone(), message["text"].clone(), message["timestamp"].clone()))
        .collect();
    said.sort_by_key(|(_, text, _)| text.to_string());
    let at = json!("2025-10-09T08:53:30.000Z");
    let expected = [
        (json!("agent"), json!("Here's the info you requested!"), at.clone()),
        (json!("agent"), json!("[image] our shop"), at),
        (json!("user"), json!("hi"), json!("2025-10-09T08:53:20.000Z")),
    ];
    assert_eq!(said, expected);
    let shown = lead(&api, LEAD).await;
    assert_eq!((&shown["name"], &shown["conversation_count"]), (&json!("Kerry"), &json!(1)));
    assert_eq!(lead(&api, "15550783881").await, Value::Null);
}

#[tokio::test]
async fn a_test_delivery_of_instagram_is_recorded_like_any_other() {
    let api = with_channels().await;
    let tested = json!({"object": "instagram", "entry": [{"id": "0", "time": 1_760_000_001, "changes": [
        {"field": "messages", "value": {
            "sender": {"id": "12334"}, "recipient": {"id": INSTAGRAM}, "timestamp": "1527459824",
            "message": {"mid": "random_mid", "text": "random_text"},
        }},
        {"field": "comments", "value": {"id": "1", "text": "nice"}},
    ]}]});
    for _ in 0..2 {
        assert_eq!(taken(&api, &tested).await, 1);
    }
    let messages = api.messages_of("12334").await;
    assert_eq!(messages.len(), 1);
    assert_eq!(
        (&messages[0]["text"], &messages[0]["timestamp"]),
        (&json!("random_text"), &json!("2018-05-27T22:23:44.000Z"))
    );
}

#[tokio::test]
async fn what_nobody_has_a_channel_for_or_nobody_knows_is_ignored() {
    let api = with_channels().await;
    let before = stored(&api).await;
    let mut unknown = text("wamid.1", LEAD, "Kerry", "hello");
    unknown["metadata"]["phone_number_id"] = json!("999");
    for payload in [
        whatsapp(&[unknown]),
        json!({"object": "page", "entry": [{"id": "1", "messaging": [{"message": {"mid": "m"}}]}]}),
        json!({"object": "instagram", "entry": []}),
        json!([1]),
        json!({}),
    ] {
        assert_eq!(taken(&api, &payload).await, 0, "{payload}");
    }
    assert_eq!(stored(&api).await, before);
}

#[tokio::test]
async fn another_workspace_sees_nothing_and_cannot_take_the_channel_over() {
    let api = with_channels().await;
    let other = api.new_workspace(0).await;
    let key = api.new_key(other, &Permission::ALL, |_| {}).await;
    taken(&api, &whatsapp(&[text("wamid.1", LEAD, "Kerry", "hello")])).await;
    assert_eq!(api.messages_of(LEAD).await.len(), 1);
    let theirs = send(api.request("GET", &format!("/users/{USER}/leads/{LEAD}")).bearer_auth(key)).await;
    assert_eq!(theirs.status, 404);

    let accounts = api.accounts();
    let ours = accounts.channel(Channel::Whatsapp, PHONE).await.unwrap().unwrap();
    let stolen = shared::workspace::accounts::ChannelAccount { workspace_id: other, ..ours.clone() };
    assert_eq!(accounts.put_channel(&stolen).await.unwrap(), Err(shared::workspace::accounts::Taken));
    assert!(!accounts.remove_channel(other, Channel::Whatsapp, PHONE).await.unwrap());
    assert_eq!(accounts.channels(other).await.unwrap(), []);
    assert_eq!(accounts.channels(api.workspace).await.unwrap().len(), 2);
    assert!(accounts.remove_channel(api.workspace, Channel::Whatsapp, PHONE).await.unwrap());
    assert_eq!(taken(&api, &whatsapp(&[text("wamid.2", LEAD, "Kerry", "hello")])).await, 0);
    assert_eq!(accounts.put_channel(&stolen).await.unwrap(), Ok(()));
}

#[tokio::test]
async fn three_megabytes_pass_and_more_than_five_do_not() {
    let api = with_channels().await;
    let long = "é".repeat(1_500_000);
    let payload = whatsapp(&[text("wamid.long", LEAD, "Kerry", &long)]);
    assert!(payload.to_string().len() > 3_000_000);
    assert_eq!(taken(&api, &payload).await, 1);
    let messages = api.messages_of(LEAD).await;
    assert_eq!(messages[0]["text"].as_str().unwrap(), "é".repeat(16_384));

    let many: Vec<Value> =
        (0..60).map(|index| text(&format!("wamid.{index}"), "16505557777", "Sam", &"x".repeat(15_000))).collect();
    assert_eq!(taken(&api, &whatsapp(&many)).await, 60);
    assert_eq!(api.messages_of("16505557777").await.len(), 60);

    let answer = api.deliver_bytes(vec![b' '; 5_000_001]).await;
    assert_eq!(answer.code(), (413, "payload_too_large".to_owned()));
}

#[tokio::test]
async fn a_queue_that_cannot_be_reached_is_503_and_the_repetition_loses_and_doubles_nothing() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("http://{}", silent.local_addr().unwrap());
    drop(silent);
    let folder = tempfile::tempdir().unwrap();
    let environment = HashMap::from([("AWS_ENDPOINT_URL_SQS".to_owned(), nowhere)]);
    let api = Api::with(Setup { environment, data: Some(folder.path().to_owned()), ..Setup::default() }).await;
    api.channel(api.workspace, Channel::Whatsapp, PHONE).await;
    let payload = whatsapp(&[text("wamid.1", LEAD, "Kerry", "hello")]);
    for _ in 0..2 {
        assert_eq!(api.deliver(&payload).await.code(), (503, "service_unavailable".to_owned()));
    }
    assert_eq!(api.waiting().await, 1);
    let (workspace, key) = (api.workspace, api.key.clone());
    api.stack.stop().await;

    let mut api = Api::with(Setup { data: Some(folder.path().to_owned()), ..Setup::default() }).await;
    (api.workspace, api.key) = (workspace, key);
    assert_eq!(taken(&api, &payload).await, 1);
    assert_eq!(api.messages_of(LEAD).await.len(), 1);
}

/// The function without anything that takes its messages away.
async fn function() -> (local::Stack, Function) {
    let options = local::Options { template: template(), demo: true, emulators_only: true, ..Default::default() };
    let stack = local::Stack::start(options).await.unwrap();
    let environment = shared::base::environment::Environment::from_iter(stack.variables.clone());
    let context =
        shared::base::context::Context::new(environment, Default::default(), stack.context.random.clone()).unwrap();
    let channel = shared::workspace::accounts::ChannelAccount {
        platform: Channel::Whatsapp,
        channel_id: PHONE.to_owned(),
        workspace_id: demo::WORKSPACE,
        user_id: USER.to_owned(),
        agent_id: None,
        agent_name: None,
        created_at: context.clock.now(),
    };
    shared::workspace::accounts::Accounts::new(&context).unwrap().put_channel(&channel).await.unwrap().unwrap();
    let function = functions::build("meta-webhook", &context).unwrap().unwrap();
    (stack, function)
}

#[tokio::test]
async fn the_queues_messages_say_nothing_personal_and_a_body_in_base64_is_the_same() {
    let (stack, function) = function().await;
    let Function::Http(http) = &function else { panic!("no HTTP") };
    let body = whatsapp(&[text("wamid.HBgLMTY1MDU1NTEyMzQ", LEAD, "Kerry", "grüße"), status("wamid.o", LEAD, "read")]);
    let body = body.to_string();
    let sample = std::fs::read_to_string(project().join("events/meta-webhook.json")).unwrap();
    let mut event: Value = serde_json::from_str(&sample).unwrap();
    event["headers"]["x-hub-signature-256"] = json!(signature(body.as_bytes()));
    event["body"] = json!(BASE64.encode(body.as_bytes()));
    event["isBase64Encoded"] = json!(true);
    let response = http.answer(lambda_http::request::from_str(&event.to_string()).unwrap()).await;
    assert_eq!(response.status().as_u16(), 200);

    let client = local::sqs::client(&stack.ready.sqs);
    let url = &stack.variables["MESSAGES_QUEUE"];
    let received = client.receive_message().queue_url(url).max_number_of_messages(10).send().await.unwrap();
    let bodies: Vec<&str> = received.messages().iter().filter_map(|message| message.body()).collect();
    assert_eq!(bodies.len(), 2);
    for body in bodies {
        let message: Value = serde_json::from_str(body).unwrap();
        assert_eq!(message.as_object().unwrap().len(), 2);
        assert_eq!(message["workspace_id"], json!(demo::WORKSPACE));
        assert!(message["item"].as_str().unwrap().bytes().all(|byte| byte.is_ascii_hexdigit()), "{body}");
        for personal in ["Kerry", LEAD, "grüße", "wamid", "MTY1MDU1NTEyMzQ"] {
            assert!(!body.contains(personal), "{body}");
        }
    }
    let kept = scan(&stack.ready.dynamodb, &stack.variables["LEADS_TABLE"]).await;
    let kept: Vec<_> = kept.iter().filter(|item| item["sk"]["S"] == "inbox").collect();
    assert_eq!(kept.len(), 2);
    for item in kept {
        assert!(item["pk"]["S"].as_str().unwrap().starts_with(&format!("W#{}#", demo::WORKSPACE)));
        assert!(item["expires"]["N"].is_string());
    }
}
