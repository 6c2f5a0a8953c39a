//! What is done next, as the dice have it.

use chrono::{SecondsFormat, TimeDelta};
use serde_json::{Value, json};
use uuid::Uuid;

use super::asked::Asked;
use super::told::{State, Told};
use super::world::{Fate, MARKS, Then, World, phone};
use crate::dice::Dice;

/// One operation.
#[derive(Clone, Debug)]
pub enum Operation {
    /// A client sends a request: once, or this many times at once.
    Ask(Asked, usize),
    /// A client sends a request to a function that comes to this end.
    AskDoomed(Fate, Asked),
    /// A client sends again what it sent before; to a function that comes to this end, if one is given.
    Again(usize, Option<Fate>),
    /// Somebody uses the key of this request, which was answered, for another.
    Reuse(usize),
    /// So many messages are worked off, in any order.
    Work(usize),
    /// The sweeper runs.
    Sweep,
    /// Conversations that are quiet are sent to be scored.
    Score,
    /// Time passes.
    Wait(TimeDelta),
    /// The providers do otherwise with sends to come.
    Providers(Value),
}

/// Draws the next operation.
pub fn draw(world: &World, state: &mut State, dice: &Dice) -> Operation {
    let is_stormy = world.is_stormy.load(std::sync::atomic::Ordering::SeqCst);
    match dice.below(100) {
        0..22 => return Operation::Work(1 + dice.below(4)),
        22..25 => return Operation::Sweep,
        25..27 => return Operation::Score,
        27..30 => return Operation::Wait(TimeDelta::seconds(if is_stormy { 1 + dice.below(60) as i64 } else { 1 })),
        30..34 if is_stormy => return Operation::Providers(behaviour(dice)),
        34..40 if !state.repeatable.is_empty() => return Operation::Again(recent(state, dice), None),
        40..42 if !state.repeatable.is_empty() => {
            let index = recent(state, dice);
            let kept = &state.repeatable[index];
            if kept.answer.is_some()
                && ["suggest", "chat", "activity", "contact", "recommendation"].contains(&kept.asked.kind)
            {
                return Operation::Reuse(index);
            }
        }
        42..47 => {
            if let Some(index) = unanswered(state, dice) {
                let kind = state.repeatable[index].asked.kind;
                return Operation::Again(index, dice.percent(60).then(|| fate(dice, kind, is_stormy)));
            }
        }
        _ => {}
    }
    let asked = request(world, state, dice);
    // What makes something or holds credits ends early more often, also where no retry comes after it.
    let is_making = ["suggest", "chat", "activity"].contains(&asked.kind);
    match dice.below(100) {
        0..12 if asked.method != "GET" => Operation::AskDoomed(fate(dice, asked.kind, is_stormy), asked),
        20..55 if is_making => Operation::AskDoomed(fate(dice, asked.kind, is_stormy), asked),
        12..17 if asked.key.is_some() => Operation::Ask(asked, 3),
        _ => Operation::Ask(asked, 1),
    }
}

/// Rather one of the latest.
fn recent(state: &State, dice: &Dice) -> usize {
    let count = state.repeatable.len();
    if dice.percent(60) { count - 1 - dice.below(count.min(20)) } else { dice.below(count) }
}

/// One with a key that nobody has answered yet: its function is at work, has failed or was killed.
fn unanswered(state: &State, dice: &Dice) -> Option<usize> {
    let all = state.repeatable.iter().enumerate().rev();
    let open = all.filter(|(_, kept)| kept.answer.is_none() && kept.asked.key.is_some()).map(|(index, _)| index);
    dice.one_of(&open.take(12).collect::<Vec<_>>()).copied()
}

/// How a function ends, or how it is held up. Only where things fail does so much time pass: others are at work
/// meanwhile.
fn fate(dice: &Dice, kind: &str, is_stormy: bool) -> Fate {
    // What holds credits ends rather while it does so.
    let (most, first) = (most_calls(kind), if ["suggest", "chat"].contains(&kind) { 4 } else { 0 });
    let first = if dice.percent(70) { first } else { 0 };
    let (calls, is_applied) = (first + dice.below(most - first), dice.percent(50));
    let seconds = |several: &[i64]| TimeDelta::seconds(dice.one_of(several).copied().unwrap_or_default());
    let then = match dice.below(10) {
        // Longer than a claim lasts, shorter than a hold; whoever takes over may be at work until after that.
        0..3 if is_stormy => Then::AskedAgain(seconds(&[40, 60, 80]), dice.percent(50).then(|| seconds(&[25]))),
        // Within the lease; longer; longer than a hold or a worker's lease; until the sweeper sends its message again.
        3..8 if is_stormy => Then::StandsStill(seconds(&[20, 45, 110, 110, 600])),
        _ => Then::Killed,
    };
    Fate { calls, is_applied, then }
}

