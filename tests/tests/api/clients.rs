//! What ordinary HTTP clients send and expect: browsers, monitors, proxies, and clients that compress or reconnect.

use std::io::Write;

use serde_json::json;
use tests::leads_api::USER;
use tests::{Answer, Api, CONTACT, SUGGEST, send};

const CHAT: &str = "/v1/lexi/chat";

async fn compressed(api: &Api, encoding: &str, body: Vec<u8>) -> Answer {
    let request = api.authorized("POST", SUGGEST).header("Content-Type", "application/json");
    send(request.header("Content-Encoding", encoding).body(body)).await
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_compressed_body_is_read_and_an_unknown_encoding_is_refused_by_its_name() {
    let api = Api::start().await;
    let body = json!({"contact_id": CONTACT, "count": 1}).to_string();
    assert_eq!(compressed(&api, "gzip", gzip(body.as_bytes())).await.status, 200);
    assert_eq!(compressed(&api, "identity", body.clone().into_bytes()).await.status, 200);
    let unknown = compressed(&api, "br", body.clone().into_bytes()).await;
    assert_eq!(unknown.code(), (415, "unsupported_media_type".to_owned()));
    assert!(unknown.text.contains("Content-Encoding"), "{}", unknown.text);
    let broken = compressed(&api, "gzip", body.into_bytes()).await;
    assert!(broken.status == 400 && broken.text.contains("gzip"), "{}", broken.text);
    // A few bytes that become more than a body may have.
    let bomb = compressed(&api, "gzip", gzip(&vec![b' '; 50 * 1024 * 1024])).await;
    assert_eq!(bomb.code(), (413, "payload_too_large".to_owned()));
}

#[tokio::test]
async fn a_byte_order_mark_and_the_other_name_of_utf_8_are_no_obstacle() {
    let api = Api::start().await;
    let body = format!("\u{feff}{}", json!({"contact_id": CONTACT, "count": 1}));
    for charset in ["utf-8", "UTF8", "\"utf-8\""] {
        let request = api.authorized("POST", SUGGEST);
        let request = request.header("Content-Type", format!("application/json; charset={charset}"));
        assert_eq!(send(request.body(body.clone())).await.status, 200, "{charset}");
    }
}

#[tokio::test]
async fn a_refused_key_says_which_scheme_is_wanted() {
    let api = Api::start().await;
    for path in ["/v1/credits", "/users/me/leads", "/api/v1/ai/followup/recommendations"] {
        let answer = send(api.request("GET", path)).await;
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (401, "Bearer realm=\"lead-followup\""),
            "{path}"
        );
    }
    assert_eq!(api.get("/v1/credits").await.header("www-authenticate"), "");
}

#[tokio::test]
async fn a_slash_at_the_end_leads_to_the_route_without_it() {
    let api = Api::start().await;
    let answer = send(api.authorized("GET", "/v1/credits/?page=2")).await;
    assert_eq!((answer.status, answer.header("location")), (308, "/v1/credits?page=2"));
    assert_eq!(send(api.authorized("GET", "/v1/nothing/")).await.status, 404);
}

#[tokio::test]
async fn head_gets_the_head_of_the_page() {
    let api = Api::start().await;
    for path in ["/health", "/openapi.json", "/docs"] {
        let (head, get) = (send(api.request("HEAD", path)).await, send(api.request("GET", path)).await);
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
}

#[tokio::test]
async fn a_page_of_this_machine_may_ask_and_no_other_page() {
    let api = Api::start().await;
    let preflight = async |origin: &str| {
        let request = api.request("OPTIONS", "/v1/credits").header("Origin", origin);
        let request = request.header("Access-Control-Request-Method", "GET");
        send(request.header("Access-Control-Request-Headers", "authorization")).await
    };
    for origin in ["http://localhost:5173", "http://127.0.0.1:8080"] {
        let answer = preflight(origin).await;
        let allowed = ["origin", "methods", "headers"]
            .map(|name| answer.header(&format!("access-control-allow-{name}")).to_owned());
        assert_eq!((answer.status, allowed), (204, [origin, "GET", "authorization"].map(str::to_owned)));
        let read = send(api.authorized("GET", "/v1/credits").header("Origin", origin)).await;
        assert_eq!((read.status, read.header("access-control-allow-origin")), (200, origin));
    }
    for origin in ["https://evil.example", "http://localhost.evil.example", "null"] {
        assert_eq!(preflight(origin).await.header("access-control-allow-origin"), "", "{origin}");
        let read = send(api.authorized("GET", "/v1/credits").header("Origin", origin)).await;
        assert_eq!(read.header("access-control-allow-origin"), "", "{origin}");
    }
}

#[tokio::test]
async fn a_list_may_be_repeated_or_have_brackets_and_anything_else_is_given_once() {
    let api = Api::start().await;
    let leads = format!("/users/{USER}/leads");
    for query in [
        "platform=whatsapp,instagram",
        "platform=whatsapp&platform=instagram",
        "platform[]=whatsapp&platform[]=instagram",
    ] {
        assert_eq!(api.get(&format!("{leads}?{query}")).await.status, 200, "{query}");
    }
    for (query, name) in [
        ("limit=1&limit=2", "limit"),
        ("search=a&search=b", "search"),
        ("limit[]=1", "limit"),
        ("platform=whatsapp&platform=fax", "platform"),
    ] {
        let answer = api.get(&format!("{leads}?{query}")).await;
        assert!(answer.status == 400 && answer.text.contains(name), "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_stream_that_is_asked_for_again_is_answered_and_charged_once() {
    let api = Api::start().await;
    let ask = async |last: Option<&str>, message: &str| {
        let mut request = api.authorized("POST", CHAT).header("Accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        send(request.json(&json!({"message": message}))).await
    };
    let ids = |answer: &Answer| -> Vec<String> {
        answer.text.lines().filter_map(|line| line.strip_prefix("id: ")).map(str::to_owned).collect()
    };
    let first = ask(None, "How many credits do I have?").await;
    let given = ids(&first);
    let distinct: std::collections::BTreeSet<_> = given.iter().collect();
    assert!(given.len() > 1 && distinct.len() == given.len(), "{}", first.text);
    let again = ask(Some(&given[0]), "How many credits do I have?").await;
    let done = |answer: &Answer| answer.text.split("event: done\n").nth(1).unwrap().to_owned();
    assert_eq!(done(&again), done(&first));
    assert_eq!(api.verified_balance().await.spent, 1);
    // Another message with that id is another request, and a stranger's id is nobody's.
    assert_eq!(ask(Some(&given[0]), "Hello").await.status, 422);
    assert_eq!(ask(Some("x"), "Hello").await.status, 200);
    assert_eq!(api.verified_balance().await.spent, 2);
}
