//! No text leaves unchecked (docs/behaviour.md, "Checked texts"): the same hostile texts of a model, in each field of each
//! answer that a person or lead may see, and in what a person writes instead.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use cli::demo;
use serde_json::{Value, json};
use shared::base::clock::Random;
use shared::base::context::FromContext;
use shared::crm::leads::Lead;
use shared::crm::lists::{Lists, Member, Target};
use shared::workflow::campaigns::Drafting;
use shared::workflow::tasks::{Brief, TaskId};
use shared::workspace::accounts::Role;
use shared::workspace::auth::Permission;
use tests::sites::Staff;
use tests::{Answer, Api, CONTACT, FOLLOW_UP, ModelReply, ScriptedModel, send, suggestion};
use uuid::Uuid;

const RECOMMENDATION: &str = "/api/v1/ai/followup/recommendation";
const RECOMMENDATIONS: &str = "/api/v1/ai/followup/recommendations";
const CHAT: &str = "/v1/lexi/chat";

/// A lead without a phone, who is best met: such a draft has a title.
const MET: Uuid = Uuid::from_u128(7);

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Placeholder,
    Personal,
    Price,
    Link,
    /// A number or a person. A title and a hint when to do something are not checked for them, nor is a conversation.
    Fact,
}

/// What a model writes, with the part of it that nobody may see.
const HOSTILE: [(Wrong, &str, &str); 24] = [
    (Wrong::Placeholder, "it costs [insert price] now", "insert price"),
    (Wrong::Placeholder, "hello {{first_name}} again", "first_name"),
    (Wrong::Placeholder, "hello <NAME> again", "NAME"),
    (Wrong::Placeholder, "hello %FIRSTNAME% again", "FIRSTNAME"),
    (Wrong::Placeholder, "hello ${name} again", "{name"),
    (Wrong::Placeholder, "hello {name} again", "{name"),
    (Wrong::Placeholder, "hello __name__ again", "__name"),
    (Wrong::Placeholder, "it costs XXX now", "XXX"),
    (Wrong::Placeholder, "lorem ipsum dolor sit amet", "ipsum"),
    (Wrong::Placeholder, "regards from your name here", "your name here"),
    (Wrong::Placeholder, "saludos de [su nombre]", "su nombre"),
    (Wrong::Placeholder, "hallo [Vorname], bis bald", "Vorname"),
    (Wrong::Placeholder, "【会社名】様へ", "会社名"),
    (Wrong::Placeholder, "a line (insert signature)", "insert signature"),
    (Wrong::Personal, "write to peter@elsewhere.example today", "peter@"),
    (Wrong::Personal, "call +44 20 7946 0123 today", "7946 0123"),
    (Wrong::Personal, "the card is 4111 1111 1111 1111 still", "4111 1111"),
    (Wrong::Personal, "pay to DE89 3704 0044 0532 0130 00 now", "3704 0044"),
    (Wrong::Personal, "the social security number is 219-09-9999 there", "219-09-9999"),
    (Wrong::Price, "it costs $499 a month", "$499"),
    (Wrong::Price, "es kostet nur EUR 499 im Monat", "EUR 499"),
    (Wrong::Link, "see https://evil.example/pay for it", "evil.example"),
    (Wrong::Fact, "we last met on 2019-02-03 there", "2019-02-03"),
    (Wrong::Fact, "we spoke with Peter Miller about it", "Peter Miller"),
];

/// A model that answers each prompt with what stands here for it.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<Vec<(&'static str, Value)>>>);

