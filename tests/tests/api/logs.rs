//! No log line holds personal data: a whole run of the real program is captured, at the finest
//! level, and searched for everything personal that the demo data has.

use std::collections::BTreeSet;
use std::time::Duration;

use cli::demo;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tests::binaries::{Program, local};
use tests::meta::{INSTAGRAM, PHONE, WEBHOOK, signature, status, text, value, whatsapp};
use tests::{CONTACT, SUGGEST, scan, send};

/// Who writes to the demo's WhatsApp number.
const WRITER: &str = "447700900123";

/// Who writes to its Instagram account.
const DIRECT_WRITER: &str = "1254459154682919";

/// How long a queue's message may take.
const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn no_line_of_a_failing_model_holds_any_either() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/v1", silent.local_addr().unwrap());
    drop(silent);
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        ("LOG_LEVEL", "trace"),
        ("LLM_BASE_URL", base_url.as_str()),
        ("LLM_MODEL", "m"),
        ("LLM_API_KEY", "secret-of-the-model"),
    ];
    let (mut program, ready) = local(folder.path(), &["--log"], &variables).await;
    let client = Client::new();
    let gateway = ready.gateway.as_deref().unwrap();
    let request = client.post(format!("{gateway}{SUGGEST}")).bearer_auth(demo::key("demo"));
    assert_eq!(send(request.json(&json!({"contact_id": CONTACT}))).await.status, 502);
    for request in webhooks(&client, gateway) {
        send(request).await;
    }
    ask_to_score(&mut program, &ready, &client).await;
    logged(&program, "the model gave no scores").await;
    let personal = personal_data(&ready).await;
    assert!(program.interrupt().await);
    let log = program.output();
    assert!(log.contains("model call failed") && log.contains("ai_unavailable"), "{log}");
    assert!(personal.iter().all(|value| !log.contains(value)) && !log.contains("secret-of-the-model"), "{log}");
}

