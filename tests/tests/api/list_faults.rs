//! Whatever call fails while a list is made and filled, and in whatever way: once the client has sent its
//! request again, there is one list, each contact is on it once, and its count is exact.

use serde_json::{Value, json};
use shared::crm::leads::Lead;
use tests::faults::{Way, in_every_way};
use tests::{Answer, Api, FaultProxy, Setup, send};
use uuid::Uuid;

const NAME: &str = "Zebedee Quill";

/// Sends a request, of which a call fails, until it ends well; gives the answer and how many calls there
/// were the first time.
async fn sent(api: &Api, proxy: &FaultProxy, path: &str, body: &Value, key: &str) -> (Answer, usize) {
    let request = async || send(api.authorized("POST", path).header("Idempotency-Key", key).json(body)).await;
    let mut answer = request().await;
    let calls = proxy.heal().len();
    for _ in 0..9 {
        match answer.status {
            200 => return (answer, calls),
            503 => assert_eq!(answer.header("retry-after"), "5", "{key}"),
            // What was claimed could not be given back; its lease ends.
            409 => api.clock.advance(chrono::TimeDelta::seconds(40)),
            _ => panic!("{key}: {}", answer.text),
        }
        answer = request().await;
    }
    panic!("{key} was not done in ten attempts");
}

async fn each_contact_is_there_once(way: Way) {
    let (api, proxy) = Api::behind_a_proxy(Setup::default()).await;
    let ids: Vec<_> = (1..=12).map(Uuid::from_u128).collect();
    let lead = |lead_id: &Uuid| Lead { lead_id: *lead_id, full_name: Some(NAME.to_owned()), ..Lead::default() };
    let leads: Vec<_> = ids.iter().map(|lead_id| (lead(lead_id), Vec::new())).collect();
    api.leads().load(api.workspace, &leads).await.unwrap();
    let (mut round, mut any_failed) = (0, true);
    while any_failed {
        way.fail(&proxy, round);
        let (made, calls) = sent(&api, &proxy, "/v1/lists", &json!({ "name": NAME }), &format!("m{round}")).await;
        any_failed = calls > way.call(round);
        let list = made.json()["data"]["list_id"].as_str().unwrap().to_owned();
        let path = format!("/v1/lists/{list}/contacts");
        // Some of them are there already.
        let (_, _) = sent(&api, &proxy, &path, &json!({"contact_ids": ids[..4]}), &format!("b{round}")).await;
        way.fail(&proxy, round);
        let (added, calls) = sent(&api, &proxy, &path, &json!({"contact_ids": ids}), &format!("a{round}")).await;
        any_failed |= calls > way.call(round);
        assert_eq!(added.json()["data"]["contact_count"], 12, "{way:?} {round}");
        way.fail(&proxy, round);
        let off = async || send(api.authorized("DELETE", &format!("{path}/{}", ids[0]))).await;
        let mut removed = off().await;
        any_failed |= proxy.heal().len() > way.call(round);
        while removed.status == 503 {
            removed = off().await;
        }
        // If the answer was lost, it is not there any more.
        assert!([200, 404].contains(&removed.status), "{way:?} {round}: {}", removed.text);
        let stands = api.get(&format!("/v1/lists/{list}")).await.json()["data"]["contact_count"].clone();
        let page = api.get(&format!("{path}?per_page=4&page=3")).await.json();
        assert_eq!((&stands, &page["meta"]["total"]), (&json!(11), &json!(11)), "{way:?} {round}");
        assert_eq!(page["data"].as_array().unwrap().len(), 3);
        round += 1;
        assert_eq!(api.get("/v1/lists").await.json()["meta"]["total"], round, "{way:?}");
    }
    assert!(way.call(round) > 5, "{round}");
}

#[tokio::test]
async fn whatever_call_fails_each_contact_is_on_the_list_once() {
    let log = in_every_way(each_contact_is_there_once).await;
    assert!(log.contains("answered") && log.contains("failed"), "{log}");
    assert!(!log.contains("Zebedee"), "the log holds the name");
}