/// How many calls to the store a request of a kind makes, about.
fn most_calls(kind: &str) -> usize {
    match kind {
        "activity" | "list" | "approve task" | "dismiss task" => 7,
        "suggest" | "reject" | "snooze" | "resolve" | "requeue" => 9,
        "work" => 12,
        _ => 14,
    }
}

/// How a worker ends, or how it is held up.
pub fn workers_fate(dice: &Dice, is_stormy: bool) -> Fate {
    fate(dice, "work", is_stormy)
}

fn behaviour(dice: &Dice) -> Value {
    let answers = ["busy", "fail", "drop", "drop", "accept"].map(Value::from);
    let answers = [&answers[..], &["21610", "21211"].map(|code| json!({ "refuse": code }))].concat();
    // To wait for a provider takes twelve seconds; its caller knows as little of one that has dropped the connection.
    let answer = if dice.below(30) == 0 { Some(Value::from("hang")) } else { dice.one_of(&answers).cloned() };
    let report = |event: Value| {
        let times = 1 + dice.below(3);
        json!({"event": event, "after_ms": dice.below(400), "times": times})
    };
    let events = [
        json!("sent"),
        json!("delivered"),
        json!("opened"),
        json!("bounced"),
        json!("complained"),
        json!({"failed": "30003"}),
        json!({"replied": "STOP"}),
        json!({"replied": "Yes please"}),
    ];
    let reports: Vec<_> = (0..dice.below(4)).filter_map(|_| dice.one_of(&events).cloned()).map(report).collect();
    json!({"times": 1 + dice.below(2), "answer": answer, "reports": reports, "delay_ms": dice.below(20)})
}

fn pick<'a>(dice: &Dice, several: impl IntoIterator<Item = &'a String>) -> Option<String> {
    let several: Vec<_> = several.into_iter().collect();
    dice.one_of(&several).map(|one| (*one).clone())
}

/// A request of some client to some route, with what is known so far.
fn request(world: &World, state: &mut State, dice: &Dice) -> Asked {
    let tenant = dice.below(MARKS.len());
    let serial = state.serial();
    // Every workspace uses the same keys.
    state.told[tenant].keys += 1;
    let key = dice.percent(70).then(|| format!("key-{}", state.told[tenant].keys));
    let keyed = |asked: Asked| Asked { key: key.clone(), ..asked };
    let told = &state.told[tenant];
    let contact = pick(dice, told.known_contacts());
    let asked = match dice.below(100) {
        0..6 => Some(keyed(new_contact(tenant, serial))),
        6..8 => Some(keyed(new_contacts(tenant, serial, dice))),
        8..15 => contact.map(|contact| keyed(activity(world, tenant, serial, &contact, dice))),
        15..21 => Some(messages(world, tenant, serial, dice)),
        21..26 => Some(webhook(world, tenant, serial, dice)),
        26..29 => stop(world, told, tenant, serial, dice),
        29..31 => Some(template_send(world, tenant, serial, dice)),
        31..33 => pick(dice, &told.writers).map(|writer| extraction(tenant, serial, &writer, dice)),
        33..39 => contact.map(|contact| {
            let body = json!({"contact_id": contact, "count": 1 + dice.below(5)});
            let about = key.clone().unwrap_or_default();
            keyed(Asked::new("suggest", tenant, "POST", crate::SUGGEST).body(body).about(about))
        }),
        39..44 => contact.map(|contact| keyed(follow_up(world, tenant, serial, &contact, dice))),
        44..51 => contact.map(|contact| keyed(recommendation(world, tenant, serial, &contact))),
        51..63 => decision(world, told, tenant, serial, dice).map(keyed),
        63..70 => Some(keyed(chat(told, tenant, serial, dice))),
        70..76 => task_decision(told, tenant, dice).map(keyed),
        76..83 => list_change(told, tenant, serial, dice, &keyed),
        83..94 => read(told, tenant, dice),
        _ => Some(nonsense(world, state, tenant, serial, dice)),
    };
    asked.unwrap_or_else(|| keyed(new_contact(tenant, serial)))
}