#[tokio::test]
async fn no_line_of_a_whole_run_holds_a_name_address_number_or_text() {
    let folder = tempfile::tempdir().unwrap();
    let (mut program, ready) = local(folder.path(), &["--log"], &[("LOG_LEVEL", "trace"), ("RUST_LOG", "trace")]).await;
    let gateway = ready.gateway.clone().unwrap();
    let client = Client::new();

    let post =
        |word: &str, body: Value| client.post(format!("{gateway}{SUGGEST}")).bearer_auth(demo::key(word)).json(&body);
    let jane = "jane@acme.example";
    let leads = format!("{gateway}/users/{}/leads", demo::USER);
    let record =
        |what: &str| client.post(format!("{gateway}/users/{}/{what}", demo::USER)).bearer_auth(demo::key("demo"));
    let written = json!({
        "message_id": "m", "customer_phone": "918979556941", "platform": "whatsapp", "sender": "user",
        "text": "hi my name is siddhant", "timestamp": "2026-01-01T00:00:00Z",
    });
    let mut statuses = BTreeSet::new();
    let requests = [
        post("demo", json!({"contact_id": CONTACT, "count": 10})),
        post("demo", json!({"contact_id": CONTACT})).header("Idempotency-Key", jane),
        post("demo", json!({"contact_id": CONTACT})).header("Idempotency-Key", jane),
        post("demo", json!({"contact_id": CONTACT, "count": 1})).header("Idempotency-Key", jane),
        post("poor", json!({"contact_id": CONTACT})),
        post("past", json!({"contact_id": CONTACT})),
        post("read", json!({"contact_id": CONTACT})),
        post("rival", json!({"contact_id": CONTACT})),
        post("demo", json!({"contact_id": jane})),
        post("demo", json!({"contact_id": CONTACT, jane: 1})),
        post("demo", json!({"contact_id": CONTACT, "channels": [jane]})),
        client.post(format!("{gateway}{SUGGEST}")).bearer_auth(demo::key("demo")).body(format!("{{\"{jane}")),
        client
            .post(format!("{gateway}{SUGGEST}"))
            .bearer_auth(demo::key("demo"))
            .header("Content-Type", jane)
            .body("{}"),
        client.get(format!("{gateway}/users/u/leads/+12025550142?search={jane}")),
        client.get(format!("{gateway}/v1/credits?page={jane}")).bearer_auth(demo::key("demo")),
        client.get(format!("{leads}?search=siddhant")).bearer_auth(demo::key("demo")),
        client.get(format!("{leads}?days={jane}")).bearer_auth(demo::key("demo")),
        client.get(format!("{leads}/stats")).bearer_auth(demo::key("demo")),
        client.get(format!("{leads}/918979556941")).bearer_auth(demo::key("demo")),
        client.get(format!("{leads}/918979556941/messages")).bearer_auth(demo::key("demo")),
        record("messages").json(&written),
        record("messages").json(&json!({"messages": [written, {"message_id": 1, "text": "hi my name is siddhant"}]})),
        record("template-sends").json(&json!({
            "template_send_id": "t", "customer_phone": "918979556941", "sent_at": "2026-01-01T00:00:00Z"
        })),
        client.put(format!("{leads}/918979556941/extraction")).bearer_auth(demo::key("demo")).json(&json!({
            "intent_score": 1, "urgency_score": 1, "budget_score": 1, "fit_score": 1, "engagement_score": 1,
            "name": "Siddhant", "email": jane,
        })),
    ];
    for request in requests.into_iter().chain(people(&client, &gateway)).chain(webhooks(&client, &gateway)) {
        statuses.insert(send(request).await.status);
    }
    assert_eq!(statuses, BTreeSet::from([200, 400, 401, 402, 403, 404, 415, 422]));
    ask_to_score(&mut program, &ready, &client).await;
    let scored = async || shown(&client, &gateway, WRITER).await["has_extraction"] == true;
    program.until("the lead is scored", SOON, scored).await;
    for line in ["recorded a message", "recorded a status", "says nothing that could be recorded", "scoring done"] {
        logged(&program, line).await;
    }
    let personal = personal_data(&ready).await;
    assert!(personal.len() > 900, "{}", personal.len());
    for told in
        [WRITER, DIRECT_WRITER, "Ottoline", "ottoline@wren.example", "Augusta Kingsley", "augusta@kingsley.example"]
    {
        assert!(personal.contains(told), "{told} was not stored");
    }
    assert!(program.interrupt().await);

    let log = program.output().to_lowercase();
    assert!(log.matches("answered").count() >= 3 && log.matches("refused").count() >= 10, "{log}");
    assert!(log.contains("key_id"), "what a leaked key was used for could not be found: {log}");
    // The complaints quote nothing either.
    let refused = ["augusta at kingsley", "kingsley-nickname", "ottoline-broken"].map(str::to_owned);
    for value in personal.iter().chain(&refused) {
        assert!(!log.contains(&value.to_lowercase()), "the log holds {value}");
    }
    for word in ["read", "poor", "past", "rival"] {
        assert_eq!(log.matches(&demo::key(word)).count(), 1, "a key is only in the banner");
    }
}

/// Contacts and activities: new, known, of somebody else, unknown and wrong.
fn people(client: &Client, gateway: &str) -> Vec<RequestBuilder> {
    let contact = json!({
        "external_ref": "LD-77", "full_name": "Augusta Kingsley", "email": "Augusta@Kingsley.example",
        "phone": "+44 20 7946 0958", "linkedin": "https://linkedin.example/augusta-kingsley",
    });
    let mut of_another = contact.clone();
    of_another["external_ref"] = json!("LD-78");
    let wrong = json!({"email": "augusta at kingsley", "phone": "kingsley-nickname", "kingsley-nickname": 1});
    let activity = json!({
        "contact_id": CONTACT, "type": "call", "title": "Kingsley on engines", "body": "Augusta wants nineteen of them.",
    });
    let mut of_nobody = activity.clone();
    of_nobody["contact_id"] = json!(demo::WORKSPACE);
    let wrong_activity = json!({"contact_id": "kingsley-nickname", "type": "Augusta at Kingsley", "body": 1});
    let many = json!({"contacts": [contact, of_another, wrong, "augusta at kingsley"]});
    let each = [
        ("contacts", contact),
        ("contacts", of_another),
        ("contacts", wrong),
        ("contacts/bulk", many),
        ("activities", activity.clone()),
        ("activities", activity),
        ("activities", of_nobody),
        ("activities", wrong_activity),
    ];
    let post = |path: &str| client.post(format!("{gateway}/v1/{path}")).bearer_auth(demo::key("demo"));
    each.map(|(path, body)| post(path).json(&body)).into()
}

