//! Pages and totals of the lead list are exact: against a naive filter over all rows, in every order,
//! and while leads are written.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use shared::conversations::{Conversations, CustomerPhone, User};
use tests::Api;
use tests::leads_api::{USER, extract, ingest, list, listed, message};

/// Leads that differ in everything that is sorted or filtered by.
async fn many_leads(api: &Api, count: i64) {
    let conversations = Conversations::new(&api.stack.context).unwrap();
    let user = User::new(api.workspace, USER).unwrap();
    let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    for index in 0..count {
        let lead = CustomerPhone::parse(&format!("{index:03}")).unwrap();
        let at = start + TimeDelta::hours(index * 7 % 50);
        conversations
            .record_template_send(&user, &lead, "t", shared::conversations::row::Platform::ALL[index as usize % 3], at)
            .await
            .unwrap();
        if index % 3 > 0 {
            extract(
                api,
                lead.as_str(),
                [(index % 3) as u8, 1 + (index % 2) as u8, 2, 1, 3],
                json!({"name": (index % 4 > 0).then(|| format!("Name {}", index % 9))}),
            )
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_every_order_put_together_are_the_whole_list_also_while_leads_are_written() {
    let api = Api::without_scoring().await;
    many_leads(&api, 40).await;
    let writing = async {
        for round in 0..30 {
            // New messages of leads behind all others in every order that the pages go through.
            let old =
                message(&format!("w{round}"), &format!("zz{}", round % 5), "2020-01-01T00:00:00Z".parse().unwrap());
            ingest(&api, &old).await;
        }
    };
    let reading = async {
        for by in ["last_message_at", "first_contact_at", "total_score"] {
            let mut seen = Vec::new();
            for offset in (0..40).step_by(7) {
                seen.extend(listed(&api, &format!("sort_by={by}&limit=7&offset={offset}")).await);
            }
            let known: Vec<_> = seen.iter().filter(|lead| !lead.starts_with("zz")).take(40).collect();
            let distinct: BTreeSet<_> = known.iter().collect();
            assert_eq!(known.len(), distinct.len(), "{by}");
        }
    };
    tokio::join!(writing, reading);
    for by in ["last_message_at", "first_contact_at", "total_messages", "total_score", "name"] {
        for order in ["asc", "desc"] {
            let whole = listed(&api, &format!("sort_by={by}&sort_order={order}&limit=100")).await;
            assert_eq!(whole.len(), 45);
            let mut pages = Vec::new();
            for offset in (0..45).step_by(4) {
                pages.extend(listed(&api, &format!("sort_by={by}&sort_order={order}&limit=4&offset={offset}")).await);
            }
            assert_eq!(pages, whole, "{by} {order}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_is_in_every_list_and_count_once_its_write_is_answered_whoever_else_writes() {
    let api = Api::without_scoring().await;
    let answered = AtomicUsize::new(0);
    let writers = (0..4).map(|writer| {
        let (api, answered) = (&api, &answered);
        async move {
            for round in 0..8 {
                let lead = format!("{writer}{round}");
                ingest(api, &message(&lead, &lead, api.clock.now())).await;
                let least = answered.fetch_add(1, Ordering::SeqCst) + 1;
                assert_eq!(listed(api, &format!("customer_phone={lead}")).await, [lead.as_str()]);
                let total = |body: Value| body["pagination"]["total"].as_u64().unwrap() as usize;
                // Not less than what was answered, and each other writer has at most one more under way.
                let seen = total(list(api, "limit=1").await);
                assert!((least..=answered.load(Ordering::SeqCst) + 3).contains(&seen), "{seen} of {least}");
                extract(api, &lead, [3; 5], json!({"name": format!("Name of {lead}")})).await;
                assert_eq!(listed(api, &format!("lead_status=Hot&search=of%20{lead}")).await, [lead.as_str()]);
            }
        }
    });
    join_all(writers).await;
    let stats = api.get(&format!("/users/{USER}/leads/stats")).await.json()["data"].clone();
    assert_eq!((&stats["total_leads"], &stats["hot_leads"]), (&json!(32), &json!(32)));
}

#[test]
fn every_answer_agrees_with_a_naive_filter_over_all_rows() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let api = runtime.block_on(Api::without_scoring());
    runtime.block_on(many_leads(&api, 30));
    let all = runtime.block_on(list(&api, "limit=100"))["data"].as_array().unwrap().clone();
    let platform = prop::option::of(prop::sample::select(vec!["whatsapp", "instagram", "webchat"]));
    let status = prop::option::of(prop::sample::select(vec!["Hot", "Warm", "Cold"]));
    let strategy = (
        platform,
        status,
        prop::option::of(any::<bool>()),
        prop::option::of(5..=15_i64),
        prop::option::of("[0-9a-z ]{1,3}"),
        0..35_usize,
        1..20_usize,
    );
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&strategy, |(platform, status, extracted, score, search, offset, limit)| {
        let mut query = format!("sort_by=first_contact_at&sort_order=asc&limit={limit}&offset={offset}");
        let mut naive = all.clone();
        if let Some(platform) = platform {
            query += &format!("&platform={platform}");
            naive.retain(|lead| lead["platforms"].as_array().unwrap().contains(&json!(platform)));
        }
        if let Some(status) = status {
            query += &format!("&lead_status={status}");
            naive.retain(|lead| lead["lead_status"] == status);
        }
        if let Some(extracted) = extracted {
            query += &format!("&has_extraction={extracted}");
            naive.retain(|lead| lead["has_extraction"] == extracted);
        }
        if let Some(score) = score {
            query += &format!("&min_total_score={score}");
            naive.retain(|lead| lead["total_score"].as_i64().is_some_and(|total| total >= score));
        }
        if let Some(search) = search {
            query += &format!("&search={}", search.replace(' ', "%20"));
            let holds = |value: &Value| value.as_str().is_some_and(|text| text.to_lowercase().contains(&search));
            naive.retain(|lead| ["name", "email", "company", "customer_phone"].iter().any(|name| holds(&lead[*name])));
        }
        naive.sort_by_key(|lead| {
            (lead["first_contact_at"].as_str().unwrap().to_owned(), lead["customer_phone"].as_str().unwrap().to_owned())
        });
        let body = runtime.block_on(list(&api, &query));
        let expected: Vec<Value> = naive.iter().skip(offset).take(limit).cloned().collect();
        prop_assert_eq!(&body["pagination"]["total"], &json!(naive.len()), "{}", query);
        prop_assert_eq!(body["data"].as_array().unwrap(), &expected, "{}", query);
        Ok(())
    });
    outcome.unwrap();
}