impl Script {
    fn set(&self, replies: Vec<(&'static str, Value)>) {
        *self.0.lock().unwrap() = replies;
    }

    fn model(&self) -> ModelReply {
        let script = self.clone();
        ModelReply::By(Arc::new(move |request: &Value| {
            let name = request["response_format"]["json_schema"]["name"].as_str().unwrap_or("lexi");
            let has_used = request["messages"].as_array().unwrap().iter().any(|message| message["role"] == "tool");
            let name = if name == "lexi" && has_used { "lexi_after" } else { name };
            let replies = script.0.lock().unwrap();
            let (_, reply) = replies.iter().find(|(prompt, _)| *prompt == name).expect("a reply");
            match (reply["call"].as_str(), reply.as_str()) {
                (Some(call), _) => ModelReply::Calls(vec![(call.to_owned(), reply["arguments"].to_string())]),
                (_, Some(text)) => ModelReply::Text(text.to_owned()),
                _ => ModelReply::Text(reply.to_string()),
            }
        }))
    }
}

/// A stack with a scripted model and two sites, of which one has a copywriter.
struct Scene {
    api: Api,
    model: ScriptedModel,
    script: Script,
    sales: Staff,
    both: Staff,
}

impl Scene {
    async fn start() -> Self {
        let script = Script::default();
        let model = ScriptedModel::start(vec![script.model()]).await;
        let api = Api::with_model(&model).await;
        let sales = api.staff((true, true), &[Role::Sales]).await;
        let both = api.staff((true, true), &[Role::Sales, Role::Copywriter]).await;
        let (now, email) = (api.clock.now(), Some("jane@lumen.example".to_owned()));
        let met = Lead { lead_id: MET, full_name: Some("Jane Doe".to_owned()), email, ..Lead::default() };
        let meetings = [2, 5].map(|days| tests::activity(now, "meeting", days, "Meeting", "Jane asked for more."));
        api.leads().load(api.workspace, &[(met, meetings.to_vec())]).await.unwrap();
        Self { api, model, script, sales, both }
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.api.authorized("POST", path).json(body)).await
    }

    /// Recommends a follow-up for a lead.
    async fn recommend_to(&self, lead_id: Uuid, reply: Value) -> Answer {
        self.script.set(vec![("recommend_follow_up", reply)]);
        self.post(RECOMMENDATION, &json!({"lead_id": lead_id})).await
    }

    async fn recommend(&self, reply: Value) -> Answer {
        self.recommend_to(CONTACT, reply).await
    }