/// Deliveries of Meta: messages, statuses, what says nothing, and what is not Meta's.
fn webhooks(client: &Client, gateway: &str) -> Vec<RequestBuilder> {
    let says = "I am Ottoline, ottoline@wren.example, and buy it today";
    let echo = json!({"from": "15550783881", "to": WRITER, "id": "wamid.echo", "timestamp": "1760000050", "type": "text", "text": {"body": "Ottoline, it is yours"}});
    let nothing = json!({"from": "ottoline-broken # broken", "id": "wamid.nothing", "timestamp": "1760000000", "type": "text", "text": {"body": "ottoline-broken"}});
    let direct = json!({
        "sender": {"id": DIRECT_WRITER}, "recipient": {"id": INSTAGRAM}, "timestamp": 1_760_000_000_123_i64,
        "message": {"mid": "aWdf1", "text": "Ottoline again"},
    });
    let mut echoed = whatsapp(&[value(PHONE, json!({"message_echoes": [echo]}))]);
    echoed["entry"][0]["changes"][0]["field"] = json!("smb_message_echoes");
    let payloads = [
        whatsapp(&[text("wamid.1", WRITER, "Ottoline Wren", says)]),
        echoed,
        whatsapp(&[status("wamid.echo", WRITER, "failed")]),
        whatsapp(&[value(PHONE, json!({"messages": [nothing]}))]),
        json!({"object": "instagram", "entry": [{"id": INSTAGRAM, "time": 1_760_000_001, "messaging": [direct]}]}),
    ];
    let post = |signature: String, body: String| {
        let request = client.post(format!("{gateway}{WEBHOOK}")).header("X-Hub-Signature-256", signature);
        request.header("content-type", "application/json").body(body)
    };
    let signed = |body: String| post(signature(body.as_bytes()), body);
    let foreign = post("sha256=ottoline-broken".to_owned(), payloads[0].to_string());
    let broken = signed("{\"ottoline-broken\": ottoline-broken".to_owned());
    payloads.iter().map(|payload| signed(payload.to_string())).chain([foreign, broken]).collect()
}

/// A lead of the demo's user.
async fn shown(client: &Client, gateway: &str, lead: &str) -> Value {
    let request = client.get(format!("{gateway}/users/{}/leads/{lead}", demo::USER));
    send(request.bearer_auth(demo::key("demo"))).await.json()["data"].clone()
}

/// Sends the lead that wrote to be scored, once all messages are recorded, and a message that nobody
/// can read.
async fn ask_to_score(program: &mut Program, ready: &local::Ready, client: &Client) {
    let gateway = ready.gateway.as_deref().unwrap();
    let recorded = async || {
        shown(client, gateway, WRITER).await["total_messages"] == 2
            && shown(client, gateway, DIRECT_WRITER).await["total_messages"] == 1
    };
    program.until("the messages are recorded", SOON, recorded).await;
    let lead_id = shown(client, gateway, WRITER).await["lead_id"].clone();
    let due = json!({"workspace_id": demo::WORKSPACE, "lead_id": lead_id}).to_string();
    let queue = local::sqs::client(&ready.sqs);
    for body in ["ottoline-broken".to_owned(), due] {
        let queue = queue.send_message().queue_url(&ready.environment["SCORING_QUEUE_URL"]);
        queue.message_body(body).send().await.unwrap();
    }
    logged(program, "the message is not what this function takes").await;
}

/// Waits for a line of the log.
async fn logged(program: &Program, line: &str) {
    let started = std::time::Instant::now();
    while !program.output().contains(line) {
        assert!(started.elapsed() < SOON, "{line}: {}", program.output());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Names, addresses, numbers and texts of every lead and conversation, as they are stored.
async fn personal_data(ready: &local::Ready) -> BTreeSet<String> {
    let items = scan(&ready.dynamodb, &ready.environment["LEADS_TABLE"]).await;
    let names = [
        "/full_name",
        "/email",
        "/phone",
        "/linkedin",
        "/body",
        "/customer_phone",
        "/contact_name",
        "/contact_email",
        "/name",
        "/text",
    ];
    // A row of the lead list is one text.
    let in_row = ["/extraction/name", "/extraction/email", "/last_message/text"];
    let texts = |item: &Value| {
        let row: Value =
            item["row"]["S"].as_str().map(|row| serde_json::from_str(row).expect("a row")).unwrap_or_default();
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let beside = names.map(|name| text(item.pointer(&format!("{name}/S"))));
        let inside = in_row.map(|name| text(row.pointer(name)));
        beside.into_iter().chain(inside)
    };
    items.iter().flat_map(texts).flatten().collect()
}