fn person(tenant: usize, serial: usize) -> Value {
    let mark = MARKS[tenant];
    json!({
        "full_name": format!("Ina {mark}"), "email": format!("ina{serial}@{mark}.example"),
        "phone": format!("+{}", phone(tenant, serial)), "company_name": format!("{mark} Works"), "job_title": "Counsel",
    })
}

fn new_contact(tenant: usize, serial: usize) -> Asked {
    let body = person(tenant, serial);
    let email = body["email"].as_str().unwrap_or_default().to_owned();
    Asked::new("contact", tenant, "POST", "/v1/contacts").body(body).about(email)
}

fn new_contacts(tenant: usize, serial: usize, dice: &Dice) -> Asked {
    let several: Vec<_> = (0..1 + dice.below(4)).map(|one| person(tenant, serial * 10 + 1_000_000 + one)).collect();
    // Every number is one contact's alone.
    let without_phone = several.into_iter().map(|mut person| {
        person["phone"] = Value::Null;
        person
    });
    Asked::new("contacts", tenant, "POST", "/v1/contacts/bulk")
        .body(json!({"contacts": without_phone.collect::<Vec<_>>()}))
}

fn ago(world: &World, minutes: usize) -> String {
    (world.api.clock.now() - TimeDelta::minutes(minutes as i64)).to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn activity(world: &World, tenant: usize, serial: usize, contact: &str, dice: &Dice) -> Asked {
    let (kind, direction) = (dice.one_of(&["email", "call", "meeting"]), dice.one_of(&["inbound", "outbound"]));
    let about = format!("activity-{serial}-of-{}", MARKS[tenant]);
    let body = json!({
        "contact_id": contact, "type": kind, "direction": direction, "title": format!("Pricing, {about}"),
        "body": "They asked for pricing and a proposal.", "occurred_at": ago(world, dice.below(20_000)),
    });
    Asked::new("activity", tenant, "POST", "/v1/activities").body(body).about(about)
}

/// Who writes: a number of a contact that may be there or not.
fn writer(tenant: usize, serial: usize, dice: &Dice) -> String {
    phone(tenant, dice.below(serial.clamp(1, 60)))
}

fn messages(world: &World, tenant: usize, serial: usize, dice: &Dice) -> Asked {
    let lead = writer(tenant, serial, dice);
    let several: Vec<_> = (0..1 + dice.below(3))
        .map(|one| {
            json!({
                "message_id": format!("m-{serial}-{one}"), "customer_phone": lead, "platform": "whatsapp",
                "sender": dice.one_of(&["user", "agent"]), "text": format!("{} writes of number {serial}", MARKS[tenant]),
                "timestamp": ago(world, dice.below(600)), "conversation_id": format!("conversation {}", dice.below(2)),
            })
        })
        .collect();
    Asked::new("messages", tenant, "POST", "/users/{user_id}/messages")
        .at("user_id", "me")
        .body(json!({"messages": several}))
}

fn webhook(world: &World, tenant: usize, serial: usize, dice: &Dice) -> Asked {
    let texts = (0..1 + dice.below(2)).map(|_| format!("{} says {serial}", MARKS[tenant])).collect();
    written("webhook", world, (tenant, serial), (&writer(tenant, serial, dice), texts), dice)
}

/// One of those who are about to be written to wants to be left alone.
fn stop(world: &World, told: &Told, tenant: usize, serial: usize, dice: &Dice) -> Option<Asked> {
    let latest: Vec<_> = told.to_be_sent.iter().rev().take(8).filter_map(|id| told.whom.get(id)).collect();
    let contact = *dice.one_of(&latest)?;
    let (email, _) = told.contacts.iter().find(|(_, id)| id.as_ref() == Some(contact))?;
    let number: usize = email.trim_start_matches("ina").split('@').next()?.parse().ok()?;
    Some(written("STOP", world, (tenant, serial), (&phone(tenant, number), vec!["STOP".to_owned()]), dice))
}

/// What Meta reports of texts that a lead has written.
fn written(
    kind: &'static str,
    world: &World,
    (tenant, serial): (usize, usize),
    (lead, texts): (&str, Vec<String>),
    dice: &Dice,
) -> Asked {
    let now = world.api.clock.now().timestamp();
    let said = texts.into_iter().enumerate().map(|(one, text)| {
        let at = (now - dice.below(3_000) as i64).to_string();
        let text = json!({ "body": text });
        json!({"from": lead, "id": format!("wamid.{serial}.{one}"), "timestamp": at, "type": "text", "text": text})
    });
    let contacts = json!([{"profile": {"name": format!("Ina {}", MARKS[tenant])}, "wa_id": lead}]);
    let metadata = json!({"display_phone_number": "15550783881", "phone_number_id": world.tenants[tenant].number_id});
    let value = json!({"messaging_product": "whatsapp", "metadata": metadata, "contacts": contacts, "messages": said.collect::<Vec<_>>()});
    let entry = json!([{"id": "1", "changes": [{"field": "messages", "value": value}]}]);
    Asked::new(kind, tenant, "POST", "/webhooks/meta")
        .body(json!({"object": "whatsapp_business_account", "entry": entry}))
}

fn template_send(world: &World, tenant: usize, serial: usize, dice: &Dice) -> Asked {
    let body = json!({"template_send_id": format!("t-{serial}"), "customer_phone": writer(tenant, serial, dice), "platform": "whatsapp", "sent_at": ago(world, dice.below(600))});
    Asked::new("template send", tenant, "POST", "/users/{user_id}/template-sends").at("user_id", "me").body(body)
}

fn extraction(tenant: usize, serial: usize, writer: &str, dice: &Dice) -> Asked {
    let mut body = json!({"name": format!("Ina {}", MARKS[tenant]), "company": format!("{} {serial}", MARKS[tenant])});
    for score in ["intent_score", "urgency_score", "budget_score", "fit_score", "engagement_score"] {
        body[score] = json!(1 + dice.below(3));
    }
    let route = "/users/{user_id}/leads/{customer_phone}/extraction";
    Asked::new("extraction", tenant, "PUT", route).at("user_id", "me").at("customer_phone", writer).body(body)
}

/// A word that only this serial number has, of letters alone: what is written may name it.
fn word(serial: usize) -> String {
    let letters: String = serial.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
    format!("mat{letters}ter")
}

fn follow_up(world: &World, tenant: usize, serial: usize, contact: &str, dice: &Dice) -> Asked {
    let product = format!("contract review of {}", word(serial));
    let body = json!({"siteId": world.tenants[tenant].site, "leadId": contact, "productInterest": [product]});
    let asked = Asked::new("follow-up", tenant, "POST", crate::FOLLOW_UP).body(body).about(product);
    Asked { prefer: Some(if dice.percent(80) { "respond-async" } else { "wait=1" }), ..asked }
}

fn recommendation(world: &World, tenant: usize, serial: usize, contact: &str) -> Asked {
    let summary = format!("They asked for a contract review of {}.", word(serial));
    let earlier = [20, 9].map(|days| ago(world, days * 1_440));
    let body = json!({
        "lead_id": contact, "account_tier": "mid-market", "recent_activity_summary": summary,
        "engagement_history": [{"type": "email", "outcome": "opened", "date": earlier[0]}, {"type": "phone_call", "outcome": "no_response", "date": earlier[1]}],
    });
    Asked::new("recommendation", tenant, "POST", "/api/v1/ai/followup/recommendation").body(body).about(summary)
}

fn decision(world: &World, told: &Told, tenant: usize, serial: usize, dice: &Dice) -> Option<Asked> {
    if dice.percent(12)
        && let Some(id) = pick(dice, &told.manual)
    {
        let (kind, route) = match dice.below(3) {
            0 => ("resolve", "/api/v1/ai/followup/recommendations/{id}/resolve"),
            _ => ("requeue", "/api/v1/ai/followup/recommendations/{id}/requeue"),
        };
        return Some(Asked::new(kind, tenant, "POST", route).at("id", &id).body(json!({})));
    }
    let undecided = told.recommendations.iter().filter(|id| !told.approvals.contains_key(*id));
    let id = if dice.percent(70) { pick(dice, undecided) } else { pick(dice, &told.recommendations) }?;
    let asked = |kind, route, body: Value| Asked::new(kind, tenant, "POST", route).at("id", &id).body(body);
    Some(match dice.below(20) {
        0..8 => {
            let text = format!("Hi Ina, shall we talk about matter number {serial}?");
            let channel = dice.one_of(&["email", "sms", "email", "sms", "whatsapp", "notification"]);
            let body = json!({"channel": channel, "draft_title": "A question", "draft_message": text});
            asked("approve", "/api/v1/ai/followup/recommendations/{id}/approve", body).about(text)
        }
        8..13 => asked("approve", "/api/v1/ai/followup/recommendations/{id}/approve", json!({})),
        13..16 => asked("reject", "/api/v1/ai/followup/recommendations/{id}/reject", json!({"reason": "Too long."})),
        16 => asked(
            "snooze",
            "/api/v1/ai/followup/recommendations/{id}/snooze",
            json!({"until": world.api.clock.now() + TimeDelta::days(9)}),
        ),
        17 | 18 => asked("resolve", "/api/v1/ai/followup/recommendations/{id}/resolve", json!({})),
        _ => asked("requeue", "/api/v1/ai/followup/recommendations/{id}/requeue", json!({})),
    })
}

fn chat(told: &Told, tenant: usize, serial: usize, dice: &Dice) -> Asked {
    let lists: Vec<_> = told.names.iter().filter(|(name, id)| name.starts_with("lexi") && id.is_some()).collect();
    let list = dice.one_of(&lists);
    let mut context = json!({});
    if let (Some(conversation), true) = (pick(dice, &told.conversations), dice.percent(40)) {
        context["conversation_id"] = json!(conversation);
    }
    let message = match (dice.below(12), list) {
        (0..4, Some((_, id))) => {
            context["list_id"] = json!(id);
            "Find me 3 CEOs at law firms in New York".to_owned()
        }
        (4..6, _) => "Find CEOs at law firms".to_owned(),
        (6..8, Some((name, id))) => {
            context["list_id"] = json!(id);
            format!("Create an outreach campaign for my '{name}' list about legal automation")
        }
        (8, _) => "How many credits do I have?".to_owned(),
        (9, _) => "Did you find them?".to_owned(),
        (10, _) => "Filter to only New York".to_owned(),
        _ => "Hello".to_owned(),
    };
    // No other message ends in these marks, and to whoever reads it they say nothing.
    let marks = format!("{serial:b}").replace('0', "?").replace('1', "!");
    let message = message + &marks;
    Asked::new("chat", tenant, "POST", "/v1/lexi/chat")
        .body(json!({"message": message, "context": context}))
        .about(message)
}

fn task_decision(told: &Told, tenant: usize, dice: &Dice) -> Option<Asked> {
    let open = told.tasks.iter().filter(|(_, is_approved)| !**is_approved).map(|(id, _)| id);
    let id = if dice.percent(70) { pick(dice, open) } else { pick(dice, told.tasks.keys()) }?;
    Some(match dice.below(5) {
        0 => Asked::new("dismiss task", tenant, "POST", "/v1/lexi/tasks/{id}/dismiss")
            .at("id", id)
            .body(json!({"reason": "testing"})),
        _ => Asked::new("approve task", tenant, "POST", "/v1/lexi/tasks/{id}/approve").at("id", id).body(json!({})),
    })
}

fn list_change(
    told: &Told,
    tenant: usize,
    serial: usize,
    dice: &Dice,
    keyed: &impl Fn(Asked) -> Asked,
) -> Option<Asked> {
    let new = || {
        let name = format!("{} {} {serial}", dice.one_of(&["own", "lexi"]).copied().unwrap_or("own"), MARKS[tenant]);
        keyed(Asked::new("list", tenant, "POST", "/v1/lists").body(json!({"name": name})).about(name))
    };
    let list = pick(dice, told.lists.keys());
    match (dice.below(10), list) {
        (0..6, Some(list)) => {
            let members = &told.lists[&list];
            let new: Vec<_> =
                told.known_contacts().into_iter().filter(|one| !members.contains_key(*one)).take(3).cloned().collect();
            let added = Asked::new("add to list", tenant, "POST", "/v1/lists/{id}/contacts").at("id", list);
            (!new.is_empty()).then(|| added.body(json!({"contact_ids": new})).about(new.join(" ")))
        }
        (6..8, Some(list)) => {
            let there: Vec<_> = told.lists[&list].iter().filter(|(_, is_there)| **is_there == Some(true)).collect();
            let contact = dice.one_of(&there)?.0.clone();
            let route = "/v1/lists/{id}/contacts/{contact_id}";
            Some(
                Asked::new("take off list", tenant, "DELETE", route)
                    .at("id", list)
                    .at("contact_id", &contact)
                    .about(contact),
            )
        }
        _ => Some(new()),
    }
}

fn read(told: &Told, tenant: usize, dice: &Dice) -> Option<Asked> {
    let of = |route| Asked::new("read", tenant, "GET", route);
    let with = |route, id: Option<String>| id.map(|id| of(route).at("id", id));
    Some(match dice.below(22) {
        0 => of("/v1/credits"),
        1 => of("/v1/contacts").query(format!("search={}", dice.one_of(&["ina", "pat", MARKS[tenant]])?)),
        2 => of("/v1/lists"),
        3 => return with("/v1/lists/{id}", pick(dice, told.lists.keys())),
        4 => return with("/v1/lists/{id}/contacts", pick(dice, told.lists.keys())),
        5 => of("/v1/campaigns"),
        6 => of("/v1/lexi/tasks")
            .query(format!("status={}", dice.one_of(&["pending", "completed", "failed", "running"])?)),
        7 => return with("/v1/lexi/tasks/{id}", pick(dice, told.tasks.keys())),
        8 => of("/v1/lexi/conversations"),
        9 => return with("/v1/lexi/conversations/{id}", pick(dice, &told.conversations)),
        10 => of("/api/v1/ai/followup/recommendations"),
        11 => return with("/api/v1/ai/followup/recommendations/{id}", pick(dice, &told.recommendations)),
        12 => return with("/api/v1/ai/followup/recommendations/{id}/audit", pick(dice, &told.recommendations)),
        13 => of("/api/v1/ai/followup/notifications")
            .query(format!("role={}", dice.one_of(&["manager", "representative", "compliance"])?)),
        14 => return with("/api/agents/commands/{id}", pick(dice, &told.commands)),
        15 | 16 => of("/users/{user_id}/leads").at("user_id", "me").query(format!(
            "limit={}&offset={}",
            1 + dice.below(50),
            dice.below(20)
        )),
        17 => of("/users/{user_id}/leads").at("user_id", "me").query(format!("search={}", MARKS[tenant])),
        18 => of("/users/{user_id}/leads/stats").at("user_id", "me"),
        19 => of("/users/{user_id}/leads/{customer_phone}")
            .at("user_id", "me")
            .at("customer_phone", pick(dice, &told.writers)?),
        _ => of("/users/{user_id}/leads/{customer_phone}/messages")
            .at("user_id", "me")
            .at("customer_phone", pick(dice, &told.writers)?),
    })
}

/// What no sensible client sends: wrong bodies, no permission, and what belongs to another workspace.
fn nonsense(world: &World, state: &State, tenant: usize, serial: usize, dice: &Dice) -> Asked {
    let rival = (tenant + 1 + dice.below(MARKS.len() - 1)) % MARKS.len();
    let theirs = &state.told[rival];
    let stolen = |ids: Option<String>| ids.unwrap_or_else(|| Uuid::from_u128(serial as u128).to_string());
    let of = |kind, method, route| Asked::new(kind, tenant, method, route);
    let broken = [
        json!(null),
        json!([]),
        json!(5),
        json!({"lead_id": 5, "siteId": [], "message": {}, "contact_id": "x", "name": ""}),
    ];
    let posts = [
        crate::SUGGEST,
        crate::FOLLOW_UP,
        "/api/v1/ai/followup/recommendation",
        "/v1/lexi/chat",
        "/v1/lists",
        "/v1/activities",
        "/v1/contacts/bulk",
    ];
    match dice.below(8) {
        0 | 1 => {
            let route = dice.one_of(&posts).copied().unwrap_or(crate::SUGGEST);
            of("wrong body", "POST", route).body(dice.one_of(&broken).cloned().unwrap_or_default())
        }
        2 => of("without permission", "POST", "/v1/contacts").body(person(tenant, serial)),
        3 => of("another's", "POST", crate::SUGGEST)
            .body(json!({"contact_id": stolen(pick(dice, theirs.known_contacts()))})),
        4 => of("another's", "POST", "/v1/lexi/tasks/{id}/approve")
            .at("id", stolen(pick(dice, theirs.tasks.keys())))
            .body(json!({})),
        5 => {
            let route = "/api/v1/ai/followup/recommendations/{id}/approve";
            of("another's", "POST", route).at("id", stolen(pick(dice, &theirs.recommendations))).body(json!({}))
        }
        6 => of("another's", "POST", crate::FOLLOW_UP)
            .body(json!({"siteId": world.tenants[rival].site, "leadId": stolen(pick(dice, theirs.known_contacts()))})),
        _ => of("another's", "GET", "/v1/lists/{id}/contacts").at("id", stolen(pick(dice, theirs.lists.keys()))),
    }
}