    async fn follow_up(&self, staff: &Staff, sales: Value, refined: Value) -> Value {
        self.script.set(vec![("sales_follow_up", sales), ("refine_follow_up", refined)]);
        let request = self.api.authorized("POST", FOLLOW_UP).header("Prefer", "wait=15");
        let answer = send(request.json(&json!({"siteId": staff.site, "leadId": CONTACT}))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["data"].clone()
    }

    async fn spent(&self) -> u64 {
        self.api.verified_balance().await.spent
    }

    /// The newest notification for compliance.
    async fn alert(&self) -> Value {
        let alerts = self.api.get("/api/v1/ai/followup/notifications?role=compliance").await.json();
        alerts["notifications"][0].clone()
    }
}

fn written(title: &str, message: &str, strategy: &str) -> Value {
    json!({"title": title, "message": message, "strategy": strategy})
}

fn fine() -> Value {
    written("About your plans", "Hello, shall we talk?", "Ask for a call.")
}

/// The follow-up's answer with these messages beside a fine e-mail.
fn messages(whatsapp: Value, notification: Value, web: Value) -> Value {
    json!({"email": fine(), "whatsapp": whatsapp, "notification": notification, "web": web})
}

fn recommended(title: &str, message: &str, reason: &str) -> Value {
    json!({"reasoning_summary": reason, "draft_title": title, "draft_message": message})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suggestion_with_a_hostile_text_is_dropped_and_nothing_is_charged_for_nothing() {
    let scene = Scene::start().await;
    for (wrong, text, secret) in HOSTILE {
        let with = |field: &str| {
            let mut hostile = suggestion("email");
            hostile["draft_body"] = json!("Hi Jane, shall we talk?");
            hostile[field] = json!(text);
            hostile
        };
        let fields = match wrong {
            Wrong::Fact => vec!["reason", "draft_body"],
            _ => vec!["title", "reason", "suggested_when", "draft_body"],
        };
        let hostile: Vec<_> = fields.into_iter().map(with).collect();
        let mut mixed = hostile.clone();
        mixed.push(suggestion("linkedin"));
        let (before, asked) = (scene.spent().await, scene.model.requests().len());
        scene.script.set(vec![("suggest_followups", json!({"suggestions": mixed}))]);
        let body = json!({"contact_id": CONTACT, "count": 5});
        let answer = scene.api.suggest(&body).await;
        let left = answer.json()["data"]["suggestions"].clone();
        assert_eq!((answer.status, left.as_array().map(Vec::len)), (200, Some(1)), "{text}: {}", answer.text);
        assert_eq!(left[0]["type"], "linkedin", "{text}");
        assert!(!answer.text.contains(secret), "{text}: {}", answer.text);
        // It is written again once.
        assert_eq!(scene.model.requests().len(), asked + 2, "{text}");
        assert_eq!(scene.spent().await, before + 2, "{text}");
        // Where nothing is left, there is no answer, and no charge.
        scene.script.set(vec![("suggest_followups", json!({"suggestions": hostile}))]);
        let answer = scene.api.suggest(&body).await;
        assert_eq!(answer.code(), (502, "ai_unavailable".to_owned()), "{text}");
        assert!(!answer.text.contains(secret), "{text}");
        assert_eq!(scene.spent().await, before + 2, "{text}");
    }
    assert_eq!(scene.api.verified_balance().await.held, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follow_up_drops_each_channel_with_a_hostile_text_in_both_phases() {
    let scene = Scene::start().await;
    for (wrong, text, secret) in HOSTILE {
        let title = if wrong == Wrong::Fact { fine() } else { written(text, "Hello", "Ask.") };
        let body = written("Hello", text, "Ask.");
        let strategy = written("Hello", "Hello", text);
        let hostile = messages(body.clone(), title.clone(), strategy);
        let data = scene.follow_up(&scene.sales, hostile, Value::Null).await;
        let channels: Vec<_> = data["messages"].as_object().unwrap().keys().cloned().collect();
        let expected = if wrong == Wrong::Fact { vec!["email", "notification"] } else { vec!["email"] };
        assert_eq!(channels, expected, "{text}: {data}");
        assert_eq!(data["recommendation_ids"].as_object().unwrap().len(), expected.len(), "{text}");
        assert!(!data.to_string().contains(secret), "{text}: {data}");
        // The copywriter's hostile text leaves the sales text standing.
        let refined = messages(body.clone(), title, body);
        let data = scene.follow_up(&scene.both, messages(fine(), fine(), fine()), refined).await;
        assert_eq!(data["refinement"]["status"], "completed", "{text}: {data}");
        assert_eq!(data["messages"], messages(fine(), fine(), fine()), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recommendation_with_a_hostile_text_is_blocked_or_left_to_people() {
    let scene = Scene::start().await;
    scene.api.set_price(scene.api.workspace, "recommendation", 3).await;
    for (wrong, text, secret) in HOSTILE {
        let mut hostile =
            vec![(CONTACT, recommended("Hello", text, "Jane asked.")), (CONTACT, recommended("Hello", "Hello", text))];
        if wrong != Wrong::Fact {
            hostile.push((MET, recommended(text, "Hello", "Jane asked.")));
        }
        for (lead_id, reply) in hostile {
            let asked = scene.model.requests().len();
            let answer = scene.recommend_to(lead_id, reply).await;
            assert_eq!(scene.model.requests().len(), asked + 2, "{text}");
            assert!(!answer.text.contains(secret), "{text}: {}", answer.text);
            if wrong == Wrong::Personal {
                let body = answer.json();
                let shown = (&body["status"], &body["draft_message"], &body["reasoning_summary"]);
                assert_eq!((answer.status, shown), (200, (&json!("blocked_pii"), &json!(""), &json!(""))), "{text}");
                assert!(body["recommended_channel"].is_string() && body["priority_score"].is_u64(), "{body}");
                // Compliance hears of it, and whose it is.
                let alert = scene.alert().await;
                assert_eq!(
                    (&alert["kind"], &alert["recommendation_id"]),
                    (&json!("pii_blocked"), &body["recommendation_id"])
                );
                assert_eq!(alert["details"]["findings"][0]["source"], "model", "{text}: {alert}");
                assert!(!alert.to_string().contains(secret), "{text}: {alert}");
            } else {
                assert_eq!(answer.code(), (500, "AI_SERVICE_UNAVAILABLE".to_owned()), "{text}: {}", answer.text);
                assert_eq!(answer.json()["error"]["details"]["status"], "manual", "{text}");
            }
        }
    }
    // What was not delivered costs nothing.
    assert_eq!((scene.spent().await, scene.api.verified_balance().await.held), (0, 0));
    assert_eq!(scene.recommend(recommended("Hello", "Hi Jane, hello", "Jane asked.")).await.status, 200);
    assert_eq!(scene.spent().await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_tells_what_the_model_disclosed_from_what_its_input_did() {
    let scene = Scene::start().await;
    let now = scene.api.clock.now();
    let note = tests::activity(now, "note", 1, "Note", "Her assistant is on +442079460123.");
    scene.api.leads().put_activities(scene.api.workspace, CONTACT, &[note]).await.unwrap();
    let message = "Hi Jane, call +44 20 7946 0123 or write to peter@elsewhere.example.";
    assert_eq!(scene.recommend(recommended("Hello", message, "Jane asked.")).await.json()["status"], "blocked_pii");
    let alert = scene.alert().await;
    let findings = alert["details"]["findings"].as_array().unwrap();
    let found: Vec<_> =
        findings.iter().map(|finding| (finding["category"].as_str(), finding["source"].as_str())).collect();
    assert_eq!(found, [(Some("phone"), Some("input")), (Some("email"), Some("model"))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaigns_draft_with_a_hostile_text_is_blocked_or_not_written() {
    let scene = Scene::start().await;
    let (api, random) = (&scene.api, Random::from_os());
    let lists = Lists::new(&api.stack.context).unwrap();
    let list = Target { list_id: random.uuid(), name: "Q1 Leads".to_owned() };
    lists.create(&list, api.workspace).await.unwrap();
    lists.add(api.workspace, list.list_id, &[Member { lead_id: CONTACT, prospect_id: None }]).await.unwrap();
    let drafting = Drafting::new(&api.stack.context).unwrap();
    for (wrong, text, secret) in HOSTILE {
        for reply in [recommended("Hello", text, "Her role."), recommended("Hello", "Hello", text)] {
            scene.script.set(vec![("campaign_draft", reply)]);
            let brief = Brief {
                campaign_id: random.uuid(),
                name: "Spring".to_owned(),
                list: list.clone(),
                about: "legal automation".to_owned(),
                example: None,
            };
            let task = TaskId { workspace_id: api.workspace, task_id: random.uuid() };
            let until = api.clock.now() + TimeDelta::seconds(60);
            assert!(drafting.advance(task, &brief, until).await.unwrap().finished, "{text}");
            let drafts = api.get(&format!("/v1/campaigns/{}/drafts", brief.campaign_id)).await;
            let expected = if wrong == Wrong::Personal { "blocked_pii" } else { "not_written" };
            assert_eq!(drafts.json()["data"][0]["state"], expected, "{text}: {}", drafts.text);
            assert!(!drafts.text.contains(secret), "{text}");
            if wrong == Wrong::Personal {
                assert_eq!(scene.alert().await["details"]["findings"][0]["source"], "model", "{text}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lexi_says_drafts_and_proposes_nothing_hostile() {
    let scene = Scene::start().await;
    let api = &scene.api;
    let list = send(api.authorized("POST", "/v1/lists").json(&json!({"name": "Friends"}))).await.json();
    let list_id = list["data"]["list_id"].clone();
    let add = json!({"contact_ids": [CONTACT]});
    let added = scene.post(&format!("/v1/lists/{}/contacts", list_id.as_str().unwrap()), &add).await;
    assert!(added.status < 300, "{}", added.text);
    for (wrong, text, secret) in HOSTILE {
        // What it says, at once and as events.
        if wrong != Wrong::Fact {
            let said = format!("Here is a text. And so, {text}. Does it help?");
            scene.script.set(vec![("lexi", json!(said))]);
            let body = json!({"message": "Write something to Jane."});
            let asked = scene.model.requests().len();
            let whole = scene.post(CHAT, &body).await;
            let request = api.authorized("POST", CHAT).header("Accept", "text/event-stream");
            let events = send(request.json(&body)).await;
            let response = whole.json()["data"]["response"].clone();
            for answer in [&whole, &events] {
                assert_eq!(answer.status, 200, "{text}: {}", answer.text);
                assert!(!answer.text.contains(secret), "{text}: {}", answer.text);
            }
            assert!(response.as_str().unwrap().starts_with("Here is a text. "), "{text}: {response}");
            assert!(response.as_str().unwrap().ends_with(" Does it help?"), "{text}: {response}");
            // It is asked once more, unless only a link is removed.
            let is_repeated = usize::from(wrong != Wrong::Link && !text.contains('@'));
            assert_eq!(scene.model.requests().len(), asked + 2 + is_repeated, "{text}");
        }
        // What it drafts and proposes.
        let fine = "We help legal teams.";
        let campaign = |about: &str, subject: &str, message: &str| {
            let arguments = json!({"list": null, "name": null, "about": about, "subject": subject, "message": message});
            json!({"call": "campaign_start", "arguments": arguments})
        };
        let mut calls = vec![
            json!({"call": "write_email", "arguments": {"subject": "Hello", "message": text}}),
            campaign("legal teams", "Hello", text),
            campaign(text, "Hello", fine),
        ];
        if !matches!(wrong, Wrong::Fact | Wrong::Price) {
            let create = json!({"operation": "create", "list": text, "new_name": null, "contacts": []});
            calls.push(json!({"call": "list_operation", "arguments": create}));
        }
        for call in calls {
            scene.script.set(vec![("lexi", call.clone()), ("lexi_after", json!("It did not work."))]);
            let body = json!({"message": "Start a campaign for legal teams.", "context": {"list_id": list_id}});
            let answer = scene.post(CHAT, &body).await;
            assert_eq!(answer.json()["data"]["task_id"], Value::Null, "{call}: {}", answer.text);
            let id = answer.json()["data"]["conversation_id"].as_str().unwrap().to_owned();
            let conversation = api.get(&format!("/v1/lexi/conversations/{id}")).await;
            assert!(!conversation.text.contains(secret), "{call}: {}", conversation.text);
        }
    }
    assert_eq!(api.get("/v1/lexi/tasks").await.json()["meta"]["total"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_which_nothing_passes_is_not_charged() {
    let scene = Scene::start().await;
    scene.script.set(vec![("lexi", json!("Hi [Name], your card is 4111 1111 1111 1111"))]);
    let answer = scene.post(CHAT, &json!({"message": "Hello"})).await;
    assert_eq!(answer.code(), (502, "ai_unavailable".to_owned()), "{}", answer.text);
    assert_eq!((scene.spent().await, scene.api.verified_balance().await.held), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_writes_instead_passes_the_same_gate() {
    let scene = Scene::start().await;
    let made = scene.recommend(recommended("Hello", "Hi Jane, hello", "Jane asked.")).await.json();
    let approve = format!("{RECOMMENDATIONS}/{}/approve", made["recommendation_id"].as_str().unwrap());
    for (wrong, text, secret) in HOSTILE {
        for edit in [json!({"draft_message": text}), json!({"draft_title": text})] {
            let (status, code) = match wrong {
                Wrong::Placeholder => (400, "INVALID_REQUEST"),
                Wrong::Personal => (422, "PII_BLOCKED"),
                // A person may know more than is stored.
                Wrong::Price | Wrong::Link | Wrong::Fact => continue,
            };
            let refused = scene.post(&approve, &edit).await;
            assert_eq!(refused.code(), (status, code.to_owned()), "{text}: {}", refused.text);
            if wrong == Wrong::Personal {
                assert_eq!(scene.alert().await["details"]["findings"][0]["source"], "person", "{text}");
                assert!(!refused.text.contains(secret), "{text}");
            }
        }
    }
    let sent = scene.post(&approve, &json!({"draft_message": "Hi Jane, it is $499 [PDF, see page 2] [1]."})).await;
    assert_eq!(sent.code().0, 400, "{}", sent.text);
    let sent = scene.post(&approve, &json!({"draft_message": "Hi Jane, it is $499 [1]; see [PDF]."})).await;
    assert_eq!((sent.status, &sent.json()["status"]), (200, &json!("approved")), "{}", sent.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prices_of_the_input_own_contacts_and_brackets_of_a_ticket_are_no_alarm() {
    let scene = Scene::start().await;
    let now = scene.api.clock.now();
    let asked =
        tests::activity(now, "email", 1, "Re: [Ticket #4711] Prices", "Is it US$5,000 or [all inclusive] 20% less?");
    scene.api.leads().put_activities(scene.api.workspace, CONTACT, &[asked]).await.unwrap();
    let text = "Hi Jane, about [Ticket #4711]: yes, $5,000, 20% less. See https://acme.com, write to \
                sales@acme.example or jane@acme.example, or call +1 202 555 0100. Do you have 15 minutes?";
    let mut suggested = suggestion("email");
    suggested["draft_body"] = json!(text);
    suggested["reason"] =
        json!("Jane asked for $5,000 [all inclusive] on ticket 4711, 1 day ago, after 3 unanswered emails.");
    suggested["suggested_when"] = json!("Within 48 hours, by 10:30");
    scene.script.set(vec![("suggest_followups", json!({"suggestions": [suggested]}))]);
    let answer = scene.api.suggest(&json!({"contact_id": CONTACT, "count": 1})).await;
    assert_eq!((answer.status, &answer.json()["data"]["suggestions"][0]), (200, &suggested), "{}", answer.text);
    let answer = scene.recommend(recommended("Re: [Ticket #4711]", text, "Jane asked for $5,000.")).await;
    assert_eq!((answer.status, &answer.json()["draft_message"]), (200, &json!(text)), "{}", answer.text);
    let email = json!({"email": written("Re: [Ticket #4711]", text, "Answer."), "whatsapp": fine(), "notification": fine(), "web": fine()});
    let data = scene.follow_up(&scene.sales, email, Value::Null).await;
    assert_eq!((&data["messages"]["email"]["message"], &data["not_written"]), (&json!(text), &json!([])), "{data}");
    assert_eq!(scene.model.requests().len(), 3);
    // In a conversation, what the records or the person say may be told.
    scene
        .script
        .set(vec![("lexi", json!("Her number is +44 20 7946 0123, and it costs $20. Put [Name] where it goes."))]);
    let message = "Say that her number is +442079460123, that it costs 20 dollars, and that [Name] goes first.";
    let answer = scene.post(CHAT, &json!({"message": message})).await;
    let response = answer.json()["data"]["response"].clone();
    assert_eq!(
        response, "Her number is +44 20 7946 0123, and it costs $20. Put [Name] where it goes.",
        "{}",
        answer.text
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_composers_suggestions_for_everybody_of_the_demo_pass() {
    let api = Api::without_scoring().await;
    demo::load(&api.stack.context, async |_, _| Ok(())).await.unwrap();
    let key = api.new_key(demo::WORKSPACE, &Permission::ALL, |_| {}).await;
    let leads = api.leads().all(demo::WORKSPACE).await.unwrap();
    let (mut given, mut asked) = (0, 0);
    for lead in leads.iter().take(60) {
        let request = api.request("POST", tests::SUGGEST).bearer_auth(&key);
        let answer = send(request.json(&json!({"contact_id": lead.lead_id, "count": 4}))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        given += answer.json()["data"]["suggestions"].as_array().unwrap().len();
        asked += 4;
    }
    assert!(given * 100 >= asked * 98, "{given} of {asked}");
}
