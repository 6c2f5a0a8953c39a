//! Whatever call of `score-due` and `lead-scorer` fails, and in whatever way: once they have run again,
//! the conversation is scored once for its messages, and is due no more.

use chrono::TimeDelta;
use functions::lead_scorer::{LeadScorer, Outcome};
use functions::score_due::ScoreDue;
use serde_json::json;
use shared::base::context::FromContext;
use shared::crm::conversations::Conversations;
use shared::crm::conversations::row::Row;
use shared::crm::conversations::scoring::{DueLead, buckets};
use shared::crm::identifiers::{CustomerPhone, User};
use tests::faults::{Way, in_every_way};
use tests::{Api, FaultProxy, Setup, scan, send};

const USER: &str = "u-1";
const LEAD: &str = "447946000001";
const WORDS: &str = "violet elephants";

/// The functions under test reach DynamoDB through a proxy; the stack's own, which share its tables,
/// find no queue to send anything to.
struct Behind {
    api: Api,
    proxy: FaultProxy,
    due: ScoreDue,
    scorer: LeadScorer,
    sqs: aws_sdk_sqs::Client,
    queue: String,
}

impl Behind {
    async fn a_proxy() -> Self {
        let nowhere = ("SCORING_QUEUE_URL".to_owned(), "http://127.0.0.1:1/queue".to_owned());
        let api = Api::with(Setup { environment: [nowhere].into(), ..Setup::default() }).await;
        let proxy = FaultProxy::of_schedules().await;
        proxy.set_upstream(&api.stack.ready.dynamodb).await;
        let sqs = local::sqs::client(&api.stack.ready.sqs);
        let queue = sqs.create_queue().queue_name("kept").send().await.unwrap().queue_url.unwrap();
        let context = api.context(&[("SCORING_QUEUE_URL", &queue), ("AWS_ENDPOINT_URL_DYNAMODB", proxy.url())]);
        let (due, scorer) = (ScoreDue::new(&context).unwrap(), LeadScorer::new(&context).unwrap());
        Self { api, proxy, due, scorer, sqs, queue }
    }

    /// The leads that messages name which wait.
    async fn received(&self) -> Vec<DueLead> {
        let mut leads = Vec::new();
        loop {
            let request = self.sqs.receive_message().queue_url(&self.queue).max_number_of_messages(10);
            let received = request.send().await.unwrap().messages.unwrap_or_default();
            if received.is_empty() {
                return leads;
            }
            let bodies = received.iter().map(|message| message.body().unwrap());
            leads.extend(bodies.map(|body| serde_json::from_str::<DueLead>(body).unwrap()));
        }
    }

    /// Records a message of the lead, and lets the conversation become quiet.
    async fn write(&self, round: usize) {
        let body = json!({
            "message_id": format!("m-{round}"), "customer_phone": LEAD, "platform": "whatsapp", "sender": "user",
            "text": WORDS, "timestamp": self.api.clock.now().to_rfc3339(),
        });
        let answer = send(self.api.authorized("POST", &format!("/users/{USER}/messages")).json(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.api.clock.advance(TimeDelta::seconds(301));
    }

    async fn row(&self) -> Row {
        let user = User::new(self.api.workspace, USER).unwrap();
        let conversations = Conversations::new(&self.api.stack.context).unwrap();
        conversations.row(&user, &CustomerPhone::parse(LEAD).unwrap()).await.unwrap().unwrap()
    }

    /// The lead's place among the buckets that `score-due` asks one after the other.
    async fn bucket(&self) -> usize {
        usize::from(self.row().await.lead_id.as_bytes()[0] >> 4)
    }

    /// How many extractions are stored, and how many messages the shown one covers.
    async fn scored(&self) -> (usize, u64) {
        let items = scan(&self.api.stack.ready.dynamodb, &self.api.stack.ready.environment["LEADS_TABLE"]).await;
        let extractions = items.iter().filter(|item| item["sk"]["S"].as_str().unwrap().starts_with("extraction#"));
        (extractions.count(), self.row().await.scored_messages)
    }
}

async fn it_is_scored_once(way: Way) {
    let behind = Behind::a_proxy().await;
    let (mut round, mut any_failed) = (0, true);
    while any_failed {
        behind.write(round).await;
        // The query that finds the lead, the update after sending, and what comes before and after.
        let bucket = behind.bucket().await;
        let first = [bucket, bucket + 1, 0, buckets().count()][way.call(round) % 4];
        behind.proxy.fail(first, way.more, way.fault);
        let mut sent = behind.due.send().await;
        for _ in 0..8 {
            if sent.is_ok() {
                break;
            }
            sent = behind.due.send().await;
        }
        sent.unwrap();
        behind.proxy.heal();
        let leads = behind.received().await;
        assert!((1..=9).contains(&leads.len()), "{way:?} {round}: {leads:?}");
        assert_eq!(behind.due.send().await.unwrap(), 0, "{way:?} {round}");

        way.fail(&behind.proxy, round);
        let mut outcome = behind.scorer.score(&leads[0]).await;
        for _ in 0..3 {
            if outcome.is_err() {
                outcome = behind.scorer.score(&leads[0]).await;
            }
        }
        any_failed = behind.proxy.heal().len() > way.call(round);
        // An answer that was lost was an extraction all the same.
        assert!(matches!(outcome.unwrap(), Outcome::Scored | Outcome::NotDue), "{way:?} {round}");
        for lead in &leads {
            assert_eq!(lead.workspace_id, behind.api.workspace);
            assert_eq!(behind.scorer.score(lead).await.unwrap(), Outcome::NotDue);
        }
        round += 1;
        assert_eq!(behind.scored().await, (round, round as u64), "{way:?} {round}");
    }
    let shown = behind.api.get(&format!("/users/{USER}/leads/{LEAD}")).await.json()["data"].clone();
    assert_eq!((&shown["has_extraction"], &shown["total_messages"]), (&json!(true), &json!(round)));
}

#[tokio::test]
async fn whatever_call_fails_a_conversation_is_scored_once() {
    let log = in_every_way(it_is_scored_once).await;
    assert!(log.contains("sent to be scored") && log.contains("scoring done"), "{log}");
    for personal in [LEAD, WORDS, "elephants"] {
        assert!(!log.contains(personal), "the log holds {personal}");
    }
}
